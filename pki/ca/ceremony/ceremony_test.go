package ceremony_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/boltstore"
	"github.com/gosklyuch/gosklyuch/pki/ca/ceremony"
	"github.com/gosklyuch/gosklyuch/pki/ca/ceremony/second"
	"github.com/gosklyuch/gosklyuch/pki/profile/sets"
)

const planText = `name: root-2026
title: Church of the test
language: %s
date: 2026-06-01T10:00:00Z
place: a quiet room
participants:
  - {name: Anna, role: administrator}
  - {name: Boris, role: witness, certificate: boris.cer}
steps:
  - key: {name: root, algorithm: gost2012-512}
  - root: {name: root, key: root, subject: "CN=Root,O=Test,C=RU", days: 7305, keyDays: 3650, crlUrls: ["http://ca.test/root.crl"], issuerUrls: ["http://ca.test/root.cer"]}
  - key: {name: issuing, algorithm: gost2012-256}
  - subordinate: {name: issuing, authority: root, key: issuing, subject: "CN=Issuing,C=RU", days: 1826, ocspUrls: ["http://ca.test/ocsp"]}
  - certificate: {name: department, authority: root, request: department.csr, profile: subca, days: 900}
  - certificate: {name: ocsp, authority: issuing, request: ocsp.csr, profile: ocsp, days: 365}
  - certificate: {name: tsa, authority: issuing, request: tsa.csr, profile: tsa, days: 365}
  - lists: {authority: root, count: 3, days: 180, overlap: 14}
  - lists: {authority: issuing, days: 30}
  - backup: {keys: [root, issuing], to: backup}
  - export: {to: public}
  - destroy: {keys: [root]}
`

// memoryKeys keeps keys as a drive would: they outlive a run.
type memoryKeys struct {
	keys  map[string]*ceremony.Key
	wrong crypto.Signer // what Open returns, to see that it is noticed
	gone  []string
}

func (m *memoryKeys) Open(_ context.Context, k ceremony.KeyStep) (*ceremony.Key, error) {
	key, ok := m.keys[k.Name]
	if !ok {
		return nil, ceremony.ErrNoKey
	}
	out := *key
	if m.wrong != nil {
		out.Signer = m.wrong
	}
	return &out, nil
}

func (m *memoryKeys) Create(_ context.Context, k ceremony.KeyStep, plan string) (*ceremony.Key, error) {
	s, err := alg.GenerateKey(k.Algorithm, k.ParamSet)
	if err != nil {
		return nil, err
	}
	m.keys[k.Name] = &ceremony.Key{Signer: s, File: ca.KeyFile, Text: []byte("sealed " + k.Name), Plan: plan}
	out := *m.keys[k.Name]
	return &out, nil
}

func (m *memoryKeys) Authority(_ context.Context, folder string) (*ceremony.Key, error) {
	text, err := os.ReadFile(filepath.Join(folder, ca.KeyFile))
	if err != nil {
		return nil, err
	}
	return m.keys[strings.TrimPrefix(string(text), "sealed ")], nil
}

func (m *memoryKeys) Destroy(_ context.Context, k ceremony.KeyStep) error {
	m.gone = append(m.gone, k.Name)
	return nil
}

// room is a ceremony in a folder of the test.
type room struct {
	base string
	text []byte
	keys *memoryKeys
	o    ceremony.Options
}

func newRoom(t *testing.T, text string) *room {
	t.Helper()
	r := &room{base: t.TempDir(), text: []byte(text), keys: &memoryKeys{keys: map[string]*ceremony.Key{}}}
	for name, dn := range map[string]string{"department.csr": "CN=Department,C=RU", "ocsp.csr": "CN=OCSP", "tsa.csr": "CN=TSA"} {
		r.file(t, name, request(t, dn))
	}
	key := generate(t)
	r.keys.keys["boris"] = &ceremony.Key{Signer: key}
	r.file(t, "boris.cer", selfSigned(t, key))
	r.o = r.options(filepath.Join(r.base, "out"))
	return r
}

