package ocsp

import (
	"testing"

	"github.com/gosklyuch/gosklyuch/pki"
)

// FuzzParseRequest: whatever parses can be answered, and the answer parses.
func FuzzParseRequest(f *testing.F) {
	p := newTestPKI(f, "ecdsa-p256", "")
	f.Add(p.request(f, true).Raw)
	f.Add(p.request(f, false).Raw)
	r := p.responder(good())
	f.Fuzz(func(t *testing.T, der []byte) {
		req, err := ParseRequest(der)
		if err != nil {
			return
		}
		if len(req.IDs) == 0 {
			t.Fatal("a request without a certificate parsed")
		}
		if _, err := ParseResponse(r.Respond(t.Context(), der)); err != nil {
			t.Fatalf("our own answer does not parse: %v", err)
		}
	})
}

// FuzzParseResponse: what parses is checked without a panic, and only the
// responder's own octets pass.
func FuzzParseResponse(f *testing.F) {
	p := newTestPKI(f, "ecdsa-p256", "")
	der := p.responder(good()).Respond(f.Context(), p.request(f, true).Raw)
	whole, err := ParseResponse(der)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(der)
	f.Add(whole.BasicRaw)
	f.Add(CreateErrorResponse(Unauthorized))
	f.Fuzz(func(t *testing.T, der []byte) {
		r, err := ParseResponse(der)
		if err != nil {
			return
		}
		if _, err := r.Check(p.options()); err == nil && string(r.RawTBS) != string(whole.RawTBS) {
			t.Fatal("a forged response passed")
		}
		for _, c := range []*pki.Certificate{p.ca.cert, p.delegate.cert} {
			if r.CheckSignature(c) == nil && string(r.RawTBS) != string(whole.RawTBS) {
				t.Fatal("a forged signature verifies")
			}
		}
		for _, s := range r.Singles {
			_, _ = s.ArchiveCutoff(), s.InvalidityDate()
		}
	})
}
