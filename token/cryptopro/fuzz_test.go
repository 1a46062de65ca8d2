package cryptopro

import (
	"bytes"
	"testing"
	"time"
)

// FuzzParse reads containers whose files come from an enemy and opens them
// without a password, which costs little. A key that comes out must be the one
// of the header.
func FuzzParse(f *testing.F) {
	for _, s := range []*spec{
		{notAfter: time.Date(2027, 3, 1, 10, 0, 0, 0, time.UTC)},
		{curve: "tc26-512-a"},
		{legacy: true},
		{second: "cryptopro-xcha"},
	} {
		w := write(f, s)
		f.Add(w[fileHeader], w[fileName], w[filePrimary], w[fileMasks], w[filePrimary2], w[fileMasks2])
	}
	f.Fuzz(func(t *testing.T, header, name, primary, masks, primary2, masks2 []byte) {
		c, err := Parse(map[string][]byte{
			fileHeader: header, fileName: name, filePrimary: primary,
			fileMasks: masks, filePrimary2: primary2, fileMasks2: masks2,
		})
		if err != nil || c.Unlock(nil) != nil {
			return
		}
		public, ok := c.Key.Public().(interface{ Bytes() []byte })
		if !ok || !bytes.HasPrefix(public.Bytes(), c.fingerprint) {
			t.Error("a key that is not the one of the header")
		}
	})
}
