package verify_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/verify"
	"github.com/gosklyuch/gosklyuch/verify/revocation"
)

// TestStolenAuthorityKey: the key of the signer's authority was stolen. What the
// thief makes and has stamped since then is no evidence, though the stamps are
// honest (EN 319 102-1, 5.6.2.2).
func TestStolenAuthorityKey(t *testing.T) {
	w := newArchiveWorld(t)
	day := func(n int) time.Time { return w.signed.AddDate(0, 0, n) }
	stolen, now := day(3), day(10)
	archive := func(bes []byte, at time.Time, ev cms.Evidence) []byte {
		timed := addStamp(t, bes, cms.StampSignature, stampSpec{tsa: w.keeper, at: w.signed})
		full := edit(t, timed, func(*cms.SignedData) []cms.Attribute {
			out, err := cms.ValuesAttributes(ev)
			if err != nil {
				t.Fatal(err)
			}
			return out
		})
		return addArchive(t, full, stampSpec{tsa: w.keeper, at: at}, nil)
	}
	root := testpki.CRL(t, w.Root, &pki.CRLTemplate{ThisUpdate: w.signed.Add(time.Hour), NextUpdate: day(300)}) // roots issue lists that last
	forged := cms.Evidence{Certificates: w.evOld.Certificates, CRLs: []*pki.RevocationList{
		root, testpki.CRL(t, w.Sub, &pki.CRLTemplate{ThisUpdate: day(4)}),
	}}
	backdated := cms.Evidence{Certificates: w.evOld.Certificates, CRLs: []*pki.RevocationList{
		root, testpki.CRL(t, w.Sub, &pki.CRLTemplate{ThisUpdate: day(2)}),
	}}
	entry := func(at, since time.Time) pki.RevokedEntry {
		e := testpki.Revoked(w.Sub.Cert, at, pki.ReasonKeyCompromise)
		e.InvalidityDate = since
		return e
	}
	for name, tc := range map[string]struct {
		sig   []byte
		entry pki.RevokedEntry
		valid bool
	}{
		"evidence stamped before":              {archive(w.bes(t), day(1), w.evOld), entry(stolen, time.Time{}), true},
		"evidence stamped after":               {archive(w.bes(t), day(5), forged), entry(stolen, time.Time{}), false},
		"backdated evidence stamped after":     {archive(w.bes(t), day(5), backdated), entry(stolen, time.Time{}), false},
		"evidence between theft and discovery": {archive(w.bes(t), day(5), forged), entry(day(8), stolen), false},
		"a certificate that nothing proves": {
			archive(message{signer: w.Leaf, plain: true, noCerts: true, more: []*pki.Certificate{w.Sub.Cert}}.sign(t), day(1), w.evOld), entry(stolen, time.Time{}), false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := w.verifier(t, now)
			v.Intermediates = pki.NewPool(w.Leaf.Cert)
			fresh := now.Add(-time.Hour)
			v.Revocation = &revocation.Static{Lists: []*pki.RevocationList{
				testpki.CRL(t, w.keepers, &pki.CRLTemplate{ThisUpdate: fresh}),
				testpki.CRL(t, w.Root, &pki.CRLTemplate{ThisUpdate: fresh, Entries: []pki.RevokedEntry{tc.entry}}),
			}}
			if r := judge(t, v, tc.sig, document); tc.valid {
				want(t, r, verify.VerdictValid, "")
			} else {
				want(t, r, verify.VerdictRevoked, verify.RevokedCANoPOE)
			}
		})
	}
}

// TestLevelWithoutMaterial: a level needs evidence that holds, and an archive
// stamp that covers it.
func TestLevelWithoutMaterial(t *testing.T) {
	w := newArchiveWorld(t)
	at := w.signed.AddDate(0, 0, 2)
	hash := alg.Identifier{OID: oid.Streebog256}
	impostor := testpki.Issue(t, testpki.CA(t, "CN=Sub"), nil)
	after := &pki.CRLTemplate{ThisUpdate: w.signed.Add(time.Hour)}
	forged := cms.Evidence{Certificates: w.evOld.Certificates, CRLs: []*pki.RevocationList{testpki.CRL(t, impostor, after), w.evOld.CRLs[1]}}
	keeper := stampSpec{tsa: w.keeper, at: at.Add(-time.Hour)}
	esc := stampSpec{tsa: w.tsa, at: w.signed.Add(2 * time.Hour)}
	nothing := func(x *cms.HashIndex) { *x = *emptyIndex(t, x.Algorithm) }
	valuesLate := edit(t, addArchive(t, w.t(t), keeper, nil), func(*cms.SignedData) []cms.Attribute {
		out, err := cms.ValuesAttributes(w.evOld)
		if err != nil {
			t.Fatal(err)
		}
		return out
	})
	for name, tc := range map[string]struct {
		sig   []byte
		level string
	}{
		"xl with a forged list":                   {addStamp(t, addEvidence(t, w.t(t), hash, forged), cms.StampCAdESC, esc), "t"},
		"a with a forged list":                    {addArchive(t, addEvidence(t, w.t(t), hash, forged), keeper, nil), "t"},
		"a whose stamp covers nothing":            {addArchive(t, w.xl(t), keeper, nothing), "xl"},
		"a whose values came after the one stamp": {valuesLate, "t"},
		"a, renewed after the values":             {addArchive(t, valuesLate, stampSpec{tsa: w.keeper, at: at.Add(-time.Minute)}, nil), "a"},
	} {
		t.Run(name, func(t *testing.T) {
			r := judge(t, w.verifier(t, at), tc.sig, document)
			want(t, r, verify.VerdictValid, "")
			if s := r.Signatures[0]; s.Level != tc.level {
				t.Errorf("level %s, want %s", s.Level, tc.level)
			}
		})
	}
}

