package ca

import (
	"bytes"
	"context"
	"errors"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// SameKeyRenewal is [Issuer.CheckRenewal] for a request for the very key of an
// earlier certificate. Such a request carries a signature of that key itself,
// which stays on record in the place of the message; that the holder asks now,
// and nobody who found the request, the caller has made sure of (RFC 7030,
// section 4.2.2: by the TLS connection). Subject and subjectAltName must be those of
// the earlier certificate. Everything else is [ErrRenewal].
func (i *Issuer) SameKeyRenewal(ctx context.Context, csr *pki.CertificateRequest, old Serial) (*Renewal, error) {
	r := &Renewal{csr: csr}
	err := i.ledger.View(ctx, func(tx ReadTx) (err error) {
		if r.old, err = tx.Entry(old); err != nil {
			if errors.Is(err, ErrNotFound) {
				return refuseRenewal("%w", err)
			}
			return err
		}
		der, err := tx.Certificate(old)
		if err != nil {
			return err
		}
		r.cert, err = pki.ParseCertificate(der)
		return err
	})
	if err != nil {
		return nil, err
	}
	wanted, asked := csr.Extension(oid.SubjectAltName)
	had, has := r.cert.Extension(oid.SubjectAltName)
	switch {
	case !alg.EqualKeys(csr.PublicKey, r.cert.PublicKey):
		return nil, refuseRenewal("the key is not that of %s", old)
	case asked != has || !bytes.Equal(wanted.Value, had.Value):
		// RFC 7030, section 4.2.2: "The request Subject field and
		// SubjectAltName extension MUST be identical to the corresponding
		// fields in the certificate being renewed/rekeyed."
		return nil, refuseRenewal("the subjectAltName differs from that of %s", old)
	}
	if err := csr.CheckSignature(); err != nil {
		return nil, refuseRenewal("the signature does not hold: %w", err)
	}
	return r, i.checkRenewed(r)
}
