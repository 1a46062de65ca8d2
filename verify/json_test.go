package verify_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/verify"
)

// keysOf returns the keys of an object in the order in which they are written.
func keysOf(t *testing.T, data []byte) []string {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(data))
	if _, err := dec.Token(); err != nil {
		t.Fatal(err)
	}
	var out []string
	for dec.More() {
		k, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, k.(string))
		var skip json.RawMessage
		if err := dec.Decode(&skip); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func TestJSON(t *testing.T) {
	c := testpki.NewChain(t)
	r := judge(t, verifier(t, c), message{signer: c.Leaf}.sign(t), "x")
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := json.Marshal(r)
	if !bytes.Equal(data, again) {
		t.Error("two runs differ")
	}
	if got, want := keysOf(t, data), []string{
		"status", "statusText", "kind", "at", "policy", "indication", "subIndication",
		"signatures", "checks", "explanation", "remedy", "notice",
	}; !slices.Equal(got, want) {
		t.Errorf("keys %q", got)
	}
	var doc struct {
		Status, StatusText, At, Policy string
		Signatures                     []json.RawMessage
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Status != "invalid" || doc.StatusText != "Подпись недействительна" || doc.At != "2026-06-01T12:00:00Z" || doc.Policy != "default" {
		t.Errorf("%+v", doc)
	}
	if got, want := keysOf(t, doc.Signatures[0]), []string{
		"status", "statusText", "indication", "subIndication", "signer", "claimedTime",
		"level", "signatureKind", "checks", "warnings", "explanation", "remedy",
	}; !slices.Equal(got, want) {
		t.Errorf("keys of a signature %q", got)
	}
	checkSignatureJSON(t, doc.Signatures[0], c)
}

func checkSignatureJSON(t *testing.T, data []byte, c *testpki.Chain) {
	t.Helper()
	var s struct {
		Indication, SubIndication, ClaimedTime, Level, SignatureKind string
		Signer                                                       map[string]string
		Checks                                                       []map[string]string
	}
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	if s.Indication != "TOTAL-FAILED" || s.SubIndication != "HASH_FAILURE" || s.ClaimedTime != "2026-06-01T11:59:00Z" || s.Level != "bes" || s.SignatureKind != "unknown" {
		t.Errorf("%+v", s)
	}
	if s.Signer["serial"] != c.Leaf.Cert.SerialHex() || s.Signer["notBefore"] != "2026-01-01T00:00:00Z" || len(s.Signer) != 5 {
		t.Errorf("signer %v", s.Signer)
	}
	for _, check := range s.Checks {
		if check["id"] == "" || check["cite"] == "" || !slices.Contains([]string{"passed", "failed", "warning", "skipped"}, check["result"]) || len(check) != 4 {
			t.Errorf("check %v", check)
		}
	}
}

// TestQualifiedForm: the kind comes from the form of the certificate.
func TestQualifiedForm(t *testing.T) {
	c := testpki.NewChain(t)
	kind := 0
	tmpl := testpki.Leaf(t, "CN=Иванов Иван,SNILS=11223344595,C=RU")
	tmpl.Policies = []oid.OID{"1.2.643.100.113.1", "1.2.643.100.113.2"}
	tmpl.SubjectSignTool, tmpl.IdentificationKind = "ГосКлюч", &kind
	tmpl.IssuerSignTool = &pki.IssuerSignTool{SignTool: "а", CATool: "б", SignToolCert: "в", CAToolCert: "г"}
	leaf := testpki.Issue(t, tmpl, c.Sub)
	v := verifier(t, c)
	if r := judge(t, v, message{signer: leaf}.sign(t), document); r.Signatures[0].Kind != "qualified-form" || r.Verdict() != verify.VerdictValid {
		t.Errorf("kind %s, %v", r.Signatures[0].Kind, r.Verdict())
	}
	if r := judge(t, v, message{signer: c.Leaf}.sign(t), document); r.Signatures[0].Kind != "enhanced" {
		t.Errorf("kind %s", r.Signatures[0].Kind)
	}
}
