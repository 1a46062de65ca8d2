package pfx

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"testing"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

func pemOf(label string, data []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: data})
}

// asker counts how often the password was asked for.
type asker struct {
	password string
	calls    int
}

func (a *asker) ask() ([]byte, error) {
	a.calls++
	return []byte(a.password), nil
}

func TestReadKeyFile(t *testing.T) {
	want := newContents(t, "gost2012-256", "cryptopro-xcha")
	p8, err := alg.MarshalPKCS8(want.Key)
	if err != nil {
		t.Fatal(err)
	}
	enc, err := alg.EncryptPKCS8(rand.Reader, p8, []byte("p"), alg.PBES2{Iterations: 1000})
	if err != nil {
		t.Fatal(err)
	}
	file := mustEncode(t, want, "p", Options{Iterations: 1000})
	leaf, root := pemOf("CERTIFICATE", want.Certificate.Raw), pemOf("CERTIFICATE", want.Chain[0].Raw)
	for _, c := range []struct {
		name  string
		data  []byte
		asks  int
		certs bool
	}{
		{"PFX", file, 1, true},
		{"PFX in Base64", []byte(base64.StdEncoding.EncodeToString(file)), 1, true},
		{"PFX in PEM", pemOf("PKCS12", file), 1, true},
		{"PKCS #8", p8, 0, false},
		{"PKCS #8 in PEM", pemOf("PRIVATE KEY", p8), 0, false},
		{"encrypted PKCS #8", enc, 1, false},
		{"encrypted PKCS #8 in PEM", pemOf("ENCRYPTED PRIVATE KEY", enc), 1, false},
		{"key, certificate, chain", bytes.Join([][]byte{pemOf("PRIVATE KEY", p8), leaf, root}, nil), 0, true},
		{"chain, certificate, encrypted key", bytes.Join([][]byte{root, leaf, pemOf("ENCRYPTED PRIVATE KEY", enc)}, nil), 1, true},
	} {
		a := &asker{password: "p"}
		got, err := ReadKeyFile(bytes.Clone(c.data), a.ask)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if a.calls != c.asks {
			t.Errorf("%s: the password was asked for %d times", c.name, a.calls)
		}
		if c.certs {
			same(t, c.name, got, want)
		} else if !alg.EqualKeys(got.Key.Public(), want.Key.Public()) {
			t.Errorf("%s: another key", c.name)
		}
		if c.asks > 0 {
			if _, err := ReadKeyFile(bytes.Clone(c.data), (&asker{password: "q"}).ask); !errors.Is(err, ErrPassword) {
				t.Errorf("%s, wrong password: %v", c.name, err)
			}
		}
	}
}

func TestReadKeyFileOldForms(t *testing.T) {
	ec, err := alg.GenerateKey("ecdsa-p256", "")
	if err != nil {
		t.Fatal(err)
	}
	ecDER, err := x509.MarshalECPrivateKey(ec.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	r, err := alg.GenerateKey("rsa-2048", "")
	if err != nil {
		t.Fatal(err)
	}
	for label, data := range map[string][]byte{
		"EC PRIVATE KEY":  append(pemOf("EC PARAMETERS", []byte{6, 1, 1}), pemOf("EC PRIVATE KEY", ecDER)...),
		"RSA PRIVATE KEY": pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(r.(*rsa.PrivateKey))),
	} {
		if _, err := ReadKeyFile(data, (&asker{}).ask); err != nil {
			t.Errorf("%s: %v", label, err)
		}
	}
}

func TestReadKeyFileRefuses(t *testing.T) {
	c := newContents(t, "gost2012-256", "cryptopro-a")
	var kind *NotKeyError
	if _, err := ReadKeyFile(c.Certificate.Raw, (&asker{}).ask); !errors.As(err, &kind) || kind.Kind != der.KindCertificate {
		t.Errorf("a certificate: %v", err)
	}
	for name, data := range map[string][]byte{
		"empty": nil, "text": []byte("hello"), "HTML": []byte("<html><body>x</body></html>"),
	} {
		if _, err := ReadKeyFile(data, (&asker{}).ask); err == nil {
			t.Errorf("%s is opened", name)
		}
	}
	refused := errors.New("no terminal")
	file := mustEncode(t, c, "p", Options{Iterations: 1000})
	if _, err := ReadKeyFile(file, func() ([]byte, error) { return nil, refused }); !errors.Is(err, refused) {
		t.Errorf("no password to be had: %v", err)
	}
}

func TestEncodePEM(t *testing.T) {
	want := newContents(t, "gost2012-512", "tc26-512-b")
	for _, pw := range [][]byte{nil, {}, []byte("Пароль1x")} {
		text, err := EncodePEM(rand.Reader, want, pw, alg.PBES2{Iterations: 1000})
		if err != nil {
			t.Fatal(err)
		}
		got, err := ReadKeyFile(text, func() ([]byte, error) { return bytes.Clone(pw), nil })
		if err != nil {
			t.Errorf("password %q: %v", pw, err)
			continue
		}
		same(t, "PEM", got, want)
		if encrypted := bytes.Contains(text, []byte("ENCRYPTED")); encrypted != (pw != nil) {
			t.Errorf("password %q: encrypted %v", pw, encrypted)
		}
	}
}
