package cli

import (
	"crypto/rand"
	"encoding/pem"
	"math/big"
	"os"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// writeSelfSigned writes a new 256-bit key without a password and a
// self-signed certificate that may sign documents.
func writeSelfSigned(t testing.TB, keyFile, certFile string) {
	t.Helper()
	key, err := alg.GenerateKey("gost2012-256", "cryptopro-a")
	if err != nil {
		t.Fatal(err)
	}
	name, err := pki.ParseDN("CN=Large document,C=RU")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	tmpl := &pki.CertificateTemplate{
		SerialNumber: big.NewInt(1), Subject: name, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
		KeyUsage: pki.KeyUsageDigitalSignature,
	}
	raw, err := pki.CreateCertificate(rand.Reader, tmpl, nil, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	p8, err := alg.MarshalPKCS8(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{keyFile: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: p8}), certFile: raw} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
