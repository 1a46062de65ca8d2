package revocation_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/verify/revocation"
)

// TestOrder: which kinds are used and in which order a source is asked.
func TestOrder(t *testing.T) {
	c := testpki.NewChain(t)
	src := &fetched{Static: revocation.Static{
		Lists:     lists(testpki.CRL(t, c.Sub, &pki.CRLTemplate{Entries: entry(c, testpki.Now.AddDate(0, 0, -1), 1)})),
		Responses: []*ocsp.Response{testpki.OCSP(t, c.Leaf.Cert, c.Sub.Cert, c.Sub, ocsp.Single{Status: ocsp.Good})},
	}}
	for name, tc := range map[string]struct {
		order       []revocation.Kind
		want        revocation.Status
		crls, ocsps int
	}{
		"default":   {nil, revocation.Good, 0, 1},
		"crl, ocsp": {[]revocation.Kind{revocation.CRL, revocation.OCSP}, revocation.Revoked, 1, 0},
		"crl":       {[]revocation.Kind{revocation.CRL}, revocation.Revoked, 1, 0},
		"ocsp":      {[]revocation.Kind{revocation.OCSP}, revocation.Good, 0, 1},
		"none":      {[]revocation.Kind{}, revocation.Unknown, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			src.crls, src.ocsps = 0, 0
			a := revocation.Check(t.Context(), c.Leaf.Cert, c.Sub.Cert, src, revocation.Options{At: testpki.Now, Order: tc.order})
			if a.Status != tc.want || src.crls != tc.crls || src.ocsps != tc.ocsps {
				t.Errorf("%v %q, asked for %d lists and %d responses", a.Status, a.Why, src.crls, src.ocsps)
			}
		})
	}
	// What was given is all looked at, whatever the order.
	a := revocation.Check(t.Context(), c.Leaf.Cert, c.Sub.Cert, &src.Static, revocation.Options{At: testpki.Now})
	if a.Status != revocation.Revoked {
		t.Errorf("given: %v", a.Status)
	}
}

// TestMaxAgeOf: the bound on the age of one kind alone.
func TestMaxAgeOf(t *testing.T) {
	c := testpki.NewChain(t)
	list := testpki.CRL(t, c.Sub, &pki.CRLTemplate{ThisUpdate: testpki.Now.Add(-3 * time.Hour), NextUpdate: testpki.Now.Add(time.Hour)})
	answer := testpki.OCSP(t, c.Leaf.Cert, c.Sub.Cert, c.Sub, ocsp.Single{
		Status: ocsp.Good, ThisUpdate: testpki.Now.Add(-3 * time.Hour), NextUpdate: testpki.Now.Add(time.Hour),
	})
	bound := map[revocation.Kind]time.Duration{revocation.CRL: time.Hour}
	for name, tc := range map[string]struct {
		src  revocation.Static
		want revocation.Status
	}{
		"list":     {revocation.Static{Lists: lists(list)}, revocation.Unknown},
		"response": {revocation.Static{Responses: []*ocsp.Response{answer}}, revocation.Good},
	} {
		if a := revocation.Check(t.Context(), c.Leaf.Cert, c.Sub.Cert, &tc.src, revocation.Options{At: testpki.Now, MaxAgeOf: bound}); a.Status != tc.want {
			t.Errorf("%s: %v %q", name, a.Status, a.Why)
		}
	}
}

