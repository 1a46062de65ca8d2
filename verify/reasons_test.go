package verify_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/verify"
	"github.com/gosklyuch/gosklyuch/verify/revocation"
)

// signWith signs document with more signed attributes.
func signWith(t testing.TB, signer *testpki.Entity, attrs ...cms.Attribute) []byte {
	t.Helper()
	si, err := cms.BuildSigner(rand.Reader, cms.SignerRequest{
		Key: signer.Key, Certificate: signer.Cert, Digest: digest(t, signer.Cert.PublicKey, []byte(document)),
		SigningTime: testpki.Now.Add(-time.Minute), Attributes: attrs,
	})
	if err != nil {
		t.Fatal(err)
	}
	var m cms.Message
	m.AddCertificates(signer.Cert)
	var out bytes.Buffer
	if err := cms.WriteDetached(&out, m, []*cms.SignerInfo{si}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// contentStamp is the attribute content-time-stamp.
func contentStamp(t testing.TB, authority *testpki.Entity, at time.Time) cms.Attribute {
	return cms.Attribute{Type: oid.AttrContentTimeStamp, Values: [][]byte{makeToken(t, authority, []byte(document), at)}}
}

// sigPolicy is the attribute signature-policy-identifier.
func sigPolicy(doc []byte, t testing.TB) cms.Attribute {
	h := alg.Identifier{OID: oid.Streebog256}
	return cms.Attribute{Type: oid.AttrSignaturePolicy, Values: [][]byte{der.Wrap(0x30, oidDER("1.2.643.1"), der.Wrap(0x30, h.DER(), octets(hashOf(t, h, doc))))}}
}

// short issues a signer's certificate that ended a week before testpki.Now.
func short(t testing.TB, c *testpki.Chain) *testpki.Entity {
	t.Helper()
	tmpl := testpki.Leaf(t, "CN=Short")
	tmpl.NotAfter = testpki.Now.AddDate(0, 0, -7)
	return testpki.Issue(t, tmpl, c.Sub)
}

// outlived is a signature of level T whose time is proven by an authority that
// is still there, and a verifier years later with old evidence about the signer.
func outlived(t testing.TB, at func(*archiveWorld) time.Time) (*verify.Verifier, []byte) {
	t.Helper()
	w := newArchiveWorld(t)
	sig := addStamp(t, w.bes(t), cms.StampSignature, stampSpec{tsa: w.keeper, at: w.signed})
	moment := at(w)
	fresh := &pki.CRLTemplate{ThisUpdate: moment.Add(-2 * time.Hour)}
	v := w.verifier(t, moment)
	v.Revocation = &revocation.Static{Lists: append([]*pki.RevocationList{testpki.CRL(t, w.keepers, fresh), testpki.CRL(t, w.Root, fresh)}, w.evOld.CRLs...)}
	return v, sig
}

// reasonCase makes the case of one reason.
type reasonCase func(t *testing.T, c *testpki.Chain, v *verify.Verifier) *verify.Report

// reasonCases has a case for every Reason.
var reasonCases = map[verify.Reason]reasonCase{
	verify.FormatFailure: func(t *testing.T, c *testpki.Chain, v *verify.Verifier) *verify.Report {
		return judge(t, v, signWith(t, c.Leaf, cms.Attribute{Type: oid.AttrSigningTime, Values: [][]byte{{5, 0}}}), document)
	},
	verify.HashFailure: func(t *testing.T, c *testpki.Chain, v *verify.Verifier) *verify.Report {
		return judge(t, v, signWith(t, c.Leaf), "x")
	},
	verify.SigCryptoFailure: func(t *testing.T, c *testpki.Chain, v *verify.Verifier) *verify.Report {
		sig := signWith(t, c.Leaf)
		sig[len(sig)-1] ^= 1
		return judge(t, v, sig, document)
	},
	verify.RevokedReason: func(t *testing.T, c *testpki.Chain, v *verify.Verifier) *verify.Report {
		v.Revocation = lists(t, c, testpki.Revoked(c.Leaf.Cert, testpki.Now.AddDate(0, 0, -3), 1))
		return judge(t, v, signWith(t, c.Leaf, contentStamp(t, tsa(t, c.Sub), testpki.Now.AddDate(0, 0, -2))), document)
	},
	verify.Expired: func(t *testing.T, c *testpki.Chain, v *verify.Verifier) *verify.Report {
		return judge(t, v, signWith(t, short(t, c), contentStamp(t, tsa(t, c.Sub), testpki.Now.AddDate(0, 0, -2))), document)
	},
	verify.NotYetValid: func(t *testing.T, c *testpki.Chain, v *verify.Verifier) *verify.Report {
		v.Now = func() time.Time { return testpki.Start.Add(-time.Hour) }
		return judge(t, v, signWith(t, c.Leaf), document)
	},
	verify.SigConstraints: func(t *testing.T, c *testpki.Chain, v *verify.Verifier) *verify.Report {
		policy(t, "order-472")(v)
		return judge(t, v, message{signer: c.Leaf, keyID: true, more: []*pki.Certificate{c.Sub.Cert}}.sign(t), document)
	},
	verify.ChainConstraints: func(t *testing.T, c *testpki.Chain, v *verify.Verifier) *verify.Report {
		tmpl := testpki.Leaf(t, "CN=Agreement")
		tmpl.KeyUsage = pki.KeyUsageKeyAgreement
		return judge(t, v, signWith(t, testpki.Issue(t, tmpl, c.Sub)), document)
	},
	verify.ChainGeneral: func(t *testing.T, c *testpki.Chain, v *verify.Verifier) *verify.Report {
		fake := testpki.Issue(t, testpki.CA(t, "CN=Test root,O=Test,C=RU"), nil)
		tmpl := testpki.Leaf(t, "CN=Forged")
		tmpl.AuthorityKeyID = c.Root.Cert.SubjectKeyID
		return judge(t, v, signWith(t, testpki.Issue(t, tmpl, fake)), document)
	},
	verify.CryptoConstraints: func(t *testing.T, c *testpki.Chain, v *verify.Verifier) *verify.Report {
		return judge(t, v, signWith(t, testpki.IssueKey(t, testpki.Leaf(t, "CN=Test set"), c.Sub, testpki.TestKey(t))), document)
	},
	verify.CryptoConstraintsNoPOE: func(t *testing.T, c *testpki.Chain, v *verify.Verifier) *verify.Report {
		v.Policy = ended(testpki.Now.AddDate(0, 0, -1))
		return judge(t, v, signWith(t, c.Leaf), document)
	},
	verify.PolicyProcessingError: func(t *testing.T, c *testpki.Chain, v *verify.Verifier) *verify.Report {
		v.Policy = verify.DefaultPolicy()
		v.Policy.Accreditation = verify.Fail
		return judge(t, v, signWith(t, c.Leaf), document)
	},
	verify.SignaturePolicyNotAvailable: func(t *testing.T, c *testpki.Chain, v *verify.Verifier) *verify.Report {
		v.SignaturePolicy = func(context.Context, oid.OID) ([]byte, error) { return nil, errors.New("not found") }
		return judge(t, v, signWith(t, c.Leaf, sigPolicy([]byte("rules"), t)), document)
	},
	verify.TimestampOrderFailure: func(t *testing.T, c *testpki.Chain, v *verify.Verifier) *verify.Report {
		sig := addStamp(t, signWith(t, c.Leaf), cms.StampSignature, stampSpec{tsa: tsa(t, c.Sub), at: testpki.Now.AddDate(0, 0, -1)})
		return judge(t, v, addArchive(t, sig, stampSpec{tsa: tsa(t, c.Sub), at: testpki.Now.AddDate(0, 0, -2)}, nil), document)
	},
	verify.NoSigningCertificate: func(t *testing.T, c *testpki.Chain, v *verify.Verifier) *verify.Report {
		return judge(t, v, message{signer: c.Leaf, noCerts: true}.sign(t), document)
	},
	verify.NoCertificateChain: func(t *testing.T, c *testpki.Chain, v *verify.Verifier) *verify.Report {
		v.Roots = nil
		return judge(t, v, signWith(t, c.Leaf), document)
	},
	verify.RevokedNoPOE: func(t *testing.T, c *testpki.Chain, v *verify.Verifier) *verify.Report {
		v.Revocation = lists(t, c, testpki.Revoked(c.Leaf.Cert, testpki.Start, 1))
		return judge(t, v, signWith(t, c.Leaf), document)
	},
	verify.RevokedCANoPOE: func(t *testing.T, c *testpki.Chain, v *verify.Verifier) *verify.Report {
		v.Revocation.(*revocation.Static).Lists[0] = testpki.CRL(t, c.Root, &pki.CRLTemplate{Entries: []pki.RevokedEntry{testpki.Revoked(c.Sub.Cert, testpki.Start, 2)}})
		return judge(t, v, signWith(t, c.Leaf), document)
	},
	verify.OutOfBoundsNotRevoked: func(t *testing.T, c *testpki.Chain, v *verify.Verifier) *verify.Report {
		signer := short(t, c)
		v.Revocation.(*revocation.Static).Lists[1] = testpki.CRL(t, c.Sub, &pki.CRLTemplate{ThisUpdate: signer.Cert.NotAfter.Add(-time.Hour), NextUpdate: testpki.End})
		v.Policy = verify.DefaultPolicy()
		v.Policy.MaxAge = 30 * 24 * time.Hour
		return judge(t, v, signWith(t, signer), document)
	},
	verify.OutOfBoundsNoPOE: func(t *testing.T, c *testpki.Chain, v *verify.Verifier) *verify.Report {
		return judge(t, v, signWith(t, short(t, c)), document)
	},
	verify.RevocationOutOfBoundsNoPOE: func(t *testing.T, _ *testpki.Chain, _ *verify.Verifier) *verify.Report {
		v, sig := outlived(t, func(w *archiveWorld) time.Time { return w.Sub.Cert.NotAfter.Add(time.Hour) })
		return judge(t, v, sig, document)
	},
	verify.NoPOE: func(t *testing.T, _ *testpki.Chain, _ *verify.Verifier) *verify.Report {
		v, sig := outlived(t, func(w *archiveWorld) time.Time { return w.years })
		return judge(t, v, sig, document)
	},
	verify.TryLater: func(t *testing.T, c *testpki.Chain, v *verify.Verifier) *verify.Report {
		v.Revocation = nil
		return judge(t, v, signWith(t, c.Leaf), document)
	},
	verify.SignedDataNotFound: func(t *testing.T, c *testpki.Chain, v *verify.Verifier) *verify.Report {
		return judge(t, v, signWith(t, c.Leaf), "")
	},
	verify.Generic: func(t *testing.T, c *testpki.Chain, v *verify.Verifier) *verify.Report {
		add := counter(t, c.Leaf, nil)
		return judge(t, v, message{signer: c.Leaf, change: func(si *cms.SignerInfo) *cms.SignerInfo {
			for range limits.AttachedVerified + 1 {
				si = add(si)
			}
			return si
		}}.sign(t), document)
	},
}

// ended is the default policy with an end for the algorithms of the tests.
func ended(at time.Time) *verify.Policy {
	p := verify.DefaultPolicy()
	for i, r := range p.Algorithms {
		if r.Name == alg.NameGOST2012_256 || r.Name == alg.NameStreebog256 {
			p.Algorithms[i].Until = at
		}
	}
	return p
}

// TestReasons: every reason is reached by a case of its own, with its verdict,
// and the check that decided names it.
func TestReasons(t *testing.T) {
	for _, reason := range declaredReasons(t) {
		t.Run(string(reason), func(t *testing.T) {
			build, ok := reasonCases[reason]
			if !ok {
				t.Fatal("no case makes it")
			}
			c := testpki.NewChain(t)
			r := build(t, c, verifier(t, c))
			want(t, r, reason.Verdict(), reason)
			if r.Status != reason.Status() {
				t.Errorf("status %v", r.Status)
			}
			if d, ok := r.Signatures[0].Deciding(); !ok || d.Detail == "" || d.Cite == "" {
				t.Errorf("decided by %+v", d)
			}
		})
	}
}
