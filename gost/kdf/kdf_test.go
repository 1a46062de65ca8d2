package kdf_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/kdf"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
)

func TestVectors(t *testing.T) {
	for _, c := range cryptotest.LoadVectors(t, "testdata/rfc7836.json").Cases {
		switch c.ID {
		case "kdf":
			if got := kdf.GOSTR3411_2012_256(c.Key, c.Label, c.IV); !bytes.Equal(got[:], c.Result) {
				t.Errorf("KDF: %x, want %x", got, c.Result)
			}
		case "tree":
			got, err := kdf.Tree(c.Key, c.Label, c.IV, c.Count, len(c.Result))
			if err != nil || !bytes.Equal(got, c.Result) {
				t.Errorf("KDF_TREE: %x, %v, want %x", got, err, c.Result)
			}
		default:
			t.Errorf("unknown case %s", c.ID)
		}
	}
}

// RFC 7836, section 4.5: the KDF is the tree with R = 1 and L = 256.
func TestTreeIsKDF(t *testing.T) {
	for n := range 70 {
		key, label, seed := cryptotest.Bytes(1, n), cryptotest.Bytes(2, n/2), cryptotest.Bytes(3, n/3)
		want := kdf.GOSTR3411_2012_256(key, label, seed)
		got, err := kdf.Tree(key, label, seed, 1, 32)
		if err != nil || !bytes.Equal(got, want[:]) {
			t.Errorf("%x, %v, want %x", got, err, want)
		}
	}
}

func TestTreeSizes(t *testing.T) {
	for r, longest := range map[int]int{1: 32 * 255, 2: 64 << 10, 3: 64 << 10, 4: 64 << 10} {
		for _, n := range []int{1, 31, 32, 33, longest} {
			if got, err := kdf.Tree(nil, nil, nil, r, n); err != nil || len(got) != n {
				t.Errorf("R = %d, %d bytes: got %d, %v", r, n, len(got), err)
			}
		}
		for _, n := range []int{-1, 0, longest + 1} {
			if got, err := kdf.Tree(nil, nil, nil, r, n); err == nil || got != nil {
				t.Errorf("R = %d, %d bytes: got %d and no error", r, n, len(got))
			}
		}
	}
	for _, r := range []int{-1, 0, 5} {
		if _, err := kdf.Tree(nil, nil, nil, r, 32); err == nil {
			t.Errorf("R = %d was accepted", r)
		}
	}
}

func TestPBKDF2(t *testing.T) {
	for _, c := range cryptotest.LoadVectors(t, "testdata/rfc9337-pbkdf2.json").Cases {
		got, err := kdf.PBKDF2(c.Key, c.IV, c.Count, len(c.Result))
		if err != nil || !bytes.Equal(got, c.Result) {
			t.Errorf("%s: %x, %v, want %x", c.ID, got, err, c.Result)
		}
	}
	for _, n := range [][2]int{{0, 32}, {-1, 32}, {1, 0}, {1, -1}} {
		if _, err := kdf.PBKDF2([]byte("p"), []byte("salt"), n[0], n[1]); err == nil {
			t.Errorf("%d iterations to %d bytes were accepted", n[0], n[1])
		}
	}
}

func TestPBKDF2OpenSSL(t *testing.T) {
	password, salt := "пароль", cryptotest.Bytes(1, 20)
	want := peer.OpenSSL(t, peer.Run{Args: []string{
		"kdf", "-keylen", "96", "-binary", "-kdfopt", "digest:md_gost12_512", "-kdfopt", "pass:" + password,
		"-kdfopt", "hexsalt:" + hex.EncodeToString(salt), "-kdfopt", "iter:1000", "PBKDF2",
	}})
	if want.Err != nil {
		t.Fatal(want.All())
	}
	got, err := kdf.PBKDF2([]byte(password), salt, 1000, 96)
	if err != nil || !bytes.Equal(got, want.Stdout) {
		t.Errorf("%x, %v, OpenSSL %x", got, err, want.Stdout)
	}
}

func BenchmarkPBKDF2(b *testing.B) {
	for _, n := range []int{1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if _, err := kdf.PBKDF2([]byte("password"), []byte("salt"), n, 32); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
