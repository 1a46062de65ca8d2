package verify_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// BenchmarkVerify compares the verification of a detached signature over 100 KB
// with its bare cryptography: the digests of the document and of the
// attributes, and the five signatures of signer, chain and lists, by hand. It
// reports what of the time is which, and the ratio of the whole to the bare.
func BenchmarkVerify(b *testing.B) {
	c := testpki.NewChain(b)
	content := strings.Repeat("0123456789", 10_000)
	sig := message{signer: c.Leaf, content: content}.sign(b)
	v := verifier(b, c)
	sd, err := cms.ReadSigned(bytes.NewReader(sig), nil, cms.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	attrs := bytes.Clone(sd.Signers[0].RawSignedAttrs)
	attrs[0] = 0x31 // SET OF (RFC 5652, section 5.4)
	given := lists(b, c).Lists
	document := func() {
		_ = digest(b, c.Leaf.Cert.PublicKey, []byte(content))
	}
	values := func() {
		id := alg.HashForKey(c.Leaf.Cert.PublicKey)
		ok := alg.VerifyDigest(c.Leaf.Cert.PublicKey, alg.SignatureForKey(c.Leaf.Cert.PublicKey), id, digest(b, c.Leaf.Cert.PublicKey, attrs), sd.Signers[0].Signature) == nil &&
			c.Leaf.Cert.CheckSignatureFrom(c.Sub.Cert) == nil && c.Sub.Cert.CheckSignatureFrom(c.Root.Cert) == nil &&
			given[0].CheckSignatureFrom(c.Root.Cert) == nil && given[1].CheckSignatureFrom(c.Sub.Cert) == nil
		if !ok {
			b.Fatal("a signature does not verify")
		}
	}
	// The shortest time of each counts: what a busy machine adds is not theirs.
	whole, hashing, signatures := time.Hour, time.Hour, time.Hour
	for b.Loop() {
		shortest(&whole, func() {
			if _, err := v.Verify(b.Context(), bytes.NewReader(sig), strings.NewReader(content)); err != nil {
				b.Fatal(err)
			}
		})
		shortest(&hashing, document)
		shortest(&signatures, values)
	}
	for name, d := range map[string]time.Duration{"whole-µs": whole, "document-µs": hashing, "signatures-µs": signatures, "rest-µs": whole - hashing - signatures} {
		b.ReportMetric(float64(d.Microseconds()), name)
	}
	b.ReportMetric(float64(whole)/float64(hashing+signatures), "ratio")
}

// shortest measures f and keeps the time if it is less than d.
func shortest(d *time.Duration, f func()) {
	at := time.Now()
	f()
	*d = min(*d, time.Since(at))
}
