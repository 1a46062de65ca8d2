package suites

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/tsp"
)

// readCertificates returns all certificates below some folders of the corpus.
func readCertificates(t *testing.T, folders ...string) (out []*pki.Certificate) {
	t.Helper()
	walk(t, func(path string, data []byte) {
		blocks, err := der.Decode(data)
		if err != nil {
			return
		}
		for _, b := range blocks {
			if c, err := pki.ParseCertificate(b.Bytes); err == nil {
				out = append(out, c)
			}
		}
	}, folders...)
	return out
}

// TestCorpusTimeStamps verifies the signature of every real token of the
// corpus, with its authority's certificate from inside or from beside it, and
// sees each refused when one bit of what was signed, or of the signature, is
// another.
func TestCorpusTimeStamps(t *testing.T) {
	beside := readCertificates(t, "05-ocsp-tsp/certs", "05-ocsp-tsp/ca-certs-from-certvals")
	n := 0
	walk(t, func(path string, data []byte) {
		name := filepath.Base(path)
		token, err := tsp.ParseToken(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		n++
		out, err := checkToken(token, beside)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		t.Logf("%s: %s, %s, by %s", name, out.GenTime, token.Info.HashAlgorithm.OID.Name(), out.TSA.Subject)
		for what, part := range map[string][]byte{"TSTInfo": token.Info.Raw, "signature": token.Signed.Signers[0].Signature} {
			at := bytes.LastIndex(data, part)
			if at < 0 {
				t.Errorf("%s: its %s is not in it octet for octet", name, what)
				continue
			}
			bad := bytes.Clone(data)
			bad[at+len(part)/2] ^= 1
			forged, err := tsp.ParseToken(bad)
			if err != nil {
				continue
			}
			if _, err := checkToken(forged, beside); err == nil {
				t.Errorf("%s: one bit of its %s is another, and it passes", name, what)
			}
		}
	}, "05-ocsp-tsp/sigtst")
	if n < 18 {
		t.Errorf("only %d tokens were looked at", n)
	}
}

// checkToken checks a token of which it is not known what it stamps.
func checkToken(token *tsp.Token, beside []*pki.Certificate) (*tsp.Checked, error) {
	return token.Check(tsp.CheckOptions{
		Digest: func(alg.Identifier) ([]byte, error) { return token.Info.HashedMessage, nil }, Extra: beside,
	})
}
