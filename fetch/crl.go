package fetch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
)

// CRLs fetches the lists at the distribution points of cert. The addresses are
// tried in their order, http before the rest; the first list that names the
// issuer and has not run out ends the search. Lists that ran out are returned
// too, beside the errors of what failed.
func (f *Fetcher) CRLs(ctx context.Context, cert, issuer *pki.Certificate) ([]*pki.RevocationList, error) {
	ctx, cancel, err := f.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	urls := usable(cert.CRLDistributionPoints)
	if len(urls) == 0 {
		return nil, noURL("a revocation list")
	}
	var out []*pki.RevocationList
	var errs []error
	for _, u := range urls {
		list, err := f.GetCRL(ctx, u)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		out = append(out, list)
		if list.Issuer.Equal(issuer.Subject) && covers(list, cert) && !f.o.Now().After(list.NextUpdate) {
			return out, nil
		}
	}
	return out, errors.Join(errs...)
}

// covers says whether the scope of the list includes cert for every reason
// (RFC 5280, section 5.2.5), so that no other list can be needed.
func covers(list *pki.RevocationList, cert *pki.Certificate) bool {
	if list.BaseNumber != nil {
		return false // a delta
	}
	p := list.IDP
	return p == nil || p.OnlySomeReasons == 0 && !p.IndirectCRL && !p.OnlyAttributeCerts &&
		(!p.OnlyUserCerts || !cert.IsCA) && (!p.OnlyCACerts || cert.IsCA)
}

// GetCRL fetches one list: DER, PEM or Base64.
func (f *Fetcher) GetCRL(ctx context.Context, url string) (*pki.RevocationList, error) {
	if f.o.Offline {
		return nil, &Error{Kind: KindOffline, Err: ErrOffline}
	}
	v, err := f.cache.get(ctx, "crl "+url, f.o.Now, func() (any, int64, time.Time, error) {
		raw, err := f.object(ctx, query{url: url, accept: "application/pkix-crl, */*;q=0.5", max: f.o.MaxCRL, large: true},
			"a certificate revocation list")
		if err != nil {
			return nil, 0, time.Time{}, err
		}
		list, err := pki.ParseCRL(raw)
		if err != nil {
			return nil, 0, time.Time{}, &Error{
				Kind: KindContent, URL: showRaw(url), Err: err,
				Detail: "not a certificate revocation list",
			}
		}
		return list, int64(len(raw)), f.expiry(list.NextUpdate, f.o.CacheAge), nil
	})
	if err != nil {
		return nil, err
	}
	return v.(*pki.RevocationList), nil
}

// Issuers fetches the certificates at the caIssuers addresses of cert (RFC
// 5280, section 4.2.2.1). They are candidates, nothing more.
func (f *Fetcher) Issuers(ctx context.Context, cert *pki.Certificate) ([]*pki.Certificate, error) {
	ctx, cancel, err := f.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	urls := usable(cert.IssuingCertificateURLs)
	if len(urls) == 0 {
		return nil, noURL("the issuer's certificate")
	}
	var errs []error
	for _, u := range urls {
		v, err := f.cache.get(ctx, "cert "+u, f.o.Now, func() (any, int64, time.Time, error) { return f.certificate(ctx, u) })
		if err != nil {
			errs = append(errs, err)
			continue
		}
		return []*pki.Certificate{v.(*pki.Certificate)}, nil
	}
	return nil, errors.Join(errs...)
}

func (f *Fetcher) certificate(ctx context.Context, u string) (any, int64, time.Time, error) {
	raw, err := f.object(ctx, query{url: u, accept: "application/pkix-cert, */*;q=0.5", max: limits.CertificateBytes}, "a certificate")
	if err != nil {
		return nil, 0, time.Time{}, err
	}
	c, err := pki.ParseCertificate(raw)
	if err != nil {
		return nil, 0, time.Time{}, &Error{Kind: KindContent, URL: showRaw(u), Detail: "not a certificate", Err: err}
	}
	return c, int64(len(raw)), f.expiry(time.Time{}, f.o.CacheAge), nil
}

// object fetches one object and takes it out of PEM or Base64. What is
// something else entirely, such as an HTML page with status 200, is named.
func (f *Fetcher) object(ctx context.Context, q query, want string) ([]byte, error) {
	data, err := f.do(ctx, q)
	if err != nil {
		return nil, err
	}
	blocks, err := der.Decode(data)
	var not *der.NotDERError
	switch {
	case errors.As(err, &not):
		return nil, &Error{Kind: KindContent, URL: showRaw(q.url), Detail: fmt.Sprintf("the server sent %s, not %s", not.Kind, want)}
	case err != nil:
		return nil, &Error{Kind: KindContent, URL: showRaw(q.url), Detail: "the server did not send " + want, Err: err}
	case len(blocks) != 1:
		return nil, &Error{Kind: KindContent, URL: showRaw(q.url), Detail: fmt.Sprintf("the server sent %d objects, not one", len(blocks))}
	}
	return blocks[0].Bytes, nil
}

func showRaw(raw string) string {
	u, err := parseURL(raw)
	if err != nil {
		return ""
	}
	return show(u)
}

// expiry is how long evidence may be reused: until nextUpdate, at most age.
func (f *Fetcher) expiry(nextUpdate time.Time, age time.Duration) time.Time {
	t := f.o.Now().Add(age)
	if !nextUpdate.IsZero() && nextUpdate.Before(t) {
		return nextUpdate
	}
	return t
}

// usable bounds and orders addresses: http first, because evidence is signed
// and needs no TLS, then https, then what will only be named as unsupported.
func usable(urls []string) []string {
	rank := func(u string) int {
		switch l := strings.ToLower(strings.TrimSpace(u)); {
		case strings.HasPrefix(l, "http://"):
			return 0
		case strings.HasPrefix(l, "https://"):
			return 1
		}
		return 2
	}
	out := slices.Clone(urls)
	slices.SortStableFunc(out, func(a, b string) int { return rank(a) - rank(b) })
	out = slices.Compact(out)
	return out[:min(len(out), limits.FetchURLs)]
}
