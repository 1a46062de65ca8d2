package verify_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/profile"
	"github.com/gosklyuch/gosklyuch/verify"
	"github.com/gosklyuch/gosklyuch/verify/revocation"
)

// TestWithdrawnAlgorithms: an algorithm that came to its end is accepted where
// a stamp with another one proves that it was used before.
func TestWithdrawnAlgorithms(t *testing.T) {
	c := testpki.NewChain(t)
	strong := testpki.IssueKey(t, testpki.CA(t, "CN=Strong"), nil, testpki.Key(t, "gost2012-512", "tc26-512-a"))
	stamping := testpki.Leaf(t, "CN=Strong TSA")
	stamping.ExtKeyUsage, stamping.ExtKeyUsageCritical = []oid.OID{oid.EKUTimeStamping}, true
	authority := testpki.IssueKey(t, stamping, strong, testpki.Key(t, "gost2012-512", "tc26-512-a"))
	end := testpki.Now.AddDate(0, 0, -2)
	before := &pki.CRLTemplate{ThisUpdate: end.Add(-40 * time.Minute)}
	values, err := cms.ValuesAttributes(cms.Evidence{
		Certificates: []*pki.Certificate{c.Sub.Cert}, CRLs: []*pki.RevocationList{testpki.CRL(t, c.Sub, before), testpki.CRL(t, c.Root, before)},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		tsa      *testpki.Entity
		at       time.Time
		archived time.Time // when the evidence was stamped; zero: never
		reason   verify.Reason
	}{
		"no proof":                    {nil, time.Time{}, time.Time{}, verify.CryptoConstraintsNoPOE},
		"proof from before":           {authority, end.Add(-time.Hour), end.Add(-30 * time.Minute), ""},
		"no proof of the evidence":    {authority, end.Add(-time.Hour), time.Time{}, verify.CryptoConstraintsNoPOE},
		"late proof of the evidence":  {authority, end.Add(-time.Hour), end.Add(time.Hour), verify.CryptoConstraintsNoPOE},
		"proof from after":            {authority, end.Add(time.Hour), end.Add(time.Hour), verify.CryptoConstraintsNoPOE},
		"proof at the moment":         {authority, end, end, verify.CryptoConstraintsNoPOE},
		"proof by what ended, itself": {tsa(t, c.Sub), end.Add(-time.Hour), time.Time{}, verify.CryptoConstraintsNoPOE},
	} {
		t.Run(name, func(t *testing.T) {
			v := verifier(t, c)
			v.Policy = ended(end)
			v.Roots = pki.NewPool(c.Root.Cert, strong.Cert)
			src := lists(t, c)
			src.Lists = append(src.Lists, testpki.CRL(t, strong, &pki.CRLTemplate{}))
			v.Revocation = src
			sig := signWith(t, c.Leaf)
			if tc.tsa != nil {
				sig = addStamp(t, sig, cms.StampSignature, stampSpec{tsa: tc.tsa, at: tc.at})
			}
			if !tc.archived.IsZero() {
				sig = addArchive(t, edit(t, sig, func(*cms.SignedData) []cms.Attribute { return values }), stampSpec{tsa: tc.tsa, at: tc.archived}, nil)
			}
			r := judge(t, v, sig, document)
			want(t, r, map[bool]verify.Verdict{true: verify.VerdictValid, false: verify.VerdictInvalid}[tc.reason == ""], tc.reason)
			if tc.reason == "" && result(r, "legacy-algorithm") != "warning" {
				t.Error("accepted in silence")
			}
		})
	}
	// An algorithm that the policy does not know is refused whatever is proven.
	v := verifier(t, c)
	v.Policy = verify.DefaultPolicy()
	v.Policy.Algorithms = v.Policy.Algorithms[1:] // without gost2012-256
	want(t, judge(t, v, signWith(t, c.Leaf), document), verify.VerdictInvalid, verify.CryptoConstraints)
}

// TestRevokedAfterwards: what a revocation after the proven time means depends
// on its reason and on invalidityDate (RFC 5280, section 5.3.2).
func TestRevokedAfterwards(t *testing.T) {
	c := testpki.NewChain(t)
	when := testpki.Now.AddDate(0, 0, -7)
	sig := addStamp(t, signWith(t, c.Leaf), cms.StampSignature, stampSpec{tsa: tsa(t, c.Sub), at: when})
	entry := func(at time.Time, reason int, invalid time.Time) pki.RevokedEntry {
		e := testpki.Revoked(c.Leaf.Cert, at, reason)
		e.InvalidityDate = invalid
		return e
	}
	for name, tc := range map[string]struct {
		entry   pki.RevokedEntry
		verdict verify.Verdict
	}{
		"compromised later":                   {entry(when.Add(time.Hour), pki.ReasonKeyCompromise, time.Time{}), verify.VerdictValid},
		"compromised before, known later":     {entry(when.Add(time.Hour), pki.ReasonKeyCompromise, when.Add(-time.Hour)), verify.VerdictRevoked},
		"compromised after, known later":      {entry(when.Add(2*time.Hour), pki.ReasonKeyCompromise, when.Add(time.Hour)), verify.VerdictValid},
		"superseded later":                    {entry(when.Add(time.Hour), pki.ReasonSuperseded, time.Time{}), verify.VerdictValid},
		"superseded at the very moment":       {entry(when, pki.ReasonSuperseded, time.Time{}), verify.VerdictRevoked},
		"ceased before":                       {entry(when.Add(-time.Hour), pki.ReasonCessationOfOperation, time.Time{}), verify.VerdictRevoked},
		"superseded later, invalidity before": {entry(when.Add(time.Hour), pki.ReasonSuperseded, when.Add(-time.Hour)), verify.VerdictValid},
	} {
		t.Run(name, func(t *testing.T) {
			v := verifier(t, c)
			v.Revocation = lists(t, c, tc.entry)
			r := judge(t, v, sig, document)
			want(t, r, tc.verdict, map[bool]verify.Reason{true: verify.RevokedNoPOE}[tc.verdict == verify.VerdictRevoked])
			if !r.Signatures[0].BestTime.Equal(when) {
				t.Errorf("best time %v", r.Signatures[0].BestTime)
			}
		})
	}
}

// TestRevokedAuthority: below an authority that was revoked after the proven
// time only evidence counts that is proven to be older, unless its key stayed
// in honour (EN 319 102-1, 5.6.2.2).
func TestRevokedAuthority(t *testing.T) {
	w := newArchiveWorld(t)
	at := w.signed.AddDate(0, 0, 5)
	revoked := w.signed.AddDate(0, 0, 3)
	verifier := func(reason int) *verify.Verifier {
		v := w.verifier(t, at)
		fresh := &pki.CRLTemplate{ThisUpdate: at.Add(-time.Hour)}
		gone := &pki.CRLTemplate{ThisUpdate: at.Add(-time.Hour), Entries: []pki.RevokedEntry{testpki.Revoked(w.Sub.Cert, revoked, reason)}}
		v.Revocation = &revocation.Static{Lists: []*pki.RevocationList{
			testpki.CRL(t, w.keepers, fresh), testpki.CRL(t, w.Root, gone), testpki.CRL(t, w.Sub, &pki.CRLTemplate{ThisUpdate: at.Add(-time.Hour)}),
		}}
		return v
	}
	timed := addStamp(t, w.bes(t), cms.StampSignature, stampSpec{tsa: w.keeper, at: w.signed})
	archived := addArchive(t, addStamp(t, valuesOnly(t, w), cms.StampSignature, stampSpec{tsa: w.keeper, at: w.signed}),
		stampSpec{tsa: w.keeper, at: w.signed.AddDate(0, 0, 1)}, nil)
	for name, tc := range map[string]struct {
		sig     []byte
		reason  int
		verdict verify.Verdict
		why     verify.Reason
	}{
		"compromised, evidence of any time":   {timed, pki.ReasonKeyCompromise, verify.VerdictRevoked, verify.RevokedCANoPOE},
		"no reason given":                     {timed, pki.ReasonAbsent, verify.VerdictRevoked, verify.RevokedCANoPOE},
		"superseded, evidence of any time":    {timed, pki.ReasonSuperseded, verify.VerdictValid, ""},
		"compromised, evidence proven before": {archived, pki.ReasonKeyCompromise, verify.VerdictValid, ""},
		"without any proof":                   {w.bes(t), pki.ReasonSuperseded, verify.VerdictRevoked, verify.RevokedCANoPOE},
	} {
		t.Run(name, func(t *testing.T) { want(t, judge(t, verifier(tc.reason), tc.sig, document), tc.verdict, tc.why) })
	}
}

// TestContentStamps: a content time stamp bounds the time from below.
func TestContentStamps(t *testing.T) {
	c := testpki.NewChain(t)
	authority := tsa(t, c.Sub)
	v := verifier(t, c)
	r := judge(t, v, signWith(t, c.Leaf, contentStamp(t, authority, testpki.Now.AddDate(0, 0, -1))), document)
	want(t, r, verify.VerdictValid, "")
	if s := r.Signatures[0]; len(s.TimeStamps) != 1 || s.TimeStamps[0].Kind != "content-time-stamp" || !s.BestTime.IsZero() {
		t.Errorf("%d time stamps, best time %v", len(s.TimeStamps), s.BestTime)
	}
	// Revoked after the content was stamped: nothing shows that it was used after that.
	v.Revocation = lists(t, c, testpki.Revoked(c.Leaf.Cert, testpki.Now.AddDate(0, 0, -1), 1))
	want(t, judge(t, v, signWith(t, c.Leaf, contentStamp(t, authority, testpki.Now.AddDate(0, 0, -2))), document), verify.VerdictRevoked, verify.RevokedNoPOE)
	// The signature is stamped before its content: the stamps contradict each other.
	v = verifier(t, c)
	late := signWith(t, c.Leaf, contentStamp(t, authority, testpki.Now.AddDate(0, 0, -1)))
	sig := addStamp(t, late, cms.StampSignature, stampSpec{tsa: authority, at: testpki.Now.AddDate(0, 0, -2)})
	want(t, judge(t, v, sig, document), verify.VerdictIndeterminate, verify.TimestampOrderFailure)
	other := cms.Attribute{Type: oid.AttrContentTimeStamp, Values: [][]byte{makeToken(t, authority, []byte("x"), testpki.Now.AddDate(0, 0, -1))}}
	want(t, judge(t, v, signWith(t, c.Leaf, other), document), verify.VerdictInvalid, verify.HashFailure)
}

// TestSignaturePolicies: the document of the policy that a signature names.
func TestSignaturePolicies(t *testing.T) {
	c := testpki.NewChain(t)
	attr := sigPolicy([]byte("rules"), t)
	broken := cms.Attribute{Type: attr.Type, Values: [][]byte{{0x30, 0}}}
	implied := cms.Attribute{Type: attr.Type, Values: [][]byte{{5, 0}}}
	for name, tc := range map[string]struct {
		attr   cms.Attribute
		doc    string
		ask    bool
		reason verify.Reason
		result string
	}{
		"not asked":  {attr, "", false, "", "skipped"},
		"the same":   {attr, "rules", true, "", "passed"},
		"another":    {attr, "other rules", true, verify.PolicyProcessingError, "failed"},
		"unreadable": {broken, "", false, verify.PolicyProcessingError, "failed"},
		"implied":    {implied, "", true, "", "skipped"},
	} {
		t.Run(name, func(t *testing.T) {
			v := verifier(t, c)
			if tc.ask {
				v.SignaturePolicy = func(_ context.Context, id oid.OID) ([]byte, error) {
					if id != "1.2.643.1" {
						t.Errorf("asked for %s", id)
					}
					return []byte(tc.doc), nil
				}
			}
			r := judge(t, v, signWith(t, c.Leaf, tc.attr), document)
			if r.Reason != tc.reason || result(r, "signature-policy") != tc.result {
				t.Errorf("%s, %s", r.Reason, result(r, "signature-policy"))
			}
		})
	}
}

// TestAccreditation: the answer about the authority counts as the policy says.
func TestAccreditation(t *testing.T) {
	c := testpki.NewChain(t)
	sig := addStamp(t, signWith(t, c.Leaf), cms.StampSignature, stampSpec{tsa: tsa(t, c.Sub), at: testpki.Now.AddDate(0, 0, -1)})
	for name, tc := range map[string]struct {
		state  verify.AccreditationState
		action verify.Action
		reason verify.Reason
		result string
	}{
		"yes":              {verify.Accredited, verify.Fail, "", "passed"},
		"no":               {verify.NotAccredited, verify.Fail, verify.ChainConstraints, "failed"},
		"no, a warning":    {verify.NotAccredited, verify.Warn, "", "warning"},
		"no, informed":     {verify.NotAccredited, verify.Inform, "", "skipped"},
		"unknown":          {verify.AccreditationUnknown, verify.Fail, verify.PolicyProcessingError, "failed"},
		"unknown, ignored": {verify.AccreditationUnknown, verify.Skip, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			v := verifier(t, c)
			v.Policy = verify.DefaultPolicy()
			v.Policy.Accreditation = tc.action
			var days []time.Time
			v.Accreditation = func(_ context.Context, issuer *pki.Certificate, chain []*pki.Certificate, day time.Time) verify.AccreditationAnswer {
				if !issuer.Equal(c.Sub.Cert) || len(chain) != 3 {
					t.Errorf("asked about %s in a chain of %d", issuer.Subject, len(chain))
				}
				days = append(days, day)
				return verify.AccreditationAnswer{State: tc.state, Authority: "УЦ", Detail: "запись 7"}
			}
			r := judge(t, v, sig, document)
			if r.Reason != tc.reason || result(r, "accreditation") != tc.result {
				t.Errorf("%s, %q", r.Reason, result(r, "accreditation"))
			}
			if tc.action == verify.Skip {
				return
			}
			// 63-FZ, article 11: the day of issue; of a time stamp the stamped one.
			if len(days) != 2 || !days[0].Equal(testpki.Now.AddDate(0, 0, -1)) || !days[1].Equal(testpki.Start) {
				t.Errorf("asked about %v", days)
			}
			line := ""
			for _, x := range r.Signatures[0].TimeStamps[0].Checks {
				if x.ID == "time-stamp-accreditation" {
					line = x.Detail
				}
			}
			word := map[verify.AccreditationState]string{verify.Accredited: "да", verify.NotAccredited: "нет"}[tc.state]
			if word == "" {
				word = "неизвестно"
			}
			if line != "метка проверена; служба меток – аккредитованный УЦ: "+word {
				t.Error(line)
			}
		})
	}
}

