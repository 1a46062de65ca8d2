package verify

import (
	"bytes"
	"crypto/sha256"

	"github.com/gosklyuch/gosklyuch/internal/bounded"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/profile"
	"github.com/gosklyuch/gosklyuch/verify/revocation"
)

// A Cache remembers facts from one verification to the next, for a program that
// verifies many documents of the same signers and authorities: certificates as
// parsed, whether the signature of a certificate or a list verifies with a key,
// and which rules of form a certificate breaks. These follow from octets alone: the
// rules of a [profile.Set] look at nothing but the certificate, and nobody changes a
// set that a Verifier has.
// No decision is held, nothing that depends on a time, a policy or on what is
// trusted: those are made anew for each document.
//
// It is bounded (internal/limits), holds public data alone, and several
// goroutines may use it at once.
type Cache struct {
	facts *revocation.Facts
	certs *bounded.Map[[sha256.Size]byte, *pki.Certificate]
	forms *bounded.Map[formKey, []profile.Result]
	pools *bounded.Map[poolKey, *pki.Pool]
}

// poolKey is the certificates of a short message, the objects themselves, in
// their order.
type poolKey [4]*pki.Certificate

// formKey: the rules of a set about a certificate, the object itself.
type formKey struct {
	cert *pki.Certificate
	set  *profile.Set
}

// NewCache returns a cache that knows nothing.
func NewCache() *Cache {
	return &Cache{
		facts: revocation.NewFacts(),
		certs: bounded.New[[sha256.Size]byte, *pki.Certificate](limits.CachedCertificates, limits.CachedCertificateOctets),
		forms: bounded.New[formKey, []profile.Result](limits.CachedCertificates, limits.CachedCertificateOctets),
		pools: bounded.New[poolKey, *pki.Pool](limits.CachedCertificates, limits.CachedCertificateOctets),
	}
}

// certificate is pki.ParseCertificate, once for the same octets: nobody changes
// a parsed certificate. One that cannot be parsed is not remembered.
func (c *Cache) certificate(der []byte) (*pki.Certificate, error) {
	k := sha256.Sum256(der)
	if cert, ok := c.certs.Get(k); ok && bytes.Equal(cert.Raw, der) {
		return cert, nil
	}
	cert, err := pki.ParseCertificate(der)
	if err == nil && bytes.Equal(cert.Raw, der) {
		c.certs.Put(k, cert, int64(len(der)))
	}
	return cert, err
}

// lint runs the rules of form over a certificate, once for each.
func (c *Cache) lint(set *profile.Set, cert *pki.Certificate) []profile.Result {
	if c == nil {
		return set.Lint(cert).Results
	}
	k := formKey{cert, set}
	if list, ok := c.forms.Get(k); ok {
		return list
	}
	list := set.Lint(cert).Results
	c.forms.Put(k, list, int64(len(cert.Raw)))
	return list
}

// pool is pki.NewPool, once for the same few certificates. Nobody may add to it.
func (c *Cache) pool(certs []*pki.Certificate) *pki.Pool {
	var k poolKey
	if c == nil || len(certs) > len(k) {
		return pki.NewPool(certs...)
	}
	copy(k[:], certs)
	if p, ok := c.pools.Get(k); ok {
		return p
	}
	p, cost := pki.NewPool(certs...), int64(0)
	for _, cert := range certs {
		cost += int64(len(cert.Raw))
	}
	c.pools.Put(k, p, cost)
	return p
}
