package report_test

import (
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/report"
	"github.com/gosklyuch/gosklyuch/verify"
)

// at is the moment of every sample report.
var at = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "sample", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func certificate(t testing.TB, name string) *pki.Certificate {
	t.Helper()
	c, err := pki.ParseCertificate(read(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func list(t testing.TB, name string) *pki.RevocationList {
	t.Helper()
	l, err := pki.ParseCRL(read(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// signed is a valid signature with a time stamp, as package verify answers.
func signed(t testing.TB) *verify.Signature {
	t.Helper()
	chain := []*pki.Certificate{certificate(t, "leaf.cer"), certificate(t, "sub.cer"), certificate(t, "root.cer")}
	evidence := cms.Evidence{CRLs: []*pki.RevocationList{list(t, "sub.crl"), list(t, "root.crl")}}
	stamped := time.Date(2026, 11, 22, 10, 0, 5, 0, time.UTC)
	return &verify.Signature{
		Outcome: verify.Outcome{Status: verify.Passed, Checks: []verify.Check{
			{ID: "message-digest", Cite: "RFC 5652, section 11.2", OK: true, Detail: "streebog256"},
			{ID: "signature-value", Cite: "RFC 5652, section 5.4", OK: true},
			{ID: "certificate-chain", Cite: "RFC 5280, section 6.1", OK: true, Detail: "сертификатов в цепочке: 3"},
			{ID: "signer-identifier", Cite: "RFC 5652, section 5.3", Action: verify.Warn, Detail: "подписант указан идентификатором ключа"},
			{ID: "countersignature", Cite: "RFC 5652, section 11.4", Action: verify.Skip},
		}},
		Signer: chain[0], SignerName: "issuer and serial", ClaimedTime: stamped.Add(-5 * time.Second), BestTime: stamped,
		Level: "t", ClaimedLevel: "xl", Kind: "enhanced", Chain: chain, Evidence: evidence,
		TimeStamps: []*verify.TimeStamp{{
			Outcome: verify.Outcome{Status: verify.Passed, Checks: []verify.Check{{ID: "tsp-imprint", Cite: "RFC 3161, section 2.4.2", OK: true}}},
			Kind:    "signature-time-stamp", GenTime: stamped, Serial: big.NewInt(0x1234), Policy: "1.2.3.4", TSA: chain[1], Chain: chain[1:], Evidence: evidence,
		}},
	}
}

// sample is a report about one valid signature.
func sample(t testing.TB, l verify.Lang) report.Input {
	t.Helper()
	return report.Input{
		Report: &verify.Report{
			Kind: verify.KindSignature, At: at, Lang: l, Outcome: verify.Outcome{Status: verify.Passed}, Signatures: []*verify.Signature{signed(t)},
		},
		DocumentName: "Договор № 1.pdf", SignatureName: "Договор № 1.pdf.sig",
		DocumentDigests:  map[string]string{"streebog256": "3f539a213e97c802cc229d474c6aa32a825a360b2a933a949fd925208d9ce1bb", "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		SignatureDigests: map[string]string{"streebog256": "0000000000000000000000000000000000000000000000000000000000000001"},
		Program:          "gosklyuch", Version: "1.0",
	}
}

// changed is a report about a document that was changed after it was signed.
func changed(t testing.TB, l verify.Lang) report.Input {
	t.Helper()
	in := sample(t, l)
	s := in.Report.Signatures[0]
	s.Status, s.Reason = verify.Failed, verify.HashFailure
	s.Checks[0] = verify.Check{ID: "message-digest", Cite: "RFC 5652, section 11.2", Reason: verify.HashFailure, Detail: "3f539a… ≠ 9b71d2…"}
	in.Report.Status, in.Report.Reason = s.Status, s.Reason
	return in
}
