package pki

import (
	"errors"
	"fmt"

	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// CheckRequestSignatures returns for each request what its CheckSignature
// returns. Many GOST signatures are verified faster together than one by one.
func CheckRequestSignatures(list []*CertificateRequest) []error {
	return checkSignatures(len(list), func(i int) signatureCheck {
		q := list[i]
		return signatureCheck{
			issuer: &Certificate{PublicKey: q.PublicKey, PublicKeyError: q.PublicKeyError},
			outer:  q.SignatureAlgorithm, unused: q.signatureUnused, tbs: q.RawTBS, sig: q.Signature,
		}
	})
}

// CheckSignaturesFrom returns for each certificate what its CheckSignatureFrom
// returns, as CheckRequestSignatures does.
func CheckSignaturesFrom(list []*Certificate, parent *Certificate) []error {
	return checkSignatures(len(list), func(i int) signatureCheck {
		c := list[i]
		return signatureCheck{parent, c.SignatureAlgorithm, c.TBSSignatureAlgorithm, c.signatureUnused, c.RawTBSCertificate, c.Signature}
	})
}

// signatureCheck is what is known of the outer signature of a certificate,
// request or CRL. inner is the algorithm inside the signed part; zero where there
// is none.
type signatureCheck struct {
	issuer       *Certificate
	outer, inner alg.Identifier
	unused       int
	tbs, sig     []byte
}

// form refuses what no computation needs to show.
func (c signatureCheck) form() error {
	// RFC 5280, 4.1.1.2 and 5.1.1.2: both identifiers must be the same; absent
	// and NULL parameters are.
	if !c.inner.IsZero() && !c.outer.Equivalent(c.inner) {
		return ErrAlgorithmMismatch
	}
	if c.unused != 0 {
		return ErrSignatureForm
	}
	if c.issuer.PublicKey == nil {
		return errors.Join(ErrNoKey, c.issuer.PublicKeyError)
	}
	return nil
}

// checkSignatures verifies n signatures.
func checkSignatures(n int, at func(int) signatureCheck) []error {
	errs := make([]error, n)
	checks, places := make([]alg.MessageCheck, 0, n), make([]int, 0, n)
	for i := range n {
		c := at(i)
		if errs[i] = c.form(); errs[i] == nil {
			checks = append(checks, alg.MessageCheck{Key: c.issuer.PublicKey, Algorithm: c.outer, Message: c.tbs, Signature: c.sig})
			places = append(places, i)
		}
	}
	for k, err := range alg.VerifyMessages(checks) {
		if err != nil {
			errs[places[k]] = fmt.Errorf("pki: %w", err)
		}
	}
	return errs
}
