package suites

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/verify"
	"github.com/gosklyuch/gosklyuch/verify/revocation"
)

// A pkitsCase is one row of the index of the NIST PKI test suite.
type pkitsCase struct {
	ID, Name, Cert string
	Other          []string        `json:"other_certs"`
	CRLs           []string        `json:"crls"`
	Revocation     *bool           `json:"revocation"` // false: lists are not asked for
	Params         json.RawMessage `json:"params"`     // inputs of RFC 5280, section 6.1.1
	Error          json.RawMessage `json:"error"`      // present: the path must be refused
}

// pkitsTime lies within the validity of everything that the suite calls valid.
var pkitsTime = time.Date(2021, 6, 1, 0, 0, 0, 0, time.UTC)

// pkitsOpen are the cases of valid paths that are answered "indeterminate", by
// what is missing. There is no such table for the others: what must be refused
// must never pass.
var pkitsOpen = map[string]string{}

// TestPKITS runs the NIST PKI test suite: every path with its lists.
func TestPKITS(t *testing.T) {
	dir := filepath.Join(root(t), "corpus/13-path/pkits")
	data, err := os.ReadFile(filepath.Join(dir, "pkits.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []pkitsCase
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 240 {
		t.Fatalf("only %d cases", len(cases))
	}
	seen := map[string]int{}
	for _, c := range cases {
		t.Run(c.ID+"/"+c.Name, func(t *testing.T) { seen[c.run(t, dir)]++ })
	}
	t.Log(seen)
}

// run verifies one case and returns what it counts as.
func (c pkitsCase) run(t *testing.T, dir string) string {
	refuse := c.Error != nil
	if c.Params != nil && refuse {
		return "needs policy input" // the path itself is good: without the input it may pass
	}
	v := c.verifier(t, dir)
	report, err := v.VerifyCertificate(t.Context(), pkitsCertificate(t, dir, c.Cert))
	if report == nil {
		t.Fatal(err)
	}
	detail, _ := report.Deciding()
	said := report.Verdict().String() + " " + string(report.Reason)
	t.Logf("%s: %s", said, detail.Detail)
	why, open := pkitsOpen[c.ID]
	switch passed := report.Status == verify.Passed; {
	case refuse && passed:
		t.Error("a path that must be refused passed")
	case refuse:
		return "refused"
	case passed && open:
		t.Errorf("passes, but is listed as open: %s", why)
	case passed:
		return "accepted"
	case !open:
		t.Errorf("a valid path was not accepted: %s: %s", said, detail.Detail)
	case report.Verdict() != verify.VerdictIndeterminate:
		t.Errorf("open, but %s", said)
	}
	return "open: " + why
}

func (c pkitsCase) verifier(t *testing.T, dir string) *verify.Verifier {
	given := &revocation.Static{}
	for _, name := range append(c.CRLs, "TrustAnchorRootCRL.crl") {
		der, err := os.ReadFile(filepath.Join(dir, "crls", name))
		if err != nil {
			t.Fatal(err)
		}
		list, err := pki.ParseCRL(der)
		if err != nil {
			t.Logf("%s: %v", name, err)
			continue
		}
		given.Lists = append(given.Lists, list)
	}
	policy := verify.DefaultPolicy()
	policy.UnsafeNoRevocation = c.Revocation != nil && !*c.Revocation
	v := &verify.Verifier{Roots: pki.NewPool(pkitsCertificate(t, dir, "TrustAnchorRootCertificate.crt")), Intermediates: pki.NewPool(),
		Policy: policy, Revocation: given, Now: func() time.Time { return pkitsTime }, Lang: verify.English}
	for _, name := range c.Other {
		v.Intermediates.Add(pkitsCertificate(t, dir, name))
	}
	return v
}

func pkitsCertificate(t *testing.T, dir, name string) *pki.Certificate {
	t.Helper()
	der, err := os.ReadFile(filepath.Join(dir, "certs", name))
	if err != nil {
		t.Fatal(err)
	}
	c, err := pki.ParseCertificate(der)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return c
}

var _ = strings.HasPrefix
