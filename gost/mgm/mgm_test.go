package mgm_test

import (
	"bytes"
	"crypto/cipher"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/kuznyechik"
	"github.com/gosklyuch/gosklyuch/gost/magma"
	"github.com/gosklyuch/gosklyuch/gost/mgm"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest"
)

var ciphers = map[string]func([]byte) (cipher.Block, error){
	"kuznyechik": kuznyechik.NewCipher, "magma": magma.NewCipher,
}

// bulkOnly hides XORCounters.
type bulkOnly struct{ cipher.Block }

func (b bulkOnly) EncryptBlocks(dst, src []byte) {
	b.Block.(interface{ EncryptBlocks(dst, src []byte) }).EncryptBlocks(dst, src)
}

// blockOnly hides EncryptBlocks too.
type blockOnly struct{ cipher.Block }

// However much a cipher can do at once and however the products are computed,
// the result is the same.
func TestWays(t *testing.T) {
	for name, newCipher := range ciphers {
		b, err := newCipher(cryptotest.Bytes(3, 32))
		if err != nil {
			t.Fatal(err)
		}
		n := b.BlockSize()
		mgm.EachImplementation(t, func(t *testing.T) {
			for i := range 60 {
				length, extra := i*i*2/3, i*37%200
				if i%10 == 9 {
					length, extra = extra, length
				}
				nonce := cryptotest.Bytes(uint64(i), n)
				clearFirstBit(nonce)
				text, data := cryptotest.Bytes(1, length), cryptotest.Bytes(2, extra)
				want := mgm.Reference(b, nonce, text, data)
				for _, way := range []cipher.Block{b, bulkOnly{b}, blockOnly{b}} {
					a, err := mgm.New(way)
					if err != nil {
						t.Fatal(err)
					}
					if got := a.Seal(nil, nonce, text, data); !bytes.Equal(got, want) {
						t.Fatalf("%s, %T: %d bytes with %d bytes differ", name, way, length, extra)
					}
				}
			}
		})
	}
}

func newAEAD(t testing.TB, name string, key []byte) cipher.AEAD {
	t.Helper()
	b, err := ciphers[name](key)
	if err != nil {
		t.Fatal(err)
	}
	a, err := mgm.New(b)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestVectors(t *testing.T) { mgm.EachImplementation(t, testVectors) }

func testVectors(t *testing.T) {
	for _, c := range cryptotest.LoadVectors(t, "testdata/rfc9058.json").Cases {
		name, _, _ := strings.Cut(c.ID, "-")
		a := newAEAD(t, name, c.Key)
		if got := a.Seal(nil, c.IV, c.Message, c.AAD); !bytes.Equal(got, c.Result) {
			t.Errorf("%s: %x, want %x", c.ID, got, c.Result)
		}
		if got, err := a.Open(nil, c.IV, c.Result, c.AAD); err != nil || !bytes.Equal(got, c.Message) {
			t.Errorf("%s: Open: %x, %v", c.ID, got, err)
		}
	}
}

func clearFirstBit(nonce []byte) { nonce[0] &= 0x7f }

func TestAEAD(t *testing.T) { mgm.EachImplementation(t, testAEAD) }

func testAEAD(t *testing.T) {
	for name := range ciphers {
		t.Run(name, func(t *testing.T) {
			a := newAEAD(t, name, cryptotest.Bytes(1, 32))
			cryptotest.TestAEAD(t, a, a.NonceSize(), clearFirstBit)
		})
	}
}

func TestTagSize(t *testing.T) { mgm.EachImplementation(t, testTagSize) }

func testTagSize(t *testing.T) {
	b, err := kuznyechik.NewCipher(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	full, err := mgm.New(b)
	if err != nil {
		t.Fatal(err)
	}
	nonce, text := make([]byte, 16), []byte("text")
	for size := range 20 {
		a, err := mgm.NewWithTagSize(b, size)
		if (err == nil) != (size >= 4 && size <= 16) {
			t.Errorf("tag of %d bytes: %v", size, err)
		}
		if err != nil {
			continue
		}
		got, want := a.Seal(nil, nonce, text, nil), full.Seal(nil, nonce, text, nil)
		if !bytes.Equal(got, want[:len(text)+size]) {
			t.Errorf("tag of %d bytes: %x, want the start of %x", size, got, want)
		}
		cryptotest.TestAEAD(t, a, 16, clearFirstBit)
	}
}

// RFC 9058, section 4.1: the nonce has n-1 bits.
func TestNonceBit(t *testing.T) {
	a := newAEAD(t, "kuznyechik", make([]byte, 32))
	nonce := append([]byte{0x80}, make([]byte, 15)...)
	cryptotest.MustPanic(t, "Seal with the first bit of the nonce set", func() { a.Seal(nil, nonce, nil, nil) })
	if _, err := a.Open(nil, nonce, make([]byte, 16), nil); err == nil || errors.Is(err, mgm.ErrOpen) {
		t.Errorf("Open with the first bit of the nonce set: %v", err)
	}
}

func BenchmarkSeal(b *testing.B) {
	for name := range ciphers {
		for _, n := range []int{0, 64, 8192} {
			b.Run(name+"/"+strconv.Itoa(n), func(b *testing.B) {
				a, buf := newAEAD(b, name, make([]byte, 32)), make([]byte, n)
				out, nonce := make([]byte, 0, len(buf)+16), make([]byte, a.NonceSize())
				b.SetBytes(int64(n))
				for b.Loop() {
					a.Seal(out, nonce, buf, nil)
				}
			})
		}
	}
}

// FuzzSeal: what is sealed is what the formulas say and opens again; a change
// does not open.
func FuzzSeal(f *testing.F) {
	f.Add([]byte("key"), []byte("nonce"), []byte("text"), []byte("data"), uint16(0))
	f.Add([]byte{}, []byte{}, make([]byte, 1100), make([]byte, 100), uint16(70))
	f.Fuzz(func(t *testing.T, key, nonce, text, data []byte, change uint16) {
		key = append(bytes.Clone(key), make([]byte, 32)...)[:32]
		for name, newCipher := range ciphers {
			b, err := newCipher(key)
			if err != nil {
				t.Fatal(err)
			}
			n := append(bytes.Clone(nonce), make([]byte, 16)...)[:b.BlockSize()]
			clearFirstBit(n)
			a, err := mgm.New(b)
			if err != nil {
				t.Fatal(err)
			}
			sealed := a.Seal(nil, n, text, data)
			if !bytes.Equal(sealed, mgm.Reference(b, n, text, data)) {
				t.Fatalf("%s: not what the formulas say", name)
			}
			if got, err := a.Open(nil, n, sealed, data); err != nil || !bytes.Equal(got, text) {
				t.Fatalf("%s: Open: %x, %v", name, got, err)
			}
			sealed[int(change)%len(sealed)] ^= 1 << (change % 8)
			if _, err := a.Open(nil, n, sealed, data); !errors.Is(err, mgm.ErrOpen) {
				t.Fatalf("%s: a change was accepted: %v", name, err)
			}
		}
	})
}