func (r *room) file(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(r.base, name), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (r *room) options(dir string) ceremony.Options {
	return ceremony.Options{
		Dir: dir, Base: r.base, Keys: r.keys, Rules: sets.All(), Version: "1.0",
		OpenLedger: func(ctx context.Context, folder string) (ca.Ledger, error) {
			return boltstore.OpenWith(ctx, filepath.Join(folder, ca.LedgerFile), boltstore.Options{})
		},
	}
}

func (r *room) run(t *testing.T, o ceremony.Options) (*ceremony.Result, error) {
	t.Helper()
	p, err := ceremony.ParsePlan(r.text)
	if err != nil {
		t.Fatal(err)
	}
	return ceremony.Run(t.Context(), p, r.text, o)
}

func (r *room) mustRun(t *testing.T, o ceremony.Options) *ceremony.Result {
	t.Helper()
	out, err := r.run(t, o)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func generate(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := alg.GenerateKey("gost2012-256", "cryptopro-a")
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func request(t *testing.T, dn string) []byte {
	t.Helper()
	name, err := pki.ParseDN(dn)
	if err != nil {
		t.Fatal(err)
	}
	der, err := pki.CreateRequest(rand.Reader, &pki.RequestTemplate{Subject: name}, generate(t))
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func selfSigned(t *testing.T, key crypto.Signer) []byte {
	t.Helper()
	name, err := pki.ParseDN("CN=Boris")
	if err != nil {
		t.Fatal(err)
	}
	c, err := ca.NewRoot(key, ca.RootOptions{Subject: name, Days: 100, MaxPathLen: -1, Rules: sets.All()})
	if err != nil {
		t.Fatal(err)
	}
	return c.Raw
}

// tree returns the public files of a ceremony by their names.
func tree(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for _, part := range []string{"transcript.txt", "transcript.txt.sig", "plan.yaml", "certs", "crl", "public", "keys", "ca"} {
		if _, err := os.Stat(filepath.Join(dir, part)); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		err := filepath.WalkDir(filepath.Join(dir, part), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.Contains(path, "ledger.db") {
				return err
			}
			b, err := os.ReadFile(path)
			name, _ := filepath.Rel(dir, path)
			out[name] = b
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func sameTree(t *testing.T, a, b map[string][]byte) {
	t.Helper()
	for name := range b {
		if !bytes.Equal(a[name], b[name]) {
			t.Errorf("%s differs:\n%s\n%s", name, a[name], b[name])
		}
	}
	if len(a) != len(b) || len(a) < 12 {
		t.Errorf("%d and %d files", len(a), len(b))
	}
}

// TestCeremony: the whole plan, its files, a check of the folder, and the same
// octets in an empty folder with the same keys.
func TestCeremony(t *testing.T) {
	for _, lang := range []string{"ru", "en"} {
		t.Run(lang, func(t *testing.T) {
			r := newRoom(t, fmt.Sprintf(planText, lang))
			var shown []string
			r.o.Confirm = func(_ context.Context, s ceremony.Shown) error {
				shown = append(shown, fmt.Sprintf("%d/%d %s", s.Step, s.Of, s.Title))
				return nil
			}
			first := r.mustRun(t, r.o)
			if len(shown) != 12 || first.Checked {
				t.Errorf("%d steps were shown: %q", len(shown), shown)
			}
			if _, err := os.Stat(filepath.Join(r.o.Dir, "ca", "root", "ca.key")); !errors.Is(err, fs.ErrNotExist) || len(r.keys.gone) != 1 {
				t.Errorf("the working copies are not destroyed: %v, %q", err, r.keys.gone)
			}
			if b, err := os.ReadFile(filepath.Join(r.base, "backup", "root.key")); err != nil || string(b) != "sealed root" {
				t.Errorf("backup: %q, %v", b, err)
			}
			again := r.mustRun(t, r.o)
			if !again.Checked || !bytes.Equal(first.Transcript, again.Transcript) {
				t.Error("the check of the finished folder gives another transcript")
			}
			other := r.options(filepath.Join(r.base, "other"))
			second := r.mustRun(t, other)
			if !bytes.Equal(first.Transcript, second.Transcript) {
				t.Errorf("the transcripts differ:\n%s\n%s", first.Transcript, second.Transcript)
			}
			sameTree(t, tree(t, r.o.Dir), tree(t, other.Dir))
			if testing.Verbose() {
				t.Logf("\n%s", first.Transcript)
			}
		})
	}
}

// TestAfterwards: the folders are authorities that work.
func TestAfterwards(t *testing.T) {
	r := newRoom(t, fmt.Sprintf(planText, "en"))
	r.mustRun(t, r.o)
	dir := filepath.Join(r.o.Dir, "ca", "issuing")
	d, err := ca.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	l, err := r.o.OpenLedger(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	at := time.Date(2026, 6, 2, 0, 0, 0, 0, time.UTC)
	i, err := ca.New(t.Context(), ca.Config{
		Certificate: d.Certificate, Key: r.keys.keys["issuing"].Signer, Ledger: l, Rules: sets.All(), Profiles: d.Profiles, Settings: d.Settings,
		Now: func() time.Time { return at },
	})
	if err != nil {
		t.Fatal(err)
	}
	csr, err := pki.ParseRequest(request(t, "CN=OCSP 2"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := i.IssueRequest(t.Context(), "ocsp", ca.Request{CSR: csr, Actor: "test"}); err != nil {
		t.Fatal(err)
	}
	list, err := i.CRL(t.Context(), "test")
	if err != nil || list.Number != 2 {
		t.Errorf("the next list is %d, %v", list.Number, err)
	}
	for _, period := range [][2]time.Time{{at, at}, {at.AddDate(0, 0, -1), at.AddDate(0, 1, 0)}} {
		if _, err := i.CRLAhead(t.Context(), period[0], period[1], "test"); !errors.Is(err, ca.ErrListTime) {
			t.Errorf("a list from %s to %s: %v", period[0], period[1], err)
		}
	}
	if _, err := i.CRLAhead(t.Context(), at.AddDate(20, 0, 0), at.AddDate(21, 0, 0), "test"); !errors.Is(err, ca.ErrOutsideValidity) {
		t.Errorf("a list beyond the certificate: %v", err)
	}
	if ahead, err := i.CRLAhead(t.Context(), at.AddDate(1, 0, 0), at.AddDate(1, 1, 0), "test"); err != nil || ahead.Number != 3 {
		t.Errorf("%d, %v", ahead.Number, err)
	}
	if _, err := ca.NewRoot(generate(t), ca.RootOptions{Subject: d.Certificate.Subject, Days: 10, KeyDays: 10, Rules: sets.All()}); err == nil {
		t.Error("a root whose key lives as long as its certificate is made")
	}
	if _, err := ca.VerifyJournal(t.Context(), l); err != nil {
		t.Error(err)
	}
	var entries int
	for _, err := range i.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		entries++
	}
	if entries != 3 {
		t.Errorf("%d certificates are on the ledger, want 3", entries)
	}
	// The finished folder still gives its transcript.
	l.Close()
	if out := r.mustRun(t, r.o); !out.Checked {
		t.Error("it was done again")
	}
}

var errStop = errors.New("stop")

// shortPlan has one step of each kind that keeps something.
const shortPlan = `name: short
language: en
date: 2026-06-01T10:00:00Z
participants: [{name: Anna, role: administrator}]
steps:
  - key: {name: root, algorithm: gost2012-256}
  - root: {name: root, key: root, subject: "CN=Root", days: 3653}
  - certificate: {name: department, authority: root, request: department.csr, profile: subca, days: 900}
  - lists: {authority: root, count: 2, days: 180}
  - backup: {keys: [root], to: backup}
  - destroy: {keys: [root]}
`

// TestResume breaks off before every step and after every signature, and then
// goes on: the transcript is that of a run without interruption.
func TestResume(t *testing.T) {
	r := newRoom(t, shortPlan)
	want := r.mustRun(t, r.o)
	for n := 1; ; n++ {
		o := r.options(filepath.Join(r.base, fmt.Sprintf("run-%d", n)))
		calls := 0
		stop := func() error {
			if calls++; calls == n {
				return errStop
			}
			return nil
		}
		o.Confirm = func(context.Context, ceremony.Shown) error { return stop() }
		o.Checks = []ceremony.Check{ceremony.SecondPath(), faulty{fail: stop}}
		_, err := r.run(t, o)
		if err == nil {
			if n != 12 { // six steps, a root, a certificate, two lists, the transcript
				t.Errorf("there are %d moments", n)
			}
			break
		}
		if !errors.Is(err, errStop) {
			t.Fatalf("moment %d: %v", n, err)
		}
		if _, err := os.Stat(o.Dir); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("moment %d: something was published", n)
		}
		o.Confirm, o.Checks = nil, nil
		out, err := r.run(t, o)
		if err != nil {
			t.Fatalf("after moment %d: %v", n, err)
		}
		if !bytes.Equal(out.Transcript, want.Transcript) {
			t.Fatalf("after moment %d the transcript differs:\n%s", n, out.Transcript)
		}
		sameTree(t, tree(t, r.o.Dir), tree(t, o.Dir))
	}
}

// faulty is a check that refuses what a function says.
type faulty struct{ fail func() error }

func (faulty) Name() string { return "faulty path" }

func (f faulty) Certificate(context.Context, []byte, []byte, second.Want) error { return f.fail() }

func (f faulty) List(context.Context, []byte, []byte, second.WantList) error { return f.fail() }

func (f faulty) Detached(context.Context, []byte, []byte, []byte) error { return f.fail() }

// TestRefusedBySecond: what the first path accepts and another refuses stops the
// ceremony, and nothing is published.
func TestRefusedBySecond(t *testing.T) {
	for n := 1; n <= 4; n++ { // a root, a certificate, two lists
		r := newRoom(t, shortPlan)
		calls := 0
		r.o.Checks = []ceremony.Check{ceremony.SecondPath(), faulty{func() error {
			if calls++; calls >= n {
				return errStop
			}
			return nil
		}}}
		_, err := r.run(t, r.o)
		var refused *ceremony.CheckError
		if !errors.As(err, &refused) || refused.Check != "faulty path" || !errors.Is(err, errStop) {
			t.Fatalf("%d: %v", n, err)
		}
		if _, err := os.Stat(r.o.Dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%d: something was published: %v", n, err)
		}
		if _, err := os.Stat(filepath.Join(r.o.Dir+".partial", refused.Object)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%d: %s was written", n, refused.Object)
		}
	}
}
