package verify_test

import (
	"bytes"
	"crypto/rand"
	"io"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/verify"
)

// cmsFault is one fault and the only right answer to it.
type cmsFault struct {
	change  func(t *testing.T, f *forged)
	verdict verify.Verdict
	reason  verify.Reason
}

// orders are q of the parameter sets: RFC 4357, section 11.4, and RFC 7836,
// appendix A.
var orders = func() map[string]string {
	const (
		a  = "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF6C611070995AD10045841B09B761B893"
		b  = "800000000000000000000000000000015F700CFFF1A624E5E497161BCC8A198F"
		c  = "9B9F605F5A858107AB1EC85E6B41C8AA582CA3511EDDFB74F02F3A6598980BB9"
		tc = "400000000000000000000000000000000FD8CDDFC87B6635C115AF556C360C67"
	)
	return map[string]string{
		"cryptopro-a": a, "cryptopro-xcha": a, "tc26-256-b": a, "cryptopro-b": b, "tc26-256-c": b,
		"cryptopro-c": c, "cryptopro-xchb": c, "tc26-256-d": c, "tc26-256-a": tc,
		"tc26-512-a": "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF27E69532F48D89116FF22B8D4E0560609B4B38ABFAD2B85DCACDB1411F10B275",
		"tc26-512-b": "800000000000000000000000000000000000000000000000000000000000000149A1EC142565A545ACFDB77BD9D40CFA8B996712101BEA0EC6346C54374F25BD",
		"tc26-512-c": "3FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC98CDBA46506AB004C33A9FF5147502CC8EDA9E7A769A12694623CEF47F023ED",
	}
}()

// order is q of the signer's parameter set.
func (f *forged) order() *big.Int {
	q, ok := new(big.Int).SetString(orders[f.signer.Cert.PublicKey.(*gost3410.PublicKey).Curve().Name()], 16)
	if !ok {
		panic("no order")
	}
	return q
}

func valueFaults() map[string]cmsFault {
	invalid := func(g func(f *forged, s, r *big.Int, n int) []byte) cmsFault {
		return cmsFault{func(_ *testing.T, f *forged) {
			f.value = func(v []byte) []byte { s, r, n := halves(v); return g(f, s, r, n) }
		}, verify.VerdictInvalid, verify.SigCryptoFailure}
	}
	zero := new(big.Int)
	add := func(a, b *big.Int) *big.Int { return new(big.Int).Add(a, b) }
	return map[string]cmsFault{
		"s = 0":         invalid(func(_ *forged, _, r *big.Int, n int) []byte { return joined(zero, r, n) }),
		"r = 0":         invalid(func(_ *forged, s, _ *big.Int, n int) []byte { return joined(s, zero, n) }),
		"all zero":      invalid(func(_ *forged, _, _ *big.Int, n int) []byte { return make([]byte, 2*n) }),
		"all ff":        invalid(func(_ *forged, _, _ *big.Int, n int) []byte { return bytes.Repeat([]byte{0xff}, 2*n) }),
		"r = q":         invalid(func(f *forged, s, _ *big.Int, n int) []byte { return joined(s, f.order(), n) }),
		"s + q":         invalid(func(f *forged, s, r *big.Int, n int) []byte { return joined(add(s, f.order()), r, n) }),
		"r + q":         invalid(func(f *forged, s, r *big.Int, n int) []byte { return joined(s, add(r, f.order()), n) }),
		"q - s":         invalid(func(f *forged, s, r *big.Int, n int) []byte { return joined(new(big.Int).Sub(f.order(), s), r, n) }),
		"r before s":    invalid(func(_ *forged, s, r *big.Int, n int) []byte { return joined(r, s, n) }),
		"little-endian": invalid(func(_ *forged, s, r *big.Int, n int) []byte { v := joined(r, s, n); slices.Reverse(v); return v }),
		"bit flipped":   invalid(func(_ *forged, s, r *big.Int, n int) []byte { v := joined(s, r, n); v[n/2] ^= 1; return v }),
		"empty":         invalid(func(*forged, *big.Int, *big.Int, int) []byte { return nil }),
		"leading zero":  invalid(func(_ *forged, s, r *big.Int, n int) []byte { return append([]byte{0}, joined(s, r, n)...) }),
		"cut off":       invalid(func(_ *forged, s, r *big.Int, n int) []byte { return joined(s, r, n)[:2*n-1] }),
		"SEQUENCE":      invalid(func(_ *forged, s, r *big.Int, _ int) []byte { return der.Wrap(0x30, integerDER(s), integerDER(r)) }),
	}
}

