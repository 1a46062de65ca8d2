package revocation_test

import (
	"bytes"
	"testing"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/verify/revocation"
)

// TestFactsConfusion: a list that is known to be signed by the issuer says
// nothing about a similar one, about another issuer, or about another moment.
func TestFactsConfusion(t *testing.T) {
	c := testpki.NewChain(t)
	good := testpki.CRL(t, c.Sub, &pki.CRLTemplate{})
	bad := func(change func([]byte)) *pki.RevocationList {
		der := bytes.Clone(good.Raw)
		change(der)
		l, err := pki.ParseCRL(der)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	number := bytes.Index(good.Raw, []byte{0x55, 0x1d, 0x14}) // id-ce-cRLNumber
	otherSignature := bad(func(b []byte) { b[len(b)-1] ^= 1 })
	otherContent := bad(func(b []byte) { b[number+7] ^= 1 })
	twin := testpki.Issue(t, testpki.CA(t, "CN=Test CA,O=Test,C=RU"), c.Root)
	revoked := testpki.CRL(t, c.Sub, &pki.CRLTemplate{Entries: []pki.RevokedEntry{testpki.Revoked(c.Leaf.Cert, testpki.Now.AddDate(0, 0, -2), 1)}})
	// A list that another authority signed as itself, with an entry of that number.
	stranger := testpki.Issue(t, testpki.CA(t, "CN=Stranger,O=Test,C=RU"), c.Root)
	foreign := testpki.CRL(t, stranger, &pki.CRLTemplate{Entries: []pki.RevokedEntry{testpki.Revoked(c.Leaf.Cert, testpki.Now.AddDate(0, 0, -2), 1)}})
	late := testpki.Now.AddDate(1, 0, 0)
	cases := []struct {
		name   string
		list   *pki.RevocationList
		issuer *pki.Certificate
		o      revocation.Options
		want   revocation.Status
	}{
		{"good", good, c.Sub.Cert, revocation.Options{At: testpki.Now}, revocation.Good},
		{"another signature", otherSignature, c.Sub.Cert, revocation.Options{At: testpki.Now}, revocation.Unknown},
		{"another content", otherContent, c.Sub.Cert, revocation.Options{At: testpki.Now}, revocation.Unknown},
		{"another issuer of that name", good, twin.Cert, revocation.Options{At: testpki.Now}, revocation.Unknown},
		{"the list of that issuer", testpki.CRL(t, twin, &pki.CRLTemplate{}), c.Sub.Cert, revocation.Options{At: testpki.Now}, revocation.Unknown},
		{"out of date", good, c.Sub.Cert, revocation.Options{At: late}, revocation.Unknown},
		{"withdrawn algorithm", good, c.Sub.Cert, revocation.Options{At: testpki.Now, Withdrawn: func(string) bool { return true }}, revocation.Unknown},
		{"the list of another authority", foreign, c.Sub.Cert, revocation.Options{At: testpki.Now}, revocation.Unknown},
		{"revoked", revoked, c.Sub.Cert, revocation.Options{At: testpki.Now}, revocation.Revoked},
	}
	facts := revocation.NewFacts()
	why := map[string]string{}
	for round := range 3 {
		for i := range cases {
			tc := cases[i]
			if round == 1 {
				tc = cases[len(cases)-1-i]
			}
			for _, f := range []*revocation.Facts{facts, nil} {
				tc.o.Memo = &revocation.Memo{Facts: f}
				a := revocation.Check(t.Context(), c.Leaf.Cert, tc.issuer, &revocation.Static{Lists: lists(tc.list)}, tc.o)
				if a.Status != tc.want {
					t.Errorf("round %d, %s (facts %v): %v %q, want %v", round, tc.name, f != nil, a.Status, a.Why, tc.want)
				}
				if before, ok := why[tc.name]; ok && a.Why != before {
					t.Errorf("round %d, %s (facts %v): %q, before %q", round, tc.name, f != nil, a.Why, before)
				}
				why[tc.name] = a.Why
			}
		}
	}
}

// TestFactsUnreadableFile: that a list in a file could not be checked is not
// remembered; once it can be read it counts, and what was learned then holds for
// that list alone.
func TestFactsUnreadableFile(t *testing.T) {
	c := testpki.NewChain(t)
	raw := testpki.CRL(t, c.Sub, &pki.CRLTemplate{}).Raw
	file := &breakable{Reader: bytes.NewReader(raw)}
	l, err := pki.OpenRevocationList(file, int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	facts := revocation.NewFacts()
	for _, step := range []struct {
		broken bool
		want   revocation.Status
	}{{true, revocation.Unknown}, {false, revocation.Good}} {
		file.broken = step.broken
		o := revocation.Options{At: testpki.Now, Memo: &revocation.Memo{Facts: facts}}
		if a := revocation.Check(t.Context(), c.Leaf.Cert, c.Sub.Cert, &revocation.Static{Lists: lists(l)}, o); a.Status != step.want {
			t.Errorf("broken %v: %v %q", step.broken, a.Status, a.Why)
		}
	}
}
