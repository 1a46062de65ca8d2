package revocation_test

import (
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/verify/revocation"
)

// pair is a complete list with a delta, each with or without an entry for the
// leaf; noEntry: none.
type pair struct {
	base, delta  int   // reasons of the entries
	number, from int64 // cRLNumber of the base; BaseCRLNumber of the delta, whose number is 10
	change       func(base, delta *pki.CRLTemplate)
}

const noEntry = -2

func (p pair) lists(t *testing.T, c *testpki.Chain) []*pki.RevocationList {
	t.Helper()
	day := 24 * time.Hour
	b := &pki.CRLTemplate{Number: big.NewInt(p.number), ThisUpdate: testpki.Now.Add(-3 * day), NextUpdate: testpki.Now.Add(day)}
	d := &pki.CRLTemplate{Number: big.NewInt(10), BaseNumber: big.NewInt(p.from), ThisUpdate: testpki.Now.Add(-time.Hour), NextUpdate: testpki.Now.Add(time.Hour)}
	if p.base != noEntry {
		b.Entries = entry(c, testpki.Now.Add(-5*day), p.base)
	}
	if p.delta != noEntry {
		d.Entries = entry(c, testpki.Now.Add(-2*time.Hour), p.delta)
	}
	if p.change != nil {
		p.change(b, d)
	}
	return lists(testpki.CRL(t, c.Sub, d), testpki.CRL(t, c.Sub, b))
}

// TestDelta: a complete list with a delta (RFC 5280, section 5.2.4).
func TestDelta(t *testing.T) {
	c := testpki.NewChain(t)
	stale := func(b, _ *pki.CRLTemplate) { b.NextUpdate = testpki.Now.Add(-30 * time.Hour) }
	idp := &pki.IssuingDistributionPoint{OnlyUserCerts: true}
	for name, tc := range map[string]struct {
		pair
		want revocation.Status
		why  string
		at   time.Time // revocation date
	}{
		"neither":                      {pair{base: noEntry, delta: noEntry, number: 5, from: 5}, revocation.Good, "", time.Time{}},
		"newly revoked":                {pair{base: noEntry, delta: 1, number: 5, from: 5}, revocation.Revoked, "", testpki.Now.Add(-2 * time.Hour)},
		"newly on hold":                {pair{base: noEntry, delta: 6, number: 5, from: 5}, revocation.Hold, "", testpki.Now.Add(-2 * time.Hour)},
		"base alone revoked":           {pair{base: 1, delta: noEntry, number: 5, from: 5}, revocation.Revoked, "", testpki.Now.AddDate(0, 0, -5)},
		"hold stands":                  {pair{base: 6, delta: noEntry, number: 5, from: 5}, revocation.Hold, "", testpki.Now.AddDate(0, 0, -5)},
		"hold released":                {pair{base: 6, delta: 8, number: 5, from: 5}, revocation.Good, "", time.Time{}},
		"hold becomes a revocation":    {pair{base: 6, delta: 1, number: 5, from: 5}, revocation.Revoked, "", testpki.Now.Add(-2 * time.Hour)},
		"revocation is not released":   {pair{base: 1, delta: 8, number: 5, from: 5}, revocation.Revoked, "", testpki.Now.AddDate(0, 0, -5)},
		"revocation becomes no hold":   {pair{base: 1, delta: 6, number: 5, from: 5}, revocation.Revoked, "", testpki.Now.AddDate(0, 0, -5)},
		"no reason is not released":    {pair{base: -1, delta: 8, number: 5, from: 5}, revocation.Revoked, "", testpki.Now.AddDate(0, 0, -5)},
		"released, not on this base":   {pair{base: noEntry, delta: 8, number: 5, from: 5}, revocation.Good, "", time.Time{}},
		"base newer than its number":   {pair{base: noEntry, delta: noEntry, number: 7, from: 5}, revocation.Good, "", time.Time{}},
		"base too old":                 {pair{base: 6, delta: 8, number: 4, from: 5}, revocation.Hold, "", testpki.Now.AddDate(0, 0, -5)},
		"delta not newer":              {pair{base: 6, delta: 8, number: 10, from: 5}, revocation.Hold, "", testpki.Now.AddDate(0, 0, -5)},
		"another scope":                {pair{base: 6, delta: 8, number: 5, from: 5, change: func(_, d *pki.CRLTemplate) { d.IDP = idp }}, revocation.Hold, "", testpki.Now.AddDate(0, 0, -5)},
		"the same scope":               {pair{base: 6, delta: 8, number: 5, from: 5, change: func(b, d *pki.CRLTemplate) { b.IDP, d.IDP = idp, idp }}, revocation.Good, "", time.Time{}},
		"stale base, fresh delta":      {pair{base: noEntry, delta: noEntry, number: 5, from: 5, change: stale}, revocation.Good, "", time.Time{}},
		"stale base, delta of another": {pair{base: noEntry, delta: noEntry, number: 4, from: 5, change: stale}, revocation.Unknown, "out of date", time.Time{}},
		"stale delta": {pair{base: 6, delta: 8, number: 5, from: 5, change: func(_, d *pki.CRLTemplate) {
			d.ThisUpdate, d.NextUpdate = testpki.Now.AddDate(0, 0, -2), testpki.Now.AddDate(0, 0, -1)
		}}, revocation.Hold, "", testpki.Now.AddDate(0, 0, -5)},
	} {
		t.Run(name, func(t *testing.T) {
			a := revocation.Check(t.Context(), c.Leaf.Cert, c.Sub.Cert, &revocation.Static{Lists: tc.lists(t, c)}, revocation.Options{At: testpki.Now})
			if a.Status != tc.want || !a.At.Equal(tc.at) || !strings.Contains(a.Why, tc.why) {
				t.Errorf("%v %v %q, want %v %v", a.Status, a.At, a.Why, tc.want, tc.at)
			}
		})
	}
}

