package gost28147_test

import (
	"bytes"
	"crypto/cipher"
	"encoding/hex"
	"hash"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/gost28147"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
)

var sboxes = map[string]gost28147.SBox{
	"TC26-Z": gost28147.SBoxTC26Z(), "CryptoPro-A": gost28147.SBoxCryptoProA(),
	"CryptoPro-B": gost28147.SBoxCryptoProB(), "CryptoPro-C": gost28147.SBoxCryptoProC(),
	"CryptoPro-D": gost28147.SBoxCryptoProD(), "test": gost28147.SBoxTest(),
	"hash CryptoPro": gost28147.SBoxHashCryptoPro(), "hash test": gost28147.SBoxHashTest(),
}

func TestVectors(t *testing.T) { gost28147.EachImplementation(t, testVectors) }

func testVectors(t *testing.T) {
	for _, c := range cryptotest.LoadVectors(t, "testdata/rfc7836.json").Cases {
		sbox, ok := sboxes[c.Parameters]
		if !ok {
			t.Fatalf("%s: no S-box %s", c.ID, c.Parameters)
		}
		switch c.ID {
		case "ecb":
			b, err := gost28147.NewCipher(c.Key, sbox)
			if err != nil {
				t.Fatal(err)
			}
			got := bytes.Clone(c.Message)
			for i := 0; i < len(got); i += gost28147.BlockSize {
				b.Encrypt(got[i:], got[i:])
			}
			if !bytes.Equal(got, c.Result) {
				t.Errorf("ECB: %x, want %x", got, c.Result)
			}
		case "mac":
			m, err := gost28147.NewMAC(c.Key, sbox, c.IV, false)
			if err != nil {
				t.Fatal(err)
			}
			m.Write(c.Message)
			if got := m.Sum(nil); !bytes.Equal(got, c.Result) {
				t.Errorf("MAC: %x, want %x", got, c.Result)
			}
		default:
			t.Errorf("unknown case %s", c.ID)
		}
	}
}

// Every S-box gives another cipher, and every cipher keeps the contract.
func TestBlock(t *testing.T) { gost28147.EachImplementation(t, testBlock) }

func testBlock(t *testing.T) {
	seen := make(map[string]string)
	for name, sbox := range sboxes {
		t.Run(name, func(t *testing.T) {
			cryptotest.TestBlock(t, gost28147.KeySize, func(key []byte) (cipher.Block, error) {
				return gost28147.NewCipher(key, sbox)
			})
			b, err := gost28147.NewCipher(make([]byte, gost28147.KeySize), sbox)
			if err != nil {
				t.Fatal(err)
			}
			out := make([]byte, gost28147.BlockSize)
			b.Encrypt(out, out)
			if other, ok := seen[string(out)]; ok {
				t.Errorf("the same cipher as with %s", other)
			}
			seen[string(out)] = name
		})
	}
}

type newStream func(key []byte, sbox gost28147.SBox, iv []byte, meshing bool) (cipher.Stream, error)

