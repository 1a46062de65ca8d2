package verify_test

import (
	"bytes"
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

// TestLevels: each level is recognized while everything is in force, and claims
// no more than it reached.
func TestLevels(t *testing.T) {
	w := newArchiveWorld(t)
	at := w.signed.AddDate(0, 0, 2)
	archived := w.a(t)
	for name, tc := range map[string]struct {
		sig  []byte
		best time.Time
		n    int // time stamps
	}{
		"bes": {w.bes(t), time.Time{}, 0}, "t": {w.t(t), w.signed, 1}, "xl": {w.xl(t), w.signed, 2}, "a": {archived, w.signed, 3},
	} {
		t.Run(name, func(t *testing.T) {
			r := judge(t, w.verifier(t, at), tc.sig, document)
			want(t, r, verify.VerdictValid, "")
			s := r.Signatures[0]
			if s.Level != name || s.ClaimedLevel != name || !s.BestTime.Equal(tc.best) || len(s.TimeStamps) != tc.n {
				t.Errorf("level %s, claimed %s, best time %v, %d time stamps", s.Level, s.ClaimedLevel, s.BestTime, len(s.TimeStamps))
			}
			for _, c := range s.Checks {
				if c.Result() == "warning" && c.ID != "best-time" {
					t.Errorf("%s: %s", c.ID, c.Detail)
				}
			}
			for _, x := range s.TimeStamps {
				if x.Kind == "" || x.Serial == nil || x.Policy != "1.2.3.4" || len(x.Chain) == 0 {
					t.Errorf("%+v", x)
				}
			}
		})
	}
	// The references alone: C, and with a stamp over them X Type 2.
	refs := edit(t, w.t(t), func(*cms.SignedData) []cms.Attribute {
		out, err := references(t, alg.Identifier{OID: oid.Streebog256}, w.evOld.Certificates, w.evOld.CRLs, nil).Attributes()
		if err != nil {
			t.Fatal(err)
		}
		return out
	})
	for claimed, sig := range map[string][]byte{
		"c":  refs,
		"x1": addStamp(t, refs, cms.StampCAdESC, stampSpec{tsa: w.tsa, at: at.Add(-time.Hour)}),
		"x2": addStamp(t, refs, cms.StampReferences, stampSpec{tsa: w.tsa, at: at.Add(-time.Hour)}),
	} {
		r := judge(t, w.verifier(t, at), sig, document)
		want(t, r, verify.VerdictValid, "")
		if s := r.Signatures[0]; s.Level != "t" || s.ClaimedLevel != claimed {
			t.Errorf("%s: level %s, claimed %s", claimed, s.Level, s.ClaimedLevel)
		}
	}
}

// TestClaimedLevels: what is claimed and not complete is said, and not reached.
func TestClaimedLevels(t *testing.T) {
	w := newArchiveWorld(t)
	at := w.signed.AddDate(0, 0, 2)
	hash := alg.Identifier{OID: oid.Streebog256}
	esc := stampSpec{tsa: w.tsa, at: w.signed.Add(2 * time.Hour)}
	strange := stampSpec{tsa: tsa(t, testpki.Issue(t, testpki.CA(t, "CN=Stranger"), nil)), at: w.signed.Add(2 * time.Hour)}
	noRoot := w.evOld
	noRoot.CRLs = noRoot.CRLs[:1]
	noSub := w.evOld
	noSub.Certificates = nil
	for name, tc := range map[string]struct {
		sig            []byte
		level, claimed string
	}{
		"xl without T":              {addEvidence(t, w.bes(t), hash, w.evOld), "bes", "c"},
		"xl with a stranger's":      {addStamp(t, addEvidence(t, w.t(t), hash, w.evOld), cms.StampCAdESC, strange), "t", "xl"},
		"xl without the root's":     {addStamp(t, addEvidence(t, w.t(t), hash, noRoot), cms.StampCAdESC, esc), "t", "xl"},
		"xl with a missing value":   {addStamp(t, missingValue(t, w, hash), cms.StampCAdESC, esc), "t", "xl"},
		"a without values":          {addArchive(t, w.t(t), stampSpec{tsa: w.keeper, at: at.Add(-time.Hour)}, nil), "t", "a"},
		"a with a stranger's stamp": {addArchive(t, w.xl(t), strange, nil), "xl", "a"},
		"a without T":               {addArchive(t, addEvidence(t, w.bes(t), hash, w.evOld), stampSpec{tsa: w.keeper, at: at.Add(-time.Hour)}, nil), "bes", "a"},
		"a without references":      {addArchive(t, valuesOnly(t, w), stampSpec{tsa: w.keeper, at: at.Add(-time.Hour)}, nil), "a", "a"},
	} {
		t.Run(name, func(t *testing.T) {
			r := judge(t, w.verifier(t, at), tc.sig, document)
			want(t, r, verify.VerdictValid, "")
			s := r.Signatures[0]
			if s.Level != tc.level || s.ClaimedLevel != tc.claimed {
				t.Errorf("level %s, claimed %s", s.Level, s.ClaimedLevel)
			}
			if said := result(r, "higher-level") == "warning"; said != (tc.level != tc.claimed && tc.claimed != "c") {
				t.Errorf("the warning: %v", said)
			}
		})
	}
}

// missingValue has a reference without a value.
func missingValue(t *testing.T, w *archiveWorld, hash alg.Identifier) []byte {
	return edit(t, w.t(t), func(*cms.SignedData) []cms.Attribute {
		more := append(w.evOld.CRLs[:2:2], testpki.CRL(t, w.Sub, &pki.CRLTemplate{ThisUpdate: w.signed}))
		out, err := references(t, hash, w.evOld.Certificates, more, nil).Attributes()
		if err != nil {
			t.Fatal(err)
		}
		values, err := cms.ValuesAttributes(w.evOld)
		if err != nil {
			t.Fatal(err)
		}
		return append(out, values...)
	})
}

func valuesOnly(t *testing.T, w *archiveWorld) []byte {
	return edit(t, w.t(t), func(*cms.SignedData) []cms.Attribute {
		values, err := cms.ValuesAttributes(w.evOld)
		if err != nil {
			t.Fatal(err)
		}
		return values
	})
}

// TestBrokenStamps: a stamp over something else makes the signature invalid,
// whatever its kind.
func TestBrokenStamps(t *testing.T) {
	w := newArchiveWorld(t)
	at := w.signed.AddDate(0, 0, 2)
	wrong := stampSpec{tsa: w.tsa, at: w.signed, digest: make([]byte, 32)}
	full := addEvidence(t, w.t(t), alg.Identifier{OID: oid.Streebog256}, w.evOld)
	for _, k := range []cms.StampKind{cms.StampSignature, cms.StampCAdESC, cms.StampReferences} {
		sig := edit(t, full, func(*cms.SignedData) []cms.Attribute {
			return []cms.Attribute{{Type: k.OID(), Values: [][]byte{wrong.token(t)}}}
		})
		t.Run(k.String(), func(t *testing.T) {
			want(t, judge(t, w.verifier(t, at), sig, document), verify.VerdictInvalid, verify.HashFailure)
		})
	}
	archive := func(change func(*cms.HashIndex)) []byte {
		return addArchive(t, full, stampSpec{tsa: w.keeper, at: at.Add(-time.Hour)}, change)
	}
	t.Run("archive, index of what is not there", func(t *testing.T) {
		sig := archive(func(x *cms.HashIndex) {
			x.Raw = bytes.Replace(x.Raw, x.Certificates[0], make([]byte, 32), 1)
		})
		want(t, judge(t, w.verifier(t, at), sig, document), verify.VerdictInvalid, verify.HashFailure)
	})
	t.Run("archive, no index", func(t *testing.T) {
		sig := edit(t, full, func(*cms.SignedData) []cms.Attribute {
			return []cms.Attribute{{Type: oid.AttrArchiveTimeStampV3, Values: [][]byte{wrong.token(t)}}}
		})
		want(t, judge(t, w.verifier(t, at), sig, document), verify.VerdictInvalid, verify.HashFailure)
	})
	t.Run("no token at all", func(t *testing.T) {
		sig := edit(t, full, func(*cms.SignedData) []cms.Attribute {
			return []cms.Attribute{{Type: oid.AttrEscTimeStamp, Values: [][]byte{{5, 0}}}}
		})
		want(t, judge(t, w.verifier(t, at), sig, document), verify.VerdictInvalid, verify.FormatFailure)
	})
	t.Run("another document under an archive stamp", func(t *testing.T) {
		want(t, judge(t, w.verifier(t, at), w.a(t), "x"), verify.VerdictInvalid, verify.HashFailure)
	})
}

// TestArchive: years later, when the authorities of the signer and of the first
// stamps are gone, the archive stamp alone keeps the signature valid.
func TestArchive(t *testing.T) {
	w := newArchiveWorld(t)
	archived := w.a(t)
	r := judge(t, w.verifier(t, w.years), archived, document)
	want(t, r, verify.VerdictValid, "")
	s := r.Signatures[0]
	if s.Level != "a" || !s.BestTime.Equal(w.signed) || result(r, "control-time") != "passed" {
		t.Errorf("level %s, best time %v, control time %s", s.Level, s.BestTime, result(r, "control-time"))
	}
	if len(s.Evidence.CRLs) != 2 || !bytes.Equal(s.Evidence.CRLs[0].Raw, w.evOld.CRLs[0].Raw) {
		t.Errorf("%d lists decided", len(s.Evidence.CRLs))
	}
	// Everything below proves nothing then.
	for name, sig := range map[string][]byte{"bes": w.bes(t), "t": w.t(t), "xl": w.xl(t)} {
		t.Run(name, func(t *testing.T) {
			want(t, judge(t, w.verifier(t, w.years), sig, document), verify.VerdictInvalid, verify.OutOfBoundsNoPOE)
		})
	}
	// An archive stamp that is not trusted, or came after everything expired,
	// saves nothing.
	late := addArchive(t, w.xl(t), stampSpec{tsa: w.keeper, at: w.years.Add(-time.Hour)}, nil)
	want(t, judge(t, w.verifier(t, w.years), late, document), verify.VerdictInvalid, verify.OutOfBoundsNoPOE)
	v := w.verifier(t, w.years)
	v.Roots = pki.NewPool(w.Root.Cert)
	want(t, judge(t, v, archived, document), verify.VerdictInvalid, verify.OutOfBoundsNoPOE)
	// A revocation from before the proven time counts, however late it is known.
	v = w.verifier(t, w.years)
	v.Revocation.(*revocation.Static).Lists = append(v.Revocation.(*revocation.Static).Lists,
		testpki.CRL(t, w.Sub, &pki.CRLTemplate{ThisUpdate: w.signed.AddDate(0, 0, 3), Entries: []pki.RevokedEntry{testpki.Revoked(w.Leaf.Cert, w.signed.Add(-time.Hour), 1)}}))
	want(t, judge(t, v, archived, document), verify.VerdictRevoked, verify.RevokedNoPOE)
}

// TestRenewal: the authority of the first archive stamp is gone as well; a
// second one, made while it was in force, keeps it.
func TestRenewal(t *testing.T) {
	w := newArchiveWorld(t)
	short := testpki.CA(t, "CN=Short keepers")
	short.NotAfter = w.years.AddDate(0, -1, 0)
	shortRoot := testpki.Issue(t, short, nil)
	stamping := testpki.Leaf(t, "CN=Short keeper")
	stamping.ExtKeyUsage, stamping.ExtKeyUsageCritical, stamping.NotAfter = []oid.OID{oid.EKUTimeStamping}, true, short.NotAfter
	first := testpki.Issue(t, stamping, shortRoot)
	once := addArchive(t, w.xl(t), stampSpec{tsa: first, at: w.signed.AddDate(0, 0, 1)}, nil)
	v := w.verifier(t, w.years)
	v.Roots = pki.NewPool(w.Root.Cert, w.keepers.Cert, shortRoot.Cert)
	want(t, judge(t, v, once, document), verify.VerdictInvalid, verify.OutOfBoundsNoPOE)
	// The evidence about the first keeper has to be there when the second stamps it.
	renew := w.signed.AddDate(1, 0, 0)
	list := testpki.CRL(t, shortRoot, &pki.CRLTemplate{ThisUpdate: renew.Add(-time.Hour)})
	kept := addCRL(t, once, list)
	twice := addArchive(t, kept, stampSpec{tsa: w.keeper, at: renew}, nil)
	r := judge(t, v, twice, document)
	want(t, r, verify.VerdictValid, "")
	if s := r.Signatures[0]; s.Level != "a" || len(s.TimeStamps) != 4 {
		t.Errorf("level %s, %d time stamps", s.Level, len(s.TimeStamps))
	}
	// Without it nothing shows that the first keeper was in honour: the second
	// stamp is then the only proof, and the evidence about the signer was old by then.
	want(t, judge(t, v, addArchive(t, once, stampSpec{tsa: w.keeper, at: renew}, nil), document), verify.VerdictIndeterminate, verify.TryLater)
}

// addCRL adds a list to the message.
func addCRL(t *testing.T, raw []byte, l *pki.RevocationList) []byte {
	t.Helper()
	sd, err := cms.ReadSigned(bytes.NewReader(raw), nil, cms.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := sd.Rewrite(&out, cms.Edit{Revocations: [][]byte{l.Raw}}, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestEvidenceInToken: evidence about the authority in the unsigned attributes of
// its token, where CryptoPro puts it, and OCSP answers among the values of the
// signature are all there is besides the root's list.
func TestEvidenceInToken(t *testing.T) {
	w := newArchiveWorld(t)
	at := w.signed.Add(30 * time.Minute)
	values := func(c *pki.Certificate, when time.Time) []cms.Attribute {
		out, err := cms.ValuesAttributes(cms.Evidence{OCSP: [][]byte{goodOCSP(t, c, w.Sub.Cert, w.Sub, when)}})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	v := w.verifier(t, at)
	v.Revocation = &revocation.Static{Lists: []*pki.RevocationList{testpki.CRL(t, w.Root, &pki.CRLTemplate{})}}
	sig := edit(t, w.bes(t), func(*cms.SignedData) []cms.Attribute { return values(w.Leaf.Cert, w.signed.Add(time.Minute)) })
	r := judge(t, v, addStamp(t, sig, cms.StampSignature, stampSpec{tsa: w.tsa, at: w.signed, unsigned: values(w.tsa.Cert, w.signed.Add(time.Minute))}), document)
	want(t, r, verify.VerdictValid, "")
	s := r.Signatures[0]
	if s.Level != "t" || !s.BestTime.Equal(w.signed) || len(s.Evidence.OCSP) != 1 || len(s.TimeStamps[0].Evidence.OCSP) != 1 {
		t.Errorf("level %s, best time %v, %d and %d answers", s.Level, s.BestTime, len(s.Evidence.OCSP), len(s.TimeStamps[0].Evidence.OCSP))
	}
	// Without them nothing is known of the authority.
	r = judge(t, v, addStamp(t, sig, cms.StampSignature, stampSpec{tsa: w.tsa, at: w.signed}), document)
	if s := r.Signatures[0]; !s.BestTime.IsZero() || s.Level != "bes" || s.ClaimedLevel != "t" || result(r, "higher-level") != "warning" {
		t.Errorf("level %s, best time %v", s.Level, s.BestTime)
	}
}
