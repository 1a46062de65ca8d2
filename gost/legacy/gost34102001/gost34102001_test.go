package gost34102001_test

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/gost/legacy/gost34102001"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func reversed(b []byte) []byte {
	b = bytes.Clone(b)
	slices.Reverse(b)
	return b
}

// TestVector is the example of RFC 5832, Section 7.
func TestVector(t *testing.T) {
	x := unhex(t, "7F2B49E270DB6D90D8595BEC458B50C58585BA1D4E9B788F6689DBD8E56FD80B")
	y := unhex(t, "26F1B489D6701DD185C8413A977B3CBBAF64D1C593D26627DFFB101A87FF77DA")
	e := unhex(t, "2DFBC1B372D89A1188C09C52E0EEC61FCE52032AB1022E8E67ECE6672B043EE5")
	r := unhex(t, "41AA28D2F1AB148280CD9ED56FEDA41974053554A42767B83AD043FD39DC0493")
	s := unhex(t, "01456C64BA4642A1653C235A98A60249BCD6D3F746B631DF928014F6C5BF9C40")
	pub, err := gost3410.NewPublicKey(gost3410.CryptoProTest(), append(reversed(x), reversed(y)...))
	if err != nil {
		t.Fatal(err)
	}
	sig := append(s, r...)
	if !gost34102001.Verify(pub, reversed(e), sig) {
		t.Error("the vector does not verify")
	}
	if gost34102001.Verify(pub, e, sig) {
		t.Error("a digest in the wrong byte order verifies")
	}
	if gost34102001.Verify(pub, reversed(e), append(r, s...)) {
		t.Error("r || s verifies")
	}
	sig[40] ^= 1
	if gost34102001.Verify(pub, reversed(e), sig) {
		t.Error("a corrupted signature verifies")
	}
}

func TestRefused(t *testing.T) {
	if gost34102001.Verify(nil, make([]byte, 32), make([]byte, 64)) {
		t.Error("no key")
	}
	key, err := gost3410.GenerateKey(gost3410.TC26A512())
	if err != nil {
		t.Fatal(err)
	}
	digest := make([]byte, 64)
	sig, err := key.Sign(nil, digest, nil)
	if err != nil {
		t.Fatal(err)
	}
	if gost34102001.Verify(key.PublicKey(), digest, sig) {
		t.Error("a 512-bit curve")
	}
}

// TestOpenSSL verifies what gost-engine signs with its gost2001 keys.
func TestOpenSSL(t *testing.T) {
	peer.NeedOpenSSL(t)
	for set, curve := range map[string]gost3410.Curve{
		"A": gost3410.CryptoProA(), "B": gost3410.CryptoProB(), "C": gost3410.CryptoProC(),
		"XA": gost3410.CryptoProXchA(), "XB": gost3410.CryptoProXchB(), "0": gost3410.CryptoProTest(),
	} {
		t.Run(curve.Name(), func(t *testing.T) {
			dir := t.TempDir()
			key, in := filepath.Join(dir, "k.pem"), filepath.Join(dir, "digest")
			digest := bytes.Repeat([]byte{1, 2, 3, 200}, 8)
			if err := os.WriteFile(in, digest, 0o600); err != nil {
				t.Fatal(err)
			}
			peer.MustOpenSSL(t, "genpkey", "-algorithm", "gost2001", "-pkeyopt", "paramset:"+set, "-out", key)
			spki := peer.MustOpenSSL(t, "pkey", "-in", key, "-pubout", "-outform", "DER")
			pub, err := gost3410.NewPublicKey(curve, spki[len(spki)-64:])
			if err != nil {
				t.Fatal(err)
			}
			sig := peer.MustOpenSSL(t, "pkeyutl", "-sign", "-inkey", key, "-in", in)
			if !gost34102001.Verify(pub, digest, sig) {
				t.Error("their signature refused")
			}
			sig[3] ^= 0x40
			if gost34102001.Verify(pub, digest, sig) {
				t.Error("a corrupted signature verifies")
			}
		})
	}
}