// TestQualifiedRules: the rules of the qualified certificate decide about the form.
func TestQualifiedRules(t *testing.T) {
	c := testpki.NewChain(t)
	rule := func(broken bool, s pki.Severity) profile.Rule {
		return profile.Rule{ID: "r", Title: "T", Cite: "C", Severity: s, Check: func(*pki.Certificate) []profile.Problem {
			if broken {
				return []profile.Problem{{Field: "subject", Detail: "no SNILS"}}
			}
			return nil
		}}
	}
	for name, tc := range map[string]struct {
		rule   profile.Rule
		action verify.Action
		kind   string
		reason verify.Reason
	}{
		"kept":             {rule(false, pki.Error), verify.Fail, "qualified-form", ""},
		"broken":           {rule(true, pki.Error), verify.Fail, "enhanced", verify.ChainConstraints},
		"broken, informed": {rule(true, pki.Error), verify.Inform, "enhanced", ""},
		"a remark":         {rule(true, pki.Warn), verify.Fail, "qualified-form", ""},
	} {
		t.Run(name, func(t *testing.T) {
			v := verifier(t, c)
			v.Qualified = &profile.Set{Name: "q", Rules: []profile.Rule{tc.rule}}
			v.Policy = verify.DefaultPolicy()
			v.Policy.QualifiedForm = tc.action
			r := judge(t, v, signWith(t, c.Leaf), document)
			if tc.reason != "" {
				tc.kind = "unknown"
			}
			if s := r.Signatures[0]; r.Reason != tc.reason || s.Kind != tc.kind {
				t.Errorf("%s, kind %s", r.Reason, s.Kind)
			}
		})
	}
}

