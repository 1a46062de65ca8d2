package sign_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/big"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/sign"
	"github.com/gosklyuch/gosklyuch/tsp"
	"github.com/gosklyuch/gosklyuch/verify"
	"github.com/gosklyuch/gosklyuch/verify/revocation"
)

// world is a PKI with a time-stamping authority, at a moment that tests move.
type world struct {
	*testpki.Chain
	tsa    *testpki.Entity
	now    time.Time
	serial atomic.Int64
	asked  int // how often the authority was
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{Chain: testpki.NewChain(t), now: testpki.Now}
	w.tsa = w.newTSA(t, "CN=Служба меток")
	return w
}

func (w *world) newTSA(t testing.TB, name string) *testpki.Entity {
	t.Helper()
	tmpl := testpki.Leaf(t, name)
	tmpl.ExtKeyUsage, tmpl.ExtKeyUsageCritical = []oid.OID{oid.EKUTimeStamping}, true
	return testpki.Issue(t, tmpl, w.Sub)
}

// NextSerial makes world a source of serial numbers.
func (w *world) NextSerial(context.Context) (*big.Int, error) {
	return big.NewInt(w.serial.Add(1)), nil
}

// Stamp makes world a client of its own authority.
func (w *world) Stamp(ctx context.Context, hash alg.Identifier, digest []byte) (*tsp.Token, error) {
	w.asked++
	w.now = w.now.Add(time.Second) // real stamps follow one another
	a, err := tsp.NewAuthority(tsp.AuthorityOptions{
		Certificate: w.tsa.Cert, Signer: w.tsa.Key, Policies: []oid.OID{"1.2.3.4"}, Serials: w,
		Clock: func() (time.Time, error) { return w.now, nil },
	})
	if err != nil {
		return nil, err
	}
	return (&tsp.Requester{Send: a.Respond}).Stamp(ctx, hash, digest)
}

// lists are the current CRLs of the world.
func (w *world) lists(t testing.TB, revoked ...pki.RevokedEntry) *revocation.Static {
	t.Helper()
	at := w.now.Add(-time.Hour)
	list := func(ca *testpki.Entity, entries ...pki.RevokedEntry) *pki.RevocationList {
		return testpki.CRL(t, ca, &pki.CRLTemplate{ThisUpdate: at, NextUpdate: at.AddDate(0, 0, 1), Entries: entries})
	}
	return &revocation.Static{Lists: []*pki.RevocationList{list(w.Root), list(w.Sub, revoked...)}}
}

// verifier trusts the root and has the source.
func (w *world) verifier(src revocation.Source) *verify.Verifier {
	roots := pki.NewPool()
	roots.Add(w.Root.Cert)
	return &verify.Verifier{Roots: roots, Revocation: src, Now: func() time.Time { return w.now }, Lang: verify.English}
}

// evidence is an EvidenceFunc: it verifies and hands over what decided.
func (w *world) evidence(t testing.TB) sign.EvidenceFunc {
	return func(ctx context.Context, sig []byte, content io.Reader) (cms.Evidence, error) {
		w.now = w.now.Add(time.Minute)
		rep, err := w.verifier(w.lists(t)).Verify(ctx, bytes.NewReader(sig), content)
		if err != nil {
			return cms.Evidence{}, err
		}
		return reported(rep), nil
	}
}

// reported joins all evidence of a report.
func reported(rep *verify.Report) (e cms.Evidence) {
	add := func(chain []*pki.Certificate, x cms.Evidence) {
		e.Certificates = append(append(e.Certificates, chain...), x.Certificates...)
		e.CRLs = append(e.CRLs, x.CRLs...)
		e.OCSP = append(e.OCSP, x.OCSP...)
	}
	for _, s := range rep.Signatures {
		add(s.Chain, s.Evidence)
		for _, ts := range s.TimeStamps {
			add(ts.Chain, ts.Evidence)
		}
	}
	return e
}

func (w *world) signer(t testing.TB, level sign.Level) *sign.Signer {
	return &sign.Signer{
		Key: w.Leaf.Key, Cert: w.Leaf.Cert, Chain: []*pki.Certificate{w.Sub.Cert},
		Level: level, TSA: w, Evidence: w.evidence(t), Now: func() time.Time { return w.now },
	}
}