// TestControlTime: evidence that has run out, and evidence from after the moment
// of the check (EN 319 102-1, section 5.6.2.2).
func TestControlTime(t *testing.T) {
	c := testpki.NewChain(t)
	day := 24 * time.Hour
	old := pki.CRLTemplate{ThisUpdate: testpki.Now.Add(-10 * day), NextUpdate: testpki.Now.Add(-9 * day)}
	later := pki.CRLTemplate{ThisUpdate: testpki.Now.Add(5 * day), NextUpdate: testpki.Now.Add(6 * day)}
	with := func(tmpl pki.CRLTemplate, at time.Time, reason int) revocation.Source {
		if reason != noEntry {
			tmpl.Entries = entry(c, at, reason)
		}
		return &revocation.Static{Lists: lists(testpki.CRL(t, c.Sub, &tmpl))}
	}
	response := func(s ocsp.Single, this time.Time) revocation.Source {
		s.ThisUpdate, s.NextUpdate = this, this.Add(day)
		return &revocation.Static{Responses: []*ocsp.Response{testpki.OCSP(t, c.Leaf.Cert, c.Sub.Cert, c.Sub, s)}}
	}
	stale, ahead := revocation.Options{At: testpki.Now, AllowStale: true}, revocation.Options{At: testpki.Now, AllowLater: true}
	for name, tc := range map[string]struct {
		src   revocation.Source
		o     revocation.Options
		want  revocation.Status
		stale bool
		later bool
	}{
		"stale list":                    {with(old, time.Time{}, noEntry), stale, revocation.Good, true, false},
		"stale list, hold":              {with(old, testpki.Now.Add(-11*day), 6), stale, revocation.Hold, true, false},
		"stale list, revoked":           {with(old, testpki.Now.Add(-11*day), 1), stale, revocation.Revoked, false, false},
		"stale response":                {response(ocsp.Single{Status: ocsp.Good}, testpki.Now.Add(-10*day)), stale, revocation.Good, true, false},
		"later list is not stale":       {with(later, time.Time{}, noEntry), stale, revocation.Unknown, false, false},
		"later list":                    {with(later, time.Time{}, noEntry), ahead, revocation.Good, false, false},
		"later list, revoked later":     {with(later, testpki.Now.Add(3*day), 4), ahead, revocation.Good, false, true},
		"later list, revoked before":    {with(later, testpki.Now.Add(-3*day), 4), ahead, revocation.Revoked, false, false},
		"later list, hold later":        {with(later, testpki.Now.Add(3*day), 6), ahead, revocation.Good, false, true},
		"later response":                {response(ocsp.Single{Status: ocsp.Good}, testpki.Now.Add(5*day)), ahead, revocation.Good, false, false},
		"later response, revoked":       {response(ocsp.Single{Status: ocsp.Revoked, RevokedAt: testpki.Now.Add(3 * day), Reason: 4}, testpki.Now.Add(5*day)), ahead, revocation.Good, false, true},
		"later response, not allowed":   {response(ocsp.Single{Status: ocsp.Good}, testpki.Now.Add(5*day)), stale, revocation.Unknown, false, false},
		"stale response, later allowed": {response(ocsp.Single{Status: ocsp.Good}, testpki.Now.Add(-10*day)), ahead, revocation.Unknown, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			a := revocation.Check(t.Context(), c.Leaf.Cert, c.Sub.Cert, tc.src, tc.o)
			if a.Status != tc.want || a.Stale != tc.stale || a.RevokedLater != tc.later {
				t.Errorf("%v stale %v later %v %q", a.Status, a.Stale, a.RevokedLater, a.Why)
			}
		})
	}
}

// TestProvenTime: which revocations after the proven time of the signature
// leave it good.
func TestProvenTime(t *testing.T) {
	c := testpki.NewChain(t)
	day := 24 * time.Hour
	proven := testpki.Now.Add(-5 * day)
	for name, tc := range map[string]struct {
		reason  int
		at      time.Time
		invalid time.Time
		want    revocation.Status
	}{
		"superseded after":                        {4, proven.Add(day), time.Time{}, revocation.Good},
		"cessation after":                         {5, proven.Add(day), time.Time{}, revocation.Good},
		"affiliation after":                       {3, proven.Add(day), time.Time{}, revocation.Good},
		"compromise after":                        {1, proven.Add(day), time.Time{}, revocation.Good},
		"compromise after, invalid before":        {1, proven.Add(day), proven.Add(-day), revocation.Revoked},
		"authority's compromise, invalid before":  {2, proven.Add(day), proven.Add(-day), revocation.Revoked},
		"no reason, invalid before":               {-1, proven.Add(day), proven.Add(-day), revocation.Revoked},
		"superseded after, invalid before":        {4, proven.Add(day), proven.Add(-day), revocation.Good},
		"compromise after, invalid after":         {1, proven.Add(2 * day), proven.Add(day), revocation.Good},
		"compromise before":                       {1, proven.Add(-day), time.Time{}, revocation.Revoked},
		"superseded before":                       {4, proven.Add(-day), time.Time{}, revocation.Revoked},
		"compromise at the very moment":           {1, proven, time.Time{}, revocation.Revoked},
		"compromise after, invalid at the moment": {1, proven.Add(day), proven, revocation.Revoked},
		"hold after":                              {6, proven.Add(day), time.Time{}, revocation.Good},
		"hold before":                             {6, proven.Add(-day), time.Time{}, revocation.Hold},
	} {
		t.Run(name, func(t *testing.T) {
			e := testpki.Revoked(c.Leaf.Cert, tc.at, tc.reason)
			e.InvalidityDate = tc.invalid
			s := ocsp.Single{Status: ocsp.Revoked, RevokedAt: tc.at, Reason: tc.reason}
			if !tc.invalid.IsZero() {
				s.Extensions = []pki.Extension{{ID: oid.InvalidityDate, Value: generalized(tc.invalid)}}
			}
			o := revocation.Options{At: testpki.Now, Moment: proven}
			for _, src := range []*revocation.Static{
				{Lists: lists(testpki.CRL(t, c.Sub, &pki.CRLTemplate{Entries: []pki.RevokedEntry{e}}))},
				{Responses: []*ocsp.Response{testpki.OCSP(t, c.Leaf.Cert, c.Sub.Cert, c.Sub, s)}},
			} {
				a := revocation.Check(t.Context(), c.Leaf.Cert, c.Sub.Cert, src, o)
				if a.Status != tc.want || a.RevokedLater != (tc.want == revocation.Good) || !a.InvalidityDate.Equal(tc.invalid) || !a.At.Equal(tc.at) {
					t.Errorf("%s: %v at %v, invalid since %v: %q", a.Source, a.Status, a.At, a.InvalidityDate, a.Why)
				}
			}
		})
	}
}