// TestIssuers: issuers are asked for where a chain is open, and not for ever.
func TestIssuers(t *testing.T) {
	c := testpki.NewChain(t)
	v := verifier(t, c)
	v.Intermediates = nil
	sig := signWith(t, c.Leaf)
	asked := 0
	v.Issuers = func(_ context.Context, cert *pki.Certificate) []*pki.Certificate {
		asked++
		if !cert.Equal(c.Leaf.Cert) {
			t.Errorf("asked about %s", cert.Subject)
		}
		return []*pki.Certificate{c.Sub.Cert, nil}
	}
	want(t, judge(t, v, sig, document), verify.VerdictValid, "")
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
	// Somebody who always has one more.
	asked = 0
	endless := testpki.Issue(t, testpki.CA(t, "CN=Endless"), nil)
	v.Issuers = func(_ context.Context, cert *pki.Certificate) []*pki.Certificate {
		asked++
		name := cert.Issuer.String()
		up := testpki.IssueKey(t, testpki.CA(t, "CN=Up "+strings.Repeat("x", asked)), nil, endless.Key)
		return []*pki.Certificate{testpki.IssueKey(t, testpki.CA(t, name), up, endless.Key).Cert}
	}
	want(t, judge(t, v, signWith(t, testpki.Issue(t, testpki.Leaf(t, "CN=Far"), endless)), document), verify.VerdictIndeterminate, verify.NoCertificateChain)
	if asked > limits.IssuerFetches || asked < 2 {
		t.Errorf("asked %d times", asked)
	}
}

