package cms_test

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
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/sign"
	"github.com/gosklyuch/gosklyuch/tsp"
)

// stamper is a time-stamping authority in the test, an hour older with each
// token.
type stamper struct {
	tsa *testpki.Entity
	n   atomic.Int64
}

func (s *stamper) NextSerial(context.Context) (*big.Int, error) { return big.NewInt(s.n.Load()), nil }

func (s *stamper) Stamp(ctx context.Context, hash alg.Identifier, digest []byte) (*tsp.Token, error) {
	at := testpki.Now.Add(time.Duration(s.n.Add(1)) * time.Hour)
	a, err := tsp.NewAuthority(tsp.AuthorityOptions{
		Certificate: s.tsa.Cert, Signer: s.tsa.Key, Policies: []oid.OID{"1.2.3"}, Serials: s,
		Clock: func() (time.Time, error) { return at, nil },
	})
	if err != nil {
		return nil, err
	}
	return (&tsp.Requester{Send: a.Respond}).Stamp(ctx, hash, digest)
}

// leveled is a PKI that signs at any level.
type leveled struct {
	*testpki.Chain
	*stamper
	known cms.Evidence
}

func newLeveled(t testing.TB) *leveled {
	t.Helper()
	c := testpki.NewChain(t)
	tmpl := testpki.Leaf(t, "CN=TSA")
	tmpl.ExtKeyUsage, tmpl.ExtKeyUsageCritical = []oid.OID{oid.EKUTimeStamping}, true
	l := &leveled{Chain: c, stamper: &stamper{tsa: testpki.Issue(t, tmpl, c.Sub)}}
	answer := testpki.OCSP(t, c.Leaf.Cert, c.Sub.Cert, c.Sub, ocsp.Single{Status: ocsp.Good})
	l.known = cms.Evidence{
		Certificates: []*pki.Certificate{c.Root.Cert, c.Sub.Cert, c.Leaf.Cert},
		CRLs:         []*pki.RevocationList{testpki.CRL(t, c.Root, &pki.CRLTemplate{}), testpki.CRL(t, c.Sub, &pki.CRLTemplate{})},
		OCSP:         [][]byte{answer.Raw},
	}
	return l
}

