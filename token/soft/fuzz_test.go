package soft

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func FuzzParseContainer(f *testing.F) {
	s := newStore(f)
	key := newKey(f, "gost2012-256")
	create(f, s, "k", key, Meta{Certificate: newCert(f, "x", key.Public(), key)})
	seed, err := os.ReadFile(filepath.Join(s.dir, "k.gkc"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := parseContainer(b)
		if err != nil {
			return
		}
		again, err := c.marshal()
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("%x is written again as %x, %v", b, again, err)
		}
	})
}