// other512 gives the digest and signature algorithms of the other key length.
func (f *forged) otherLength() (digest, signature, key oid.OID) {
	if f.digest.OID == oid.Streebog256 {
		return oid.Streebog512, oid.GOST2012_512WithStreebog512, oid.GOST2012_512
	}
	return oid.Streebog256, oid.GOST2012_256WithStreebog256, oid.GOST2012_256
}

// forms are other ways to say the same: none is a fault.
func forms() map[string]cmsFault {
	change := func(g func(t *testing.T, f *forged), v verify.Verdict, r verify.Reason) cmsFault {
		return cmsFault{g, v, r}
	}
	valid := verify.VerdictValid
	return map[string]cmsFault{
		"fine":                 change(func(*testing.T, *forged) {}, valid, ""),
		"key identifier, NULL": change(func(_ *testing.T, f *forged) { f.signature = alg.NULL(f.signature.OID) }, valid, ""),
		"signature identifier": change(func(_ *testing.T, f *forged) { f.signature = alg.SignatureForKey(f.signer.Cert.PublicKey) }, valid, ""),
		"signature identifier NULL": change(func(_ *testing.T, f *forged) {
			f.signature = alg.NULL(alg.SignatureForKey(f.signer.Cert.PublicKey).OID)
		}, valid, ""),
		"digest NULL": change(func(_ *testing.T, f *forged) {
			f.digest = alg.NULL(f.digest.OID)
			f.listed = []alg.Identifier{f.digest}
		}, valid, ""),
		"digest is a signature identifier": change(func(_ *testing.T, f *forged) { f.digest = alg.SignatureForKey(f.signer.Cert.PublicKey) }, valid, ""),
		"no digest listed":                 change(func(_ *testing.T, f *forged) { f.listed = nil }, valid, ""),
		"key identifier as sid": change(func(_ *testing.T, f *forged) {
			f.version, f.sid = 3, der.Wrap(0x80, f.signer.Cert.SubjectKeyID)
		}, valid, ""),
		"wrong version":         change(func(_ *testing.T, f *forged) { f.version = 3 }, valid, ""),
		"no signing time":       change(func(_ *testing.T, f *forged) { f.replace(oid.AttrSigningTime) }, valid, ""),
		"no ESS":                change(func(_ *testing.T, f *forged) { f.replace(oid.AttrSigningCertificateV2) }, valid, ""),
		"unsorted, as they are": change(func(_ *testing.T, f *forged) { slices.Reverse(f.attrs); f.unsorted = true }, valid, ""),
		"unsorted, signed sorted": change(func(_ *testing.T, f *forged) {
			f.stored = slices.Clone(f.attrs)
			slices.SortFunc(f.stored, bytes.Compare)
			slices.Reverse(f.stored)
		}, valid, ""),
		"unknown attribute":          change(func(_ *testing.T, f *forged) { f.attrs = append(f.attrs, attribute("1.2.3.4", []byte{5, 0})) }, valid, ""),
		"unknown unsigned attribute": change(func(_ *testing.T, f *forged) { f.unsigned = [][]byte{attribute("1.2.3.4", []byte{5, 0})} }, valid, ""),
		"ESS v1": change(func(t *testing.T, f *forged) {
			sum := hashOf(t, alg.Identifier{OID: oid.SHA1}, f.signer.Cert.Raw)
			f.replace(oid.AttrSigningCertificateV2, attribute(oid.AttrSigningCertificate, der.Wrap(0x30, der.Wrap(0x30, der.Wrap(0x30, octets(sum))))))
		}, valid, ""),
		"ESS v2 by SHA-256": change(func(t *testing.T, f *forged) {
			f.replace(oid.AttrSigningCertificateV2, attribute(oid.AttrSigningCertificateV2, essV2(t, alg.Identifier{OID: oid.SHA256}, f.signer.Cert, nil)))
		}, valid, ""),
	}
}

