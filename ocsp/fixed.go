package ocsp

import (
	"bytes"
	"sync"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// fixed is what every answer of a responder would compute again: digests of
// certificates that do not change. The zero value is ready; what is kept is
// bounded by the number of digests that this module knows.
type fixed struct {
	issuer sync.Map // issuerDigest -> issuerHash
	key    sync.Map // *pki.Certificate of a responder -> []byte
}

// issuerDigest is an issuer, the object itself, with a digest that a CertID names.
type issuerDigest struct {
	issuer *pki.Certificate
	digest oid.OID
}

// names says whether a CertID is of a certificate of the issuer.
func (f *fixed) names(issuer *pki.Certificate, id CertID) bool {
	k := issuerDigest{issuer, id.Hash.OID}
	v, ok := f.issuer.Load(k)
	if !ok {
		name, key, err := issuerHashes(issuer.RawSubject, issuer, alg.Identifier{OID: id.Hash.OID})
		if err != nil { // a digest that is not known: it is not kept
			return false
		}
		v, _ = f.issuer.LoadOrStore(k, issuerHash{name, key})
	}
	h := v.(issuerHash)
	return bytes.Equal(h.name, id.IssuerNameHash) && bytes.Equal(h.key, id.IssuerKeyHash)
}

// keyHash returns the KeyHash of a responder's certificate, nil where there is
// none; a responder has one certificate, or its issuer's.
func (f *fixed) keyHash(c *pki.Certificate) []byte {
	if v, ok := f.key.Load(c); ok {
		return v.([]byte)
	}
	hash, err := alg.KeyIdentifier(c.RawSubjectPublicKeyInfo)
	if err != nil {
		return nil
	}
	f.key.Store(c, hash)
	return hash
}
