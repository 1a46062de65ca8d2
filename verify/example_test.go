package verify_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/verify"
	"github.com/gosklyuch/gosklyuch/verify/revocation"
)

// A portal verifies a detached signature: what it trusts, where evidence about
// revocation comes from, and the two files.
func ExampleVerifier() {
	root, _ := pki.ParseCertificate(read("root.cer"))
	rootCRL, _ := pki.ParseCRL(read("root.crl"))
	caCRL, _ := pki.ParseCRL(read("ca.crl"))
	sig, _ := os.Open("testdata/example/document.txt.sig")
	doc, _ := os.Open("testdata/example/document.txt")

	v := &verify.Verifier{
		Roots:      pki.NewPool(root),
		Revocation: &revocation.Static{Lists: []*pki.RevocationList{rootCRL, caCRL}}, // or fetch.New(…), over the network
		Now:        func() time.Time { return time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC) },
	}
	report, err := v.Verify(context.Background(), sig, doc) // err is nil only if every signature is valid

	fmt.Println(err == nil, report.StatusText())
	fmt.Println(report.Signatures[0].Signer.Subject)
	// Output:
	// true Подпись действительна
	// CN=Иванов Иван,C=RU
}

func read(name string) []byte {
	data, err := os.ReadFile(filepath.Join("testdata", "example", name))
	if err != nil {
		panic(err)
	}
	return data
}

var update = flag.Bool("update", false, "write the files of the example anew")

// TestExampleFiles keeps the files of the example in step with the format; run
// with -update it makes them anew.
func TestExampleFiles(t *testing.T) {
	if *update {
		c := testpki.NewChain(t)
		ev := lists(t, c)
		for name, data := range map[string][]byte{
			"root.cer": c.Root.Cert.Raw, "root.crl": ev.Lists[0].Raw, "ca.crl": ev.Lists[1].Raw, "document.txt": []byte(document),
			"document.txt.sig": message{signer: c.Leaf, more: []*pki.Certificate{c.Sub.Cert}}.sign(t),
		} {
			if err := os.WriteFile(filepath.Join("testdata", "example", name), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if string(read("document.txt")) != document {
		t.Error("the example's document is not the tests'")
	}
}