// TestPolicyDemands: what a policy asks of a signature as a whole.
func TestPolicyDemands(t *testing.T) {
	c := testpki.NewChain(t)
	plain := signWith(t, c.Leaf)
	for name, tc := range map[string]struct {
		sig    []byte
		change func(*verify.Policy)
		id     string
		reason verify.Reason
	}{
		"detached":             {plain, func(p *verify.Policy) { p.Detached = verify.Fail }, "detached", ""},
		"attached":             {message{signer: c.Leaf, attached: true}.sign(t), func(p *verify.Policy) { p.Detached = verify.Fail }, "detached", verify.SigConstraints},
		"certificates":         {message{signer: c.Leaf, more: []*pki.Certificate{c.Sub.Cert}}.sign(t), func(p *verify.Policy) { p.CertificatesIncluded = verify.Fail }, "certificates-included", ""},
		"certificates missing": {plain, func(p *verify.Policy) { p.CertificatesIncluded = verify.Fail }, "certificates-included", verify.SigConstraints},
		"level missing":        {plain, func(p *verify.Policy) { p.MinimumLevel, p.Level = verify.Fail, "t" }, "level", verify.SigConstraints},
		"level not proven": {
			addStamp(t, plain, cms.StampSignature, stampSpec{tsa: tsa(t, testpki.Issue(t, testpki.CA(t, "CN=Stranger"), nil)), at: testpki.Now.Add(-time.Hour)}),
			func(p *verify.Policy) { p.MinimumLevel, p.Level = verify.Fail, "t" }, "level", verify.NoPOE,
		},
		"level": {
			addStamp(t, plain, cms.StampSignature, stampSpec{tsa: tsa(t, c.Sub), at: testpki.Now.Add(-time.Hour)}),
			func(p *verify.Policy) { p.MinimumLevel, p.Level = verify.Fail, "t" }, "level", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := verifier(t, c)
			v.Policy = verify.DefaultPolicy()
			tc.change(v.Policy)
			r := judge(t, v, tc.sig, document)
			if r.Reason != tc.reason || result(r, tc.id) != map[bool]string{true: "passed", false: "failed"}[tc.reason == ""] {
				t.Errorf("%s, %s is %q", r.Reason, tc.id, result(r, tc.id))
			}
		})
	}
}