func (l *leveled) sign(t testing.TB, level sign.Level, doc []byte, detached bool) []byte {
	t.Helper()
	s := &sign.Signer{
		Key: l.Leaf.Key, Cert: l.Leaf.Cert, Chain: []*pki.Certificate{l.Sub.Cert}, Level: level, Detached: detached, TSA: l,
		Evidence: func(context.Context, []byte, io.Reader) (cms.Evidence, error) { return l.known, nil },
		Now:      func() time.Time { return testpki.Now },
	}
	var out bytes.Buffer
	if err := s.Sign(t.Context(), &out, bytes.NewReader(doc)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func readAll(t testing.TB, sig, doc []byte) *cms.SignedData {
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
	return sd
}

// holds says which stamps of a signature hold.
func holds(t testing.TB, sd *cms.SignedData) map[cms.StampKind]bool {
	t.Helper()
	stamps, err := sd.Stamps(0)
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[cms.StampKind]bool)
	for _, s := range stamps {
		token, err := tsp.ParseToken(s.Token)
		if err != nil {
			t.Fatal(err)
		}
		got, err := sd.StampImprint(0, s, token.Info.HashAlgorithm, nil)
		out[s.Kind] = err == nil && bytes.Equal(got, token.Info.HashedMessage)
	}
	return out
}

// TestEvidence reads back what an XL signature carries: values, references to
// each of them, and the same about the authority in the token.
func TestEvidence(t *testing.T) {
	l := newLeveled(t)
	sd := readAll(t, l.sign(t, sign.LevelXL, []byte("document"), true), []byte("document"))
	si := sd.Signers[0]
	values, err := si.EvidenceValues()
	if err != nil {
		t.Fatal(err)
	}
	if len(values.Certificates) != 3 || len(values.CRLs) != 2 || len(values.OCSP) != 1 {
		t.Errorf("%d certificates, %d CRLs, %d OCSP answers", len(values.Certificates), len(values.CRLs), len(values.OCSP))
	}
	basic, err := cms.BasicOCSP(l.known.OCSP[0])
	if err != nil || !bytes.Equal(values.OCSP[0], basic) {
		t.Errorf("the OCSP answer is not the BasicOCSPResponse that was given: %v", err)
	}
	refs, err := si.EvidenceRefs()
	if err != nil {
		t.Fatal(err)
	}
	// RFC 5126, section 6.2.1: never the signer's own certificate.
	for _, r := range refs.Certificates {
		if ok, err := r.Matches(l.Leaf.Cert); ok || err != nil {
			t.Errorf("the signer's certificate is referred to: %v", err)
		}
	}
	if ok, err := refs.Certificates[0].Matches(l.Sub.Cert); !ok || err != nil {
		t.Errorf("the first reference is not to the issuer: %v", err)
	}
	if len(refs.Revocations) != len(refs.Certificates)+1 || len(refs.Revocations[0].OCSP) != 1 {
		t.Fatalf("%d references to revocation data, %d to certificates", len(refs.Revocations), len(refs.Certificates))
	}
	if ok, err := refs.Revocations[0].OCSP[0].Matches(l.known.OCSP[0]); !ok || err != nil {
		t.Errorf("the OCSP answer does not match its reference: %v", err)
	}
	if ok, err := refs.Revocations[0].CRLs[0].Matches(l.known.CRLs[1]); !ok || err != nil {
		t.Errorf("the CRL does not match its reference: %v", err)
	}
	if missing, err := refs.Missing(values); err != nil || len(missing) > 0 {
		t.Errorf("missing %q, %v", missing, err)
	}
	for name, less := range map[string]cms.Evidence{
		"certificates": {CRLs: values.CRLs, OCSP: values.OCSP},
		"lists":        {Certificates: values.Certificates, OCSP: values.OCSP},
		"answers":      {Certificates: values.Certificates, CRLs: values.CRLs},
	} {
		if missing, err := refs.Missing(less); err != nil || len(missing) == 0 {
			t.Errorf("without %s nothing is missing: %v", name, err)
		}
	}
	stamps, err := sd.Stamps(0)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(stamps, func(s cms.Stamp) bool { return s.Kind == cms.StampSignature })
	token, err := tsp.ParseToken(stamps[i].Token)
	if err != nil {
		t.Fatal(err)
	}
	about, err := token.Signed.Signers[0].EvidenceValues()
	if err != nil || len(about.CRLs) != 2 || len(about.Certificates) != 3 {
		t.Errorf("the token's own values: %d CRLs, %d certificates, %v", len(about.CRLs), len(about.Certificates), err)
	}
}

// TestCoverage: the index lists all that is there; what comes later is open,
// what is gone is missing.
func TestCoverage(t *testing.T) {
	l := newLeveled(t)
	doc := []byte("document")
	sd := readAll(t, l.sign(t, sign.LevelA, doc, false), doc)
	stamps, err := sd.Stamps(0)
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(stamps, func(s cms.Stamp) bool { return s.Kind == cms.StampArchiveV3 })
	index, err := stamps[at].HashIndex()
	if err != nil {
		t.Fatal(err)
	}
	if index.Type != oid.AttrATSHashIndexV3 || index.Algorithm.OID != oid.Streebog256 {
		t.Errorf("index %s by %s", index.Type.Name(), index.Algorithm.OID.Name())
	}
	c, err := sd.Coverage(0, index)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Missing) > 0 || len(c.Open) != 1 || !strings.Contains(c.Open[0], "archiveTimeStampV3") {
		t.Errorf("missing %q, open %q", c.Missing, c.Open)
	}
	for i, s := range stamps {
		if c.Covers(s) == (i == at) {
			t.Errorf("%s covered: %v", s.Kind, c.Covers(s))
		}
	}
	if len(c.Certificates) != len(sd.Certificates) {
		t.Errorf("%d certificates covered, %d there", len(c.Certificates), len(sd.Certificates))
	}
	if err := sd.AddEvidence(cms.Evidence{Certificates: []*pki.Certificate{testpki.NewChain(t).Root.Cert}}); err != nil {
		t.Fatal(err)
	}
	c, err = sd.Coverage(0, index)
	if err != nil || len(c.Missing) > 0 || len(c.Open) != 2 {
		t.Errorf("after one more certificate: missing %q, open %q, %v", c.Missing, c.Open, err)
	}
	index.Certificates = append(index.Certificates, make([]byte, 32))
	index.Attributes = append(index.Attributes, make([]byte, 32))
	if c, err = sd.Coverage(0, index); err != nil || len(c.Missing) != 2 {
		t.Errorf("missing %q, %v", c.Missing, err)
	}
}

