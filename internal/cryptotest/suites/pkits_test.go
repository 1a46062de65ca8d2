package suites

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
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

// pkitsParams are the inputs of RFC 5280, section 6.1.1.
type pkitsParams struct {
	Policies       []oid.OID `json:"user_initial_policy_set"`
	Explicit       bool      `json:"initial_explicit_policy"`
	InhibitMapping bool      `json:"initial_policy_mapping_inhibit"`
	InhibitAny     bool      `json:"initial_any_policy_inhibit"`
}

// pkitsTime lies within the validity of everything that the suite calls valid.
var pkitsTime = time.Date(2021, 6, 1, 0, 0, 0, 0, time.UTC)

// pkitsOther are cases that get another answer than "invalid", with the reason:
// the suite has two answers, "accept" and "reject", and the index that it comes
// with calls these a path that fails. None of them is accepted.
var pkitsOther = map[string]verify.Verdict{
	// No authority of that name is at hand: an unknown anchor.
	"40301": verify.VerdictIndeterminate,
	"40302": verify.VerdictIndeterminate,
	// What is revoked is the key that signed the list: nothing is known of the
	// certificate itself.
	"40421": verify.VerdictIndeterminate,
}

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
	if len(cases) != 246 {
		t.Fatalf("%d cases", len(cases))
	}
	seen, right := map[string]int{}, 0
	for _, c := range cases {
		t.Run(c.ID+"/"+c.Name, func(t *testing.T) {
			seen[c.run(t, dir)]++
			if !t.Failed() {
				right++
			}
		})
	}
	t.Logf("%d of %d as expected: %v", right, len(cases), seen)
}

// run verifies one case and returns what was answered.
func (c pkitsCase) run(t *testing.T, dir string) string {
	report, err := c.verifier(t, dir).VerifyCertificate(t.Context(), pkitsCertificate(t, dir, c.Cert))
	if report == nil {
		t.Fatal(err)
	}
	detail, _ := report.Deciding()
	got, want := report.Verdict(), c.verdict()
	t.Logf("%s %s: %s", got, report.Reason, detail.Detail)
	if other, ok := pkitsOther[c.ID]; ok {
		want = other
	}
	if (c.Error == nil) != (report.Status == verify.Passed) {
		t.Errorf("%s, but the suite says that the path is valid: %v", report.Status, c.Error == nil)
	}
	if got != want {
		t.Errorf("%s %s, want %s: %s", got, report.Reason, want, detail.Detail)
	}
	return got.String()
}

// verdict is the answer that the suite has.
func (c pkitsCase) verdict() verify.Verdict {
	switch text := string(c.Error); {
	case c.Error == nil:
		return verify.VerdictValid
	case strings.Contains(text, "CRL indicates"):
		return verify.VerdictRevoked
	case strings.Contains(text, "revocation"):
		return verify.VerdictIndeterminate
	}
	return verify.VerdictInvalid
}

// pkitsPolicy is the suite's own: DSA and SHA-1, which no shipped policy accepts.
func pkitsPolicy(t *testing.T) *verify.Policy {
	t.Helper()
	data, err := os.ReadFile("testdata/pkits-policy.json")
	if err != nil {
		t.Fatal(err)
	}
	policy, err := verify.ParsePolicy(data)
	if err != nil {
		t.Fatal(err)
	}
	return policy
}

// policy is the suite's with the inputs of the case.
func (c pkitsCase) policy(t *testing.T) *verify.Policy {
	policy := pkitsPolicy(t)
	policy.UnsafeNoRevocation = c.Revocation != nil && !*c.Revocation
	var in pkitsParams
	if c.Params != nil {
		if err := json.Unmarshal(c.Params, &in); err != nil {
			t.Fatal(err)
		}
	}
	policy.InitialPolicies, policy.ExplicitPolicy = in.Policies, in.Explicit
	policy.InhibitMapping, policy.InhibitAnyPolicy = in.InhibitMapping, in.InhibitAny
	return policy
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
	v := &verify.Verifier{
		Roots: pki.NewPool(pkitsCertificate(t, dir, "TrustAnchorRootCertificate.crt")), Intermediates: pki.NewPool(),
		Policy: c.policy(t), Revocation: given, Now: func() time.Time { return pkitsTime }, Lang: verify.English,
	}
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
