package cryptotest

import (
	"bytes"
	"encoding"
	"hash"
	"testing"
)

// TestHash checks that what newHash returns keeps the contract of hash.Hash
// and, where it implements them, hash.Cloner and encoding.BinaryMarshaler with
// its companions. It cannot know whether the digests are right.
func TestHash(t *testing.T, newHash func() hash.Hash) {
	t.Helper()
	h := newHash()
	long := Bytes(1, 40*h.BlockSize())
	sums := make(map[int][]byte)
	for _, n := range Lengths(h.BlockSize()) {
		h := newHash()
		h.Write(long[:n])
		sums[n] = h.Sum(nil)
		if len(sums[n]) != h.Size() {
			t.Fatalf("Sum of %d bytes has %d bytes, Size is %d", n, len(sums[n]), h.Size())
		}
	}
	t.Run("split writes", func(t *testing.T) { hashSplit(t, newHash, long, sums) })
	t.Run("sum keeps state", func(t *testing.T) { hashSum(t, newHash, long, sums) })
	t.Run("reset", func(t *testing.T) { hashReset(t, newHash, long, sums) })
	t.Run("input unchanged", func(t *testing.T) { hashInput(t, newHash, long) })
	if _, ok := h.(hash.Cloner); ok {
		t.Run("clone", func(t *testing.T) { hashClone(t, newHash, long, sums) })
	}
	if _, ok := h.(encoding.BinaryMarshaler); ok {
		t.Run("marshal", func(t *testing.T) { hashMarshal(t, newHash, long, sums) })
		t.Run("unmarshal garbage", func(t *testing.T) { hashGarbage(t, newHash, long) })
	}
}

func hashSplit(t *testing.T, newHash func() hash.Hash, long []byte, sums map[int][]byte) {
	for total, want := range sums {
		for _, step := range []int{1, 3, 7, newHash().BlockSize() - 1, newHash().BlockSize(), newHash().BlockSize() + 1} {
			h := newHash()
			for rest := long[:total]; len(rest) > 0; {
				n, err := h.Write(rest[:min(step, len(rest))])
				if err != nil || n != min(step, len(rest)) {
					t.Fatalf("Write = %d, %v", n, err)
				}
				rest = rest[n:]
			}
			if got := h.Sum(nil); !bytes.Equal(got, want) {
				t.Errorf("%d bytes in steps of %d: %x, want %x", total, step, got, want)
			}
		}
	}
}

func hashSum(t *testing.T, newHash func() hash.Hash, long []byte, sums map[int][]byte) {
	h, prefix := newHash(), []byte("prefix")
	written := 0
	for _, n := range Lengths(h.BlockSize()) {
		h.Write(long[written:n])
		written = n
		want := append(bytes.Clone(prefix), sums[n]...)
		if got := h.Sum(bytes.Clone(prefix)); !bytes.Equal(got, want) {
			t.Errorf("after %d bytes: %x, want %x", n, got, want)
		}
	}
}

func hashReset(t *testing.T, newHash func() hash.Hash, long []byte, sums map[int][]byte) {
	h := newHash()
	for n, want := range sums {
		h.Write(long[:n/2+1])
		h.Reset()
		h.Write(long[:n])
		if got := h.Sum(nil); !bytes.Equal(got, want) {
			t.Errorf("%d bytes after Reset: %x, want %x", n, got, want)
		}
		h.Reset()
	}
}

func hashInput(t *testing.T, newHash func() hash.Hash, long []byte) {
	in := bytes.Clone(long)
	h := newHash()
	h.Write(in)
	h.Sum(in[:0:0])
	if !bytes.Equal(in, long) {
		t.Error("Write or Sum changed the input")
	}
	// The digest must not refer to the caller's memory.
	h.Reset()
	part := in[:h.BlockSize()/2]
	h.Write(part)
	want := h.Sum(nil)
	part[0] ^= 1
	if !bytes.Equal(h.Sum(nil), want) {
		t.Error("the hash refers to memory that was written to it")
	}
}

func hashClone(t *testing.T, newHash func() hash.Hash, long []byte, sums map[int][]byte) {
	for n, want := range sums {
		h := newHash()
		h.Write(long[:n/2])
		c, err := h.(hash.Cloner).Clone()
		if err != nil {
			t.Fatal(err)
		}
		h.Write([]byte("something else"))
		c.Write(long[n/2 : n])
		if got := c.Sum(nil); !bytes.Equal(got, want) {
			t.Errorf("clone after %d of %d bytes: %x, want %x", n/2, n, got, want)
		}
		h.Reset()
		if got := c.Sum(nil); !bytes.Equal(got, want) {
			t.Error("Reset of the original changed the clone")
		}
	}
}

func hashMarshal(t *testing.T, newHash func() hash.Hash, long []byte, sums map[int][]byte) {
	for n, want := range sums {
		for _, split := range []int{0, n / 2, n} {
			h := newHash()
			h.Write(long[:split])
			state, err := h.(encoding.BinaryMarshaler).MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			if a, ok := h.(encoding.BinaryAppender); ok {
				got, err := a.AppendBinary([]byte("prefix"))
				if err != nil || !bytes.Equal(got, append([]byte("prefix"), state...)) {
					t.Errorf("AppendBinary = %x, %v; MarshalBinary gave %x", got, err, state)
				}
			}
			r := newHash()
			r.Write(long)
			if err := r.(encoding.BinaryUnmarshaler).UnmarshalBinary(state); err != nil {
				t.Fatal(err)
			}
			r.Write(long[split:n])
			if got := r.Sum(nil); !bytes.Equal(got, want) {
				t.Errorf("restored after %d of %d bytes: %x, want %x", split, n, got, want)
			}
		}
	}
}

func hashGarbage(t *testing.T, newHash func() hash.Hash, long []byte) {
	h := newHash()
	h.Write(long[:h.BlockSize()+1])
	want := h.Sum(nil)
	state, err := h.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	wrongMagic := bytes.Clone(state)
	wrongMagic[0] ^= 0xff
	for name, bad := range map[string][]byte{
		"empty": nil, "short": state[:len(state)-1], "long": append(bytes.Clone(state), 0), "magic": wrongMagic,
	} {
		if err := h.(encoding.BinaryUnmarshaler).UnmarshalBinary(bad); err == nil {
			t.Errorf("UnmarshalBinary accepted a state that is wrong: %s", name)
		}
		if !bytes.Equal(h.Sum(nil), want) {
			t.Errorf("a refused state (%s) changed the hash", name)
		}
	}
}
