package ca

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// Renewal is a request for a new certificate that the holder of an earlier one
// signed with that one's key. Only [Issuer.CheckRenewal] makes one.
type Renewal struct {
	message []byte
	csr     *pki.CertificateRequest
	old     Entry
	cert    *pki.Certificate // the earlier one
	sameKey bool
}

// Request returns the request that came in the message.
func (r *Renewal) Request() *pki.CertificateRequest { return r.csr }

// Old returns what the ledger knows about the earlier certificate.
func (r *Renewal) Old() Entry { return r.old }

// SameKey reports whether the new certificate is to be for the old key.
func (r *Renewal) SameKey() bool { return r.sameKey }

// ErrRenewal is what every refused renewal unwraps to.
var ErrRenewal = errors.New("ca: the renewal is refused")

func refuseRenewal(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrRenewal, fmt.Errorf(format, args...))
}

// CheckRenewal reads a renewal: a CMS SignedData in DER (RFC 5652, section 5) of
// at most limits.RenewalMessage octets whose content is a PKCS #10 request in
// DER, with one signature by the key of a certificate of this authority that is
// valid, unrevoked and not on hold now, and whose key is within its period. The
// subject of the request must be that certificate's, octet by octet, and a
// subjectAltName may have no name that it does not have: what nobody looks at
// again brings nothing new. Everything else is [ErrRenewal]. The request's own signature proves the new key; it is checked
// when the request is.
func (i *Issuer) CheckRenewal(ctx context.Context, message []byte) (*Renewal, error) {
	if len(message) > limits.RenewalMessage {
		return nil, refuseRenewal("the message is larger than %d octets", limits.RenewalMessage)
	}
	var content bytes.Buffer
	sd, err := cms.ReadSigned(bytes.NewReader(message), &content, cms.Limits{})
	if err != nil {
		return nil, refuseRenewal("%w", err)
	}
	if sd.Detached || sd.ContentType != oid.Data || len(sd.Signers) != 1 {
		return nil, refuseRenewal("one signature over an enclosed request is expected")
	}
	r := &Renewal{message: bytes.Clone(message)}
	if r.csr, err = pki.ParseRequest(content.Bytes()); err != nil {
		return nil, refuseRenewal("%w", err)
	}
	if err := i.findRenewed(ctx, sd.Signers[0], r); err != nil {
		return nil, err
	}
	if _, err := sd.CheckSigner(0, r.cert); err != nil {
		return nil, refuseRenewal("the signature does not hold: %w", err)
	}
	return r, i.checkRenewed(r)
}

// findRenewed finds the earlier certificate on the ledger. What the message
// carries decides nothing.
func (i *Issuer) findRenewed(ctx context.Context, si *cms.SignerInfo, r *Renewal) error {
	if si.Serial == nil || !bytes.Equal(si.Issuer.Raw, i.cert.RawSubject) {
		return refuseRenewal("the signer is not named by issuer and serial number, or by another issuer")
	}
	serial, err := SerialFrom(si.Serial)
	if err != nil {
		return refuseRenewal("%w", err)
	}
	return i.ledger.View(ctx, func(tx ReadTx) error {
		if r.old, err = tx.Entry(serial); err != nil {
			if errors.Is(err, ErrNotFound) {
				return refuseRenewal("%w", err)
			}
			return err
		}
		der, err := tx.Certificate(serial)
		if err != nil {
			return err
		}
		r.cert, err = pki.ParseCertificate(der)
		return err
	})
}