// generalized is the DER of a GeneralizedTime.
func generalized(at time.Time) []byte {
	return der.Wrap(0x18, []byte(at.UTC().Format("20060102150405Z")))
}

// TestResponderStatus: a delegate without nocheck whose status must be known.
func TestResponderStatus(t *testing.T) {
	c := testpki.NewChain(t)
	dt := testpki.Leaf(t, "CN=OCSP")
	dt.ExtKeyUsage = []oid.OID{oid.EKUOCSPSigning}
	delegate := testpki.Issue(t, dt, c.Sub)
	response := []*ocsp.Response{testpki.OCSP(t, c.Leaf.Cert, c.Sub.Cert, delegate, ocsp.Single{Status: ocsp.Good})}
	// A list for authorities says nothing of the leaf, and one with the delegate
	// nothing good of it.
	fresh := testpki.CRL(t, c.Sub, &pki.CRLTemplate{})
	bad := testpki.CRL(t, c.Sub, &pki.CRLTemplate{Entries: []pki.RevokedEntry{testpki.Revoked(delegate.Cert, testpki.Now.AddDate(0, 0, -1), 1)}})
	for name, tc := range map[string]struct {
		src    revocation.Source
		strict bool
		want   revocation.Status
		notes  int
		why    string
	}{
		"nothing known":          {&revocation.Static{Responses: response}, false, revocation.Good, 1, ""},
		"must be known":          {&revocation.Static{Responses: response}, true, revocation.Unknown, 0, "not known whether"},
		"known":                  {&fetched{Static: revocation.Static{Responses: response, Lists: lists(fresh)}}, true, revocation.Good, 0, ""},
		"revoked, not asked":     {&fetched{Static: revocation.Static{Responses: response, Lists: lists(bad)}}, false, revocation.Good, 1, ""},
		"revoked, must be known": {&fetched{Static: revocation.Static{Responses: response, Lists: lists(bad)}}, true, revocation.Good, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := revocation.Options{At: testpki.Now, ResponderStatus: tc.strict}
			a := revocation.Check(t.Context(), c.Leaf.Cert, c.Sub.Cert, tc.src, o)
			if a.Status != tc.want || len(a.Notes) != tc.notes || !strings.Contains(a.Why, tc.why) {
				t.Errorf("%v %q, notes %v", a.Status, a.Why, a.Notes)
			}
			if name == "revoked, must be known" && a.Source != revocation.CRL {
				t.Error("the answer of a revoked responder counts")
			}
		})
	}
}

