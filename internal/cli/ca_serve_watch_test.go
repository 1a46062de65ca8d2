package cli

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"log/slog"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/server"
)

// otherNodes is a ledger into whose journal others write.
type otherNodes struct {
	ca.Ledger // nil: what is below is all that is called
	ca.ReadTx
	err     error
	wait    chan struct{} // not nil: View does not come back before its context ends
	records map[string][]journal.Record
}

func (l *otherNodes) View(ctx context.Context, f func(ca.ReadTx) error) error {
	if l.wait != nil {
		<-ctx.Done()
		return ctx.Err()
	}
	if l.err != nil {
		return l.err
	}
	return f(l)
}

func (l *otherNodes) Heads() (map[string]journal.Head, error) {
	out := map[string]journal.Head{}
	for node, list := range l.records {
		out[node] = journal.Head{Node: node, Seq: uint64(len(list))}
	}
	return out, nil
}

func (l *otherNodes) Journal(node string, after uint64) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		for _, r := range l.records[node][after:] {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (l *otherNodes) Entry(s ca.Serial) (ca.Entry, error) {
	return ca.Entry{Serial: s, Status: ca.Valid, NotAfter: time.Now().Add(time.Hour)}, nil
}

func (l *otherNodes) write(node, event, subject string) {
	var r journal.Record
	r.Event, r.Subject = event, subject
	l.records[node] = append(l.records[node], r)
}

// TestLedgerWatch: what other nodes revoke is dropped from the cache, and
// nothing else; where that cannot be told, everything is dropped.
func TestLedgerWatch(t *testing.T) {
	l := &otherNodes{records: map[string][]journal.Record{}}
	for range limits.JournalFollowed + 5 {
		l.write("a", "revoke", "01") // before this node began
	}
	w := &ledgerWatch{ledger: l, follow: true, log: slog.New(slog.DiscardHandler)}
	cache, request := watchedCache(t, w)
	w.cache = cache
	probe := func() {
		t.Helper()
		if err := w.probe(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	signed := cache.Stats().Signed
	ask := func(name string, serial int64, want bool) {
		t.Helper()
		if _, err := cache.Answer(t.Context(), request(serial)); err != nil {
			t.Fatal(err)
		}
		now := cache.Stats().Signed
		if got := now > signed; got != want {
			t.Errorf("%s: %d was signed anew: %v", name, serial, got)
		}
		signed = now
	}
	probe()
	ask("first", 5, true)
	ask("first", 6, true)
	probe()
	ask("nothing happened", 5, false)
	l.write("a", "issue", "05")
	l.write("b", "hold", ca.Serial{19: 5}.String()) // a node that is new
	probe()
	ask("held", 5, true)
	ask("another one", 6, false)
	l.write("b", "release", "") // erased
	probe()
	ask("unknown which", 5, true)
	ask("unknown which", 6, true)
	for range limits.JournalFollowed + 1 {
		l.write("b", "issue", "77")
	}
	probe()
	ask("too much", 5, true)
	probe()
	ask("nothing more", 5, false)
	l.records["b"] = l.records["b"][:3]
	probe()
	ask("set back", 5, true)
}

// TestLedgerAway: a ledger that is away is not asked again and again, and is
// found when it is back.
func TestLedgerAway(t *testing.T) {
	var log bytes.Buffer
	l := &otherNodes{records: map[string][]journal.Record{}}
	w := &ledgerWatch{ledger: l, dir: "ca", log: slog.New(slog.NewJSONHandler(&log, nil))}
	serial := big.NewInt(5)
	if a, err := w.Status(t.Context(), serial); err != nil || a.Status != ocsp.Good {
		t.Fatalf("%v, %v", a, err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	l.wait = make(chan struct{})
	if _, err := w.Status(gone, serial); err == nil || w.down.Load() {
		t.Errorf("a client that left: %v, down %v", err, w.down.Load())
	}
	l.wait, l.err = nil, errors.New("away")
	if _, err := w.Status(t.Context(), serial); err == nil || !w.down.Load() {
		t.Errorf("%v, down %v", err, w.down.Load())
	}
	l.err = nil
	if _, err := w.Status(t.Context(), serial); !errors.Is(err, errLedgerAway) {
		t.Errorf("asked again: %v", err)
	}
	w.follow = true
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); w.run(ctx) }()
	for range 600 {
		if !w.down.Load() {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	stop()
	<-ended
	if a, err := w.Status(t.Context(), serial); err != nil || a.Status != ocsp.Good {
		t.Errorf("back: %v, %v", a, err)
	}
	if s := log.String(); strings.Count(s, "ledger lost") != 1 || strings.Count(s, "ledger back") != 1 {
		t.Errorf("log: %s", s)
	}
}

// watchedCache returns a cache before a responder with the watch as its source,
// and how to ask.
func watchedCache(t *testing.T, w *ledgerWatch) (*server.OCSPCache, func(int64) []byte) {
	t.Helper()
	key, err := alg.GenerateKey("gost2012-256", "")
	if err != nil {
		t.Fatal(err)
	}
	dn, err := pki.ParseDN("CN=Root")
	if err != nil {
		t.Fatal(err)
	}
	der, err := pki.CreateCertificate(nil, &pki.CertificateTemplate{
		SerialNumber: big.NewInt(1), Subject: dn, IsCA: true, MaxPathLen: -1, KeyUsage: pki.KeyUsageDigitalSignature | pki.KeyUsageCertSign,
		NotBefore: time.Now().AddDate(0, 0, -1), NotAfter: time.Now().AddDate(0, 0, 1),
	}, nil, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	root, err := pki.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	cache := server.NewOCSPCache(&ocsp.Responder{Issuer: root, Signer: key, Source: w}, 20*time.Minute, nil)
	return cache, func(serial int64) []byte {
		t.Helper()
		r, err := ocsp.NewRequest(nil, &pki.Certificate{RawIssuer: root.RawSubject, SerialNumber: big.NewInt(serial)}, root, ocsp.SHA1(), false)
		if err != nil {
			t.Fatal(err)
		}
		return r.Raw
	}
}