func (w *world) sign(t testing.TB, level sign.Level, doc []byte, detached bool) []byte {
	t.Helper()
	s := w.signer(t, level)
	s.Detached = detached
	var out bytes.Buffer
	if err := s.Sign(t.Context(), &out, bytes.NewReader(doc)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// judge verifies and wants a level, with the evidence that src has.
func (w *world) judge(t testing.TB, src revocation.Source, sig, doc []byte, level string) *verify.Report {
	t.Helper()
	var content io.Reader
	if doc != nil {
		content = bytes.NewReader(doc)
	}
	rep, err := w.verifier(src).Verify(t.Context(), bytes.NewReader(sig), content)
	if err != nil {
		for _, s := range rep.Signatures {
			for _, c := range s.Checks {
				t.Logf("%s %s %s", c.Result(), c.ID, c.Detail)
			}
		}
		t.Fatal(err)
	}
	for i, s := range rep.Signatures {
		if s.Level != level {
			for _, c := range s.Checks {
				t.Logf("%s %s %s", c.Result(), c.ID, c.Detail)
			}
			t.Errorf("signature %d: level %s (claimed %s), want %s", i, s.Level, s.ClaimedLevel, level)
		}
	}
	return rep
}

// imprints checks every time stamp of every signature against its imprint.
func imprints(t testing.TB, sig, doc []byte) (broken []string, total int) {
	t.Helper()
	sd, err := cms.ReadSigned(bytes.NewReader(sig), nil, cms.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if sd.Detached {
		if err := sd.DigestContent(bytes.NewReader(doc)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range sd.Signers {
		stamps, err := sd.Stamps(i)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range stamps {
			total++
			token, err := tsp.ParseToken(s.Token)
			if err != nil {
				broken = append(broken, s.Kind.String()+": token")
				continue
			}
			want, err := sd.StampImprint(i, s, token.Info.HashAlgorithm, nil)
			if err != nil || !bytes.Equal(want, token.Info.HashedMessage) {
				broken = append(broken, s.Kind.String())
				continue
			}
			if s.Kind == cms.StampArchiveV3 {
				index, err := s.HashIndex()
				if err != nil {
					t.Fatal(err)
				}
				c, err := sd.Coverage(i, index)
				if err != nil {
					t.Fatal(err)
				}
				if len(c.Missing) > 0 {
					broken = append(broken, s.Kind.String()+": "+strings.Join(c.Missing, "; "))
				}
			}
		}
	}
	return broken, total
}

// TestLevels makes every level, attached and detached, and has it verified:
// with lists at hand for T, with nothing but what the signature carries above.
func TestLevels(t *testing.T) {
	for _, tc := range []struct {
		level  sign.Level
		name   string
		stamps int
	}{{sign.LevelT, "t", 1}, {sign.LevelXL, "xl", 2}, {sign.LevelA, "a", 3}} {
		for _, detached := range []bool{true, false} {
			t.Run(tc.name+map[bool]string{true: " detached", false: " attached"}[detached], func(t *testing.T) {
				w := newWorld(t)
				doc := content(300_000)
				sig := w.sign(t, tc.level, doc, detached)
				broken, total := imprints(t, sig, doc)
				if len(broken) > 0 || total != tc.stamps || w.asked != tc.stamps {
					t.Errorf("%d stamps, broken %q, asked %d times", total, broken, w.asked)
				}
				var given []byte
				if detached {
					given = doc
				}
				w.judge(t, w.lists(t), sig, given, tc.name)
				if tc.level > sign.LevelT {
					w.judge(t, nil, sig, given, tc.name)
				}
				sd, inside := mustRead(t, sig, given)
				if sd.Detached != detached || sd.BER || (!detached && !bytes.Equal(inside, doc)) {
					t.Errorf("detached %v, BER %v, %d octets inside", sd.Detached, sd.BER, len(inside))
				}
				if err := checkAll(sd); err != nil {
					t.Error(err)
				}
				if got := sign.LevelOf(sd.Signers[0]); got != tc.level {
					t.Errorf("LevelOf says %s", got)
				}
			})
		}
	}
}

// TestRaise raises by steps, keeps what is signed and the signatures of others,
// and renews the archive time stamp.
func TestRaise(t *testing.T) {
	w := newWorld(t)
	doc := content(5000)
	sig := w.sign(t, sign.LevelBES, doc, true)
	before, _ := mustRead(t, sig, doc)
	for _, level := range []sign.Level{sign.LevelT, sign.LevelXL, sign.LevelA, sign.LevelA} {
		r := &sign.Raiser{Level: level, TSA: w, Evidence: w.evidence(t)}
		var out bytes.Buffer
		if err := r.Raise(t.Context(), &out, bytes.NewReader(sig), bytes.NewReader(doc)); err != nil {
			t.Fatalf("%s: %v", level, err)
		}
		sig = out.Bytes()
		after, _ := mustRead(t, sig, doc)
		fixed := before.Signers[0].Raw[4:] // without the header, whose length changes
		if !bytes.Contains(after.Signers[0].Raw, fixed) {
			t.Errorf("%s: version to signature are not the same octets", level)
		}
		if broken, _ := imprints(t, sig, doc); len(broken) > 0 {
			t.Errorf("%s: %q", level, broken)
		}
		w.judge(t, w.lists(t), sig, doc, level.String())
		if level < sign.LevelA {
			if err := r.Raise(t.Context(), io.Discard, bytes.NewReader(sig), bytes.NewReader(doc)); !errors.Is(err, sign.ErrNothingToRaise) {
				t.Errorf("%s a second time: %v", level, err)
			}
		}
	}
	sd, _ := mustRead(t, sig, doc)
	if stamps, err := sd.Stamps(0); err != nil || len(stamps) != 4 {
		t.Errorf("%d stamps, %v", len(stamps), err)
	}
}

// TestRaiseSeveral raises a message of two signers, one of whom is ahead.
func TestRaiseSeveral(t *testing.T) {
	w := newWorld(t)
	doc := content(5000)
	for _, attached := range []bool{false, true} {
		sig := w.sign(t, sign.LevelT, doc, !attached)
		second := testpki.Issue(t, testpki.Leaf(t, "CN=Пётр Петров"), w.Sub)
		s := &sign.Signer{Key: second.Key, Cert: second.Cert, Now: func() time.Time { return w.now }}
		var both bytes.Buffer
		var given []byte
		if !attached {
			given = doc
		}
		var content io.Reader
		if given != nil {
			content = bytes.NewReader(given)
		}
		if err := s.CoSign(t.Context(), &both, bytes.NewReader(sig), content); err != nil {
			t.Fatal(err)
		}
		r := &sign.Raiser{Level: sign.LevelA, TSA: w, Evidence: w.evidence(t)}
		var out bytes.Buffer
		if given != nil {
			content = bytes.NewReader(given)
		}
		if err := r.Raise(t.Context(), &out, &both, content); err != nil {
			t.Fatal(err)
		}
		if broken, total := imprints(t, out.Bytes(), doc); len(broken) > 0 || total != 6 {
			t.Errorf("%d stamps, broken %q", total, broken)
		}
		w.judge(t, nil, out.Bytes(), given, "a")
	}
}

// TestRaiseBER raises a message in BER, whose signed octets must stay.
func TestRaiseBER(t *testing.T) {
	w := newWorld(t)
	doc := content(700_000)
	s := w.signer(t, sign.LevelBES)
	s.Stream = true
	var sig, out bytes.Buffer
	if err := s.Sign(t.Context(), &sig, io.MultiReader(bytes.NewReader(doc))); err != nil {
		t.Fatal(err)
	}
	r := &sign.Raiser{Level: sign.LevelA, TSA: w, Evidence: w.evidence(t)}
	if err := r.Raise(t.Context(), &out, &sig, nil); err != nil {
		t.Fatal(err)
	}
	w.judge(t, nil, out.Bytes(), nil, "a")
}

// TestCorruptLevels changes each part that a time stamp covers and wants the
// imprint, or the index, to notice.
func TestCorruptLevels(t *testing.T) {
	w := newWorld(t)
	doc := content(1000)
	sig := w.sign(t, sign.LevelA, doc, true)
	sd, _ := mustRead(t, sig, doc)
	si := sd.Signers[0]
	flip := func(part []byte, back int) []byte {
		at := bytes.Index(sig, part)
		if at < 0 {
			t.Fatal("the part is not in the signature")
		}
		bad := bytes.Clone(sig)
		bad[at+len(part)-back] ^= 1
		return bad
	}
	value := func(o oid.OID) []byte { return si.Unsigned(o)[0].Values[0] }
	cases := map[string]struct {
		bad  []byte
		want []string
	}{
		"signature value":    {flip(si.Signature, 1), []string{"signature-time-stamp", "cades-c-time-stamp", "archive-time-stamp-v3"}},
		"certificate refs":   {flip(value(oid.AttrCompleteCertificateRefs), 1), []string{"cades-c-time-stamp", "archive-time-stamp-v3"}},
		"revocation refs":    {flip(value(oid.AttrCompleteRevocationRefs), 10), []string{"cades-c-time-stamp", "archive-time-stamp-v3"}},
		"revocation values":  {flip(value(oid.AttrRevocationValues), 1), []string{"archive-time-stamp-v3"}},
		"certificate values": {flip(value(oid.AttrCertificateValues), 1), []string{"archive-time-stamp-v3"}},
		"certificate":        {flip(sd.Certificates[0].Raw, 1), []string{"archive-time-stamp-v3"}},
		"signed attributes":  {flip(si.RawSignedAttrs, 1), []string{"archive-time-stamp-v3"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			broken, _ := imprints(t, tc.bad, doc)
			for i, b := range broken {
				broken[i], _, _ = strings.Cut(b, ":")
			}
			slices.Sort(broken)
			slices.Sort(tc.want)
			if !slices.Equal(broken, tc.want) {
				t.Errorf("broken %q, want %q", broken, tc.want)
			}
		})
	}
	if broken, _ := imprints(t, sig, content(999)); !slices.Contains(broken, "archive-time-stamp-v3") {
		t.Errorf("another document: broken %q", broken)
	}
}

// TestRaiseRefuses: nothing is written where raising fails.
func TestRaiseRefuses(t *testing.T) {
	w := newWorld(t)
	doc := content(1000)
	bes := w.sign(t, sign.LevelBES, doc, true)
	other := content(1001)
	refused := errors.New("refused")
	none := func(context.Context, []byte, io.Reader) (cms.Evidence, error) { return cms.Evidence{}, nil }
	var mismatch *sign.OtherContentError
	var missing *sign.EvidenceError
	for name, tc := range map[string]struct {
		r       sign.Raiser
		content []byte
		want    func(error) bool
	}{
		"no authority":   {sign.Raiser{Level: sign.LevelT}, doc, func(err error) bool { return errors.Is(err, sign.ErrNoTSA) }},
		"no evidence":    {sign.Raiser{Level: sign.LevelXL, TSA: w}, doc, func(err error) bool { return errors.Is(err, sign.ErrNoEvidence) }},
		"no document":    {sign.Raiser{Level: sign.LevelXL, TSA: w, Evidence: none}, nil, func(err error) bool { return errors.Is(err, sign.ErrNoDocument) }},
		"other document": {sign.Raiser{Level: sign.LevelT, TSA: w}, other, func(err error) bool { return errors.As(err, &mismatch) }},
		"empty evidence": {sign.Raiser{Level: sign.LevelXL, TSA: w, Evidence: none}, doc, func(err error) bool { return errors.As(err, &missing) }},
		"not valid": {sign.Raiser{Level: sign.LevelXL, TSA: w, Evidence: func(context.Context, []byte, io.Reader) (cms.Evidence, error) {
			return cms.Evidence{}, refused
		}}, doc, func(err error) bool { return errors.Is(err, refused) }},
		"authority fails": {sign.Raiser{Level: sign.LevelT, TSA: failing{refused}}, doc, func(err error) bool { return errors.Is(err, refused) }},
		"level bes":       {sign.Raiser{TSA: w}, doc, func(err error) bool { return err != nil }},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			var content io.Reader
			if tc.content != nil {
				content = bytes.NewReader(tc.content)
			}
			err := tc.r.Raise(t.Context(), &out, bytes.NewReader(bes), content)
			if err == nil || !tc.want(err) || out.Len() > 0 {
				t.Errorf("%v, %d octets", err, out.Len())
			}
		})
	}
}

// failing is a client whose authority does not answer.
type failing struct{ err error }

func (f failing) Stamp(context.Context, alg.Identifier, []byte) (*tsp.Token, error) {
	return nil, f.err
}

// TestContentChanges: a document that is other octets when it is written than
// when it was hashed is noticed.
func TestContentChanges(t *testing.T) {
	w := newWorld(t)
	s := w.signer(t, sign.LevelT)
	doc := &unsteady{Reader: bytes.NewReader(content(1000))}
	err := s.Sign(t.Context(), io.Discard, doc)
	if !errors.Is(err, cms.ErrContentChanged) {
		t.Errorf("%v", err)
	}
}

// unsteady returns other octets after it was read once.
type unsteady struct {
	*bytes.Reader
	rounds int
}

func (c *unsteady) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		c.rounds++
	}
	if c.rounds > 0 && n > 0 {
		p[0] ^= 1
	}
	return n, err
}

// TestOldArchive: what an archive time stamp of the second version covers is
// not added to.
func TestOldArchive(t *testing.T) {
	w := newWorld(t)
	doc := content(100)
	sd, _ := mustRead(t, w.sign(t, sign.LevelXL, doc, true), doc)
	token, err := w.Stamp(t.Context(), alg.Identifier{OID: oid.Streebog256}, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	if sd.Signers[0], err = sd.Signers[0].AddUnsigned(oid.AttrArchiveTimeStampV2, token.Raw); err != nil {
		t.Fatal(err)
	}
	var sig bytes.Buffer
	if err := sd.Rewrite(&sig, cms.Edit{}, nil); err != nil {
		t.Fatal(err)
	}
	s := w.signer(t, sign.LevelBES)
	var archived *sign.ArchivedError
	if err := s.CoSign(t.Context(), io.Discard, bytes.NewReader(sig.Bytes()), bytes.NewReader(doc)); !errors.As(err, &archived) {
		t.Errorf("co-signing: %v", err)
	}
	if err := s.CounterSign(t.Context(), io.Discard, bytes.NewReader(sig.Bytes()), 0); !errors.As(err, &archived) {
		t.Errorf("countersigning: %v", err)
	}
}

// TestForeignToken: a client whose token is about something else is not
// believed.
func TestForeignToken(t *testing.T) {
	w := newWorld(t)
	doc := content(100)
	sig := w.sign(t, sign.LevelBES, doc, true)
	token, err := w.Stamp(t.Context(), alg.Identifier{OID: oid.Streebog256}, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err = (&sign.Raiser{Level: sign.LevelT, TSA: fixed{token}}).Raise(t.Context(), &out, bytes.NewReader(sig), nil)
	if err == nil || out.Len() > 0 {
		t.Errorf("%v, %d octets", err, out.Len())
	}
}

// fixed is a client that always has the same token.
type fixed struct{ token *tsp.Token }

func (f fixed) Stamp(context.Context, alg.Identifier, []byte) (*tsp.Token, error) {
	return f.token, nil
}

// TestRenewalKeepsEvidence: what proves the authority of the archive time stamp
// comes into the message before the next one covers it.
func TestRenewalKeepsEvidence(t *testing.T) {
	w := newWorld(t)
	doc := content(100)
	sig := w.sign(t, sign.LevelA, doc, true)
	w.now = w.now.AddDate(2, 0, 0)
	w.tsa = w.newTSA(t, "CN=Другая служба меток")
	var out bytes.Buffer
	r := &sign.Raiser{Level: sign.LevelA, TSA: w, Evidence: w.evidence(t)}
	if err := r.Raise(t.Context(), &out, bytes.NewReader(sig), bytes.NewReader(doc)); err != nil {
		t.Fatal(err)
	}
	w.judge(t, w.lists(t), out.Bytes(), doc, "a")
	sd, _ := mustRead(t, out.Bytes(), doc)
	if len(sd.CRLs) == 0 {
		t.Fatal("no revocation data was added")
	}
	stamps, err := sd.Stamps(0)
	if err != nil {
		t.Fatal(err)
	}
	latest := 0
	for _, s := range stamps {
		if s.Kind != cms.StampArchiveV3 {
			continue
		}
		index, err := s.HashIndex()
		if err != nil {
			t.Fatal(err)
		}
		c, err := sd.Coverage(0, index)
		if err != nil || len(c.Missing) > 0 {
			t.Errorf("missing %q, %v", c.Missing, err)
		}
		latest = max(latest, len(c.CRLs))
	}
	if latest != len(sd.CRLs) {
		t.Errorf("the latest stamp covers %d of %d CRLs", latest, len(sd.CRLs))
	}
}

// TestManySigners: raising many signatures costs no square of their number.
func TestManySigners(t *testing.T) {
	w := newWorld(t)
	doc := content(100)
	sig := w.sign(t, sign.LevelBES, doc, true)
	const n = 20
	for range n - 1 {
		var next bytes.Buffer
		if err := w.signer(t, sign.LevelBES).CoSign(t.Context(), &next, bytes.NewReader(sig), bytes.NewReader(doc)); err != nil {
			t.Fatal(err)
		}
		sig = next.Bytes()
	}
	var out bytes.Buffer
	r := &sign.Raiser{Level: sign.LevelXL, TSA: w, Evidence: w.evidence(t)}
	start := time.Now()
	if err := r.Raise(t.Context(), &out, bytes.NewReader(sig), bytes.NewReader(doc)); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d signatures in %v", n, time.Since(start))
	w.judge(t, nil, out.Bytes(), doc, "xl")
}
