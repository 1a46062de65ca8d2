package pfx

import (
	"bytes"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

func write(t testing.TB, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// files puts what Contents holds where a peer can read it.
type files struct{ key, cert, chain, password, wrong string }

func writeContents(t testing.TB, dir string, c *Contents, password string) files {
	t.Helper()
	p8, err := alg.MarshalPKCS8(c.Key)
	if err != nil {
		t.Fatal(err)
	}
	return files{
		key:      write(t, dir, "key.pem", pemOf("PRIVATE KEY", p8)),
		cert:     write(t, dir, "cert.pem", pemOf("CERTIFICATE", c.Certificate.Raw)),
		chain:    write(t, dir, "chain.pem", pemOf("CERTIFICATE", c.Chain[0].Raw)),
		password: write(t, dir, "password", []byte(password)),
		wrong:    write(t, dir, "wrong", []byte("nope")),
	}
}

// What OpenSSL writes in each dialect opens here; a wrong password does not.
func TestDecodeOpenSSL(t *testing.T) {
	peer.NeedOpenSSL(t)
	gost := newContents(t, "gost2012-256", "cryptopro-xcha")
	gost512 := newContents(t, "gost2012-512", "tc26-512-a")
	ec := newContents(t, "ecdsa-p256", "")
	rsaKey := newContents(t, "rsa-2048", "")
	for _, c := range []struct {
		name string
		of   *Contents
		args []string
		env  []string
		mac  string
	}{
		// Two certificates are longer than 1024 octets: the key meshes.
		{"RFC 9548", gost, []string{"-keypbe", "gost89", "-certpbe", "gost89", "-macalg", "md_gost12_512"}, nil, "rfc9548 streebog512"},
		{"RFC 9548, 512 bits", gost512, []string{"-keypbe", "gost89", "-certpbe", "gost89", "-macalg", "md_gost12_512"}, nil, "rfc9548 streebog512"},
		{"MAC of 256 bits", gost, []string{"-keypbe", "gost89", "-certpbe", "gost89", "-macalg", "md_gost12_256"}, nil, "rfc9548 streebog256"},
		{"older MAC key", gost, []string{"-keypbe", "gost89", "-certpbe", "gost89", "-macalg", "md_gost12_512"}, []string{"LEGACY_GOST_PKCS12=1"}, "pkcs12-kdf streebog512"},
		{"Kuznyechik", gost, []string{"-keypbe", "kuznyechik-ctr-acpkm", "-certpbe", "kuznyechik-ctr-acpkm", "-macalg", "md_gost12_512"}, nil, "rfc9548 streebog512"},
		{"Magma", gost, []string{"-keypbe", "magma-ctr-acpkm", "-certpbe", "magma-ctr-acpkm", "-macalg", "md_gost12_512"}, nil, "rfc9548 streebog512"},
		{"AES and SHA-256", gost, []string{"-keypbe", "aes-256-cbc", "-certpbe", "aes-256-cbc", "-macalg", "sha256"}, nil, "pkcs12-kdf sha256"},
		{"plain certificates", gost, []string{"-keypbe", "gost89", "-certpbe", "NONE", "-macalg", "md_gost12_512"}, nil, "rfc9548 streebog512"},
		{"Triple DES and SHA-1", gost, []string{"-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"}, nil, "pkcs12-kdf sha1"},
		{"ECDSA", ec, nil, nil, "pkcs12-kdf sha256"},
		{"RSA", rsaKey, nil, nil, "pkcs12-kdf sha256"},
	} {
		for _, pw := range passwords {
			f := writeContents(t, t.TempDir(), c.of, pw)
			out := f.key + ".pfx"
			args := append([]string{
				"pkcs12", "-export", "-inkey", f.key, "-in", f.cert, "-certfile", f.chain, "-name", "key",
				"-passout", "file:" + f.password, "-out", out,
			}, c.args...)
			if pw == "" {
				args = append(args, "-passout", "pass:")
			}
			if res := peer.OpenSSL(t, peer.Run{Args: args, Env: c.env}); res.Err != nil {
				t.Fatalf("%s: openssl: %v\n%s", c.name, res.Err, res.All())
			}
			data, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Decode(data, []byte(pw))
			if err != nil {
				t.Errorf("%s, password %q: %v", c.name, pw, err)
				continue
			}
			same(t, c.name, got, c.of)
			if got.MAC != c.mac || got.FriendlyName != "key" {
				t.Errorf("%s: MAC %q, name %q", c.name, got.MAC, got.FriendlyName)
			}
			if _, err := Decode(data, []byte("nope")); !errors.Is(err, ErrPassword) {
				t.Errorf("%s, wrong password: %v", c.name, err)
			}
		}
	}
}

// What we write opens in OpenSSL and gives the same key and certificates; a
// wrong password and a changed file are refused.
func TestOpenSSLReadsOurs(t *testing.T) {
	peer.NeedOpenSSL(t)
	for _, c := range []struct {
		algorithm, set, cipher string
	}{
		{"gost2012-256", "cryptopro-xcha", ""},
		{"gost2012-256", "tc26-256-a", "kuznyechik"},
		{"gost2012-256", "tc26-256-b", "magma"}, // below 1024 octets, see TestLongACPKM
		{"gost2012-512", "tc26-512-a", ""},
		{"gost2012-512", "tc26-512-c", ""},
		{"ecdsa-p256", "", ""},
		{"rsa-2048", "", ""},
	} {
		want := newContents(t, c.algorithm, c.set)
		for _, pw := range passwords {
			dir := t.TempDir()
			f := writeContents(t, dir, want, pw)
			data := mustEncode(t, want, pw, Options{Cipher: c.cipher, Iterations: 2000})
			pass := "file:" + f.password
			if pw == "" {
				pass = "pass:"
			}
			file := write(t, dir, "ours.pfx", data)
			out := peer.MustOpenSSL(t, "pkcs12", "-in", file, "-passin", pass, "-nodes")
			got, err := ReadKeyFile(out, nil)
			if err != nil {
				t.Errorf("%s %s, password %q: %v", c.set, c.cipher, pw, err)
				continue
			}
			same(t, c.algorithm, got, want)
			refuses := func(what string, args ...string) {
				if res := peer.OpenSSL(t, peer.Run{Args: append([]string{"pkcs12", "-nodes", "-in"}, args...)}); res.Err == nil {
					t.Errorf("%s: OpenSSL opens it with %s", c.set, what)
				}
			}
			refuses("a wrong password", file, "-passin", "file:"+f.wrong)
			changed := bytes.Clone(data)
			changed[len(changed)/2] ^= 1
			refuses("a changed octet", write(t, dir, "changed.pfx", changed), "-passin", pass)
			if _, err := Decode(changed, []byte(pw)); err == nil {
				t.Errorf("%s: we open it with a changed octet", c.set)
			}
		}
	}
}

// certtool in both directions; it always makes 600,000 iterations.
func TestCerttool(t *testing.T) {
	peer.NeedCerttool(t)
	t.Parallel()
	want := newContents(t, "gost2012-256", "cryptopro-a")
	for _, pw := range []string{"Passw0rd", "Пароль для PFX"} {
		dir := t.TempDir()
		file := write(t, dir, "ours.pfx", mustEncode(t, want, pw, Options{Iterations: 2000}))
		res := peer.Certtool(t, peer.Run{Args: []string{"--p12-info", "--inder", "--infile", file, "--password", pw}})
		if res.Err != nil || bytes.Count(res.Stdout, []byte("BEGIN CERTIFICATE")) != 2 || !bytes.Contains(res.Stdout, []byte("PRIVATE KEY")) {
			t.Errorf("password %q: certtool: %v\n%s", pw, res.Err, res.All())
		}
		res = peer.Certtool(t, peer.Run{Args: []string{"--p12-info", "--inder", "--infile", file, "--password", "wrong"}})
		if res.Err == nil && strings.Contains(res.All(), "BEGIN PRIVATE KEY") {
			t.Errorf("certtool opens it with a wrong password:\n%s", res.All())
		}
	}
	dir := t.TempDir()
	pw := "Пароль для PFX"
	f := writeContents(t, dir, want, pw)
	out := filepath.Join(dir, "theirs.pfx")
	res := peer.Certtool(t, peer.Run{Args: []string{
		"--to-p12", "--load-privkey", f.key, "--load-certificate", f.cert, "--pkcs-cipher", "gost28147-tc26z",
		"--hash", "streebog-512", "--p12-name", "key", "--password", pw, "--outder", "--outfile", out,
	}})
	if res.Err != nil {
		t.Fatalf("certtool: %v\n%s", res.Err, res.All())
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(data, []byte(pw))
	if err != nil {
		t.Fatal(err)
	}
	if got.MAC != "rfc9548 streebog512" || !bytes.Equal(got.Certificate.Raw, want.Certificate.Raw) {
		t.Errorf("MAC %q", got.MAC)
	}
	if _, rest := pem.Decode(data); len(rest) != len(data) {
		t.Error("certtool wrote PEM")
	}
}

// gost-engine encrypts PBES2 with sections of 1 KiB (Magma) and 4 KiB
// (Kuznyechik), not with those of CMS, which we write: what is longer than one
// section shows whether the reader finds out. Both must open.
func TestLongACPKM(t *testing.T) {
	peer.NeedOpenSSL(t)
	want := newContents(t, "gost2012-512", "tc26-512-a")
	for range 15 {
		want.Chain = append(want.Chain, want.Chain[0])
	}
	f := writeContents(t, t.TempDir(), want, "p")
	var chain []byte
	for _, c := range want.Chain {
		chain = append(chain, pemOf("CERTIFICATE", c.Raw)...)
	}
	if err := os.WriteFile(f.chain, chain, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, cipher := range []string{"magma", "kuznyechik"} {
		out := f.key + cipher
		peer.MustOpenSSL(t, "pkcs12", "-export", "-inkey", f.key, "-in", f.cert, "-certfile", f.chain, "-passout", "file:"+f.password,
			"-keypbe", cipher+"-ctr-acpkm", "-certpbe", cipher+"-ctr-acpkm", "-macalg", "md_gost12_512", "-out", out)
		theirs, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		for name, data := range map[string][]byte{
			"theirs": theirs,
			"ours":   mustEncode(t, want, "p", Options{Cipher: cipher, Iterations: 1000}),
			"MAC":    mustEncode(t, want, "p", Options{Cipher: cipher + "-omac", Iterations: 1000}),
		} {
			got, err := Decode(data, []byte("p"))
			if err != nil {
				t.Errorf("%s %s: %v", cipher, name, err)
				continue
			}
			same(t, cipher+" "+name, got, want)
		}
	}
}
