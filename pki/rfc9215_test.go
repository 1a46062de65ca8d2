package pki_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/gosklyuch/gosklyuch/pki"
)

// The requests, certificates and CRLs of RFC 9215, appendix D: test parameter
// sets of 256 and 512 bits and TC26-256-A.
func TestRFC9215(t *testing.T) {
	data, err := os.ReadFile("testdata/rfc9215.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Objects []struct {
			Kind, Section string
			Base64        []byte // encoding/json decodes Base64 into octets
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Objects) != 9 {
		t.Fatalf("%d objects", len(file.Objects))
	}
	roots := map[string]*pki.Certificate{} // by section up to the last number
	for _, o := range file.Objects {
		if o.Kind == "CERTIFICATE" {
			roots[o.Section[:3]] = mustCert(t, o.Base64)
		}
	}
	for _, o := range file.Objects {
		root := roots[o.Section[:3]]
		var err error
		var findings []pki.Finding
		switch o.Kind {
		case "CERTIFICATE":
			err, findings = root.CheckSignatureFrom(root), root.Findings
			if !root.IsSelfIssued() {
				t.Errorf("%s: not self-issued", o.Section)
			}
		case "CERTIFICATE REQUEST":
			q, perr := pki.ParseRequest(o.Base64)
			if perr != nil {
				t.Fatal(perr)
			}
			err, findings = q.CheckSignature(), q.Findings
		case "X509 CRL":
			l := mustCRL(t, o.Base64)
			err, findings = l.CheckSignatureFrom(root), l.Findings
		default:
			t.Errorf("%s: kind %q", o.Section, o.Kind)
		}
		if err != nil || len(findings) != 0 {
			t.Errorf("%s %s: %v %v", o.Section, o.Kind, err, findings)
		}
	}
}
