package suites

import (
	"bytes"
	"slices"
	"testing"

	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// TestCorpusOCSP verifies every real OCSP response: the signature with the
// certificate of a responder in it or beside it, the right of the responder to
// answer from the authority that the CertID names, and that a changed response
// does not verify.
func TestCorpusOCSP(t *testing.T) {
	c := readCorpus(t)
	files, signed, delegated, direct := 0, 0, 0, 0
	walk(t, func(path string, data []byte) {
		files++
		r, err := ocsp.ParseResponse(data)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			return
		}
		if r.Status != ocsp.Successful {
			t.Errorf("%s: %s", path, r.Status)
			return
		}
		responder := responderOf(r, c.certs)
		if responder == nil {
			t.Errorf("%s: no certificate at hand signed it", path)
			return
		}
		signed++
		damaged(t, path, data, responder)
		for _, s := range r.Singles {
			ca := authorityOf(s.ID, c.certs)
			switch {
			case ca == nil:
				t.Errorf("%s: the authority that the CertID names is not at hand", path)
			case ca.Equal(responder):
				direct++
			case responder.CheckSignatureFrom(ca) != nil || !slices.Contains(responder.ExtKeyUsage, oid.EKUOCSPSigning):
				t.Errorf("%s: %s is no delegate of %s", path, responder.Subject, ca.Subject)
			default:
				delegated++
			}
		}
	}, "05-ocsp-tsp/ocsp-basic", "05-ocsp-tsp/ocsp-response")
	if files < 10 || signed != files || delegated+direct < files {
		t.Errorf("%d files, %d signed, %d answers by delegates, %d by the authority", files, signed, delegated, direct)
	}
	t.Logf("%d files, %d signed, %d answers by delegates, %d by the authority", files, signed, delegated, direct)
}

// responderOf returns the certificate that signed r.
func responderOf(r *ocsp.Response, beside []*pki.Certificate) *pki.Certificate {
	for _, cert := range slices.Concat(r.Certificates, beside) {
		if r.CheckSignature(cert) == nil {
			return cert
		}
	}
	return nil
}

// authorityOf returns the certificate of the authority whose name and key id
// has the hashes of.
func authorityOf(id ocsp.CertID, certs []*pki.Certificate) *pki.Certificate {
	for _, cert := range certs {
		made, err := ocsp.NewCertID(&pki.Certificate{RawIssuer: cert.RawSubject, SerialNumber: id.Serial}, cert, id.Hash)
		if err == nil && bytes.Equal(made.IssuerKeyHash, id.IssuerKeyHash) && bytes.Equal(made.IssuerNameHash, id.IssuerNameHash) {
			return cert
		}
	}
	return nil
}

// damaged changes one octet of what was signed.
func damaged(t *testing.T, path string, data []byte, responder *pki.Certificate) {
	r, err := ocsp.ParseResponse(data)
	if err != nil {
		t.Fatal(err)
	}
	bad := bytes.Clone(data)
	bad[bytes.Index(data, r.RawTBS)+len(r.RawTBS)-1] ^= 1
	if r, err = ocsp.ParseResponse(bad); err == nil && r.CheckSignature(responder) == nil {
		t.Errorf("%s: verifies after a change", path)
	}
}
