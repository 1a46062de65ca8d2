package fetch

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"time"

	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
)

// ocspAge bounds the reuse of a response: unlike a list it is expected to be
// current.
const ocspAge = 5 * time.Minute

// errNonce is in the chain where a responder answered another request.
var errNonce = errors.New("fetch: the nonce of the response is not that of the request")

// OCSP asks the responders that cert names, or Options.OCSPURL, one after the
// other until one answers about cert. The CertID is computed with SHA-1, which
// every responder knows (RFC 5019, section 2.1.1), and once more with
// Streebog-256 where that is refused. The request has a nonce; a response
// with another nonce is refused here, one without is returned.
func (f *Fetcher) OCSP(ctx context.Context, cert, issuer *pki.Certificate) ([]*ocsp.Response, error) {
	ctx, cancel, err := f.begin(ctx, true)
	if err != nil {
		return nil, err
	}
	defer cancel()
	urls := usable(cert.OCSPServers)
	if f.o.OCSPURL != "" {
		urls = []string{f.o.OCSPURL}
	}
	if len(urls) == 0 {
		return nil, noURL("an OCSP responder")
	}
	var errs []error
	for _, u := range urls {
		r, err := f.askCached(ctx, u, cert, issuer)
		if err == nil {
			return []*ocsp.Response{r}, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

func (f *Fetcher) askCached(ctx context.Context, url string, cert, issuer *pki.Certificate) (*ocsp.Response, error) {
	_, sum, _ := cert.Thumbprints()
	_, issuerSum, _ := issuer.Thumbprints()
	key := "ocsp " + hex.EncodeToString(sum) + hex.EncodeToString(issuerSum) + " " + url
	v, err := f.cache.get(ctx, key, f.o.Now, func() (any, int64, time.Time, error) {
		r, next, err := f.findOCSP(ctx, key, url, cert, issuer)
		if err != nil {
			return nil, 0, time.Time{}, err
		}
		return r, int64(len(r.Raw)), f.expiry(next, min(ocspAge, f.o.CacheAge)), nil
	})
	if err != nil {
		return nil, err
	}
	return v.(*ocsp.Response), nil
}

// findOCSP looks on disk for a response that is fresh, or for any where
// connections are forbidden, and asks the responder.
func (f *Fetcher) findOCSP(ctx context.Context, key, url string, cert, issuer *pki.Certificate) (*ocsp.Response, time.Time, error) {
	if old := f.disk.open(key); old != nil {
		data, err := io.ReadAll(old.body())
		old.close()
		if err == nil && (f.o.Offline || old.fresh(f.o.Now())) {
			if r, err := ocsp.ParseResponse(data); err == nil {
				return r, old.NextUpdate, nil
			}
			f.disk.remove(key)
		}
	}
	if f.o.Offline {
		return nil, time.Time{}, offline()
	}
	r, next, life, err := f.ask(ctx, url, cert, issuer)
	if err != nil {
		return nil, time.Time{}, err
	}
	if in := f.disk.create(); in != nil {
		if _, err := in.Write(r.Raw); err != nil {
			in.abort()
			return r, next, nil
		}
		in.commit(entryHead{Key: key, Lifetime: int64(min(life, ocspAge) / time.Second), NextUpdate: next}, false)
	}
	return r, next, nil
}

// ask makes at most two requests to one responder and returns the response
// together with the nextUpdate of the answer and how long the responder lets it
// be kept.
func (f *Fetcher) ask(ctx context.Context, url string, cert, issuer *pki.Certificate) (*ocsp.Response, time.Time, time.Duration, error) {
	var last error
	for _, h := range []func() (*ocsp.Request, error){
		func() (*ocsp.Request, error) { return ocsp.NewRequest(f.o.Rand, cert, issuer, ocsp.SHA1(), true) },
		func() (*ocsp.Request, error) {
			return ocsp.NewRequest(f.o.Rand, cert, issuer, ocsp.Streebog256(), true)
		},
	} {
		req, err := h()
		if err != nil {
			return nil, time.Time{}, 0, err
		}
		r, life, err := f.queryOCSP(ctx, url, req)
		if err != nil {
			return nil, time.Time{}, 0, err
		}
		if r.Status == ocsp.Successful {
			for _, one := range r.Singles {
				if one.ID.Matches(cert, issuer) && one.Status != ocsp.Unknown {
					return r, one.NextUpdate, life, nil
				}
			}
		}
		last = refusal(url, r)
		if !worthRetry(r.Status) {
			break
		}
	}
	return nil, time.Time{}, 0, last
}

// worthRetry: a responder that does not know the digest answers unauthorized
// or malformedRequest, some answer unknown or fail.
func worthRetry(s ocsp.ResponseStatus) bool {
	return s != ocsp.TryLater && s != ocsp.SigRequired
}

func refusal(url string, r *ocsp.Response) error {
	detail := "the responder answered " + r.Status.String()
	if r.Status == ocsp.Successful {
		detail = "the responder does not know the certificate"
	}
	return &Error{
		Kind: KindContent, URL: showRaw(url), Detail: detail,
		Err: &ocsp.Error{Kind: ocsp.KindErrorStatus, Status: r.Status, Detail: "no answer about the certificate"},
	}
}

// QueryOCSP sends one request to one responder and returns its response, of
// whatever status. A nonce that differs from that of the request is an error.
func (f *Fetcher) QueryOCSP(ctx context.Context, url string, req *ocsp.Request) (*ocsp.Response, error) {
	r, _, err := f.queryOCSP(ctx, url, req)
	return r, err
}

func (f *Fetcher) queryOCSP(ctx context.Context, url string, req *ocsp.Request) (*ocsp.Response, time.Duration, error) {
	data, life, err := f.postOCSP(ctx, url, req.Raw)
	if err != nil {
		return nil, 0, err
	}
	r, err := ocsp.ParseResponse(data)
	if err != nil {
		return nil, 0, &Error{Kind: KindContent, URL: showRaw(url), Detail: "not an OCSP response", Err: err}
	}
	if req.Nonce != nil && r.Nonce != nil && string(req.Nonce) != string(r.Nonce) {
		return nil, 0, &Error{Kind: KindContent, URL: showRaw(url), Err: errNonce}
	}
	return r, life, nil
}

// PostOCSP sends the DER of an OCSPRequest (RFC 6960, appendix A.1: POST with
// the content type application/ocsp-request) and returns the body of the
// answer, taken out of PEM or Base64.
func (f *Fetcher) PostOCSP(ctx context.Context, url string, request []byte) ([]byte, error) {
	data, _, err := f.postOCSP(ctx, url, request)
	return data, err
}

func (f *Fetcher) postOCSP(ctx context.Context, url string, request []byte) ([]byte, time.Duration, error) {
	ctx, cancel, err := f.begin(ctx, false)
	if err != nil {
		return nil, 0, err
	}
	defer cancel()
	return f.object(ctx, query{
		url: url, body: request, kind: "application/ocsp-request",
		accept: "application/ocsp-response", max: f.o.MaxOCSP,
	}, "an OCSP response")
}
