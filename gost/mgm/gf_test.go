package mgm

import (
	"bytes"
	"crypto/subtle"
	"encoding/binary"
	"math"
	"math/big"
	"strconv"
	"testing"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest"
)

// slowMultiply multiplies two blocks bit by bit.
func slowMultiply(x, y []byte) []byte {
	n := uint(8 * len(x))
	poly := big.NewInt(0x87)
	if n == 64 {
		poly = big.NewInt(0x1b)
	}
	a, b, z := new(big.Int).SetBytes(x), new(big.Int).SetBytes(y), new(big.Int)
	for i := int(n) - 1; i >= 0; i-- {
		z.Lsh(z, 1)
		if z.Bit(int(n)) == 1 {
			z.SetBit(z, int(n), 0).Xor(z, poly)
		}
		if b.Bit(i) == 1 {
			z.Xor(z, a)
		}
	}
	return z.FillBytes(make([]byte, len(x)))
}

// multiply returns the sum of the products of blocks of n bytes.
func multiply(h, x []byte, n int) []byte {
	var a accumulator
	if n == 8 {
		a.add64(h, x)
		s := a.sum64()
		return s[:8]
	}
	a.add128(h, x)
	s := a.sum128()
	return s[:]
}

// Dense operands: all bits of a word, where sixteen products meet in a column.
func TestMultiply(t *testing.T) { EachImplementation(t, testMultiply) }

func testMultiply(t *testing.T) {
	words := []uint64{
		0, 1, 1 << 63, ^uint64(0), ^uint64(0) >> 1, ^uint64(1),
		every4th, every4th << 1, every4th << 2, every4th << 3, low60, ^uint64(low60),
		binary.BigEndian.Uint64(cryptotest.Bytes(1, 8)), binary.BigEndian.Uint64(cryptotest.Bytes(2, 8)),
	}
	var blocks8, blocks16 [][]byte
	for _, a := range words {
		blocks8 = append(blocks8, binary.BigEndian.AppendUint64(nil, a))
		for _, b := range words {
			blocks16 = append(blocks16, binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, a), b))
		}
	}
	for _, blocks := range [][][]byte{blocks8, blocks16} {
		for i, h := range blocks {
			for j, x := range blocks {
				if len(h) == 16 && (i+j)%7 != 0 {
					continue // a seventh of the pairs, to save time
				}
				if got, want := multiply(h, x, len(h)), slowMultiply(h, x); string(got) != string(want) {
					t.Fatalf("%x * %x = %x, want %x", h, x, got, want)
				}
			}
		}
	}
}

func TestMultiplyRandom(t *testing.T) { EachImplementation(t, testMultiplyRandom) }

func testMultiplyRandom(t *testing.T) {
	for i := range uint64(500) {
		for _, n := range []int{8, 16} {
			h, x := cryptotest.Bytes(2*i, n), cryptotest.Bytes(2*i+1, n)
			if got, want := multiply(h, x, len(h)), slowMultiply(h, x); string(got) != string(want) {
				t.Fatalf("%x * %x = %x, want %x", h, x, got, want)
			}
		}
	}
}

// Sums of any number of products, at odd addresses.
func TestSums(t *testing.T) { EachImplementation(t, testSums) }

func testSums(t *testing.T) {
	for _, n := range []int{8, 16} {
		want := make([]byte, n)
		all, text := cryptotest.Bytes(1, 1000+n+1)[1:], cryptotest.Bytes(2, 1000+n+3)[3:]
		for length := n; length <= 1000; length += n {
			product := slowMultiply(all[length-n:length], text[length-n:length])
			subtle.XORBytes(want, want, product)
			if got := multiply(all[:length:length], text[:length:length], n); string(got) != string(want) {
				t.Fatalf("%d bytes of blocks of %d: %x, want %x", length, n, got, want)
			}
		}
	}
}

// FuzzSums: every implementation agrees with the portable one.
func FuzzSums(f *testing.F) {
	f.Add([]byte("factor"), []byte("data"))
	f.Add(bytes.Repeat([]byte{0xff}, 200), bytes.Repeat([]byte{0xff}, 300))
	f.Fuzz(func(t *testing.T, factors, data []byte) {
		defer force(force(portable))
		size := min(len(factors), len(data)) / 16 * 16
		for _, n := range []int{8, 16} {
			force(portable)
			want := multiply(factors[:size], data[:size], n)
			for _, name := range implementations() {
				force(name)
				if got := multiply(factors[:size], data[:size], n); string(got) != string(want) {
					t.Fatalf("%s, blocks of %d: %x, want %x", name, n, got, want)
				}
			}
		}
	})
}

// RFC 9058, section 4.1: with blocks of 64 bits, fewer than 2^32 bits in all.
func TestCheckLengths(t *testing.T) {
	const limit = 1 << 29
	for _, c := range []struct {
		n, data, text int
		ok            bool
	}{
		{8, 0, limit - 1, true},
		{8, limit - 1, 0, true},
		{8, limit / 2, limit/2 - 1, true},
		{8, 0, limit, false},
		{8, limit, 0, false},
		{8, limit / 2, limit / 2, false},
		{8, math.MaxInt, math.MaxInt, false},
		{16, limit, limit, true},
		{16, math.MaxInt, math.MaxInt, true},
	} {
		if err := (&aead{n: c.n}).checkLengths(c.data, c.text); (err == nil) != c.ok {
			t.Errorf("blocks of %d bytes, %d and %d bytes: %v", c.n, c.data, c.text, err)
		}
	}
}

// The halves of a counter wrap around without touching each other.
func TestCounterWraps(t *testing.T) {
	for n, want := range map[int]string{8: "\x00\x00\x00\x02\x00\x00\x00\x00", 16: "\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00"} {
		c := counter{left: 2, right: 1<<(4*n) - 1}
		c.right++
		b := make([]byte, n)
		c.put(b)
		if string(b) != want {
			t.Errorf("block of %d bytes: %x", n, b)
		}
		c = counter{left: 1<<(4*n) - 1, right: 3}
		c.left++
		c.put(b)
		if b[0] != 0 || b[n/2-1] != 0 || b[n-1] != 3 {
			t.Errorf("left half of %d bytes: %x", n, b)
		}
	}
}

func BenchmarkMultiply(b *testing.B) {
	for _, name := range implementations() {
		for _, n := range []int{16, 1024} {
			b.Run(name+"/"+strconv.Itoa(n), func(b *testing.B) {
				defer force(force(name))
				var a accumulator
				h := cryptotest.Bytes(1, n)
				b.SetBytes(int64(n))
				for b.Loop() {
					a.add128(h, h)
				}
			})
		}
	}
}
