package verify_test

import (
	"bytes"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/verify"
	"github.com/gosklyuch/gosklyuch/verify/revocation"
)

// stampSpec says what token a test wants.
type stampSpec struct {
	tsa      *testpki.Entity
	hash     alg.Identifier // zero: that of the authority's key
	digest   []byte
	at       time.Time
	more     []*pki.Certificate
	unsigned []cms.Attribute
	accuracy int64 // seconds; 0: none is stated
}

func (s stampSpec) token(t testing.TB) []byte {
	t.Helper()
	if s.hash.OID == "" {
		s.hash = alg.HashForKey(s.tsa.Cert.PublicKey)
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		oid.OID("1.2.3.4").Add(b)
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			s.hash.Add(b)
			b.AddASN1OctetString(s.digest)
		})
		b.AddASN1Int64(7)
		b.AddASN1GeneralizedTime(s.at)
		if s.accuracy != 0 {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1Int64(s.accuracy) })
		}
	})
	info := b.BytesOrPanic()
	si, err := cms.BuildSigner(rand.Reader, cms.SignerRequest{
		Key: s.tsa.Key, Certificate: s.tsa.Cert, ContentType: oid.TSTInfo,
		Digest: digest(t, s.tsa.Cert.PublicKey, info), SigningTime: s.at,
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.unsigned != nil {
		if si, err = si.AddUnsignedAttributes(s.unsigned...); err != nil {
			t.Fatal(err)
		}
	}
	msg := cms.Message{ContentType: oid.TSTInfo}
	msg.AddCertificates(s.tsa.Cert)
	msg.AddCertificates(s.more...)
	var out bytes.Buffer
	if err := cms.WriteAttached(&out, msg, bytes.NewReader(info), int64(len(info)), []*cms.SignerInfo{si}, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// edit adds unsigned attributes to the first signature of a detached message
// over document.
func edit(t testing.TB, raw []byte, f func(sd *cms.SignedData) []cms.Attribute) []byte {
	t.Helper()
	sd, err := cms.ReadSigned(bytes.NewReader(raw), nil, cms.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if err := sd.DigestContent(strings.NewReader(document), alg.Identifier{OID: oid.Streebog512}); err != nil {
		t.Fatal(err)
	}
	sd.Again = nil
	si, err := sd.Signers[0].AddUnsignedAttributes(f(sd)...)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := sd.Rewrite(&out, cms.Edit{Signers: []*cms.SignerInfo{si}}, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// imprint is what a new stamp of the kind must hold.
func imprint(t testing.TB, sd *cms.SignedData, k cms.StampKind, hash alg.Identifier) []byte {
	t.Helper()
	d, err := sd.StampImprint(0, cms.Stamp{Kind: k}, hash, nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// addStamp adds a stamp of any kind but the archive ones.
func addStamp(t testing.TB, raw []byte, k cms.StampKind, s stampSpec) []byte {
	t.Helper()
	return edit(t, raw, func(sd *cms.SignedData) []cms.Attribute {
		s.digest = imprint(t, sd, k, alg.HashForKey(s.tsa.Cert.PublicKey))
		return []cms.Attribute{{Type: k.OID(), Values: [][]byte{s.token(t)}}}
	})
}

// addArchive adds an archive-time-stamp-v3.
func addArchive(t testing.TB, raw []byte, s stampSpec, change func(*cms.HashIndex)) []byte {
	t.Helper()
	return edit(t, raw, func(sd *cms.SignedData) []cms.Attribute {
		s.hash = alg.HashForKey(s.tsa.Cert.PublicKey)
		index, err := sd.BuildHashIndex(0, s.hash)
		if err != nil {
			t.Fatal(err)
		}
		if change != nil {
			change(index)
		}
		if s.digest, err = sd.ArchiveImprint(0, index, nil); err != nil {
			t.Fatal(err)
		}
		s.unsigned = append(s.unsigned, cms.Attribute{Type: index.Type, Values: [][]byte{index.Raw}})
		return []cms.Attribute{{Type: oid.AttrArchiveTimeStampV3, Values: [][]byte{s.token(t)}}}
	})
}

// references makes the references to the evidence of a chain without its signer.
func references(t testing.TB, hash alg.Identifier, certs []*pki.Certificate, lists []*pki.RevocationList, responses [][]byte) *cms.EvidenceRefs {
	t.Helper()
	refs := &cms.EvidenceRefs{Revocations: make([]cms.RevocationRefs, len(certs)+1)}
	for _, c := range certs {
		ref, err := cms.NewCertificateRef(hash, c)
		if err != nil {
			t.Fatal(err)
		}
		refs.Certificates = append(refs.Certificates, ref)
	}
	for _, l := range lists {
		ref, err := cms.NewCRLRef(hash, l)
		if err != nil {
			t.Fatal(err)
		}
		refs.Revocations[0].CRLs = append(refs.Revocations[0].CRLs, ref)
	}
	for _, r := range responses {
		ref, err := cms.NewOCSPRef(hash, r)
		if err != nil {
			t.Fatal(err)
		}
		refs.Revocations[0].OCSP = append(refs.Revocations[0].OCSP, ref)
	}
	return refs
}

// addEvidence adds references to the evidence and its values.
func addEvidence(t testing.TB, raw []byte, hash alg.Identifier, ev cms.Evidence) []byte {
	t.Helper()
	return edit(t, raw, func(*cms.SignedData) []cms.Attribute {
		out, err := references(t, hash, ev.Certificates, ev.CRLs, ev.OCSP).Attributes()
		if err != nil {
			t.Fatal(err)
		}
		values, err := cms.ValuesAttributes(ev)
		if err != nil {
			t.Fatal(err)
		}
		return append(out, values...)
	})
}

// archiveWorld is a PKI whose signatures are to outlive it: everything is signed
// a week before testpki.Now, and years is when it is looked at.
type archiveWorld struct {
	*testpki.Chain
	tsa     *testpki.Entity // below Sub: valid for years
	keeper  *testpki.Entity // an authority for archive stamps below a root of its own
	keepers *testpki.Entity // that root
	signed  time.Time
	years   time.Time
	evOld   cms.Evidence // about Leaf, TSA and Sub, from an hour after signed
}

// newArchiveWorld makes one. Sub and the certificates below it expire a day
// before years, the root and the keeper's do not.
func newArchiveWorld(t testing.TB) *archiveWorld {
	t.Helper()
	w := &archiveWorld{signed: testpki.Now, years: testpki.Now.AddDate(3, 0, 0)}
	end := w.years.AddDate(0, 0, -1)
	root := testpki.Issue(t, testpki.CA(t, "CN=Root"), nil)
	sub := testpki.CA(t, "CN=Sub")
	sub.NotAfter = end
	leaf, stamping := testpki.Leaf(t, "CN=Leaf"), testpki.Leaf(t, "CN=TSA")
	leaf.NotAfter, stamping.NotAfter = testpki.Now.AddDate(1, 0, 0), end
	stamping.ExtKeyUsage, stamping.ExtKeyUsageCritical = []oid.OID{oid.EKUTimeStamping}, true
	w.Chain = &testpki.Chain{Root: root, Sub: testpki.Issue(t, sub, root)}
	w.Leaf = testpki.Issue(t, leaf, w.Sub)
	w.tsa = testpki.Issue(t, stamping, w.Sub)
	w.keepers = testpki.Issue(t, testpki.CA(t, "CN=Keepers"), nil)
	w.keeper = tsa(t, w.keepers)
	after := w.signed.Add(time.Hour)
	w.evOld = cms.Evidence{Certificates: []*pki.Certificate{w.Sub.Cert}, CRLs: []*pki.RevocationList{
		testpki.CRL(t, w.Sub, &pki.CRLTemplate{ThisUpdate: after}), testpki.CRL(t, w.Root, &pki.CRLTemplate{ThisUpdate: after}),
	}}
	return w
}

// verifier trusts both roots and looks at the moment with fresh lists of the
// authorities that still are.
func (w *archiveWorld) verifier(t testing.TB, at time.Time) *verify.Verifier {
	t.Helper()
	fresh := &pki.CRLTemplate{ThisUpdate: at.Add(-time.Hour)}
	src := &revocation.Static{Lists: []*pki.RevocationList{testpki.CRL(t, w.keepers, fresh), testpki.CRL(t, w.Root, fresh)}}
	if at.Before(w.Sub.Cert.NotAfter) {
		src.Lists = append(src.Lists, testpki.CRL(t, w.Sub, fresh))
	}
	return &verify.Verifier{Roots: pki.NewPool(w.Root.Cert, w.keepers.Cert), Revocation: src, Now: func() time.Time { return at }}
}

func (w *archiveWorld) bes(t testing.TB) []byte {
	t.Helper()
	return message{signer: w.Leaf, more: []*pki.Certificate{w.Sub.Cert}}.sign(t)
}

func (w *archiveWorld) t(t testing.TB) []byte {
	t.Helper()
	return addStamp(t, w.bes(t), cms.StampSignature, stampSpec{tsa: w.tsa, at: w.signed})
}

func (w *archiveWorld) xl(t testing.TB) []byte {
	t.Helper()
	raw := addEvidence(t, w.t(t), alg.Identifier{OID: oid.Streebog256}, w.evOld)
	return addStamp(t, raw, cms.StampCAdESC, stampSpec{tsa: w.tsa, at: w.signed.Add(2 * time.Hour)})
}

// a is level A: the keeper's stamp a day after signing.
func (w *archiveWorld) a(t testing.TB) []byte {
	t.Helper()
	return addArchive(t, w.xl(t), stampSpec{tsa: w.keeper, at: w.signed.AddDate(0, 0, 1)}, nil)
}

// goodOCSP is an answer that the certificate is good.
func goodOCSP(t testing.TB, c, issuer *pki.Certificate, responder *testpki.Entity, at time.Time) []byte {
	t.Helper()
	return testpki.OCSP(t, c, issuer, responder, ocsp.Single{Status: ocsp.Good, ThisUpdate: at, NextUpdate: at.Add(time.Hour)}).Raw
}