// TestResponderRevokedLater: the proven time of the signature is no excuse for a
// responder that was revoked before it answered, nor for a compromised one.
func TestResponderRevokedLater(t *testing.T) {
	c := testpki.NewChain(t)
	dt := testpki.Leaf(t, "CN=OCSP")
	dt.ExtKeyUsage = []oid.OID{oid.EKUOCSPSigning}
	delegate := testpki.Issue(t, dt, c.Sub)
	produced := testpki.Now.Add(-time.Hour)
	response := []*ocsp.Response{testpki.OCSP(t, c.Leaf.Cert, c.Sub.Cert, delegate, ocsp.Single{Status: ocsp.Good})}
	for name, tc := range map[string]struct {
		at     time.Time
		reason int
		want   string
	}{
		"revoked before it answered":  {produced.Add(-time.Hour), 4, "responder is revoked"},
		"superseded after":            {produced.Add(30 * time.Minute), 4, ""},
		"compromised after":           {produced.Add(30 * time.Minute), 1, "responder is revoked"},
		"revoked after, no reason":    {produced.Add(30 * time.Minute), -1, "responder is revoked"},
		"revoked long after answered": {testpki.Now.Add(-time.Minute), 5, ""},
	} {
		t.Run(name, func(t *testing.T) {
			// The list is for authorities, so that it says nothing good of the leaf.
			list := testpki.CRL(t, c.Sub, &pki.CRLTemplate{
				IDP: &pki.IssuingDistributionPoint{OnlyCACerts: true}, Entries: []pki.RevokedEntry{testpki.Revoked(delegate.Cert, tc.at, tc.reason)},
			})
			src := &revocation.Static{Responses: response, Lists: lists(list)}
			o := revocation.Options{At: testpki.Now, Moment: testpki.Now.AddDate(0, 0, -5)}
			a := revocation.Check(t.Context(), c.Leaf.Cert, c.Sub.Cert, src, o)
			if (a.Status == revocation.Good) != (tc.want == "") || !strings.Contains(a.Why, tc.want) {
				t.Errorf("%v %q", a.Status, a.Why)
			}
		})
	}
}

// TestExpired: evidence from after the expiry counts where its issuer keeps
// expired certificates on record.
func TestExpired(t *testing.T) {
	root := testpki.Issue(t, testpki.CA(t, "CN=Root"), nil)
	tmpl := testpki.Leaf(t, "CN=Short")
	tmpl.NotAfter = testpki.Now.AddDate(0, 0, -10)
	leaf := testpki.Issue(t, tmpl, root)
	for name, tc := range map[string]struct {
		since time.Time
		want  revocation.Status
	}{
		"kept":          {tmpl.NotAfter.AddDate(0, 0, -1), revocation.Good},
		"kept just yet": {tmpl.NotAfter, revocation.Good},
		"not any more":  {tmpl.NotAfter.AddDate(0, 0, 1), revocation.Unknown},
		"never":         {time.Time{}, revocation.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			list, single := &pki.CRLTemplate{}, ocsp.Single{Status: ocsp.Good}
			if !tc.since.IsZero() {
				list.ExtraExtensions = []pki.Extension{{ID: oid.ExpiredCertsOnCRL, Value: generalized(tc.since)}}
				single.Extensions = []pki.Extension{{ID: oid.OCSPArchiveCutoff, Value: generalized(tc.since)}}
			}
			for _, src := range []*revocation.Static{
				{Lists: lists(testpki.CRL(t, root, list))},
				{Responses: []*ocsp.Response{testpki.OCSP(t, leaf.Cert, root.Cert, root, single)}},
			} {
				a := revocation.Check(t.Context(), leaf.Cert, root.Cert, src, revocation.Options{At: testpki.Now})
				if a.Status != tc.want {
					t.Errorf("%v %q", a.Status, a.Why)
				}
			}
		})
	}
}

// TestMemoAcrossQuestions: the list of one issuer is verified once for many
// certificates, and one that stays in a file is looked up like any other.
func TestMemoAcrossQuestions(t *testing.T) {
	root := testpki.Issue(t, testpki.CA(t, "CN=Root"), nil)
	list := testpki.CRL(t, root, &pki.CRLTemplate{})
	file := &counter{ReaderAt: list.Reader()}
	opened, err := pki.OpenRevocationList(file, list.Size())
	if err != nil {
		t.Fatal(err)
	}
	o := revocation.Options{At: testpki.Now, Memo: &revocation.Memo{}}
	src := &revocation.Static{Lists: lists(opened)}
	var first int
	for i := range 10 {
		leaf := testpki.Issue(t, testpki.Leaf(t, "CN=Leaf"), root)
		a := revocation.Check(t.Context(), leaf.Cert, root.Cert, src, o)
		if a.Status != revocation.Good || a.Evidence != nil || a.List != opened {
			t.Fatalf("%v %q", a.Status, a.Why)
		}
		if i == 0 {
			first = file.reads
		}
	}
	if file.reads != first {
		t.Errorf("%d reads for the first question, %d in all", first, file.reads)
	}
}

// counter counts reads.
type counter struct {
	io.ReaderAt
	reads int
}

func (c *counter) ReadAt(p []byte, off int64) (int, error) {
	c.reads++
	return c.ReaderAt.ReadAt(p, off)
}
