package cli

import (
	"context"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync/atomic"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/tsp"
)

// A serialCounter gives the serial numbers of one run.
type serialCounter struct{ n atomic.Int64 }

// NextSerial returns the next number.
func (c *serialCounter) NextSerial(context.Context) (*big.Int, error) {
	return big.NewInt(c.n.Add(1)), nil
}

// scriptTSA is the command tsa: it issues tsa.cer below the ca of the command
// pki, which goes before it, and answers requests at $TSA until the script ends.
func scriptTSA(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: tsa")
	}
	cert, err := pki.ParseCertificate([]byte(ts.ReadFile("ca.cer")))
	ts.Check(err)
	block, err := decodePEM([]byte(ts.ReadFile("ca.key")))
	ts.Check(err)
	key, err := alg.ParsePKCS8For(block, cert.PublicKey)
	ts.Check(err)
	p := &scriptPKI{ts: ts, now: cert.NotBefore.AddDate(0, 0, 10), serial: 0x500}
	e := p.issue("tsa", &entity{key, cert}, func(t *pki.CertificateTemplate) {
		t.KeyUsage = pki.KeyUsageDigitalSignature
		t.ExtKeyUsage, t.ExtKeyUsageCritical = []oid.OID{oid.EKUTimeStamping}, true
	})
	authority, err := tsp.NewAuthority(tsp.AuthorityOptions{
		Certificate: e.cert, Signer: e.key, Policies: []oid.OID{"1.2.3.4"}, Serials: &serialCounter{},
	})
	ts.Check(err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<16))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answer, err := authority.Respond(r.Context(), body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/timestamp-reply")
		_, _ = w.Write(answer)
	}))
	ts.Defer(server.Close)
	ts.Setenv("TSA", server.URL)
}

// decodePEM returns the octets of the first block.
func decodePEM(b []byte) ([]byte, error) {
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, io.ErrUnexpectedEOF
	}
	return block.Bytes, nil
}