// emptyIndex lists nothing.
func emptyIndex(t *testing.T, id alg.Identifier) *cms.HashIndex {
	t.Helper()
	empty := []byte{0x30, 0}
	x, err := cms.ParseHashIndex(oid.AttrATSHashIndexV3, der.Wrap(0x30, id.DER(), empty, empty, empty))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// TestKeyPeriodEvaded: a signer cannot leave the period of the key by claiming no
// time, or one later than the proven one.
func TestKeyPeriodEvaded(t *testing.T) {
	c := testpki.NewChain(t)
	ended, later := testpki.Leaf(t, "CN=Ended"), testpki.Leaf(t, "CN=Later")
	ended.PrivateKeyNotBefore, ended.PrivateKeyNotAfter = testpki.Start, testpki.Now.AddDate(0, 0, -1)
	later.PrivateKeyNotBefore, later.PrivateKeyNotAfter = testpki.Now.Add(-time.Hour), testpki.End
	v := verifier(t, c)
	want(t, judge(t, v, message{signer: testpki.Issue(t, ended, c.Sub), noTime: true}.sign(t), document), verify.VerdictIndeterminate, verify.NoPOE)
	want(t, judge(t, v, message{signer: testpki.Issue(t, later, c.Sub), noTime: true}.sign(t), document), verify.VerdictValid, "")
	// The claimed time, a minute ago, is within the period; the proven one is not.
	signer := testpki.Issue(t, later, c.Sub)
	sig := addStamp(t, message{signer: signer}.sign(t), cms.StampSignature, stampSpec{tsa: tsa(t, c.Sub), at: testpki.Now.Add(-2 * time.Hour)})
	want(t, judge(t, v, sig, document), verify.VerdictInvalid, verify.SigConstraints)
}

// TestHoldKnownToday: a hold that is known today counts, whatever older evidence
// an archive stamp proves.
func TestHoldKnownToday(t *testing.T) {
	w := newArchiveWorld(t)
	v := w.verifier(t, w.years)
	src := v.Revocation.(*revocation.Static)
	src.Lists = append(src.Lists, testpki.CRL(t, w.Sub, &pki.CRLTemplate{
		ThisUpdate: w.signed.AddDate(0, 0, 3), Entries: []pki.RevokedEntry{testpki.Revoked(w.Leaf.Cert, w.signed.Add(-time.Hour), pki.ReasonCertificateHold)},
	}))
	if r := judge(t, v, w.a(t), document); r.Status == verify.Passed {
		t.Errorf("%v %s", r.Verdict(), r.Reason)
	}
}

// TestStolenResponderKey: the key of a delegated OCSP responder was stolen. Its
// answer that was stamped afterwards is no evidence, one from before is.
func TestStolenResponderKey(t *testing.T) {
	w := newArchiveWorld(t)
	day := func(n int) time.Time { return w.signed.AddDate(0, 0, n) }
	tmpl := testpki.Leaf(t, "CN=Responder")
	tmpl.ExtKeyUsage = []oid.OID{oid.EKUOCSPSigning}
	responder := testpki.Issue(t, tmpl, w.Sub)
	stolen, now := day(3), day(10)
	root := testpki.CRL(t, w.Root, &pki.CRLTemplate{ThisUpdate: w.signed.Add(time.Hour), NextUpdate: day(300)})
	for name, tc := range map[string]struct {
		reason           int
		answered, proven time.Time
		valid            bool
	}{
		"before":            {pki.ReasonKeyCompromise, day(1), day(2), true},
		"after":             {pki.ReasonKeyCompromise, day(1), day(5), false},
		"after, superseded": {pki.ReasonSuperseded, day(1), day(5), true},
	} {
		t.Run(name, func(t *testing.T) {
			timed := addStamp(t, w.bes(t), cms.StampSignature, stampSpec{tsa: w.keeper, at: w.signed})
			full := edit(t, timed, func(*cms.SignedData) []cms.Attribute {
				out, err := cms.ValuesAttributes(cms.Evidence{
					Certificates: []*pki.Certificate{w.Sub.Cert, responder.Cert}, CRLs: []*pki.RevocationList{root},
					OCSP: [][]byte{goodOCSP(t, w.Leaf.Cert, w.Sub.Cert, responder, tc.answered)},
				})
				if err != nil {
					t.Fatal(err)
				}
				return out
			})
			sig := addArchive(t, full, stampSpec{tsa: w.keeper, at: tc.proven}, nil)
			v := w.verifier(t, now)
			v.Revocation = &revocation.Static{Lists: []*pki.RevocationList{
				testpki.CRL(t, w.keepers, &pki.CRLTemplate{ThisUpdate: now.Add(-time.Hour)}),
				testpki.CRL(t, w.Root, &pki.CRLTemplate{ThisUpdate: now.Add(-time.Hour)}),
				// Of the responder alone, as one that has the other certificates on a list of their own.
				testpki.CRL(t, w.Sub, &pki.CRLTemplate{
					ThisUpdate: now.Add(-time.Hour), Entries: []pki.RevokedEntry{testpki.Revoked(responder.Cert, stolen, tc.reason)},
					IDP: &pki.IssuingDistributionPoint{OnlyCACerts: true},
				}),
			}}
			if r := judge(t, v, sig, document); (r.Status == verify.Passed) != tc.valid {
				t.Errorf("%v %s", r.Verdict(), r.Reason)
			}
		})
	}
}

// TestOwnAnchors: a policy that wants own anchors trusts no others.
func TestOwnAnchors(t *testing.T) {
	c := testpki.NewChain(t)
	v := verifier(t, c)
	v.OwnRoots = pki.NewPool()
	sig := signWith(t, c.Leaf)
	want(t, judge(t, v, sig, document), verify.VerdictValid, "")
	policy(t, "unep")(v)
	want(t, judge(t, v, sig, document), verify.VerdictIndeterminate, verify.NoCertificateChain)
	report, err := v.VerifyCertificate(t.Context(), c.Leaf.Cert)
	consistent(t, report, err)
	want(t, report, verify.VerdictIndeterminate, verify.NoCertificateChain)
	v.OwnRoots = v.Roots
	want(t, judge(t, v, sig, document), verify.VerdictValid, "")
}

// TestHostileArchives: many signatures with many archive stamps, each of which
// proves a moment as of which the evidence, which never suffices, is judged.
func TestHostileArchives(t *testing.T) {
	w := newArchiveWorld(t)
	values := edit(t, w.t(t), func(*cms.SignedData) []cms.Attribute {
		out, err := cms.ValuesAttributes(cms.Evidence{Certificates: w.evOld.Certificates, CRLs: w.evOld.CRLs[1:]}) // nothing about the signer
		if err != nil {
			t.Fatal(err)
		}
		return out
	})
	for i := range 12 {
		values = addArchive(t, values, stampSpec{tsa: w.keeper, at: w.signed.AddDate(0, 0, i+1)}, nil)
	}
	sd, err := cms.ReadSigned(bytes.NewReader(values), nil, cms.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	var m cms.Message
	m.AddCertificates(sd.Certificates...)
	if err := cms.WriteDetached(&out, m, slices.Repeat(sd.Signers, 20)); err != nil {
		t.Fatal(err)
	}
	v := w.verifier(t, w.years.AddDate(0, 0, -5))
	v.Revocation.(*revocation.Static).Lists = v.Revocation.(*revocation.Static).Lists[:2]
	within(t, 20*time.Second, func() {
		if r := judge(t, v, out.Bytes(), document); r.Status == verify.Passed || len(r.Signatures) != 20 {
			t.Errorf("%v, %d signatures", r.Status, len(r.Signatures))
		}
	})
}

// TestSigningCertificateDemanded: a signature that does not bind its certificate
// is refused where the policy asks for that, and warned of otherwise.
func TestSigningCertificateDemanded(t *testing.T) {
	c := testpki.NewChain(t)
	sig := message{signer: c.Leaf, plain: true}.sign(t)
	v := verifier(t, c)
	v.Policy = verify.DefaultPolicy()
	v.Policy.SigningTime = verify.Skip
	if r := judge(t, v, sig, document); r.Status != verify.Passed || result(r, "signing-certificate") != "warning" {
		t.Errorf("%s, %s", r.Reason, result(r, "signing-certificate"))
	}
	v.Policy.SigningCertificate = verify.Fail
	r := judge(t, v, sig, document)
	want(t, r, verify.VerdictInvalid, verify.SigConstraints)
	if result(r, "signing-certificate") != "failed" {
		t.Error(result(r, "signing-certificate"))
	}
}
