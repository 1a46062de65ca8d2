package verify_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/verify"
	"github.com/gosklyuch/gosklyuch/verify/revocation"
)

// tokenV2 is an archive-time-stamp-v2 over the first signature of raw.
func tokenV2(t testing.TB, raw []byte, s stampSpec) (token []byte) {
	t.Helper()
	edit(t, raw, func(sd *cms.SignedData) []cms.Attribute {
		s.hash = alg.HashForKey(s.tsa.Cert.PublicKey)
		s.digest = make([]byte, 32)
		draft := s.token(t) // for its time alone
		sd.Again = func() (io.Reader, error) { return strings.NewReader(document), nil }
		defer func() { sd.Again = nil }()
		var err error
		if s.digest, err = sd.StampImprint(0, cms.Stamp{Kind: cms.StampArchiveV2, Token: draft, Attribute: -1}, s.hash, nil); err != nil {
			t.Fatal(err)
		}
		token = s.token(t)
		return nil
	})
	return token
}

// addV2 adds archive time stamps of the second version as values of one attribute.
func addV2(t testing.TB, raw []byte, tokens ...[]byte) []byte {
	t.Helper()
	return edit(t, raw, func(*cms.SignedData) []cms.Attribute {
		return []cms.Attribute{{Type: oid.AttrArchiveTimeStampV2, Values: tokens}}
	})
}

// TestArchiveV2: the second version of the archive stamp keeps a signature as the
// third does, and covers what stood there and no later archive stamp.
func TestArchiveV2(t *testing.T) {
	w := newArchiveWorld(t)
	day := func(n int) time.Time { return w.signed.AddDate(0, 0, n) }
	xl, timed := w.xl(t), w.t(t)
	once := addV2(t, xl, tokenV2(t, xl, stampSpec{tsa: w.keeper, at: day(1)}))
	twice := addV2(t, once, tokenV2(t, once, stampSpec{tsa: w.keeper, at: day(2)}))
	for name, sig := range map[string][]byte{"once": once, "twice": twice} {
		r := judge(t, w.verifier(t, w.years), sig, document)
		want(t, r, verify.VerdictValid, "")
		if s := r.Signatures[0]; s.Level != "a" || !s.BestTime.Equal(w.signed) {
			t.Errorf("%s: level %s, best time %v", name, s.Level, s.BestTime)
		}
	}
	if r := judge(t, w.verifier(t, w.years), once, strings.ToUpper(document)); r.Verdict() != verify.VerdictInvalid {
		t.Errorf("another document: %v", r.Verdict())
	}
	// What was added after the stamp breaks it.
	late := edit(t, addV2(t, timed, tokenV2(t, timed, stampSpec{tsa: w.keeper, at: day(1)})), func(*cms.SignedData) []cms.Attribute {
		out, err := cms.ValuesAttributes(w.evOld)
		if err != nil {
			t.Fatal(err)
		}
		return out
	})
	want(t, judge(t, w.verifier(t, day(3)), late, document), verify.VerdictInvalid, verify.HashFailure)
}