// TestOldHashIndex: ats-hash-index of TS 101 733 hashes whole attributes, and
// its algorithm may be left out for SHA-256.
func TestOldHashIndex(t *testing.T) {
	l := newLeveled(t)
	doc := []byte("document")
	sd := readAll(t, l.sign(t, sign.LevelT, doc, true), doc)
	digest := func(id alg.Identifier, b []byte) []byte {
		h, err := alg.NewHash(id)
		if err != nil {
			t.Fatal(err)
		}
		h.Write(b)
		return der.Wrap(4, h.Sum(nil))
	}
	sha := alg.Identifier{OID: oid.SHA256}
	raw := der.Wrap(0x30, der.Wrap(0x30), der.Wrap(0x30), der.Wrap(0x30, digest(sha, sd.Signers[0].UnsignedAttrs[0].Raw)))
	x, err := cms.ParseHashIndex(oid.AttrATSHashIndex, raw)
	if err != nil {
		t.Fatal(err)
	}
	c, err := sd.Coverage(0, x)
	if err != nil || len(c.Missing) > 0 || !c.CoversAttribute(0, 1) || len(c.Open) != len(sd.Certificates) {
		t.Errorf("missing %q, open %q, %v", c.Missing, c.Open, err)
	}
	x, err = cms.ParseHashIndex(oid.AttrATSHashIndexV3, raw)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = sd.Coverage(0, x); err != nil || len(c.Missing) != 1 {
		t.Errorf("read as v3: missing %q, %v", c.Missing, err)
	}
}

