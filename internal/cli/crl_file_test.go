package cli

import (
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
)

// TestLargeCRLFile: a large list stays in its file; PEM, a small one and a
// damaged one are read as ever.
func TestLargeCRLFile(t *testing.T) {
	ca := testpki.Issue(t, testpki.CA(t, "CN=CA"), nil)
	tmpl := &pki.CRLTemplate{}
	for i := range 40_000 {
		tmpl.Entries = append(tmpl.Entries, pki.RevokedEntry{Serial: big.NewInt(1<<40 + int64(i)), At: testpki.Start, Reason: pki.ReasonSuperseded})
	}
	large, small := testpki.CRL(t, ca, tmpl), testpki.CRL(t, ca, &pki.CRLTemplate{})
	if len(large.Raw) < limits.CRLInFile {
		t.Fatalf("the list has only %d octets", len(large.Raw))
	}
	dir, a := t.TempDir(), &app{}
	file := func(name string, data []byte) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	for _, tc := range []struct {
		path   string
		inFile bool
	}{
		{file("large.crl", large.Raw), true},
		{file("small.crl", small.Raw), false},
		{file("large.pem", pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: large.Raw})), false},
	} {
		l, err := a.readCRL(tc.path)
		if err != nil || l.InFile() != tc.inFile || l.CheckSignatureFrom(ca.Cert) != nil {
			t.Fatalf("%s: %v", tc.path, err)
		}
		all, err := a.readCRLs(tc.path)
		if err != nil || len(all) != 1 || all[0].Len() != l.Len() {
			t.Errorf("%s: %d lists, %v", tc.path, len(all), err)
		}
	}
	if _, err := a.readCRL(file("cut.crl", large.Raw[:len(large.Raw)-1])); err == nil {
		t.Error("a list that was cut off is read")
	}
	if _, err := a.readCRLs(filepath.Join(dir, "none.crl")); err == nil {
		t.Error("a file that is not there is read")
	}
}