// TestStolenStampKey: the key of a time-stamping authority was stolen. A token
// that the thief dates back and puts where an honest archive stamp does not reach
// proves nothing, whatever time it claims.
func TestStolenStampKey(t *testing.T) {
	w := newArchiveWorld(t)
	day := func(n int) time.Time { return w.signed.AddDate(0, 0, n) }
	victim := tsa(t, w.keepers)
	v := w.verifier(t, day(10))
	v.Revocation = &revocation.Static{Lists: []*pki.RevocationList{
		testpki.CRL(t, w.keepers, &pki.CRLTemplate{ThisUpdate: day(9), Entries: []pki.RevokedEntry{testpki.Revoked(victim.Cert, day(4), pki.ReasonKeyCompromise)}}),
		testpki.CRL(t, w.Root, &pki.CRLTemplate{ThisUpdate: day(9)}),
		testpki.CRL(t, w.Sub, &pki.CRLTemplate{ThisUpdate: day(9), Entries: []pki.RevokedEntry{testpki.Revoked(w.Leaf.Cert, day(2), pki.ReasonKeyCompromise)}}),
	}}
	bes := w.bes(t)
	honest, forged := stampSpec{tsa: w.keeper, at: day(3)}, stampSpec{tsa: victim, at: day(1)}
	honest2, forged2 := tokenV2(t, bes, honest), tokenV2(t, bes, forged)
	for name, sig := range map[string][]byte{
		"the honest stamp alone":            addV2(t, bes, honest2),
		"a value beside the honest one":     addV2(t, bes, honest2, forged2),
		"a value before the honest one":     addV2(t, bes, forged2, honest2),
		"a signature stamp after version 3": addStamp(t, addArchive(t, bes, honest, nil), cms.StampSignature, forged),
		"version 2 after version 3":         addV2(t, addArchive(t, bes, honest, nil), forged2),
	} {
		t.Run(name, func(t *testing.T) {
			r := judge(t, v, sig, document)
			if at := r.Signatures[0].BestTime; r.Status == verify.Passed || at.Equal(day(1)) {
				t.Errorf("%v %s, best time %v", r.Verdict(), r.Reason, at)
			}
		})
	}
	// A stamp that the honest one covers is older than the theft.
	timed := addStamp(t, bes, cms.StampSignature, forged)
	for name, sig := range map[string][]byte{"version 2": addV2(t, timed, tokenV2(t, timed, honest)), "version 3": addArchive(t, timed, honest, nil)} {
		t.Run(name, func(t *testing.T) { want(t, judge(t, v, sig, document), verify.VerdictValid, "") })
	}
}

// TestVagueStamp: an authority whose clock may be off by an hour, by its own
// word, proves no moment better than that (RFC 3161, section 2.4.2).
func TestVagueStamp(t *testing.T) {
	c := testpki.NewChain(t)
	when := testpki.Now.AddDate(0, 0, -7)
	v := verifier(t, c)
	v.Revocation = lists(t, c, testpki.Revoked(c.Leaf.Cert, when.Add(30*time.Minute), pki.ReasonKeyCompromise))
	for accuracy, tc := range map[int64]struct {
		best    time.Time
		verdict verify.Verdict
		reason  verify.Reason
	}{
		1:    {when, verify.VerdictValid, ""},
		3600: {when.Add(time.Hour), verify.VerdictRevoked, verify.RevokedNoPOE},
	} {
		r := judge(t, v, addStamp(t, signWith(t, c.Leaf), cms.StampSignature, stampSpec{tsa: tsa(t, c.Sub), at: when, accuracy: accuracy}), document)
		want(t, r, tc.verdict, tc.reason)
		if s := r.Signatures[0]; !s.BestTime.Equal(tc.best) {
			t.Errorf("%d s: best time %v", accuracy, s.BestTime)
		}
	}
}

