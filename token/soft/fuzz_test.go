package soft

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/gost/streebog"
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
		b = repair(b)
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

// repair sets the checksum right where there is room for one, so that what is
// behind it is reached.
func repair(b []byte) []byte {
	in := cryptobyte.String(b)
	var body cryptobyte.String
	if !in.ReadASN1(&body, asn1.SEQUENCE) || !in.Empty() || len(body) < 2+streebog.Size256 {
		return b
	}
	out := bytes.Clone(b)
	sum := streebog.Sum256(body[:len(body)-2-streebog.Size256])
	copy(out[len(out)-streebog.Size256:], sum[:])
	return out
}
