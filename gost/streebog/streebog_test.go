package streebog_test

import (
	"bytes"
	"crypto/hmac"
	"encoding/hex"
	"hash"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
)

// The known answers hold for every implementation.
func TestEachImplementation(t *testing.T) {
	streebog.EachImplementation(t, func(t *testing.T) {
		t.Run("Vectors", testVectors)
		t.Run("Empty", testEmpty)
		t.Run("Hash", testHash)
		t.Run("Sum", testSum)
		t.Run("ChecksumCarry", testChecksumCarry)
		t.Run("OpenSSL", testOpenSSL)
		t.Run("HMAC", testHMAC)
	})
}

func testVectors(t *testing.T) {
	for _, c := range cryptotest.LoadVectors(t, "testdata/rfc6986.json").Cases {
		h := streebog.New256()
		if len(c.Result) == streebog.Size512 {
			h = streebog.New512()
		}
		h.Write(c.Message)
		if got := h.Sum(nil); !bytes.Equal(got, c.Result) {
			t.Errorf("%s: %x, want %x", c.ID, got, c.Result)
		}
	}
}

// The digests of the empty message show the byte order at a glance.
func testEmpty(t *testing.T) {
	const (
		want256 = "3f539a213e97c802cc229d474c6aa32a825a360b2a933a949fd925208d9ce1bb"
		want512 = "8e945da209aa869f0455928529bcae4679e9873ab707b55315f56ceb98bef0a7" +
			"362f715528356ee83cda5f2aac4c6ad2ba3a715c1bcd81cb8e9f90bf4c1c1a8a"
	)
	if got := streebog.Sum256(nil); hex.EncodeToString(got[:]) != want256 {
		t.Errorf("Sum256: %x", got)
	}
	if got := streebog.Sum512(nil); hex.EncodeToString(got[:]) != want512 {
		t.Errorf("Sum512: %x", got)
	}
}

func testHash(t *testing.T) {
	t.Run("256", func(t *testing.T) { cryptotest.TestHash(t, streebog.New256) })
	t.Run("512", func(t *testing.T) { cryptotest.TestHash(t, streebog.New512) })
}

func testSum(t *testing.T) {
	for _, n := range cryptotest.Lengths(streebog.BlockSize) {
		m := cryptotest.Bytes(10, n)
		h, g := streebog.New256(), streebog.New512()
		h.Write(m)
		g.Write(m)
		a, b := streebog.Sum256(m), streebog.Sum512(m)
		if !bytes.Equal(a[:], h.Sum(nil)) || !bytes.Equal(b[:], g.Sum(nil)) {
			t.Errorf("%d bytes: Sum256 or Sum512 differs from Write and Sum", n)
		}
	}
}

// A carry through all 512 bits of the sum of the blocks.
func testChecksumCarry(t *testing.T) {
	m := append(bytes.Repeat([]byte{0xff}, 3*streebog.BlockSize), 1)
	want := peer.OpenSSL(t, peer.Run{Args: []string{"dgst", "-md_gost12_512", "-binary"}, Stdin: m}).Stdout
	if got := streebog.Sum512(m); !bytes.Equal(got[:], want) {
		t.Errorf("%x, want %x", got, want)
	}
}

func testOpenSSL(t *testing.T) {
	for name, newHash := range map[string]func() hash.Hash{
		"md_gost12_256": streebog.New256, "md_gost12_512": streebog.New512,
	} {
		for _, n := range append(cryptotest.Lengths(streebog.BlockSize), 100000) {
			m := cryptotest.Bytes(uint64(n), n)
			want := peer.OpenSSL(t, peer.Run{Args: []string{"dgst", "-" + name, "-binary"}, Stdin: m})
			h := newHash()
			h.Write(m)
			if got := h.Sum(nil); !bytes.Equal(got, want.Stdout) {
				t.Errorf("%s of %d bytes: %x, OpenSSL %x %s", name, n, got, want.Stdout, want.Stderr)
			}
		}
	}
}

// RFC 7836, appendix B, examples 1 and 2: the hash inside HMAC.
func testHMAC(t *testing.T) {
	key, _ := hex.DecodeString("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
	msg, _ := hex.DecodeString("0126bdb87800af214341456563780100")
	for want, newHash := range map[string]func() hash.Hash{
		"a1aa5f7de402d7b3d323f2991c8d4534013137010a83754fd0af6d7cd4922ed9": streebog.New256,
		"a59bab22ecae19c65fbde6e5f4e9f5d8549d31f037f9df9b905500e171923a77" +
			"3d5f1530f2ed7e964cb2eedc29e9ad2f3afe93b2814f79f5000ffc0366c251e6": streebog.New512,
	} {
		m := hmac.New(newHash, key)
		m.Write(msg)
		if got := hex.EncodeToString(m.Sum(nil)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestUnmarshalOtherSize(t *testing.T) {
	state, err := streebog.New512().(interface{ MarshalBinary() ([]byte, error) }).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	err = streebog.New256().(interface{ UnmarshalBinary([]byte) error }).UnmarshalBinary(state)
	if err == nil || !strings.Contains(err.Error(), "digest size") {
		t.Errorf("the state of Streebog-512 in Streebog-256: %v", err)
	}
}

func BenchmarkHash8K(b *testing.B) {
	streebog.EachImplementationB(b, func(b *testing.B) {
		h, buf := streebog.New256(), make([]byte, 8192)
		b.SetBytes(int64(len(buf)))
		for b.Loop() {
			h.Reset()
			h.Write(buf)
			h.Sum(buf[:0])
		}
	})
}

func BenchmarkHash64(b *testing.B) {
	streebog.EachImplementationB(b, func(b *testing.B) {
		buf := make([]byte, 64)
		b.SetBytes(int64(len(buf)))
		for b.Loop() {
			streebog.Sum256(buf)
		}
	})
}

func BenchmarkWrite64(b *testing.B) {
	streebog.EachImplementationB(b, func(b *testing.B) {
		h, buf := streebog.New256(), make([]byte, 64)
		b.SetBytes(int64(len(buf)))
		for b.Loop() {
			h.Reset()
			h.Write(buf)
			h.Sum(buf[:0])
		}
	})
}