// TestRestrictions: purposes that the certificate is limited to are named.
func TestRestrictions(t *testing.T) {
	c := testpki.NewChain(t)
	tmpl := testpki.Leaf(t, "CN=Limited")
	tmpl.ExtKeyUsage = []oid.OID{oid.EKUClientAuth, "1.2.643.2.2.34.6"}
	r := judge(t, verifier(t, c), signWith(t, testpki.Issue(t, tmpl, c.Sub)), document)
	want(t, r, verify.VerdictValid, "")
	if result(r, "restrictions") != "skipped" {
		t.Errorf("restrictions: %q", result(r, "restrictions"))
	}
	if r := judge(t, verifier(t, c), signWith(t, c.Leaf), document); result(r, "restrictions") != "" {
		t.Error("restrictions where there are none")
	}
}

// TestHostileStamps: the work for a signature with as many archive stamps as are
// read is bounded.
func TestHostileStamps(t *testing.T) {
	w := newArchiveWorld(t)
	sig := w.xl(t)
	for i := range limits.AttachedVerified - 2 {
		sig = addArchive(t, sig, stampSpec{tsa: w.keeper, at: w.signed.AddDate(0, 0, i+1), more: []*pki.Certificate{w.Sub.Cert}}, nil)
	}
	within(t, 20*time.Second, func() {
		r := judge(t, w.verifier(t, w.years), sig, document)
		want(t, r, verify.VerdictValid, "")
		if n := len(r.Signatures[0].TimeStamps); n != limits.AttachedVerified {
			t.Errorf("%d time stamps", n)
		}
	})
}