// TestParseHashIndexRefuses what is none, and what is too long.
func TestParseHashIndexRefuses(t *testing.T) {
	id := alg.Identifier{OID: oid.Streebog256}.DER()
	empty := der.Wrap(0x30)
	long := der.Wrap(0x30, bytes.Repeat(der.Wrap(4, make([]byte, 32)), limits.HashIndexEntries+1))
	for name, tc := range map[string]struct {
		t   oid.OID
		raw []byte
	}{
		"empty":             {oid.AttrATSHashIndexV3, nil},
		"another attribute": {oid.AttrSigningTime, der.Wrap(0x30, id, empty, empty, empty)},
		"two lists":         {oid.AttrATSHashIndexV3, der.Wrap(0x30, id, empty, empty)},
		"four lists":        {oid.AttrATSHashIndexV3, der.Wrap(0x30, id, empty, empty, empty, empty)},
		"short digest":      {oid.AttrATSHashIndexV3, der.Wrap(0x30, id, empty, der.Wrap(0x30, der.Wrap(4, make([]byte, 31))), empty)},
		"not octets":        {oid.AttrATSHashIndexV3, der.Wrap(0x30, id, empty, der.Wrap(0x30, der.Wrap(2, []byte{1})), empty)},
		"unknown algorithm": {oid.AttrATSHashIndexV3, der.Wrap(0x30, alg.Identifier{OID: "1.2.3"}.DER(), empty, empty, empty)},
		"too long":          {oid.AttrATSHashIndexV3, der.Wrap(0x30, id, long, empty, empty)},
		"trailing":          {oid.AttrATSHashIndexV3, append(der.Wrap(0x30, id, empty, empty, empty), 0)},
	} {
		if _, err := cms.ParseHashIndex(tc.t, tc.raw); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := cms.ParseHashIndex(oid.AttrATSHashIndexV3, der.Wrap(0x30, id, empty, empty, empty)); err != nil {
		t.Errorf("three empty lists: %v", err)
	}
}

// TestArchiveV2 builds an archive time stamp of the second version by the text
// of RFC 5126, section 6.4.1, and has its imprint computed, attached and
// detached.
func TestArchiveV2(t *testing.T) {
	l := newLeveled(t)
	doc := []byte("a document of some length")
	for _, detached := range []bool{true, false} {
		sig := l.sign(t, sign.LevelXL, doc, detached)
		info, err := der.Elements(sig)
		if err != nil {
			t.Fatal(err)
		}
		explicit, err := der.Elements(info[1])
		if err != nil {
			t.Fatal(err)
		}
		body, err := der.Elements(explicit[0]) // version, digests, encap, certificates, signers
		if err != nil {
			t.Fatal(err)
		}
		si, err := der.Elements(body[len(body)-1])
		if err != nil {
			t.Fatal(err)
		}
		fields, err := der.Elements(si[0])
		if err != nil {
			t.Fatal(err)
		}
		hashed := slices.Clone(body[2])
		if detached {
			hashed = append(hashed, doc...)
		}
		hashed = append(hashed, body[3]...)
		for _, f := range fields {
			hashed = append(hashed, f...)
		}
		id := alg.Identifier{OID: oid.Streebog256}
		h, err := alg.NewHash(id)
		if err != nil {
			t.Fatal(err)
		}
		h.Write(hashed)
		token, err := l.Stamp(t.Context(), id, h.Sum(nil))
		if err != nil {
			t.Fatal(err)
		}
		sd := readAll(t, sig, doc)
		sd.Signers[0], err = sd.Signers[0].AddUnsigned(oid.AttrArchiveTimeStampV2, token.Raw)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := sd.Rewrite(&out, cms.Edit{}, bytes.NewReader(doc)); err != nil {
			t.Fatal(err)
		}
		sd = readAll(t, out.Bytes(), doc)
		if holds(t, sd)[cms.StampArchiveV2] {
			t.Error("it holds without the content")
		}
		sd.Again = func() (io.Reader, error) { return bytes.NewReader(doc), nil }
		for kind, ok := range holds(t, sd) {
			if !ok {
				t.Errorf("detached %v: %s does not hold", detached, kind)
			}
		}
		sd.Again = func() (io.Reader, error) { return bytes.NewReader(bytes.ToUpper(doc)), nil }
		if holds(t, sd)[cms.StampArchiveV2] {
			t.Error("it holds over another document")
		}
		err = sd.AddEvidence(cms.Evidence{Certificates: []*pki.Certificate{l.Root.Cert}})
		if err == nil {
			err = sd.Rewrite(io.Discard, cms.Edit{}, bytes.NewReader(doc))
		}
		var refused *cms.AttributeError
		if !errors.As(err, &refused) {
			t.Errorf("certificates that it covers were added: %v", err)
		}
	}
}

// TestRewrite changes nothing but what it is told to.
func TestRewrite(t *testing.T) {
	l := newLeveled(t)
	doc := []byte("document")
	for _, detached := range []bool{true, false} {
		sig := l.sign(t, sign.LevelA, doc, detached)
		sd := readAll(t, sig, doc)
		var out bytes.Buffer
		if err := sd.Rewrite(&out, cms.Edit{}, bytes.NewReader(doc)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(out.Bytes(), sig) {
			t.Errorf("detached %v: an edit of nothing changed the message", detached)
		}
		out.Reset()
		if err := sd.Rewrite(&out, cms.Edit{Detach: true}, nil); err != nil {
			t.Fatal(err)
		}
		bare := readAll(t, out.Bytes(), doc)
		if !bare.Detached || !bytes.Equal(bare.Signers[0].Raw, sd.Signers[0].Raw) {
			t.Error("the signer changed as the content was left out")
		}
	}
	if err := (&cms.SignedData{}).Rewrite(io.Discard, cms.Edit{Signers: make([]*cms.SignerInfo, 2)}, nil); err == nil {
		t.Error("two signers in the place of none")
	}
}

// TestStampsBounded: a signature cannot carry more stamps than are looked at.
func TestStampsBounded(t *testing.T) {
	m := message{id: newIdentity(t, "gost2012-256", "", "CN=S"), content: []byte("x")}
	for range limits.StampsPerSigner + 1 {
		m.unsigned = append(m.unsigned, attr(oid.AttrSignatureTimeStamp, der.Wrap(0x30)))
	}
	sd := readAll(t, m.encode(t), nil)
	var limit *cms.LimitError
	if _, err := sd.Stamps(0); !errors.As(err, &limit) {
		t.Errorf("%v", err)
	}
}

// TestValuesRefuse: what cannot be read is an error, and the rest is kept.
func TestValuesRefuse(t *testing.T) {
	l := newLeveled(t)
	junk := der.Wrap(0x30, der.Wrap(0x30))
	m := message{id: newIdentity(t, "gost2012-256", "", "CN=S"), content: []byte("x")}
	m.unsigned = [][]byte{
		attr(oid.AttrCertificateValues, der.Wrap(0x30, junk, l.Root.Cert.Raw)),
		attr(oid.AttrRevocationValues, der.Wrap(0x30, der.Wrap(0xa0, der.Wrap(0x30, junk, l.known.CRLs[0].Raw)))),
	}
	e, err := readAll(t, m.encode(t), nil).Signers[0].EvidenceValues()
	if err == nil || len(e.Certificates) != 1 || len(e.CRLs) != 1 {
		t.Errorf("%d certificates, %d CRLs, %v", len(e.Certificates), len(e.CRLs), err)
	}
	for name, raw := range map[string][]byte{
		"values twice":      attr(oid.AttrCertificateValues, der.Wrap(0x30), der.Wrap(0x30)),
		"values no list":    attr(oid.AttrRevocationValues, der.Wrap(0x31)),
		"values trailing":   attr(oid.AttrRevocationValues, der.Wrap(0x30, der.Wrap(0xa3))),
		"refs not a list":   attr(oid.AttrCompleteCertificateRefs, der.Wrap(0x31)),
		"refs no hash":      attr(oid.AttrCompleteCertificateRefs, der.Wrap(0x30, der.Wrap(0x30))),
		"refs CRL":          attr(oid.AttrCompleteRevocationRefs, der.Wrap(0x30, der.Wrap(0x30, der.Wrap(0xa0, der.Wrap(0x30))))),
		"refs OCSP":         attr(oid.AttrCompleteRevocationRefs, der.Wrap(0x30, der.Wrap(0x30, der.Wrap(0xa1, der.Wrap(0x30, der.Wrap(0x30, junk)))))),
		"refs unknown part": attr(oid.AttrCompleteRevocationRefs, der.Wrap(0x30, der.Wrap(0x30, der.Wrap(0xa3)))),
		"refs too many":     attr(oid.AttrCompleteRevocationRefs, der.Wrap(0x30, bytes.Repeat(der.Wrap(0x30), limits.EvidenceReferences+1))),
	} {
		m.unsigned = [][]byte{raw}
		si := readAll(t, m.encode(t), nil).Signers[0]
		_, err1 := si.EvidenceValues()
		_, err2 := si.EvidenceRefs()
		if err := errors.Join(err1, err2); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
