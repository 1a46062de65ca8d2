package fetch

import (
	"context"

	"github.com/gosklyuch/gosklyuch/internal/limits"
)

// TimeStamp sends the DER of a TimeStampReq to an authority and returns the
// body of its answer (RFC 3161, section 3.4: POST with the content type
// application/timestamp-query). The answer is not read and nothing of it is
// cached. An authority in the caller's own network must be among
// Options.TypedURLs.
func (f *Fetcher) TimeStamp(ctx context.Context, url string, request []byte) ([]byte, error) {
	ctx, cancel, err := f.begin(ctx, false)
	if err != nil {
		return nil, err
	}
	defer cancel()
	data, _, err := f.object(ctx, query{
		url: url, body: request, kind: "application/timestamp-query",
		accept: "application/timestamp-reply", max: limits.TimeStampSize,
	}, "a time-stamp response")
	return data, err
}

// TimeStamper returns the Send of a tsp.Requester that asks the authority at
// url.
func (f *Fetcher) TimeStamper(url string) func(context.Context, []byte) ([]byte, error) {
	return func(ctx context.Context, request []byte) ([]byte, error) { return f.TimeStamp(ctx, url, request) }
}
