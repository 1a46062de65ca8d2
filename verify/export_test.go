package verify

import (
	"testing"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// CachedCertificate parses a certificate through the cache.
func CachedCertificate(t testing.TB, c *Cache, der []byte) {
	t.Helper()
	if _, err := c.certificate(der); err != nil {
		t.Fatal(err)
	}
}

// CacheLen is how many certificates are held.
func CacheLen(c *Cache) int { return c.certs.Len() }

// CachedForms runs a set of rules through the cache.
func CachedForms(c *Cache, set *profile.Set, cert *pki.Certificate) []profile.Result {
	return c.lint(set, cert)
}

// CachedPool makes a pool through the cache.
func CachedPool(c *Cache, certs []*pki.Certificate) *pki.Pool { return c.pool(certs) }
