package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
)

// Issuers fetches the certificates at the caIssuers addresses of cert (RFC
// 5280, section 4.2.2.1): one certificate, several in PEM, or a "certs-only" CMS
// message. The addresses are tried in their order; the first with a certificate
// of the issuer's name ends the search. What is returned are candidates,
// nothing more, and no more than limits.FetchIssuers.
func (f *Fetcher) Issuers(ctx context.Context, cert *pki.Certificate) ([]*pki.Certificate, error) {
	ctx, cancel, err := f.begin(ctx, true)
	if err != nil {
		return nil, err
	}
	defer cancel()
	urls := usable(cert.IssuingCertificateURLs)
	if len(urls) == 0 {
		return nil, noURL("the issuer's certificate")
	}
	var out []*pki.Certificate
	var errs []error
	for _, u := range urls {
		list, err := f.getCertificates(ctx, u)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for i, c := range list {
			if c.Subject.Equal(cert.Issuer) {
				list[0], list[i] = list[i], list[0]
				return list, nil
			}
		}
		out = append(out, list...)
	}
	if len(out) > 0 {
		return out[:min(len(out), limits.FetchIssuers)], nil
	}
	return nil, errors.Join(errs...)
}

// getCertificates fetches what lies at one address. The slice is the caller's.
func (f *Fetcher) getCertificates(ctx context.Context, url string) ([]*pki.Certificate, error) {
	v, err := f.obtain(ctx, want{
		key: "cert " + url, what: "a certificate", many: true, timeless: true,
		q: query{url: url, accept: "application/pkix-cert, application/pkcs7-mime, */*;q=0.5", max: limits.FetchIssuersBytes},
		parse: func(data []byte, _ *io.SectionReader) (thing, error) {
			list, err := parseCertificates(data)
			if err != nil {
				return thing{}, err
			}
			return thing{value: list, size: int64(len(data))}, nil
		},
	})
	if err != nil {
		return nil, err
	}
	return append([]*pki.Certificate(nil), v.([]*pki.Certificate)...), nil
}

// parseCertificates reads DER objects that follow one another: certificates and
// certs-only messages. Those that cannot be read are left out if others can.
func parseCertificates(data []byte) ([]*pki.Certificate, error) {
	if der.Sniff(data) == der.KindSignedData { // may be BER
		return certsOnly(data)
	}
	var out []*pki.Certificate
	var first error
	note := func(err error) {
		if first == nil {
			first = err
		}
	}
	for s := cryptobyte.String(data); !s.Empty() && len(out) < limits.FetchIssuers; {
		var one cryptobyte.String
		if !s.ReadASN1Element(&one, asn1.SEQUENCE) {
			note(errors.New("not one DER SEQUENCE after another"))
			break
		}
		if der.Sniff(one) == der.KindSignedData {
			list, err := certsOnly(one)
			out = append(out, list...)
			note(err)
			continue
		}
		c, err := pki.ParseCertificate(bytes.Clone(one))
		if err != nil {
			note(err)
			continue
		}
		out = append(out, c)
	}
	if len(out) == 0 {
		return nil, first
	}
	return out[:min(len(out), limits.FetchIssuers)], nil
}

// certsOnly reads a message without content and signers (RFC 8551, section
// 3.8), of which the certificates are taken.
func certsOnly(data []byte) ([]*pki.Certificate, error) {
	sd, err := cms.ReadSigned(bytes.NewReader(data), io.Discard, cms.Limits{})
	if err != nil {
		return nil, fmt.Errorf("certs-only message: %w", err)
	}
	if len(sd.Certificates) == 0 {
		return nil, errors.New("certs-only message: no certificate inside")
	}
	return sd.Certificates[:min(len(sd.Certificates), limits.FetchIssuers)], nil
}