// attributeFaults concern signed attributes and are properly signed.
func attributeFaults() map[string]cmsFault {
	change := func(g func(t *testing.T, f *forged), v verify.Verdict, r verify.Reason) cmsFault {
		return cmsFault{g, v, r}
	}
	invalid := verify.VerdictInvalid
	return map[string]cmsFault{
		"ESS of another certificate": change(func(t *testing.T, f *forged) {
			sub, _ := pki.ParseCertificate(f.certificates[0])
			other := testpki.Issue(t, testpki.Leaf(t, "CN=Other"), nil)
			f.replace(oid.AttrSigningCertificateV2, attribute(oid.AttrSigningCertificateV2, essV2(t, f.digest, other.Cert, sub.SerialNumber)))
		}, invalid, verify.SigConstraints),
		"ESS v1 of another certificate beside v2": change(func(t *testing.T, f *forged) {
			f.attrs = append(f.attrs, attribute(oid.AttrSigningCertificate, der.Wrap(0x30, der.Wrap(0x30, der.Wrap(0x30, octets(make([]byte, 20)))))))
		}, invalid, verify.SigConstraints),
		"ESS with another serial": change(func(t *testing.T, f *forged) {
			f.replace(oid.AttrSigningCertificateV2, attribute(oid.AttrSigningCertificateV2, essV2(t, f.digest, f.signer.Cert, big.NewInt(7))))
		}, invalid, verify.SigConstraints),
		"ESS that names none": change(func(_ *testing.T, f *forged) {
			f.replace(oid.AttrSigningCertificateV2, attribute(oid.AttrSigningCertificateV2, der.Wrap(0x30, der.Wrap(0x30))))
		}, invalid, verify.SigConstraints),
		"no attributes at all": change(func(_ *testing.T, f *forged) { f.attrs = [][]byte{} }, invalid, verify.FormatFailure),
		"no message-digest":    change(func(_ *testing.T, f *forged) { f.replace(oid.AttrMessageDigest) }, invalid, verify.FormatFailure),
		"no content-type":      change(func(_ *testing.T, f *forged) { f.replace(oid.AttrContentType) }, invalid, verify.FormatFailure),
		"content-type differs": change(func(_ *testing.T, f *forged) {
			f.replace(oid.AttrContentType, attribute(oid.AttrContentType, oidDER("1.2.3")))
		}, invalid, verify.FormatFailure),
		"content-type is no OID": change(func(_ *testing.T, f *forged) {
			f.replace(oid.AttrContentType, attribute(oid.AttrContentType, []byte{5, 0}))
		}, invalid, verify.FormatFailure),
		"message-digest is no OCTET STRING": change(func(_ *testing.T, f *forged) {
			f.replace(oid.AttrMessageDigest, attribute(oid.AttrMessageDigest, []byte{5, 0}))
		}, invalid, verify.FormatFailure),
		"message-digest without value": change(func(_ *testing.T, f *forged) { f.replace(oid.AttrMessageDigest, attribute(oid.AttrMessageDigest)) }, invalid, verify.FormatFailure),
		"message-digest empty": change(func(_ *testing.T, f *forged) {
			f.replace(oid.AttrMessageDigest, attribute(oid.AttrMessageDigest, octets(nil)))
		}, invalid, verify.HashFailure),
		"message-digest of another document": change(func(t *testing.T, f *forged) {
			f.replace(oid.AttrMessageDigest, attribute(oid.AttrMessageDigest, octets(hashOf(t, f.digest, []byte("other")))))
		}, invalid, verify.HashFailure),
		"message-digest twice": change(func(_ *testing.T, f *forged) { f.attrs = append(f.attrs, f.attrs[1]) }, invalid, verify.FormatFailure),
		"message-digest twice, one wrong": change(func(_ *testing.T, f *forged) {
			f.attrs = append(f.attrs, attribute(oid.AttrMessageDigest, octets(make([]byte, 32))))
		}, invalid, verify.FormatFailure),
		"message-digest with two values": change(func(t *testing.T, f *forged) {
			right := octets(hashOf(t, f.digest, f.content))
			f.replace(oid.AttrMessageDigest, attribute(oid.AttrMessageDigest, right, octets(make([]byte, 32))))
		}, invalid, verify.FormatFailure),
		"content-type twice": change(func(_ *testing.T, f *forged) { f.attrs = append(f.attrs, f.attrs[0]) }, invalid, verify.FormatFailure),
		"signing-time twice": change(func(_ *testing.T, f *forged) { f.attrs = append(f.attrs, f.attrs[2]) }, invalid, verify.FormatFailure),
		"signing-time is none": change(func(_ *testing.T, f *forged) {
			f.replace(oid.AttrSigningTime, attribute(oid.AttrSigningTime, []byte{5, 0}))
		}, invalid, verify.FormatFailure),
		"ESS twice": change(func(_ *testing.T, f *forged) { f.attrs = append(f.attrs, f.attrs[3]) }, invalid, verify.FormatFailure),
		"attributes changed after signing": change(func(_ *testing.T, f *forged) {
			f.stored = slices.Clone(f.attrs)
			f.stored[2] = attribute(oid.AttrSigningTime, der.Wrap(0x17, []byte("250601115900Z")))
			slices.SortFunc(f.stored, bytes.Compare)
		}, invalid, verify.SigCryptoFailure),
		"attribute removed after signing": change(func(_ *testing.T, f *forged) {
			f.stored = slices.Clone(f.attrs[:3])
			slices.SortFunc(f.stored, bytes.Compare)
		}, invalid, verify.SigCryptoFailure),
		"signed over the content": change(func(t *testing.T, f *forged) {
			f.sign = func([]byte) []byte {
				s, err := alg.SignMessage(rand.Reader, f.signer.Key, alg.HashForKey(f.signer.Cert.PublicKey), f.content)
				if err != nil {
					t.Fatal(err)
				}
				return s
			}
		}, invalid, verify.SigCryptoFailure),
		"signed with another key": change(func(t *testing.T, f *forged) {
			f.sign = func(m []byte) []byte {
				k := testpki.Key(t, "gost2012-256", "cryptopro-a")
				s, err := alg.SignMessage(rand.Reader, k, alg.HashForKey(k.Public()), m)
				if err != nil {
					t.Fatal(err)
				}
				return s
			}
		}, invalid, verify.SigCryptoFailure),
		"digest of the other length": change(func(t *testing.T, f *forged) {
			d, _, _ := f.otherLength()
			f.digest, f.listed = alg.Identifier{OID: d}, []alg.Identifier{{OID: d}}
			f.replace(oid.AttrMessageDigest, attribute(oid.AttrMessageDigest, octets(hashOf(t, f.digest, f.content))))
		}, invalid, verify.SigCryptoFailure),
		"signature identifier of the other length": change(func(_ *testing.T, f *forged) { _, s, _ := f.otherLength(); f.signature = alg.Identifier{OID: s} }, invalid, verify.SigCryptoFailure),
		"key identifier of the other length":       change(func(_ *testing.T, f *forged) { _, _, k := f.otherLength(); f.signature = alg.Identifier{OID: k} }, invalid, verify.SigCryptoFailure),
		"no certificate":                           change(func(_ *testing.T, f *forged) { f.certificates = nil }, verify.VerdictIndeterminate, verify.NoSigningCertificate),
		"unknown signature algorithm":              change(func(_ *testing.T, f *forged) { f.signature = alg.Identifier{OID: "1.2.3.4"} }, verify.VerdictIndeterminate, verify.Generic),
		"unknown digest algorithm":                 change(func(_ *testing.T, f *forged) { f.digest = alg.Identifier{OID: "1.2.3.4"} }, verify.VerdictIndeterminate, verify.Generic),
		"certificate with the names and another key": change(func(t *testing.T, f *forged) {
			tmpl := testpki.Leaf(t, "CN=Signer")
			tmpl.SerialNumber = f.signer.Cert.SerialNumber
			fake := testpki.Issue(t, tmpl, testpki.Issue(t, testpki.CA(t, "CN=Test CA,O=Test,C=RU"), nil))
			f.certificates = [][]byte{fake.Cert.Raw}
			f.replace(oid.AttrSigningCertificateV2)
		}, invalid, verify.SigCryptoFailure),
	}
}