// checkRenewed holds what the earlier certificate must be now.
func (i *Issuer) checkRenewed(r *Renewal) error {
	now, c := i.seconds(), r.cert
	switch {
	case r.old.Status != Valid:
		return refuseRenewal("the certificate %s is %s", r.old.Serial, r.old.Status)
	case now.Before(c.NotBefore) || now.After(c.NotAfter):
		return refuseRenewal("the certificate %s was valid until %s", r.old.Serial, c.NotAfter.Format(time.RFC3339))
	case !c.PrivateKeyNotAfter.IsZero() && now.After(c.PrivateKeyNotAfter):
		return refuseRenewal("the key of %s could be used until %s", r.old.Serial, c.PrivateKeyNotAfter.Format(time.RFC3339))
	case now.Before(c.PrivateKeyNotBefore):
		return refuseRenewal("the key of %s may be used from %s", r.old.Serial, c.PrivateKeyNotBefore.Format(time.RFC3339))
	case c.IsCA:
		return refuseRenewal("an authority's certificate is not renewed this way")
	case c.KeyUsage&(pki.KeyUsageDigitalSignature|pki.KeyUsageContentCommitment) == 0:
		return refuseRenewal("the key of %s may not sign", r.old.Serial)
	case !bytes.Equal(r.csr.RawSubject, c.RawSubject):
		// Octet by octet: names that compare as equal (RFC 5280, section 7.1)
		// may still be written differently, and nobody looked at this one.
		return refuseRenewal("the subject differs from that of %s", r.old.Serial)
	}
	for _, n := range r.csr.Requested().SubjectAltNames {
		if !slices.ContainsFunc(c.SubjectAltNames, n.Equal) {
			return refuseRenewal("the subjectAltName has a name that %s does not have", r.old.Serial)
		}
	}
	r.sameKey = alg.EqualKeys(r.csr.PublicKey, c.PublicKey)
	return nil
}

// still refuses a renewal whose earlier certificate is no longer valid in the
// transaction that issues the next one. A nil Renewal renews nothing.
func (r *Renewal) still(tx ReadTx) error {
	if r == nil {
		return nil
	}
	e, err := tx.Entry(r.old.Serial)
	if err != nil {
		return err
	}
	if e.Status != Valid {
		return refuseRenewal("the certificate %s is %s", e.Serial, e.Status)
	}
	return nil
}

// fits reports whether the renewal is of the request and the profile allows it.
// A nil Renewal fits.
func (r *Renewal) fits(p Profile, csr *pki.CertificateRequest) error {
	switch {
	case r == nil:
		return nil
	case !bytes.Equal(r.csr.Raw, csr.Raw):
		return refuseRenewal("it is of another request")
	case r.sameKey && !p.RenewSameKey:
		return refuseRenewal("the profile %s asks for a new key", p.Ref())
	}
	if name, _, ok := splitRef(r.old.Profile); !ok || name != p.Name {
		return refuseRenewal("the certificate %s is of the profile %s", r.old.Serial, r.old.Profile)
	}
	return nil
}

// keyPeriod bounds the period [now, end] of a key that is certified again: it
// starts on the key's first day, and all its certificates together do not reach
// beyond the profile's period of a key, where it has one, else its longest
// validity, counted from there.
func (r *Renewal) keyPeriod(p Profile, now, end time.Time) (from, to time.Time, err error) {
	if r == nil || !r.sameKey {
		return now, end, nil
	}
	months := cmp.Or(p.KeyMonths, p.maxMonths(), subscriberMonths)
	if from = r.cert.PrivateKeyNotBefore; from.IsZero() {
		from = r.cert.NotBefore
	}
	last := addMonths(from, months)
	if !last.After(now) {
		return from, to, refuseRenewal("the key is in use since %s; a new one is needed", from.Format(time.DateOnly))
	}
	if end.After(last) {
		end = last
	}
	return from, end, nil
}

// SignRenewal makes the message that [Issuer.CheckRenewal] reads: the request,
// enclosed and signed with the key of the earlier certificate at a time.
func SignRenewal(random io.Reader, csr *pki.CertificateRequest, old *pki.Certificate, key crypto.Signer, at time.Time) ([]byte, error) {
	if !alg.EqualKeys(old.PublicKey, key.Public()) {
		return nil, fmt.Errorf("%w: the key is not that of the earlier certificate", ErrRenewal)
	}
	digests, n, err := cms.Digest(bytes.NewReader(csr.Raw), alg.HashForKey(old.PublicKey))
	if err != nil {
		return nil, fmt.Errorf("ca: renewal: %w", err)
	}
	si, err := signStatement(random, digests, old, key, at)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	m := cms.Message{}
	m.AddCertificates(old)
	if err := cms.WriteAttached(&out, m, bytes.NewReader(csr.Raw), n, []*cms.SignerInfo{si}, nil); err != nil {
		return nil, fmt.Errorf("ca: renewal: %w", err)
	}
	return out.Bytes(), nil
}
