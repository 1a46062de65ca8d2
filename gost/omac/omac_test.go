package omac_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"encoding/hex"
	"hash"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/kuznyechik"
	"github.com/gosklyuch/gosklyuch/gost/magma"
	"github.com/gosklyuch/gosklyuch/gost/omac"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
)

var ciphers = map[string]func([]byte) (cipher.Block, error){
	"kuznyechik": kuznyechik.NewCipher, "magma": magma.NewCipher,
}

func newMAC(t testing.TB, name string, key []byte, size int) hash.Hash {
	t.Helper()
	b, err := ciphers[name](key)
	if err != nil {
		t.Fatal(err)
	}
	m, err := omac.New(b, size)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestVectors(t *testing.T) {
	for _, c := range cryptotest.LoadVectors(t, "testdata/gost3413-omac.json").Cases {
		m := newMAC(t, c.ID, c.Key, len(c.Result))
		m.Write(c.Message)
		if got := m.Sum(nil); !bytes.Equal(got, c.Result) {
			t.Errorf("%s: %x, want %x", c.ID, got, c.Result)
		}
	}
}

// RFC 4493, section 4: the same construction over AES-128, with messages of
// no, part of a, one and several blocks.
func TestAESCMAC(t *testing.T) {
	key, _ := hex.DecodeString("2b7e151628aed2a6abf7158809cf4f3c")
	msg, _ := hex.DecodeString("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51" +
		"30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710")
	b, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]string{
		0:  "bb1d6929e95937287fa37d129b756746",
		16: "070a16b46b4d4144f79bdd9dd04a287c",
		40: "dfa66747de9ae63030ca32611497c827",
		64: "51f0bebf7e3b9d92fc49741779363cfe",
	} {
		m, err := omac.New(b, 16)
		if err != nil {
			t.Fatal(err)
		}
		m.Write(msg[:n])
		if got := hex.EncodeToString(m.Sum(nil)); got != want {
			t.Errorf("%d bytes: %s, want %s", n, got, want)
		}
	}
}

func TestHash(t *testing.T) {
	for name := range ciphers {
		for _, size := range []int{1, 4, 8} {
			cryptotest.TestHash(t, func() hash.Hash { return newMAC(t, name, cryptotest.Bytes(1, 32), size) })
		}
	}
}

// wide is a block cipher with a block size that no mode here knows.
type wide struct{ cipher.Block }

func (wide) BlockSize() int { return 32 }

func TestSizes(t *testing.T) {
	b, err := des.NewCipher(make([]byte, 8))
	if err != nil {
		t.Fatal(err)
	}
	for size := -1; size < 20; size++ {
		m, err := omac.New(b, size)
		if (err == nil) != (size >= 1 && size <= 8) {
			t.Errorf("tag of %d bytes: %v", size, err)
		}
		if err == nil && m.Size() != size {
			t.Errorf("Size() = %d, want %d", m.Size(), size)
		}
	}
	if _, err := omac.New(wide{b}, 8); err == nil {
		t.Error("a block size of 32 bytes was accepted")
	}
}

func TestOpenSSL(t *testing.T) {
	key := cryptotest.Bytes(1, 32)
	for name := range ciphers {
		size := 16
		if name == "magma" {
			size = 8
		}
		for _, n := range cryptotest.Lengths(size) {
			msg := cryptotest.Bytes(uint64(n), n)
			want := peer.OpenSSL(t, peer.Run{
				Args:  []string{"dgst", "-mac", name + "-mac", "-macopt", "hexkey:" + hex.EncodeToString(key), "-binary"},
				Stdin: msg,
			})
			m := newMAC(t, name, key, size)
			m.Write(msg)
			if got := m.Sum(nil); !bytes.Equal(got, want.Stdout) {
				t.Errorf("%s of %d bytes: %x, OpenSSL %x %s", name, n, got, want.Stdout, want.Stderr)
			}
		}
	}
}

func BenchmarkOMAC(b *testing.B) {
	for name := range ciphers {
		b.Run(name, func(b *testing.B) {
			m, buf := newMAC(b, name, make([]byte, 32), 8), make([]byte, 8192)
			b.SetBytes(int64(len(buf)))
			for b.Loop() {
				m.Write(buf)
			}
		})
	}
}
