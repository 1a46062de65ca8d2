package streebog_test

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
)

// Every implementation gives the digests of the portable one, for all lengths
// to 1000, at all offsets from a multiple of 64.
func TestImplementations(t *testing.T) {
	data := cryptotest.Bytes(77, 1100)
	want := make(map[int][]byte)
	defer streebog.Force(streebog.Force("portable"))
	for n := range 1001 {
		sum := streebog.Sum512(data[n%64:][:n])
		want[n] = sum[:]
	}
	streebog.EachImplementation(t, func(t *testing.T) {
		for n := range 1001 {
			buf := make([]byte, 64+1001)
			for _, offset := range []int{0, n % 64, 63} {
				m := buf[offset:][:n]
				copy(m, data[n%64:])
				if got := streebog.Sum512(m); !bytes.Equal(got[:], want[n]) {
					t.Fatalf("%d bytes at offset %d: %x, portable %x", n, offset, got, want[n])
				}
			}
		}
	})
}

// Messages side by side have the digests that they have alone: every number of
// them, of equal and of different lengths, empty ones among them.
func TestMany(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	streebog.EachImplementation(t, func(t *testing.T) {
		for n := range 14 {
			for range 40 {
				messages := make([][]byte, n)
				for i := range messages {
					messages[i] = cryptotest.Bytes(r.Uint64(), r.IntN(1+1<<r.IntN(12)))
				}
				short, long := make([][32]byte, n), make([][64]byte, n)
				streebog.Sum256Many(short, messages)
				streebog.Sum512Many(long, messages)
				for i, m := range messages {
					if short[i] != streebog.Sum256(m) || long[i] != streebog.Sum512(m) {
						t.Fatalf("message %d of %d, %d bytes: another digest than alone", i, n, len(m))
					}
				}
			}
		}
	})
}

// Messages may share memory: one of them several times, and parts of each other.
func TestManyOverlap(t *testing.T) {
	m := cryptotest.Bytes(9, 700)
	var messages [][]byte
	for i := range 12 {
		messages = append(messages, m, m[i:], m[:63*i], m[5*i:63*i], nil)
	}
	streebog.EachImplementation(t, func(t *testing.T) {
		digests := make([][64]byte, len(messages))
		streebog.Sum512Many(digests, messages)
		for i, m := range messages {
			if digests[i] != streebog.Sum512(m) {
				t.Errorf("message %d, %d bytes: another digest than alone", i, len(m))
			}
		}
	})
}

func TestManyOpenSSL(t *testing.T) {
	var messages [][]byte
	for i, n := range []int{0, 1, 63, 64, 65, 5000, 100, 128, 129} {
		messages = append(messages, cryptotest.Bytes(uint64(i), n))
	}
	got := make([][32]byte, len(messages))
	streebog.Sum256Many(got, messages)
	for i, m := range messages {
		want := peer.OpenSSL(t, peer.Run{Args: []string{"dgst", "-md_gost12_256", "-binary"}, Stdin: m}).Stdout
		if !bytes.Equal(got[i][:], want) {
			t.Errorf("%d bytes: %x, OpenSSL %x", len(m), got[i], want)
		}
	}
}

// Every implementation agrees with gost-engine for all lengths to 1000: one
// process computes them all.
func TestLengthsOpenSSL(t *testing.T) {
	peer.NeedOpenSSL(t)
	dir := t.TempDir()
	messages := make([][]byte, 1001)
	args := []string{"dgst", "-md_gost12_512", "-r"}
	for n := range messages {
		messages[n] = cryptotest.Bytes(uint64(n), n)
		name := filepath.Join(dir, strconv.Itoa(n))
		if err := os.WriteFile(name, messages[n], 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, name)
	}
	lines := strings.Split(strings.TrimSpace(string(peer.MustOpenSSL(t, args...))), "\n")
	if len(lines) != len(messages) {
		t.Fatalf("OpenSSL answers %d lines for %d files", len(lines), len(messages))
	}
	streebog.EachImplementation(t, func(t *testing.T) {
		together := make([][64]byte, len(messages))
		streebog.Sum512Many(together, messages)
		for n, m := range messages {
			want, _, _ := strings.Cut(lines[n], " ")
			got, h := streebog.Sum512(m), streebog.New512()
			h.Write(m[:n/3])
			h.Write(m[n/3:])
			for way, digest := range map[string][]byte{"Sum512": got[:], "Write": h.Sum(nil), "Sum512Many": together[n][:]} {
				if hex.EncodeToString(digest) != want {
					t.Fatalf("%s of %d bytes: %x, gost-engine %s", way, n, digest, want)
				}
			}
		}
	})
}

// Messages longer than what the assembler takes at a time.
func TestLong(t *testing.T) {
	long := cryptotest.Bytes(5, 300_001)
	defer streebog.Force(streebog.Force("portable"))
	messages := [][]byte{long, long[:65536], long[1:65601], long[:65536+64], long[7:131_072]}
	want := make([][64]byte, len(messages))
	streebog.Sum512Many(want, messages)
	streebog.EachImplementation(t, func(t *testing.T) {
		got := make([][64]byte, len(messages))
		streebog.Sum512Many(got, messages)
		for i, m := range messages {
			if got[i] != want[i] || streebog.Sum512(m) != want[i] {
				t.Errorf("%d bytes: another digest than the portable one", len(m))
			}
		}
	})
}

func TestManyLengths(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("one digest for two messages: no panic")
		}
	}()
	streebog.Sum256Many(make([][32]byte, 1), make([][]byte, 2))
}

func BenchmarkMany(b *testing.B) {
	messages := make([][]byte, 4)
	for i := range messages {
		messages[i] = make([]byte, 8192)
	}
	digests := make([][32]byte, len(messages))
	b.SetBytes(4 * 8192)
	for b.Loop() {
		streebog.Sum256Many(digests, messages)
	}
}
