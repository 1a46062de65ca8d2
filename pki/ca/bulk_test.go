package ca_test

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/profile/sets"
)

// bulkItems makes n requests, each of a key of its own, as people have them.
func bulkItems(t testing.TB, n int) []ca.BulkItem {
	t.Helper()
	items := make([]ca.BulkItem, 0, n)
	for i := range n {
		key := generate(t, "gost2012-256", "")
		subject := fmt.Sprintf("CN=Иванов Иван %d,SN=Иванов,G=Иван,SNILS=11223344595,INN=500100732259,C=RU", i)
		items = append(items, ca.BulkItem{Name: fmt.Sprintf("%06d.csr", i), CSR: csr(t, key, &pki.RequestTemplate{Subject: dn(t, subject)}).Raw})
	}
	return items
}

func TestBulk(t *testing.T) {
	slow := ca.OCSP()
	slow.Name, slow.Approvals = "slow", twoPeople().Approvals
	d := newDesk(t, slow)
	items := bulkItems(t, 700) // more than one transaction
	items[3].CSR = []byte("nonsense")
	items[5].Err = errors.New("unreadable")
	items[7].Profile = "slow"   // asks for approvals
	items[9].CSR = items[8].CSR // twice in one run
	items[11].Days = 5000
	in := d.submission(t, "tsa")
	in.CSR = csr(t, generate(t, "gost2012-256", ""), &pki.RequestTemplate{Subject: dn(t, "CN=TSA")})
	if _, err := d.Submit(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	items[13].CSR, items[13].Profile = in.CSR.Raw, "tsa" // somebody looks at it already
	before := count(t, d.authority)
	run := func() map[ca.BulkOutcome]int {
		t.Helper()
		n, got := 0, make(map[ca.BulkOutcome]int)
		err := d.Bulk(t.Context(), slices.Values(items), "test", func(r ca.BulkResult) error {
			if r.Name != items[n].Name {
				t.Errorf("result %d is of %s", n, r.Name)
			}
			n++
			got[r.Outcome]++
			if (r.Outcome == ca.BulkRefused) != (r.Certificate == nil) || (r.Err == nil) == (r.Outcome == ca.BulkRefused) {
				t.Errorf("%+v", r)
			}
			if r.Certificate != nil {
				if err := r.Certificate.CheckSignatureFrom(d.cert); err != nil {
					t.Error(err)
				}
			}
			return nil
		})
		if err != nil || n != len(items) {
			t.Fatalf("%d results, %v", n, err)
		}
		return got
	}
	if got := run(); got[ca.BulkIssued] != 694 || got[ca.BulkAlready] != 1 || got[ca.BulkRefused] != 5 {
		t.Errorf("first run: %v", got)
	}
	if got := run(); got[ca.BulkIssued] != 0 || got[ca.BulkAlready] != 695 || got[ca.BulkRefused] != 5 {
		t.Errorf("second run: %v", got)
	}
	if n := count(t, d.authority) - before; n != 694 {
		t.Errorf("%d certificates", n)
	}
}

// TestBulkStops: an error of the caller ends the run; what was told as done is
// on the ledger, and a second run issues the rest and nothing twice.
func TestBulkStops(t *testing.T) {
	root := newRoot(t, generate(t, "gost2012-256", "cryptopro-a"), 0)
	items := bulkItems(t, 1500)
	stop := errors.New("the disk of the summary is full")
	var told []ca.Serial
	err := root.Bulk(t.Context(), slices.Values(items), "test", func(r ca.BulkResult) error {
		if told = append(told, r.Serial); len(told) == 600 {
			return stop
		}
		return nil
	})
	wantErr(t, "stop", err, stop)
	for _, s := range told {
		if err := root.ledger.View(t.Context(), func(tx ca.ReadTx) error { _, err := tx.Entry(s); return err }); err != nil {
			t.Fatalf("%s was told and is not on the ledger: %v", s, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = root.Bulk(ctx, slices.Values(items), "test", func(ca.BulkResult) error { return nil })
	wantErr(t, "cancelled", err, context.Canceled)
	seen := make(map[string]ca.Serial)
	err = root.Bulk(t.Context(), slices.Values(items), "test", func(r ca.BulkResult) error { seen[r.ID] = r.Serial; return r.Err })
	if err != nil || len(seen) != len(items) || count(t, root) != len(items) {
		t.Fatalf("%d of %d, %d on the ledger: %v", len(seen), len(items), count(t, root), err)
	}
}

func BenchmarkBulk(b *testing.B) {
	root := newRoot(b, generate(b, "gost2012-256", "cryptopro-a"), 0)
	items := bulkItems(b, b.N)
	used := processors()
	b.ResetTimer()
	err := root.Bulk(b.Context(), slices.Values(items), "test", func(r ca.BulkResult) error { return r.Err })
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "certificates/s")
	b.ReportMetric(float64((processors()-used).Microseconds())/float64(b.N), "µs-processor/certificate")
}

// worn is a token that computes some of its signatures wrong, and fails at others.
type worn struct {
	crypto.Signer
	signed atomic.Int64
	wrong  atomic.Int64
}

func (k *worn) Sign(random io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	n := k.signed.Add(1)
	s, err := k.Signer.Sign(random, digest, o)
	switch n % 9 {
	case 4:
		k.wrong.Add(1)
		s[int(n)%len(s)] ^= 1 << (n % 8)
	case 7:
		k.wrong.Add(1)
		return nil, errors.New("the token does not answer")
	}
	return s, err
}

// TestBulkFaults: of many requests in one group each is judged alone. What the
// token computed wrong, and a request that proves no possession, leave nothing on
// the ledger; everybody else gets a certificate that verifies, with a serial number
// of its own.
func TestBulkFaults(t *testing.T) {
	key := &worn{Signer: generate(t, "gost2012-256", "cryptopro-a")}
	root := newRoot(t, key.Signer, 0)
	i, err := ca.New(t.Context(), ca.Config{Certificate: root.cert, Key: key, Ledger: root.ledger, Rules: sets.All(), Now: root.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	items := bulkItems(t, 100)
	for n := range items {
		items[n].Profile = "citizen"
	}
	unproven := map[int]bool{0: true, 31: true, 32: true, 50: true, 99: true}
	for n := range unproven {
		items[n].CSR = bytes.Clone(items[n].CSR)
		items[n].CSR[len(items[n].CSR)-1] ^= 1
	}
	serials := map[ca.Serial]bool{}
	n, refused := 0, 0
	err = i.Bulk(t.Context(), slices.Values(items), "test", func(r ca.BulkResult) error {
		var bad *ca.RequestError
		switch {
		case r.Name != items[n].Name:
			t.Errorf("result %d is of %s", n, r.Name)
		case unproven[n]:
			if r.Outcome != ca.BulkRefused || !errors.As(r.Err, &bad) || bad.Field != "signature" {
				t.Errorf("%d proves nothing: %+v", n, r)
			}
		case r.Outcome == ca.BulkRefused:
			if refused++; errors.As(r.Err, &bad) || r.Certificate != nil {
				t.Errorf("%d: %+v", n, r)
			}
		default:
			c, err := pki.ParseCertificate(r.Certificate.Raw)
			if err != nil {
				t.Fatal(err)
			}
			q, err := pki.ParseRequest(items[n].CSR)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.CheckSignatureFrom(root.cert); err != nil || !bytes.Equal(c.RawSubjectPublicKeyInfo, q.RawSubjectPublicKeyInfo) || serials[r.Serial] {
				t.Errorf("%d: %v, the certificate is not the one that was asked for, or its number is there twice", n, err)
			}
			serials[r.Serial] = true
		}
		n++
		return nil
	})
	if err != nil || n != len(items) {
		t.Fatalf("%d results, %v", n, err)
	}
	if wrong := int(key.wrong.Load()); refused != wrong || wrong == 0 || count(t, root) != len(serials) || len(serials) != 100-len(unproven)-wrong {
		t.Errorf("%d of %d faults were refused, %d certificates on the ledger, %d handed out", refused, wrong, count(t, root), len(serials))
	}
}