// TestWithdrawnReferences: a stamp over references proves what they name only as
// long as their digest is reliable: afterwards anybody may make a list that fits.
func TestWithdrawnReferences(t *testing.T) {
	w := newArchiveWorld(t)
	day := func(n int) time.Time { return w.signed.AddDate(0, 0, n) }
	timed := addStamp(t, w.bes(t), cms.StampSignature, stampSpec{tsa: w.keeper, at: w.signed})
	ev := w.evOld
	ev.Certificates = []*pki.Certificate{w.Sub.Cert, w.Leaf.Cert}
	refs := addStamp(t, addEvidence(t, timed, alg.Identifier{OID: oid.Streebog512}, ev), cms.StampCAdESC, stampSpec{tsa: w.keeper, at: w.signed.Add(2 * time.Hour)})
	for name, tc := range map[string]struct {
		sig   []byte
		until time.Time
		valid bool
	}{
		"in force":                              {refs, time.Time{}, true},
		"withdrawn since":                       {refs, day(5), false},
		"withdrawn, archived before":            {addArchive(t, refs, stampSpec{tsa: w.keeper, at: day(4)}, nil), day(5), true},
		"withdrawn, archived after":             {addArchive(t, refs, stampSpec{tsa: w.keeper, at: day(6)}, nil), day(5), false},
		"withdrawn before the references' time": {refs, w.signed, false},
	} {
		t.Run(name, func(t *testing.T) {
			v := w.verifier(t, day(10))
			v.Policy = verify.DefaultPolicy()
			for i, a := range v.Policy.Algorithms {
				if a.Name == alg.NameStreebog512 {
					v.Policy.Algorithms[i].Until = tc.until
				}
			}
			v.Revocation = &revocation.Static{Lists: []*pki.RevocationList{
				testpki.CRL(t, w.keepers, &pki.CRLTemplate{ThisUpdate: day(9)}),
				testpki.CRL(t, w.Root, &pki.CRLTemplate{ThisUpdate: day(9), Entries: []pki.RevokedEntry{testpki.Revoked(w.Sub.Cert, day(3), pki.ReasonKeyCompromise)}}),
			}}
			if r := judge(t, v, tc.sig, document); (r.Status == verify.Passed) != tc.valid {
				t.Errorf("%v %s", r.Verdict(), r.Reason)
			}
		})
	}
}

// TestOutlivedCertificates: an authority's certificate that is signed with an
// algorithm which was withdrawn since may have been made since, unless a stamp
// proves that it is older. The signer's own is named by the signature.
func TestOutlivedCertificates(t *testing.T) {
	old := testpki.IssueKey(t, testpki.CA(t, "CN=Old"), nil, testpki.Key(t, "gost2012-256", "cryptopro-a"))
	sub := testpki.IssueKey(t, testpki.CA(t, "CN=Sub"), old, testpki.Key(t, "gost2012-512", "tc26-512-a"))
	leaf := testpki.IssueKey(t, testpki.Leaf(t, "CN=Leaf"), sub, testpki.Key(t, "gost2012-512", "tc26-512-a"))
	direct := testpki.IssueKey(t, testpki.Leaf(t, "CN=Direct"), old, testpki.Key(t, "gost2012-512", "tc26-512-a"))
	strong := testpki.IssueKey(t, testpki.CA(t, "CN=Strong"), nil, testpki.Key(t, "gost2012-512", "tc26-512-a"))
	stamping := testpki.Leaf(t, "CN=Strong TSA")
	stamping.ExtKeyUsage, stamping.ExtKeyUsageCritical = []oid.OID{oid.EKUTimeStamping}, true
	authority := testpki.IssueKey(t, stamping, strong, testpki.Key(t, "gost2012-512", "tc26-512-a"))
	end := testpki.Now.AddDate(0, 0, -2)
	v := &verify.Verifier{
		Roots: pki.NewPool(old.Cert, strong.Cert), Intermediates: pki.NewPool(sub.Cert, direct.Cert, leaf.Cert),
		Policy: ended(end), Now: func() time.Time { return testpki.Now },
	}
	v.Policy.UnsafeNoRevocation = true // the certificates alone
	at := func(d time.Duration) stampSpec { return stampSpec{tsa: authority, at: end.Add(d)} }
	with := func(m message) []byte { return addStamp(t, m.sign(t), cms.StampSignature, at(-time.Hour)) }
	bare, full := with(message{signer: leaf}), with(message{signer: leaf, more: []*pki.Certificate{sub.Cert}})
	for name, tc := range map[string]struct {
		sig    []byte
		reason verify.Reason
	}{
		"nothing proves the authority's":      {bare, verify.CryptoConstraintsNoPOE},
		"in the message, without a stamp":     {full, verify.CryptoConstraintsNoPOE},
		"archived before":                     {addArchive(t, full, at(-time.Minute), nil), ""},
		"archived after":                      {addArchive(t, full, at(time.Minute), nil), verify.CryptoConstraintsNoPOE},
		"archived without it":                 {addArchive(t, bare, at(-time.Minute), nil), verify.CryptoConstraintsNoPOE},
		"the signer's, named":                 {with(message{signer: direct}), ""},
		"the signer's, not named":             {with(message{signer: direct, plain: true, noCerts: true}), verify.CryptoConstraintsNoPOE},
		"the signer's, not named but stamped": {addArchive(t, with(message{signer: direct, plain: true}), at(-time.Minute), nil), ""},
	} {
		t.Run(name, func(t *testing.T) {
			want(t, judge(t, v, tc.sig, document), map[bool]verify.Verdict{true: verify.VerdictValid, false: verify.VerdictInvalid}[tc.reason == ""], tc.reason)
		})
	}
}