// TestDeltaNewest: of several deltas the newest counts; the answer names both
// lists and is as old as the delta.
func TestDeltaNewest(t *testing.T) {
	c := testpki.NewChain(t)
	all := pair{base: 6, delta: noEntry, number: 5, from: 5}.lists(t, c)
	newest := testpki.CRL(t, c.Sub, &pki.CRLTemplate{
		Number: big.NewInt(11), BaseNumber: big.NewInt(5), ThisUpdate: testpki.Now.Add(-time.Minute),
		Entries: entry(c, testpki.Now.Add(-time.Hour), 8),
	})
	a := revocation.Check(t.Context(), c.Leaf.Cert, c.Sub.Cert, &revocation.Static{Lists: append(all, newest)}, revocation.Options{At: testpki.Now})
	if a.Status != revocation.Good || len(a.More) != 1 || a.More[0] != newest || a.List != all[1] || !a.ThisUpdate.Equal(newest.ThisUpdate) {
		t.Errorf("%+v", a)
	}
	if a.Age(testpki.Now) != time.Minute {
		t.Errorf("age %v", a.Age(testpki.Now))
	}
}

// TestDeltaOtherKey: a delta that another key of the same name signed updates
// nothing.
func TestDeltaOtherKey(t *testing.T) {
	c := testpki.NewChain(t)
	renewed := testpki.Issue(t, testpki.CA(t, "CN=Test CA,O=Test,C=RU"), c.Root)
	base := testpki.CRL(t, c.Sub, &pki.CRLTemplate{Number: big.NewInt(5), Entries: entry(c, testpki.Now.AddDate(0, 0, -5), 6)})
	delta := testpki.CRL(t, renewed, &pki.CRLTemplate{
		Number: big.NewInt(10), BaseNumber: big.NewInt(5), Entries: entry(c, testpki.Now.Add(-time.Hour), 8), ThisUpdate: testpki.Now.Add(-time.Minute),
	})
	o := revocation.Options{
		At: testpki.Now, Responders: []*pki.Certificate{renewed.Cert},
		Chain: []*pki.Certificate{c.Sub.Cert, c.Root.Cert},
	}
	a := revocation.Check(t.Context(), c.Leaf.Cert, c.Sub.Cert, &revocation.Static{Lists: lists(base, delta)}, o)
	if a.Status != revocation.Hold {
		t.Errorf("%v %q", a.Status, a.Why)
	}
}

