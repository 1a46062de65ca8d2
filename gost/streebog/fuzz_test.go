package streebog_test

import (
	"bytes"
	"encoding"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/streebog"
)

// FuzzUnmarshalBinary: a state that is accepted marshals to itself and can be
// used.
func FuzzUnmarshalBinary(f *testing.F) {
	for _, m := range []string{"", "a", "a message of more than sixty-four bytes, which is the size of a block"} {
		h := streebog.New256()
		h.Write([]byte(m))
		state, err := h.(encoding.BinaryMarshaler).MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(state)
	}
	f.Fuzz(func(t *testing.T, state []byte) {
		h := streebog.New256()
		if h.(encoding.BinaryUnmarshaler).UnmarshalBinary(state) != nil {
			return
		}
		want := h.Sum(nil)
		again, err := h.(encoding.BinaryMarshaler).MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		g := streebog.New256()
		if err := g.(encoding.BinaryUnmarshaler).UnmarshalBinary(again); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(g.Sum(nil), want) {
			t.Error("the restored state gives another digest")
		}
		h.Write(make([]byte, 200))
		h.Sum(nil)
	})
}

// FuzzImplementations: every implementation agrees with the portable one,
// however a message is cut into writes and whatever is hashed beside it.
func FuzzImplementations(f *testing.F) {
	f.Add([]byte("a message"), uint16(3))
	f.Add(bytes.Repeat([]byte{0xff}, 300), uint16(64))
	f.Fuzz(func(t *testing.T, m []byte, cut uint16) {
		defer streebog.Force(streebog.Force("portable"))
		want := streebog.Sum512(m)
		n := int(cut) % (len(m) + 1)
		for _, name := range streebog.Implementations() {
			streebog.Force(name)
			h := streebog.New512()
			h.Write(m[:n])
			h.Write(m[n:])
			if !bytes.Equal(h.Sum(nil), want[:]) {
				t.Fatalf("%s: another digest", name)
			}
			digests := make([][64]byte, 3)
			streebog.Sum512Many(digests, [][]byte{m[:n], m, m[n:]})
			if digests[1] != want {
				t.Fatalf("%s: another digest side by side", name)
			}
		}
	})
}
