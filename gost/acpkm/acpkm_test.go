package acpkm_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/acpkm"
	"github.com/gosklyuch/gosklyuch/gost/kdf"
	"github.com/gosklyuch/gosklyuch/gost/kuznyechik"
	"github.com/gosklyuch/gosklyuch/gost/magma"
	"github.com/gosklyuch/gosklyuch/gost/omac"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest"
)

type newCipher = func([]byte) (cipher.Block, error)

var ciphers = map[string]newCipher{"kuznyechik": kuznyechik.NewCipher, "magma": magma.NewCipher}

func newCTR(t testing.TB, f newCipher, key, iv []byte) cipher.Stream {
	t.Helper()
	b, err := f(key)
	if err != nil {
		t.Fatal(err)
	}
	s, err := acpkm.NewCTR(b, iv)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newACPKM(t testing.TB, f newCipher, key, iv []byte, section int) cipher.Stream {
	t.Helper()
	s, err := acpkm.NewCTRACPKM(f, key, iv, section)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCTRVectors(t *testing.T) {
	for _, c := range cryptotest.LoadVectors(t, "testdata/gost3413-ctr.json").Cases {
		got := make([]byte, len(c.Message))
		newCTR(t, ciphers[c.ID], c.Key, c.IV).XORKeyStream(got, c.Message)
		if !bytes.Equal(got, c.Result) {
			t.Errorf("%s: %x, want %x", c.ID, got, c.Result)
		}
	}
}

func TestACPKMVectors(t *testing.T) {
	for _, c := range cryptotest.LoadVectors(t, "testdata/rfc8645-ctracpkm.json").Cases {
		got := make([]byte, len(c.Message))
		newACPKM(t, aes.NewCipher, c.Key, c.IV, c.Size).XORKeyStream(got, c.Message)
		if !bytes.Equal(got, c.Result) {
			t.Errorf("%s: %x, want %x", c.ID, got, c.Result)
		}
	}
}

func TestStream(t *testing.T) {
	key := cryptotest.Bytes(1, 32)
	for name, f := range ciphers {
		iv := cryptotest.Bytes(2, map[string]int{"kuznyechik": 8, "magma": 4}[name])
		t.Run(name+" CTR", func(t *testing.T) {
			s := func() cipher.Stream { return newCTR(t, f, key, iv) }
			cryptotest.TestStream(t, 0, s, s)
		})
		for _, section := range []int{16, 48, 1024, 4096} {
			t.Run(name+" ACPKM", func(t *testing.T) {
				s := func() cipher.Stream { return newACPKM(t, f, key, iv, section) }
				cryptotest.TestStream(t, section, s, s)
			})
		}
	}
}

// bulkOnly hides XORCounters.
type bulkOnly struct{ cipher.Block }

func (b bulkOnly) EncryptBlocks(dst, src []byte) {
	b.Block.(interface{ EncryptBlocks(dst, src []byte) }).EncryptBlocks(dst, src)
}

// blockOnly hides EncryptBlocks too.
type blockOnly struct{ cipher.Block }

// ways returns ciphers that can do as much at once as newCipher's, or less.
func ways(f newCipher) []newCipher {
	hide := func(wrap func(cipher.Block) cipher.Block) newCipher {
		return func(key []byte) (cipher.Block, error) {
			b, err := f(key)
			return wrap(b), err
		}
	}
	return []newCipher{
		f,
		hide(func(b cipher.Block) cipher.Block { return bulkOnly{b} }),
		hide(func(b cipher.Block) cipher.Block { return blockOnly{b} }),
	}
}

// A cipher that encrypts one block at a time gives the same key stream.
func TestWithoutBulk(t *testing.T) {
	for name, f := range ciphers {
		iv := make([]byte, map[string]int{"kuznyechik": 8, "magma": 4}[name])
		want := make([]byte, 9000)
		newACPKM(t, f, make([]byte, 32), iv, 1024).XORKeyStream(want, want)
		for _, slow := range ways(f) {
			got := make([]byte, len(want))
			newACPKM(t, slow, make([]byte, 32), iv, 1024).XORKeyStream(got, got)
			if !bytes.Equal(got, want) {
				t.Errorf("%s: the key streams differ", name)
			}
		}
	}
}

// The counter is one number of all bits (GOST R 34.13-2015, section 5.2): the
// carry crosses the halves, inside of a batch as well.
func TestCounterCarry(t *testing.T) {
	starts := map[string][][2]uint64{
		"kuznyechik": {{5, ^uint64(0)}, {5, ^uint64(0) - 69}, {^uint64(0), ^uint64(0) - 2}},
		"magma":      {{0, 1<<32 - 1}, {0, 7<<32 | 1<<32 - 131}, {0, ^uint64(0) - 2}},
	}
	for name, f := range ciphers {
		b, err := f(cryptotest.Bytes(1, 32))
		if err != nil {
			t.Fatal(err)
		}
		n := b.BlockSize()
		for _, start := range starts[name] {
			want, c := []byte(nil), start
			for len(want) < 5000 {
				var block [16]byte
				binary.BigEndian.PutUint64(block[:], c[0])
				binary.BigEndian.PutUint64(block[8:], c[1])
				b.Encrypt(block[16-n:], block[16-n:])
				want = append(want, block[16-n:]...)
				if c[1]++; c[1] == 0 {
					c[0]++
				}
			}
			for _, way := range ways(f) {
				for _, piece := range []int{5000, 1024, 1000, 3} {
					s := newCTR(t, way, cryptotest.Bytes(1, 32), make([]byte, n/2))
					acpkm.SetCounter(s, start)
					got := make([]byte, 5000)
					for p := range slices.Chunk(got, piece) {
						s.XORKeyStream(p, p)
					}
					if !bytes.Equal(got, want[:len(got)]) {
						t.Fatalf("%s from %x in pieces of %d bytes: another key stream", name, start, piece)
					}
				}
			}
		}
	}
}

// FuzzStream: every way to compute a key stream, in any pieces and with any
// section, gives what one block after the other gives.
func FuzzStream(f *testing.F) {
	f.Add([]byte("key"), []byte("iv"), []byte("text"), uint16(3), uint16(2))
	f.Add([]byte{1}, []byte{2}, make([]byte, 5000), uint16(1500), uint16(64))
	f.Fuzz(func(t *testing.T, key, iv, text []byte, piece, section uint16) {
		key = append(bytes.Clone(key), make([]byte, 32)...)[:32]
		for name, f := range ciphers {
			n := map[string]int{"kuznyechik": 16, "magma": 8}[name]
			iv := append(bytes.Clone(iv), make([]byte, n)...)[:n/2]
			size := n * (int(section)%400 + 1)
			want := make([]byte, len(text))
			all := ways(f)
			newACPKM(t, all[len(all)-1], key, iv, size).XORKeyStream(want, text)
			for _, way := range all {
				s, got := newACPKM(t, way, key, iv, size), bytes.Clone(text)
				for p := range slices.Chunk(got, int(piece)+1) {
					s.XORKeyStream(p, p)
				}
				if !bytes.Equal(got, want) {
					t.Fatalf("%s, section of %d bytes, pieces of %d: another key stream", name, size, piece)
				}
			}
		}
	})
}

// wide is a block cipher with a block size that no mode here knows.
type wide struct{ cipher.Block }

func (wide) BlockSize() int { return 32 }

func TestWrongSizes(t *testing.T) {
	key := make([]byte, 32)
	for name, f := range ciphers {
		b, err := f(key)
		if err != nil {
			t.Fatal(err)
		}
		for n := range 20 {
			_, err := acpkm.NewCTR(b, make([]byte, n))
			if (err == nil) != (n == b.BlockSize()/2) {
				t.Errorf("%s: CTR with an iv of %d bytes: %v", name, n, err)
			}
			_, err = acpkm.NewCTRACPKM(f, key, make([]byte, n), 1024)
			if (err == nil) != (n == b.BlockSize()/2) {
				t.Errorf("%s: CTR-ACPKM with an iv of %d bytes: %v", name, n, err)
			}
		}
		iv := make([]byte, b.BlockSize()/2)
		for _, section := range []int{-16, 0, 1, 17, 1023} {
			if _, err := acpkm.NewCTRACPKM(f, key, iv, section); err == nil {
				t.Errorf("%s: a section of %d bytes was accepted", name, section)
			}
		}
		if _, err := acpkm.NewCTRACPKM(f, key[:31], iv, 1024); err == nil {
			t.Errorf("%s: a key of 31 bytes was accepted", name)
		}
		if _, err := acpkm.NewCTR(wide{b}, iv); err == nil {
			t.Error("a block size of 32 bytes was accepted")
		}
	}
}

func TestOMAC(t *testing.T) {
	for name, a := range map[string]acpkm.Algorithm{"kuznyechik": acpkm.Kuznyechik(), "magma": acpkm.Magma()} {
		key, ukm := cryptotest.Bytes(1, a.KeySize()), cryptotest.Bytes(2, a.UKMSize())
		for _, n := range cryptotest.Lengths(a.MACSize()) {
			msg := cryptotest.Bytes(3, n)
			sealed, err := a.SealOMAC(key, ukm, msg)
			if err != nil || len(sealed) != n+a.MACSize() {
				t.Fatalf("%s: %d bytes were sealed into %d, %v", name, n, len(sealed), err)
			}
			got, err := a.OpenOMAC(key, ukm, sealed)
			if err != nil || !bytes.Equal(got, msg) {
				t.Fatalf("%s: %d bytes: %v", name, n, err)
			}
			for i := range sealed {
				sealed[i] ^= 0x10
				if _, err := a.OpenOMAC(key, ukm, sealed); !errors.Is(err, acpkm.ErrMAC) {
					t.Errorf("%s: changed byte %d of %d: %v", name, i, len(sealed), err)
				}
				sealed[i] ^= 0x10
			}
			for i := range ukm {
				ukm[i] ^= 1
				if _, err := a.OpenOMAC(key, ukm, sealed); !errors.Is(err, acpkm.ErrMAC) {
					t.Errorf("%s: changed byte %d of the UKM: %v", name, i, err)
				}
				ukm[i] ^= 1
			}
			if _, err := a.OpenOMAC(key, ukm, sealed[:a.MACSize()-1]); err == nil {
				t.Errorf("%s: less than a MAC was accepted", name)
			}
		}
	}
}

func TestOMACVectors(t *testing.T) {
	for _, c := range cryptotest.LoadVectors(t, "testdata/rfc9548-omac.json").Cases {
		a := map[string]acpkm.Algorithm{"kuznyechik": acpkm.Kuznyechik(), "magma": acpkm.Magma()}[c.ID]
		if got, err := a.SealOMAC(c.Key, c.IV, c.Message); err != nil || !bytes.Equal(got, c.Result) {
			t.Errorf("%s: SealOMAC: %x, %v", c.ID, got, err)
		}
		if got, err := a.OpenOMAC(c.Key, c.IV, c.Result); err != nil || !bytes.Equal(got, c.Message) {
			t.Errorf("%s: OpenOMAC: %x, %v", c.ID, got, err)
		}
	}
}

func TestAlgorithmSizes(t *testing.T) {
	for name, c := range map[string]struct {
		a        acpkm.Algorithm
		ukm, mac int
	}{"kuznyechik": {acpkm.Kuznyechik(), 16, 16}, "magma": {acpkm.Magma(), 12, 8}} {
		if c.a.UKMSize() != c.ukm || c.a.MACSize() != c.mac {
			t.Errorf("%s: UKM of %d, MAC of %d bytes", name, c.a.UKMSize(), c.a.MACSize())
		}
		for n := range 40 {
			_, err := c.a.NewStream(make([]byte, 32), make([]byte, n))
			if (err == nil) != (n == c.ukm) {
				t.Errorf("%s: UKM of %d bytes: %v", name, n, err)
			}
			_, _, err = c.a.NewOMAC(make([]byte, n), make([]byte, c.ukm))
			if (err == nil) != (n == 32) {
				t.Errorf("%s: key of %d bytes: %v", name, n, err)
			}
		}
	}
	a := acpkm.Magma().WithSectionSize(12)
	if _, err := a.NewStream(make([]byte, 32), make([]byte, 12)); err == nil {
		t.Error("a section of 12 bytes was accepted for blocks of 8")
	}
	var zero acpkm.Algorithm
	if _, err := zero.NewStream(make([]byte, 32), make([]byte, 8)); err == nil {
		t.Error("the zero Algorithm was accepted")
	}
}

// SealOMAC is what RFC 9337, section 5.1.1, step 8 says, put together here from
// its parts: K(1) | K(2) from KDF_TREE, the MAC appended to the plaintext and
// encrypted with it.
func TestOMACConstruction(t *testing.T) {
	for name, a := range map[string]acpkm.Algorithm{"kuznyechik": acpkm.Kuznyechik(), "magma": acpkm.Magma()} {
		key, ukm, msg := cryptotest.Bytes(1, 32), cryptotest.Bytes(2, a.UKMSize()), cryptotest.Bytes(3, 30000)
		keys, err := kdf.Tree(key, []byte("kdf tree"), ukm[len(ukm)-8:], 1, 64)
		if err != nil {
			t.Fatal(err)
		}
		b, err := ciphers[name](keys[32:])
		if err != nil {
			t.Fatal(err)
		}
		mac, err := omac.New(b, b.BlockSize())
		if err != nil {
			t.Fatal(err)
		}
		mac.Write(msg)
		want := mac.Sum(bytes.Clone(msg))
		section := map[string]int{"kuznyechik": 256 << 10, "magma": 8 << 10}[name]
		newACPKM(t, ciphers[name], keys[:32], ukm[:len(ukm)-8], section).XORKeyStream(want, want)
		if got, err := a.SealOMAC(key, ukm, msg); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: SealOMAC differs from its parts, %v", name, err)
		}
	}
}

func benchmark(b *testing.B, newStream func() cipher.Stream) {
	s, buf := newStream(), make([]byte, 8192)
	b.SetBytes(int64(len(buf)))
	for b.Loop() {
		s.XORKeyStream(buf, buf)
	}
}

func BenchmarkCTR(b *testing.B) {
	for name, f := range ciphers {
		iv := make([]byte, map[string]int{"kuznyechik": 8, "magma": 4}[name])
		b.Run(name, func(b *testing.B) {
			benchmark(b, func() cipher.Stream { return newCTR(b, f, make([]byte, 32), iv) })
		})
	}
}

func BenchmarkCTRACPKM(b *testing.B) {
	for name, f := range ciphers {
		iv := make([]byte, map[string]int{"kuznyechik": 8, "magma": 4}[name])
		section := map[string]int{"kuznyechik": acpkm.SectionSizeKuznyechik, "magma": acpkm.SectionSizeMagma}[name]
		b.Run(name, func(b *testing.B) {
			benchmark(b, func() cipher.Stream { return newACPKM(b, f, make([]byte, 32), iv, section) })
		})
	}
}