// TestAdversaryMessages: every fault over every parameter set, attached,
// detached and in BER.
func TestAdversaryMessages(t *testing.T) {
	pk := testpki.NewChain(t)
	sets := []struct{ alg, set string }{
		{"gost2012-256", "cryptopro-a"},
		{"gost2012-256", "cryptopro-b"},
		{"gost2012-256", "cryptopro-c"},
		{"gost2012-256", "cryptopro-xcha"},
		{"gost2012-256", "cryptopro-xchb"},
		{"gost2012-256", "tc26-256-a"},
		{"gost2012-256", "tc26-256-b"},
		{"gost2012-256", "tc26-256-c"},
		{"gost2012-256", "tc26-256-d"},
		{"gost2012-512", "tc26-512-a"},
		{"gost2012-512", "tc26-512-b"},
		{"gost2012-512", "tc26-512-c"},
	}
	v := verifier(t, pk)
	for _, set := range sets {
		signer := testpki.IssueKey(t, testpki.Leaf(t, "CN=Signer"), pk.Sub, testpki.Key(t, set.alg, set.set))
		for _, faults := range []map[string]cmsFault{forms(), valueFaults(), attributeFaults()} {
			for name, fault := range faults {
				t.Run(set.set+"/"+name, func(t *testing.T) {
					for i, form := range []string{"attached", "detached", "BER"} {
						f := newForged(t, signer, i != 1)
						f.ber = i == 2
						fault.change(t, f)
						report := judgeForged(t, v, f)
						if report.Verdict() != fault.verdict || report.Reason != fault.reason {
							t.Log(form)
							want(t, report, fault.verdict, fault.reason)
						}
					}
				})
			}
		}
	}
}

