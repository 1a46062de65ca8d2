package gost341194_test

import (
	"bytes"
	"encoding"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/legacy/gost341194"
)

// FuzzUnmarshalBinary: a state that is accepted marshals to itself and can be
// used.
func FuzzUnmarshalBinary(f *testing.F) {
	for _, m := range []string{"", "a", "a message of more than thirty-two bytes, which is the size of a block"} {
		h := gost341194.New()
		h.Write([]byte(m))
		state, err := h.(encoding.BinaryMarshaler).MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(state)
	}
	f.Fuzz(func(t *testing.T, state []byte) {
		h := gost341194.New()
		if h.(encoding.BinaryUnmarshaler).UnmarshalBinary(state) != nil {
			return
		}
		want := h.Sum(nil)
		again, err := h.(encoding.BinaryMarshaler).MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		g := gost341194.New()
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