// TestProvenByNothing: a thief with the key of the signer's authority makes evidence
// that an honest stamp from before the theft names or covers nowhere.
func TestProvenByNothing(t *testing.T) {
	w := newArchiveWorld(t)
	day := func(n int) time.Time { return w.signed.AddDate(0, 0, n) }
	hash := alg.Identifier{OID: oid.Streebog256}
	timed := addStamp(t, w.bes(t), cms.StampSignature, stampSpec{tsa: w.keeper, at: w.signed})
	before := stampSpec{tsa: w.keeper, at: day(1)}
	forged := w.evOld // a list that the thief made and dated back
	forged.CRLs = []*pki.RevocationList{testpki.CRL(t, w.Sub, &pki.CRLTemplate{ThisUpdate: w.signed.Add(time.Hour), NextUpdate: day(300)}), w.evOld.CRLs[1]}
	answered := cms.Evidence{Certificates: w.evOld.Certificates, CRLs: w.evOld.CRLs[1:], OCSP: [][]byte{goodOCSP(t, w.Leaf.Cert, w.Sub.Cert, w.Sub, day(2))}}
	values := func(raw []byte, ev cms.Evidence) []byte {
		return edit(t, raw, func(*cms.SignedData) []cms.Attribute {
			out, err := cms.ValuesAttributes(ev)
			if err != nil {
				t.Fatal(err)
			}
			return out
		})
	}
	refs := func(raw []byte, ev cms.Evidence) []byte {
		return edit(t, raw, func(*cms.SignedData) []cms.Attribute {
			out, err := references(t, hash, []*pki.Certificate{w.Sub.Cert, w.Leaf.Cert}, ev.CRLs, nil).Attributes()
			if err != nil {
				t.Fatal(err)
			}
			return out
		})
	}
	for name, tc := range map[string]struct {
		sig   []byte
		valid bool
	}{
		"stamped references":                {values(addStamp(t, refs(timed, w.evOld), cms.StampCAdESC, before), w.evOld), true},
		"values that no reference names":    {values(addStamp(t, refs(timed, w.evOld), cms.StampCAdESC, before), forged), false},
		"values after the archive stamp":    {values(addArchive(t, timed, before, nil), forged), false},
		"references after it":               {values(refs(addArchive(t, timed, before, nil), forged), forged), false},
		"an answer after it":                {values(addArchive(t, timed, before, nil), answered), false},
		"an answer stamped after the theft": {addArchive(t, values(timed, answered), stampSpec{tsa: w.keeper, at: day(5)}, nil), false},
	} {
		t.Run(name, func(t *testing.T) {
			v := w.verifier(t, day(10))
			v.Revocation = &revocation.Static{Lists: []*pki.RevocationList{
				testpki.CRL(t, w.keepers, &pki.CRLTemplate{ThisUpdate: day(9)}),
				testpki.CRL(t, w.Root, &pki.CRLTemplate{ThisUpdate: day(9), Entries: []pki.RevokedEntry{testpki.Revoked(w.Sub.Cert, day(3), pki.ReasonKeyCompromise)}}),
			}}
			if r := judge(t, v, tc.sig, document); (r.Status == verify.Passed) != tc.valid {
				t.Errorf("%v %s", r.Verdict(), r.Reason)
			}
		})
	}
}

