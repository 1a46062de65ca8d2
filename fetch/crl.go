package fetch

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
)

// CRLs fetches the lists at the distribution points of cert. The addresses are
// tried in their order, http before the rest; the first list that names the
// issuer and has not run out ends the search; its delta list comes with it, where
// there is one. Lists that ran out are returned too, beside the errors of what
// failed.
func (f *Fetcher) CRLs(ctx context.Context, cert, issuer *pki.Certificate) ([]*pki.RevocationList, error) {
	ctx, cancel, err := f.begin(ctx, true)
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
			return append(out, f.deltas(ctx, cert, list)...), nil
		}
	}
	return out, errors.Join(errs...)
}

// deltas fetches the delta list that cert or its complete list point to (RFC
// 5280, sections 4.2.1.15 and 5.2.6): the first that can be had. None is needed
// where the complete list is in force, so a failure is none of the call.
func (f *Fetcher) deltas(ctx context.Context, cert *pki.Certificate, base *pki.RevocationList) []*pki.RevocationList {
	if base.BaseNumber != nil {
		return nil
	}
	for _, u := range usable(slices.Concat(cert.FreshestCRL, base.FreshestCRL)) {
		if list, err := f.GetCRL(ctx, u); err == nil {
			return []*pki.RevocationList{list}
		}
	}
	return nil
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

// GetCRL fetches one list: DER, PEM or Base64. A large one that is DER stays in
// its file where there is a cache directory, and is scanned there.
func (f *Fetcher) GetCRL(ctx context.Context, url string) (*pki.RevocationList, error) {
	if f.o.Offline && f.disk == nil {
		return nil, offline()
	}
	v, err := f.obtain(ctx, want{
		key: "crl " + url, what: "a certificate revocation list", large: true,
		q: query{url: url, accept: "application/pkix-crl, */*;q=0.5", max: f.o.MaxCRL, large: true},
		parse: func(data []byte, file *io.SectionReader) (thing, error) {
			if file == nil {
				list, err := pki.ParseCRL(data)
				if err != nil {
					return thing{}, err
				}
				return thing{value: list, size: int64(len(data)), nextUpdate: list.NextUpdate}, nil
			}
			list, err := pki.OpenRevocationList(file, file.Size())
			if err != nil {
				return thing{}, err
			}
			return thing{value: list, size: file.Size() / 32, nextUpdate: list.NextUpdate, inFile: true}, nil
		},
	})
	if err != nil {
		return nil, err
	}
	return v.(*pki.RevocationList), nil
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
