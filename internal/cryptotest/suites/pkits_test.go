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

// pkitsOpen are the cases whose answer is "indeterminate" although the suite has
// a definite one, by what is missing. Nothing excuses a path that passes and
// must be refused.
var pkitsOpen = []struct{ why, ids string }{
	{"DSA is not known", "40104 40105"},
	// The authorities of Russia keep a list for each of their keys, cross
	// certificates or not, so the list of one key is no evidence for the other.
	{"the list is signed with another key of the authority", "40501 40502 40504 40505 40615 40617"},
	{"policies are not processed yet", "40804 40805 40806 40807 40808 40809 40810 40811 40812 40813 40814 " +
		"40901 40902 40903 40904 40905 40906 40907 40908 " +
		"41001 41002 41003 41004 41005 41006 41007 41008 41009 41010 41011 41013 41014 " +
		"41101 41102 41103 41104 41105 41106 41107 41108 41109 41110 41111 " +
		"41201 41202 41203 41204 41205 41206 41207 41208 41209 41210"},
	{"name constraints are not processed yet", "41301 41302 41303 41304 41305 41306 41307 41308 41309 41310 41311 41312 41313 41314 " +
		"41315 41316 41317 41318 41319 41320 41321 41322 41323 41324 41325 41326 41327 41328 41329 41330 41331 41332 41333 41334 " +
		"41335 41336 41337 41338"},
	{"lists for some reasons are not joined yet", "41418 41419"},
	{"indirect lists are not used yet", "41422 41423 41424 41425 41428 41429 41430 41431 41432 41433 41434"},
}

// pkitsOther are cases that get another definite answer, with the reason.
var pkitsOther = map[string]verify.Verdict{
	// Released from hold by a delta list only: the base list still has it.
	"41505": verify.VerdictRevoked,
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
	if c.Params != nil && c.Error != nil {
		return "not run: refused only with policy input"
	}
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
	why := c.open()
	switch {
	case c.Error != nil && report.Status == verify.Passed:
		t.Error("a path that must be refused passed")
	case got == want:
		return got.String()
	case why == "" || got != verify.VerdictIndeterminate:
		t.Errorf("%s %s, want %s: %s", got, report.Reason, want, detail.Detail)
	}
	return "indeterminate: " + why
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

// open says what is missing for the case, or "".
func (c pkitsCase) open() string {
	for _, o := range pkitsOpen {
		if strings.Contains(o.ids, c.ID) {
			return o.why
		}
	}
	return ""
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
	v := &verify.Verifier{
		Roots: pki.NewPool(pkitsCertificate(t, dir, "TrustAnchorRootCertificate.crt")), Intermediates: pki.NewPool(),
		Policy: policy, Revocation: given, Now: func() time.Time { return pkitsTime }, Lang: verify.English,
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
