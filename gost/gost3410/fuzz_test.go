package gost3410

import (
	"bytes"
	"testing"
)

// FuzzVerify compares Verify, in each implementation, with the schoolbook
// arithmetic for hostile keys, digests and signatures.
func FuzzVerify(f *testing.F) {
	refs := readReferences(f)
	curves := Curves()
	for i, c := range curves {
		key, err := NewPrivateKey(c, append([]byte{byte(i + 1)}, make([]byte, c.Size()-1)...))
		if err != nil {
			f.Fatal(err)
		}
		digest := bytes.Repeat([]byte{byte(i)}, c.Size())
		sig, err := key.Sign(nil, digest, nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(byte(i), key.PublicKey().Bytes(), digest, sig)
	}
	f.Fuzz(func(t *testing.T, id byte, point, digest, sig []byte) {
		c := curves[int(id)%len(curves)]
		pub, err := NewPublicKey(c, point)
		if err != nil {
			return
		}
		r := refs[c.Name()]
		x, y := bigOf(&pub.x), bigOf(&pub.y)
		if !r.onCurve(x, y) || x.Cmp(r.p) >= 0 || y.Cmp(r.p) >= 0 {
			t.Fatalf("(%x, %x) is not on the curve", x, y)
		}
		want := len(digest) == c.Size() && len(sig) == 2*c.Size() && r.verify(&refPoint{x, y}, digest, sig)
		for _, name := range implementations() {
			before := force(name)
			got := Verify(pub, digest, sig)
			force(before)
			if got != want {
				t.Fatalf("%s: Verify = %v, want %v", name, got, want)
			}
		}
	})
}
