package streebog_test

import (
	"bytes"
	"crypto/hmac"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest"
)

// loopByHand is the loop in the words of RFC 8018, section 5.2.
func loopByHand(l streebog.Loop) [64]byte {
	total, u := l.Value, l.Value[:]
	for range l.Count {
		m := hmac.New(streebog.New512, l.Key)
		m.Write(u)
		u = m.Sum(nil)
		for i := range total {
			total[i] ^= u[i]
		}
	}
	return total
}

// pbkdf2 is PBKDF2 around [streebog.RunLoops].
func pbkdf2(password, salt []byte, iterations, length int) (out []byte) {
	loops := make([]streebog.Loop, (length+63)/64)
	for i := range loops {
		loops[i] = streebog.Loop{Key: password, Count: iterations - 1}
		m := hmac.New(streebog.New512, password)
		m.Write(salt)
		m.Write(binary.BigEndian.AppendUint32(nil, uint32(i+1)))
		m.Sum(loops[i].Value[:0])
	}
	streebog.RunLoops(loops)
	for i := range loops {
		out = append(out, loops[i].Value[:]...)
	}
	return out[:length]
}

// The known answers of PBKDF2 hold for every implementation.
func TestRunLoopsVectors(t *testing.T) {
	cases := cryptotest.LoadVectors(t, "../kdf/testdata/rfc9337-pbkdf2.json").Cases
	if len(cases) == 0 {
		t.Fatal("no vectors")
	}
	streebog.EachImplementation(t, func(t *testing.T) {
		for _, c := range cases {
			if got := pbkdf2(c.Key, c.IV, c.Count, len(c.Result)); !bytes.Equal(got, c.Result) {
				t.Errorf("%s: %x, want %x", c.ID, got, c.Result)
			}
		}
	})
}

// Loops side by side have the results that they have by themselves: every number
// of them, of equal and of different counts, with keys of all lengths.
func TestRunLoops(t *testing.T) {
	streebog.EachImplementation(t, func(t *testing.T) {
		for n := range 14 {
			loops := make([]streebog.Loop, n)
			want := make([][64]byte, n)
			for i := range loops {
				seed := uint64(100*n + i)
				loops[i] = streebog.Loop{Key: cryptotest.Bytes(seed, (17*n+31*i)%150), Count: [...]int{3, 0, 1, 130, -1, 7}[(n+i)%6]}
				copy(loops[i].Value[:], cryptotest.Bytes(seed+1000, 64))
				want[i] = loopByHand(loops[i])
			}
			keys := make([][]byte, n)
			for i := range loops {
				keys[i] = bytes.Clone(loops[i].Key)
			}
			streebog.RunLoops(loops)
			for i, l := range loops {
				if l.Value != want[i] {
					t.Errorf("loop %d of %d, %d times, key of %d bytes: another result than by hand", i, n, l.Count, len(l.Key))
				}
				if !bytes.Equal(l.Key, keys[i]) {
					t.Errorf("loop %d of %d: the key has changed", i, n)
				}
			}
		}
	})
}

// The sum of the blocks carries through all 512 bits.
func TestRunLoopsCarry(t *testing.T) {
	streebog.EachImplementation(t, func(t *testing.T) {
		for _, octet := range []byte{0x00, 0x35, 0x36, 0x5c, 0xc9, 0xa3, 0xff} {
			l := streebog.Loop{Key: bytes.Repeat([]byte{octet}, 64), Count: 2, Value: [64]byte(bytes.Repeat([]byte{0xff}, 64))}
			want := loopByHand(l)
			loops := []streebog.Loop{l, l, l}
			streebog.RunLoops(loops[:1])
			streebog.RunLoops(loops[1:])
			for i := range loops {
				if loops[i].Value != want {
					t.Errorf("key of %#x: another result than by hand", octet)
				}
			}
		}
	})
}

func BenchmarkRunLoops(b *testing.B) {
	const count = 128
	streebog.EachImplementationB(b, func(b *testing.B) {
		for n := 1; n <= streebog.Lanes(); n++ {
			b.Run(fmt.Sprint(n), func(b *testing.B) {
				loops := make([]streebog.Loop, n)
				for b.Loop() {
					for i := range loops {
						loops[i].Count = count
					}
					streebog.RunLoops(loops)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n*count), "ns/HMAC")
			})
		}
	})
}
