package verify

import "testing"

// CachedCertificate parses a certificate through the cache.
func CachedCertificate(t testing.TB, c *Cache, der []byte) {
	t.Helper()
	if _, err := c.certificate(der); err != nil {
		t.Fatal(err)
	}
}

// CacheLen is how many certificates are held.
func CacheLen(c *Cache) int { return c.certs.Len() }