// TestReasons: lists for some reasons together cover all, or do not.
func TestReasons(t *testing.T) {
	c := testpki.NewChain(t)
	some := func(mask pki.ReasonFlags, age time.Duration, reason int) *pki.RevocationList {
		tmpl := &pki.CRLTemplate{IDP: &pki.IssuingDistributionPoint{OnlySomeReasons: mask}, ThisUpdate: testpki.Now.Add(-age)}
		if reason != noEntry {
			tmpl.Entries = entry(c, testpki.Now.AddDate(0, 0, -2), reason)
		}
		return testpki.CRL(t, c.Sub, tmpl)
	}
	const compromise, others = 1<<1 | 1<<2 | 1<<8, 1<<3 | 1<<4 | 1<<5 | 1<<6 | 1<<7
	hour := time.Hour
	for name, tc := range map[string]struct {
		lists []*pki.RevocationList
		want  revocation.Status
	}{
		"all reasons":              {lists(some(compromise, hour, noEntry), some(others, 2*hour, noEntry)), revocation.Good},
		"overlapping":              {lists(some(compromise|others&^(1<<7), hour, noEntry), some(others, 2*hour, noEntry)), revocation.Good},
		"one is missing":           {lists(some(compromise, hour, noEntry), some(others&^(1<<7), 2*hour, noEntry)), revocation.Unknown},
		"the same twice":           {lists(some(compromise, hour, noEntry), some(compromise, 2*hour, noEntry)), revocation.Unknown},
		"one is stale":             {lists(some(compromise, hour, noEntry), some(others, 72*hour, noEntry)), revocation.Unknown},
		"listed in one":            {lists(some(compromise, hour, noEntry), some(others, 2*hour, 4)), revocation.Revoked},
		"listed in the other":      {lists(some(compromise, hour, 1), some(others, 2*hour, noEntry)), revocation.Revoked},
		"listed, the other is not": {lists(some(compromise, hour, 1)), revocation.Revoked},
	} {
		t.Run(name, func(t *testing.T) {
			a := revocation.Check(t.Context(), c.Leaf.Cert, c.Sub.Cert, &revocation.Static{Lists: tc.lists}, revocation.Options{At: testpki.Now})
			if a.Status != tc.want {
				t.Fatalf("%v %q", a.Status, a.Why)
			}
			if a.Status == revocation.Good && (len(a.More) != 1 || !a.ThisUpdate.Equal(testpki.Now.Add(-2*hour))) {
				t.Errorf("evidence %d and of %v", len(a.More), a.ThisUpdate)
			}
		})
	}
}

// TestDeltaOrder: the newest delta counts wherever it stands, and one that is
// older than the complete list updates nothing.
func TestDeltaOrder(t *testing.T) {
	c := testpki.NewChain(t)
	all := pair{base: 6, delta: 8, number: 5, from: 5}.lists(t, c)
	again := testpki.CRL(t, c.Sub, &pki.CRLTemplate{
		Number: big.NewInt(11), BaseNumber: big.NewInt(5), ThisUpdate: testpki.Now.Add(-time.Minute), Entries: entry(c, testpki.Now.Add(-5*time.Minute), 6),
	})
	old := pair{base: 6, delta: 8, number: 5, from: 5, change: func(b, d *pki.CRLTemplate) {
		b.ThisUpdate = d.ThisUpdate.Add(time.Minute)
	}}.lists(t, c)
	for name, list := range map[string][]*pki.RevocationList{
		"newest first": {again, all[0], all[1]}, "newest last": {all[0], all[1], again}, "older than the base": old,
	} {
		a := revocation.Check(t.Context(), c.Leaf.Cert, c.Sub.Cert, &revocation.Static{Lists: list}, revocation.Options{At: testpki.Now})
		if a.Status == revocation.Good {
			t.Errorf("%s: good", name)
		}
	}
}
