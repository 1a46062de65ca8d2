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