func must(t *testing.T, f newStream, meshing bool) func() cipher.Stream {
	return func() cipher.Stream {
		s, err := f(cryptotest.Bytes(1, 32), gost28147.SBoxTC26Z(), cryptotest.Bytes(2, 8), meshing)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

func TestStreams(t *testing.T) { gost28147.EachImplementation(t, testStreams) }

func testStreams(t *testing.T) {
	for _, meshing := range []bool{false, true} {
		t.Run("CFB", func(t *testing.T) {
			cryptotest.TestStream(t, 1024, must(t, gost28147.NewCFBEncrypter, meshing), must(t, gost28147.NewCFBDecrypter, meshing))
		})
		t.Run("CNT", func(t *testing.T) {
			cryptotest.TestStream(t, 1024, must(t, gost28147.NewCNT, meshing), must(t, gost28147.NewCNT, meshing))
		})
	}
}

func TestMACHash(t *testing.T) { gost28147.EachImplementation(t, testMACHash) }

func testMACHash(t *testing.T) {
	for _, meshing := range []bool{false, true} {
		cryptotest.TestHash(t, func() hash.Hash {
			m, err := gost28147.NewMAC(cryptotest.Bytes(1, 32), gost28147.SBoxTC26Z(), nil, meshing)
			if err != nil {
				t.Fatal(err)
			}
			return m
		})
	}
}

func TestWrongSizes(t *testing.T) {
	key, iv, z := make([]byte, 32), make([]byte, 8), gost28147.SBoxTC26Z()
	for name, f := range map[string]newStream{
		"CFB encrypter": gost28147.NewCFBEncrypter, "CFB decrypter": gost28147.NewCFBDecrypter, "CNT": gost28147.NewCNT,
		"MAC": func(key []byte, sbox gost28147.SBox, iv []byte, meshing bool) (cipher.Stream, error) {
			_, err := gost28147.NewMAC(key, sbox, iv, meshing)
			return nil, err
		},
	} {
		if _, err := f(key, z, iv, true); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := f(key[:31], z, iv, true); err == nil {
			t.Errorf("%s: a key of 31 bytes was accepted", name)
		}
		if _, err := f(key, z, iv[:7], true); err == nil {
			t.Errorf("%s: an iv of 7 bytes was accepted", name)
		}
		if _, err := f(key, z, append(iv, 0), true); err == nil {
			t.Errorf("%s: an iv of 9 bytes was accepted", name)
		}
		if _, err := f(key, gost28147.SBox{}, iv, true); err == nil {
			t.Errorf("%s: the zero SBox was accepted", name)
		}
	}
	if _, err := gost28147.NewCipher(key, gost28147.SBox{}); err == nil {
		t.Error("NewCipher: the zero SBox was accepted")
	}
}

// Around the meshing interval and its multiples.
func lengths() []int {
	return append(cryptotest.Lengths(8), 1023, 1024, 1025, 1032, 1033, 2047, 2048, 2049, 3073, 10000)
}

func TestStreamOpenSSL(t *testing.T) { gost28147.EachImplementation(t, testStreamOpenSSL) }

func testStreamOpenSSL(t *testing.T) {
	key, iv := cryptotest.Bytes(1, 32), cryptotest.Bytes(2, 8)
	for _, c := range []struct {
		name string
		sbox gost28147.SBox
		f    newStream
	}{
		{"gost89", gost28147.SBoxTC26Z(), gost28147.NewCFBEncrypter},
		{"gost89-cnt", gost28147.SBoxCryptoProA(), gost28147.NewCNT},
		{"gost89-cnt-12", gost28147.SBoxTC26Z(), gost28147.NewCNT},
	} {
		for _, n := range lengths() {
			msg := cryptotest.Bytes(uint64(n), n)
			want := peer.OpenSSL(t, peer.Run{
				Args:  []string{"enc", "-" + c.name, "-K", hex.EncodeToString(key), "-iv", hex.EncodeToString(iv)},
				Stdin: msg,
			})
			s, err := c.f(key, c.sbox, iv, true)
			if err != nil {
				t.Fatal(err)
			}
			got := make([]byte, n)
			s.XORKeyStream(got, msg)
			if !bytes.Equal(got, want.Stdout) {
				t.Errorf("%s of %d bytes differs from OpenSSL %s", c.name, n, want.Stderr)
			}
		}
	}
}

// The other S-boxes, through gost-engine's CRYPT_PARAMS environment variable.
func TestParameterSetsOpenSSL(t *testing.T) {
	gost28147.EachImplementation(t, testParameterSetsOpenSSL)
}

func testParameterSetsOpenSSL(t *testing.T) {
	key, iv, msg := cryptotest.Bytes(1, 32), cryptotest.Bytes(2, 8), cryptotest.Bytes(3, 3000)
	for oid, name := range map[string]string{
		"1.2.643.2.2.31.1": "CryptoPro-A", "1.2.643.2.2.31.2": "CryptoPro-B", "1.2.643.2.2.31.3": "CryptoPro-C",
		"1.2.643.2.2.31.4": "CryptoPro-D", "1.2.643.7.1.2.5.1.1": "TC26-Z",
	} {
		want := peer.OpenSSL(t, peer.Run{
			Args:  []string{"enc", "-gost89", "-K", hex.EncodeToString(key), "-iv", hex.EncodeToString(iv)},
			Stdin: msg,
			Env:   []string{"CRYPT_PARAMS=" + oid},
		})
		s, err := gost28147.NewCFBEncrypter(key, sboxes[name], iv, true)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(msg))
		s.XORKeyStream(got, msg)
		if !bytes.Equal(got, want.Stdout) {
			t.Errorf("%s differs from OpenSSL %s", name, want.Stderr)
		}
	}
}

func TestMACOpenSSL(t *testing.T) { gost28147.EachImplementation(t, testMACOpenSSL) }

func testMACOpenSSL(t *testing.T) {
	key := cryptotest.Bytes(1, 32)
	for name, sbox := range map[string]gost28147.SBox{
		"gost-mac": gost28147.SBoxCryptoProA(), "gost-mac-12": gost28147.SBoxTC26Z(),
	} {
		for _, n := range lengths() {
			msg := cryptotest.Bytes(uint64(n), n)
			want := peer.OpenSSL(t, peer.Run{
				Args:  []string{"dgst", "-mac", name, "-macopt", "hexkey:" + hex.EncodeToString(key), "-binary"},
				Stdin: msg,
			})
			m, err := gost28147.NewMAC(key, sbox, nil, true)
			if err != nil {
				t.Fatal(err)
			}
			m.Write(msg)
			if got := m.Sum(nil); !bytes.Equal(got, want.Stdout) {
				t.Errorf("%s of %d bytes: %x, OpenSSL %x %s", name, n, got, want.Stdout, want.Stderr)
			}
		}
	}
}

func BenchmarkCFB(b *testing.B) {
	s, err := gost28147.NewCFBDecrypter(make([]byte, 32), gost28147.SBoxTC26Z(), make([]byte, 8), true)
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 8192)
	b.SetBytes(int64(len(buf)))
	for b.Loop() {
		s.XORKeyStream(buf, buf)
	}
}

func BenchmarkMAC(b *testing.B) {
	m, err := gost28147.NewMAC(make([]byte, 32), gost28147.SBoxTC26Z(), nil, true)
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 8192)
	b.SetBytes(int64(len(buf)))
	for b.Loop() {
		m.Write(buf)
	}
}