func judgeForged(t *testing.T, v *verify.Verifier, f *forged) *verify.Report {
	t.Helper()
	var doc io.Reader
	if f.inside == nil {
		doc = bytes.NewReader(f.content)
	}
	report, err := v.Verify(t.Context(), bytes.NewReader(f.encode(t)), doc)
	consistent(t, report, err)
	return report
}

// TestAdversaryPlain: signatures without signed attributes.
func TestAdversaryPlain(t *testing.T) {
	pk := testpki.NewChain(t)
	v := verifier(t, pk)
	plain := func(attached bool) *forged {
		f := newForged(t, pk.Leaf, attached)
		f.attrs = nil
		return f
	}
	for name, tc := range map[string]struct {
		make    func() *forged
		verdict verify.Verdict
		reason  verify.Reason
	}{
		"attached":           {func() *forged { return plain(true) }, verify.VerdictValid, ""},
		"detached":           {func() *forged { return plain(false) }, verify.VerdictValid, ""},
		"other content type": {func() *forged { f := plain(true); f.contentType = "1.2.3"; return f }, verify.VerdictInvalid, verify.FormatFailure},
		"attributes stripped": {func() *forged {
			signed := newForged(t, pk.Leaf, true)
			f := plain(true)
			f.sign = func([]byte) []byte { return mustSign(t, pk.Leaf, setDER(0x31, signed.attrs, true)) }
			return f
		}, verify.VerdictInvalid, verify.SigCryptoFailure},
		"attributes in the place of the content": {func() *forged {
			f := plain(true)
			f.content = setDER(0x31, newForged(t, pk.Leaf, true).attrs, true)
			f.inside = f.content
			return f
		}, verify.VerdictInvalid, verify.SigCryptoFailure},
		"attributes, an unknown one first, in the place of the content": {func() *forged {
			f := plain(true)
			f.content = setDER(0x31, append(newForged(t, pk.Leaf, true).attrs, attribute("1.2.3", []byte{5, 0})), true)
			f.inside = f.content
			return f
		}, verify.VerdictInvalid, verify.SigCryptoFailure},
		"a SET that is no attributes": {func() *forged {
			f := plain(true)
			f.content = setDER(0x31, [][]byte{der.Wrap(0x30, oidDER("1.2.3"), []byte{5, 0})}, true)
			f.inside = f.content
			return f
		}, verify.VerdictValid, ""},
		"empty content": {func() *forged { f := plain(true); f.content, f.inside = []byte{}, []byte{}; return f }, verify.VerdictValid, ""},
	} {
		t.Run(name, func(t *testing.T) { want(t, judgeForged(t, v, tc.make()), tc.verdict, tc.reason) })
	}
}

