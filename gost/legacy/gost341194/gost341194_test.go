package gost341194_test

import (
	"bytes"
	"encoding/hex"
	"hash"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/legacy/gost341194"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
)

func TestVectors(t *testing.T) {
	for _, c := range cryptotest.LoadVectors(t, "testdata/rfc5831.json").Cases {
		h := gost341194.NewTest()
		h.Write(c.Message)
		if got := h.Sum(nil); !bytes.Equal(got, c.Result) {
			t.Errorf("%s: %x, want %x", c.ID, got, c.Result)
		}
	}
}

// The digests of the empty message that implementations publish. (The Debian
// build of gost-engine 3.0.1 alone differs; see TestOpenSSL.)
func TestEmpty(t *testing.T) {
	for want, newHash := range map[string]func() hash.Hash{
		"981e5f3ca30c841487830f84fb433e13ac1101569b9c13584ac483234cd656c0": gost341194.New,
		"ce85b99cc46752fffee35cab9a7b0278abb4c2d2055cff685af4912c49490f8d": gost341194.NewTest,
	} {
		if got := hex.EncodeToString(newHash().Sum(nil)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestHash(t *testing.T) {
	t.Run("CryptoPro", func(t *testing.T) { cryptotest.TestHash(t, gost341194.New) })
	t.Run("test", func(t *testing.T) { cryptotest.TestHash(t, gost341194.NewTest) })
}

func TestUnmarshalOtherSet(t *testing.T) {
	state, err := gost341194.New().(interface{ MarshalBinary() ([]byte, error) }).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if gost341194.NewTest().(interface{ UnmarshalBinary([]byte) error }).UnmarshalBinary(state) == nil {
		t.Error("the state of one parameter set was accepted by the other")
	}
}

func TestOpenSSL(t *testing.T) {
	// The empty message is left out: gost-engine hashes a block of zeros for it.
	for _, n := range append(cryptotest.Lengths(gost341194.BlockSize)[1:], 50000) {
		m := cryptotest.Bytes(uint64(n), n)
		want := peer.OpenSSL(t, peer.Run{Args: []string{"dgst", "-md_gost94", "-binary"}, Stdin: m})
		h := gost341194.New()
		h.Write(m)
		if got := h.Sum(nil); !bytes.Equal(got, want.Stdout) {
			t.Errorf("%d bytes: %x, OpenSSL %x %s", n, got, want.Stdout, want.Stderr)
		}
	}
}

// Sums of blocks that carry through all 256 bits.
func TestChecksumCarry(t *testing.T) {
	m := append(bytes.Repeat([]byte{0xff}, 3*gost341194.BlockSize), 1)
	want := peer.OpenSSL(t, peer.Run{Args: []string{"dgst", "-md_gost94", "-binary"}, Stdin: m}).Stdout
	h := gost341194.New()
	h.Write(m)
	if got := h.Sum(nil); !bytes.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
}

func BenchmarkHash8K(b *testing.B) {
	h, buf := gost341194.New(), make([]byte, 8192)
	b.SetBytes(int64(len(buf)))
	for b.Loop() {
		h.Write(buf)
	}
}
