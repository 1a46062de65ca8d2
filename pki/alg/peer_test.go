package alg

import (
	"crypto/rand"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// opensslSets are the names that gost-engine has for the parameter sets.
var opensslSets = []struct{ ours, algorithm, set string }{
	{"cryptopro-a", "gost2012_256", "A"},
	{"cryptopro-b", "gost2012_256", "B"},
	{"cryptopro-c", "gost2012_256", "C"},
	{"cryptopro-xcha", "gost2012_256", "XA"},
	{"cryptopro-xchb", "gost2012_256", "XB"},
	{"tc26-256-a", "gost2012_256", "TCA"},
	{"tc26-256-b", "gost2012_256", "TCB"},
	{"tc26-256-c", "gost2012_256", "TCC"},
	{"tc26-256-d", "gost2012_256", "TCD"},
	{"tc26-512-a", "gost2012_512", "A"},
	{"tc26-512-b", "gost2012_512", "B"},
	{"tc26-512-c", "gost2012_512", "C"},
}

func write(t *testing.T, dir, name, label string, der []byte) string {
	t.Helper()
	data := der
	if label != "" {
		data = pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der})
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func decodePEM(t *testing.T, text []byte) []byte {
	t.Helper()
	for {
		b, rest := pem.Decode(text)
		if b == nil {
			t.Fatalf("no PEM in %q", text)
		}
		if b.Type != "EC PARAMETERS" {
			return b.Bytes
		}
		text = rest
	}
}

// Keys and signatures of every parameter set, in both directions; a changed
// signature is refused by both.
func TestKeysAgainstOpenSSL(t *testing.T) {
	peer.NeedOpenSSL(t)
	for _, s := range opensslSets {
		t.Run(s.ours, func(t *testing.T) {
			dir := t.TempDir()
			// Theirs to us.
			theirs := decodePEM(t, peer.MustOpenSSL(t, "genpkey", "-algorithm", s.algorithm, "-pkeyopt", "paramset:"+s.set))
			key, err := ParsePKCS8(theirs)
			if err != nil {
				t.Fatal(err)
			}
			keyFile := write(t, dir, "theirs.pem", "PRIVATE KEY", theirs)
			spki := peer.MustOpenSSL(t, "pkey", "-in", keyFile, "-pubout", "-outform", "DER")
			pub, err := ParsePublicKey(spki)
			if err != nil || !EqualKeys(pub, key.Public()) {
				t.Fatalf("their public key: %v", err)
			}
			if name := KeyName(pub); name[len(name)-len(s.ours):] != s.ours {
				t.Errorf("set %s is read as %s", s.set, name)
			}
			digest := streebog.Sum512([]byte("message"))
			digestID := HashForKey(pub)
			d := digest[:]
			if digestID.OID == oid.Streebog256 {
				d = digest[:32]
			}
			digestFile := write(t, dir, "digest", "", d)
			sigFile := filepath.Join(dir, "sig")
			peer.MustOpenSSL(t, "pkeyutl", "-sign", "-inkey", keyFile, "-in", digestFile, "-out", sigFile)
			sig, err := os.ReadFile(sigFile)
			if err != nil {
				t.Fatal(err)
			}
			if err := VerifyDigest(pub, KeyAlgorithm(pub), digestID, d, sig); err != nil {
				t.Errorf("their signature: %v", err)
			}
			sig[3] ^= 1
			if err := VerifyDigest(pub, KeyAlgorithm(pub), digestID, d, sig); !errors.Is(err, ErrSignature) {
				t.Errorf("their signature, changed: %v", err)
			}
			// Ours to them.
			mine := newGOST(t, s.ours)
			p8, err := MarshalPKCS8(mine)
			if err != nil {
				t.Fatal(err)
			}
			mySPKI, err := MarshalPublicKey(mine.Public())
			if err != nil {
				t.Fatal(err)
			}
			myFile := write(t, dir, "mine.pem", "PRIVATE KEY", p8)
			got := peer.MustOpenSSL(t, "pkey", "-in", myFile, "-pubout", "-outform", "DER")
			if pub, err := ParsePublicKey(got); err != nil || !EqualKeys(pub, mine.Public()) {
				t.Errorf("they make another public key of our private key: %v", err)
			}
			pubFile := write(t, dir, "pub.pem", "PUBLIC KEY", mySPKI)
			mySig, err := SignDigest(rand.Reader, mine, digestID, d)
			if err != nil {
				t.Fatal(err)
			}
			verify := []string{"pkeyutl", "-verify", "-pubin", "-inkey", pubFile, "-in", digestFile, "-sigfile"}
			peer.MustOpenSSL(t, append(verify, write(t, dir, "mysig", "", mySig))...)
			mySig[3] ^= 1
			if res := peer.OpenSSL(t, peer.Run{Args: append(verify, write(t, dir, "bad", "", mySig))}); res.Err == nil {
				t.Error("OpenSSL verifies a changed signature")
			}
		})
	}
}

// Encrypted PKCS #8 in both directions, and a wrong password refused by both.
func TestEncryptedPKCS8AgainstOpenSSL(t *testing.T) {
	peer.NeedOpenSSL(t)
	dir := t.TempDir()
	key := newGOST(t, "tc26-512-c")
	p8, err := MarshalPKCS8(key)
	if err != nil {
		t.Fatal(err)
	}
	plain := write(t, dir, "plain.pem", "PRIVATE KEY", p8)
	for _, password := range []string{"Passw0rd", "Пароль для PFX"} {
		pass := write(t, dir, "password", "", []byte(password))
		wrong := write(t, dir, "wrong", "", []byte("nope"))
		for _, args := range [][]string{
			{"-v2", "gost89"},
			{"-v2", "gost89", "-v2prf", "1.2.643.7.1.1.4.1"},
			{"-v2", "kuznyechik-ctr-acpkm"},
			{"-v2", "magma-ctr-acpkm"},
			{"-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA512"},
			{"-v2", "des3", "-v2prf", "hmacWithSHA1"},
		} {
			der := peer.MustOpenSSL(t, append([]string{"pkcs8", "-topk8", "-in", plain, "-outform", "DER", "-passout", "file:" + pass}, args...)...)
			got, err := DecryptPKCS8(der, []byte(password))
			if err != nil {
				t.Errorf("%v: %v", args, err)
				continue
			}
			if _, err := ParsePKCS8For(got, key.Public()); err != nil {
				t.Errorf("%v: %v", args, err)
			}
			if _, err := DecryptPKCS8(der, []byte("nope")); !errors.Is(err, ErrPassword) {
				t.Errorf("%v, wrong password: %v", args, err)
			}
		}
		for _, name := range []string{"gost28147", "kuznyechik", "magma", "aes256"} {
			der, err := EncryptPKCS8(rand.Reader, p8, []byte(password), PBES2{Cipher: name, Iterations: 2000})
			if err != nil {
				t.Fatal(err)
			}
			file := write(t, dir, name, "", der)
			got := peer.MustOpenSSL(t, "pkey", "-inform", "DER", "-in", file, "-passin", "file:"+pass, "-pubout", "-outform", "DER")
			if pub, err := ParsePublicKey(got); err != nil || !EqualKeys(pub, key.Public()) {
				t.Errorf("%s: OpenSSL reads another key: %v", name, err)
			}
			if res := peer.OpenSSL(t, peer.Run{Args: []string{"pkey", "-inform", "DER", "-in", file, "-passin", "file:" + wrong, "-noout"}}); res.Err == nil {
				t.Errorf("%s: OpenSSL opens it with a wrong password", name)
			}
		}
	}
}

// certtool knows these sets. It always makes 600,000 iterations.
func TestEncryptedPKCS8AgainstCerttool(t *testing.T) {
	peer.NeedCerttool(t)
	t.Parallel()
	dir := t.TempDir()
	for _, set := range []string{"cryptopro-a", "cryptopro-xcha", "tc26-512-a"} {
		key := newGOST(t, set)
		p8, err := MarshalPKCS8(key)
		if err != nil {
			t.Fatal(err)
		}
		plain := write(t, dir, "plain.pem", "PRIVATE KEY", p8)
		der, err := EncryptPKCS8(rand.Reader, p8, []byte("Пароль1"), PBES2{Iterations: 2000})
		if err != nil {
			t.Fatal(err)
		}
		file := write(t, dir, "ours.pem", "ENCRYPTED PRIVATE KEY", der)
		res := peer.Certtool(t, peer.Run{Args: []string{"--key-info", "--pkcs8", "--infile", file, "--password", "Пароль1"}})
		if res.Err != nil {
			t.Errorf("%s: certtool: %v\n%s", set, res.Err, res.All())
		}
		if res := peer.Certtool(t, peer.Run{Args: []string{"--key-info", "--pkcs8", "--infile", file, "--password", "wrong"}}); res.Err == nil {
			t.Errorf("%s: certtool opens it with a wrong password", set)
		}
		if set != "cryptopro-a" {
			continue // one such file is slow enough
		}
		for _, cipher := range []string{"gost28147-cpd"} {
			out := filepath.Join(dir, "theirs.der")
			res := peer.Certtool(t, peer.Run{Args: []string{
				"--to-p8", "--load-privkey", plain, "--pkcs-cipher", cipher, "--password", "Пароль1", "--outder", "--outfile", out,
			}})
			if res.Err != nil {
				t.Fatalf("certtool: %v\n%s", res.Err, res.All())
			}
			theirs, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			got, err := DecryptPKCS8(theirs, []byte("Пароль1"))
			if err != nil {
				t.Fatalf("%s: %v", cipher, err)
			}
			if _, err := ParsePKCS8For(got, key.Public()); err != nil {
				t.Errorf("%s: %v", cipher, err)
			}
		}
	}
}

// RSA, ECDSA and Ed25519 in both directions.
func TestForeignKeysAgainstOpenSSL(t *testing.T) {
	peer.NeedOpenSSL(t)
	dir := t.TempDir()
	message := []byte("message")
	messageFile := write(t, dir, "message", "", message)
	for _, c := range []struct {
		ours string
		gen  []string
	}{
		{"ecdsa-p256", []string{"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"}},
		{"ecdsa-p384", []string{"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"}},
		{"rsa-2048", []string{"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"}},
	} {
		theirs := decodePEM(t, peer.MustOpenSSL(t, append([]string{"genpkey"}, c.gen...)...))
		key, err := ParsePKCS8(theirs)
		if err != nil || KeyName(key.Public()) != c.ours {
			t.Fatalf("%s: %v", c.ours, err)
		}
		keyFile := write(t, dir, "key.pem", "PRIVATE KEY", theirs)
		id := SignatureForKey(key.Public())
		md := "-" + HashForKey(key.Public()).OID.Name()
		sigFile := filepath.Join(dir, "sig")
		peer.MustOpenSSL(t, "dgst", md, "-sign", keyFile, "-out", sigFile, messageFile)
		sig, err := os.ReadFile(sigFile)
		if err != nil {
			t.Fatal(err)
		}
		if err := VerifyMessage(key.Public(), id, Identifier{}, message, sig); err != nil {
			t.Errorf("%s: their signature: %v", c.ours, err)
		}
		if sig, err = SignMessage(nil, key, id, message); err != nil {
			t.Fatal(err)
		}
		spki, err := MarshalPublicKey(key.Public())
		if err != nil {
			t.Fatal(err)
		}
		pubFile := write(t, dir, "pub.pem", "PUBLIC KEY", spki)
		peer.MustOpenSSL(t, "dgst", md, "-verify", pubFile, "-signature", write(t, dir, "mysig", "", sig), messageFile)
	}
}