func mustSign(t testing.TB, e *testpki.Entity, m []byte) []byte {
	t.Helper()
	s, err := alg.SignMessage(rand.Reader, e.Key, alg.HashForKey(e.Cert.PublicKey), m)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestAdversaryDocument: which document is meant.
func TestAdversaryDocument(t *testing.T) {
	pk := testpki.NewChain(t)
	v := verifier(t, pk)
	attached, detached := newForged(t, pk.Leaf, true).encode(t), newForged(t, pk.Leaf, false).encode(t)
	want(t, judge(t, v, attached, ""), verify.VerdictValid, "")
	want(t, judge(t, v, attached, document), verify.VerdictValid, "")
	want(t, judge(t, v, attached, "another"), verify.VerdictInvalid, verify.HashFailure)
	want(t, judge(t, v, attached, document+"\x00"), verify.VerdictInvalid, verify.HashFailure)
	want(t, judge(t, v, detached, document), verify.VerdictValid, "")
	want(t, judge(t, v, detached, "another"), verify.VerdictInvalid, verify.HashFailure)
	want(t, judge(t, v, detached, ""), verify.VerdictIndeterminate, verify.SignedDataNotFound)
	report, err := v.Verify(t.Context(), bytes.NewReader(attached), strings.NewReader("")) // an empty document is a document
	consistent(t, report, err)
	want(t, report, verify.VerdictInvalid, verify.HashFailure)
}

// TestAdversarySigner: the signer's certificate is what is wrong.
func TestAdversarySigner(t *testing.T) {
	pk := testpki.NewChain(t)
	sign := func(change tmplFunc) []byte {
		tmpl := testpki.Leaf(t, "CN=Signer")
		change(tmpl)
		return newForged(t, testpki.Issue(t, tmpl, pk.Sub), true).encode(t)
	}
	past, future := testpki.Now.Add(-time.Second), testpki.Now.Add(time.Second)
	for name, tc := range map[string]struct {
		change  tmplFunc
		verdict verify.Verdict
		reason  verify.Reason
	}{
		"expired":       {func(c *pki.CertificateTemplate) { c.NotAfter = past }, verify.VerdictIndeterminate, verify.OutOfBoundsNotRevoked}, // the list is from before
		"not yet valid": {func(c *pki.CertificateTemplate) { c.NotBefore = future }, verify.VerdictInvalid, verify.NotYetValid},
		"expires now":   {func(c *pki.CertificateTemplate) { c.NotAfter = testpki.Now }, verify.VerdictValid, ""},
		"critical extension": {func(c *pki.CertificateTemplate) {
			c.ExtraExtensions = []pki.Extension{{ID: "1.2.3", Critical: true, Value: []byte{5, 0}}}
		}, verify.VerdictInvalid, verify.ChainConstraints},
		"encrypts only":   {func(c *pki.CertificateTemplate) { c.KeyUsage = pki.KeyUsageKeyEncipherment }, verify.VerdictInvalid, verify.ChainConstraints},
		"certifies only":  {func(c *pki.CertificateTemplate) { c.KeyUsage = pki.KeyUsageCertSign | pki.KeyUsageCRLSign }, verify.VerdictInvalid, verify.ChainGeneral}, // RFC 5280, 4.2.1.9: keyCertSign without cA
		"non-repudiation": {func(c *pki.CertificateTemplate) { c.KeyUsage = pki.KeyUsageContentCommitment }, verify.VerdictValid, ""},
		"no key usage":    {func(c *pki.CertificateTemplate) { c.KeyUsage = 0 }, verify.VerdictValid, ""},
	} {
		t.Run(name, func(t *testing.T) { want(t, judge(t, verifier(t, pk), sign(tc.change), ""), tc.verdict, tc.reason) })
	}
	v := verifier(t, pk)
	sig := newForged(t, pk.Leaf, true).encode(t)
	v.Revocation = lists(t, pk, revokedEntry(pk.Leaf.Cert))
	want(t, judge(t, v, sig, ""), verify.VerdictRevoked, verify.RevokedNoPOE)
	v.Revocation = nil
	want(t, judge(t, v, sig, ""), verify.VerdictIndeterminate, verify.TryLater)
}
