package streebog_test

import (
	"bytes"
	"encoding"
	"slices"
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

// FuzzRunLoops: every implementation agrees with HMAC by hand, whatever goes
// beside a loop.
func FuzzRunLoops(f *testing.F) {
	f.Add([]byte("password"), []byte("value"), uint8(3), uint8(5))
	f.Add(bytes.Repeat([]byte{0xff}, 65), bytes.Repeat([]byte{0xff}, 64), uint8(0), uint8(1))
	f.Fuzz(func(t *testing.T, key, value []byte, one, two uint8) {
		defer streebog.Force(streebog.Force("portable"))
		loops := make([]streebog.Loop, 5)
		want := make([][64]byte, len(loops))
		for i := range loops {
			loops[i] = streebog.Loop{Key: key[i*len(key)/8:], Count: int(one % 8)}
			if i%2 == 1 {
				loops[i].Count = int(two % 8)
			}
			copy(loops[i].Value[:], value[i*len(value)/8:])
			want[i] = loopByHand(loops[i])
		}
		for _, name := range streebog.Implementations() {
			streebog.Force(name)
			got := slices.Clone(loops)
			streebog.RunLoops(got)
			for i := range got {
				if got[i].Value != want[i] {
					t.Fatalf("%s: another result of loop %d", name, i)
				}
			}
		}
	})
}