// TestStampOfReferences: it covers the references alone, and says nothing of when
// the signature was made.
func TestStampOfReferences(t *testing.T) {
	w := newArchiveWorld(t)
	early := w.signed.Add(-48 * time.Hour)
	sig := addStamp(t, addEvidence(t, w.bes(t), alg.Identifier{OID: oid.Streebog256}, w.evOld), cms.StampReferences, stampSpec{tsa: w.keeper, at: early})
	r := judge(t, w.verifier(t, w.signed.AddDate(0, 0, 2)), sig, document)
	if s := r.Signatures[0]; !s.BestTime.IsZero() || s.TimeStamps[0].Status != verify.Passed {
		t.Errorf("best time %v, stamp %v", s.BestTime, s.TimeStamps[0].Reason)
	}
}

// TestWithdrawnImprint: a token over a digest that was withdrawn proves nothing.
func TestWithdrawnImprint(t *testing.T) {
	c := testpki.NewChain(t)
	authority, hash := tsa(t, c.Sub), alg.Identifier{OID: oid.Streebog512}
	sig := edit(t, signWith(t, c.Leaf), func(sd *cms.SignedData) []cms.Attribute {
		s := stampSpec{tsa: authority, at: testpki.Now.Add(-time.Hour), hash: hash, digest: imprint(t, sd, cms.StampSignature, hash)}
		return []cms.Attribute{{Type: cms.StampSignature.OID(), Values: [][]byte{s.token(t)}}}
	})
	for _, until := range []time.Time{{}, testpki.Now.Add(-time.Minute)} {
		v := verifier(t, c)
		v.Policy = verify.DefaultPolicy()
		for i, a := range v.Policy.Algorithms {
			if a.Name == alg.NameStreebog512 {
				v.Policy.Algorithms[i].Until = until
			}
		}
		r := judge(t, v, sig, document)
		want(t, r, verify.VerdictValid, "")
		if proven := !r.Signatures[0].BestTime.IsZero(); proven != until.IsZero() {
			t.Errorf("withdrawn %v: proven %v", until, proven)
		}
	}
}

// TestArchiveOverTooLittle: what an archive stamp leaves out is not archived, and an
// index by another digest than the stamp's is none.
func TestArchiveOverTooLittle(t *testing.T) {
	w := newArchiveWorld(t)
	at := w.signed.AddDate(0, 0, 2)
	keeper := stampSpec{tsa: w.keeper, at: at.Add(-time.Hour)}
	evidence := addEvidence(t, w.bes(t), alg.Identifier{OID: oid.Streebog256}, w.evOld)
	late := addStamp(t, addArchive(t, evidence, keeper, nil), cms.StampSignature, stampSpec{tsa: w.tsa, at: w.signed})
	plain := addStamp(t, message{signer: w.Leaf, plain: true, more: []*pki.Certificate{w.Sub.Cert}}.sign(t), cms.StampSignature, stampSpec{tsa: w.tsa, at: w.signed})
	for name, tc := range map[string]struct {
		sig   []byte
		level string
	}{
		"the signature stamp came after":    {late, "t"},
		"stamped without the certificate's": {plain, "cms"},
	} {
		r := judge(t, w.verifier(t, at), tc.sig, document)
		want(t, r, verify.VerdictValid, "")
		if s := r.Signatures[0]; s.Level != tc.level {
			t.Errorf("%s: level %s", name, s.Level)
		}
	}
	other := addArchive(t, w.xl(t), keeper, func(x *cms.HashIndex) { x.Raw = emptyIndex(t, alg.Identifier{OID: oid.Streebog512}).Raw })
	if r := judge(t, w.verifier(t, at), other, document); r.Verdict() != verify.VerdictInvalid {
		t.Errorf("an index by another digest: %v", r.Verdict())
	}
}
