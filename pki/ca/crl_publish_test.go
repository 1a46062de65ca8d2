package ca_test

import (
	"errors"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/profile/sets"
	"github.com/gosklyuch/gosklyuch/verify/revocation"
)

// publisher is a root that publishes lists, and its folder.
func publisher(t testing.TB, algorithm string, lists ca.Lists) (*authority, string) {
	t.Helper()
	a := newRoot(t, generate(t, algorithm, ""), 0)
	s := settings()
	s.CRLURLs, s.Lists = nil, &lists
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	i, err := ca.New(t.Context(), ca.Config{Certificate: a.cert, Key: a.key, Ledger: a.ledger, Rules: sets.All(), Settings: s, Now: a.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	a.Issuer = i
	return a, filepath.Join(t.TempDir(), "lists")
}

func lists() ca.Lists {
	return ca.Lists{URLs: []string{"http://crl.example/a/", "http://crl2.example/"}, Partitions: 3, DeltaMinutes: 60}
}

// fetched returns the lists that a certificate names, as a client of the folder
// gets them.
func fetched(t *testing.T, dir string, c *pki.Certificate) []*pki.RevocationList {
	t.Helper()
	if len(c.CRLDistributionPoints) == 0 || len(c.FreshestCRL) == 0 {
		t.Fatalf("the certificate names %v, %v", c.CRLDistributionPoints, c.FreshestCRL)
	}
	out := []*pki.RevocationList{published(t, dir, path.Base(c.CRLDistributionPoints[0]))}
	delta := path.Base(c.FreshestCRL[0])
	if _, err := os.Stat(filepath.Join(dir, delta)); err == nil {
		out = append(out, published(t, dir, delta))
	}
	return out
}

func published(t *testing.T, dir, name string) *pki.RevocationList {
	t.Helper()
	der, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	l, err := pki.ParseCRL(der)
	if err != nil || len(l.Findings) > 0 {
		t.Fatalf("%s: %v, %v", name, err, l.Findings)
	}
	return l
}

// judge asks our own revocation check and OpenSSL about a certificate.
func (a *authority) judge(t *testing.T, c *pki.Certificate, list []*pki.RevocationList, openssl bool) revocation.Status {
	t.Helper()
	got := revocation.Check(t.Context(), c, a.cert, &revocation.Static{Lists: list}, revocation.Options{At: a.clock.t})
	if !openssl {
		return got.Status
	}
	dir := t.TempDir()
	ders := make([][]byte, 0, len(list))
	for _, l := range list {
		ders = append(ders, l.Raw)
	}
	r := peer.OpenSSL(t, peer.Run{Args: []string{
		"verify", "-crl_check", "-extended_crl", "-use_deltas", "-attime", strconv.FormatInt(a.clock.t.Unix(), 10),
		"-CAfile", write(t, dir, "root.pem", "CERTIFICATE", a.cert.Raw), "-CRLfile", write(t, dir, "lists.pem", "X509 CRL", ders...),
		write(t, dir, "c.pem", "CERTIFICATE", c.Raw),
	}})
	want := revocation.Unknown
	switch {
	case r.Err == nil:
		want = revocation.Good
	case strings.Contains(r.All(), "certificate revoked"):
		want = revocation.Revoked
	}
	if got.Status != want && (got.Status != revocation.Hold || want != revocation.Revoked) { // OpenSSL calls a hold revoked
		t.Errorf("we say %s (%s), OpenSSL %s: %s", got.Status, got.Why, want, r.All())
	}
	return got.Status
}

// TestPublish follows certificates through complete and delta lists of
// partitions.
func TestPublish(t *testing.T) {
	a, dir := publisher(t, "ecdsa-p256", lists())
	followStates(t, a, dir, false)
}

// TestPublishOpenSSL does the same with OpenSSL as a second reader.
func TestPublishOpenSSL(t *testing.T) {
	peer.NeedOpenSSL(t)
	a, dir := publisher(t, "gost2012-256", lists())
	followStates(t, a, dir, true)
}

func followStates(t *testing.T, a *authority, dir string, openssl bool) {
	type subject struct {
		cert *pki.Certificate
		want revocation.Status
	}
	var all []*subject
	key := generate(t, "gost2012-256", "")
	for range 8 {
		all = append(all, &subject{a.issue(t, "citizen", citizenDN, key), revocation.Good})
	}
	to := func(n int, s revocation.Status, change func(r ca.Revocation) (ca.Entry, error)) {
		t.Helper()
		r := ca.Revocation{Serial: serialOf(t, all[n].cert), Reason: ca.Superseded, InvalidityDate: a.clock.t.Add(-time.Hour)}
		if _, err := change(r); err != nil {
			t.Fatal(err)
		}
		all[n].want = s
	}
	revoke := func(r ca.Revocation) (ca.Entry, error) { return a.Revoke(t.Context(), r) }
	hold := func(r ca.Revocation) (ca.Entry, error) { return a.Hold(t.Context(), r) }
	release := func(r ca.Revocation) (ca.Entry, error) { return a.Release(t.Context(), r) }
	check := func(step string, want ...uint64) {
		t.Helper()
		out, err := a.PublishDue(t.Context(), dir, "test")
		if err != nil {
			t.Fatalf("%s: %v", step, err)
		}
		var numbers []uint64
		for _, p := range out {
			numbers = append(numbers, p.Number)
		}
		if !slices.Equal(numbers, want) {
			t.Errorf("%s: published %v, want %v", step, numbers, want)
		}
		for n, s := range all {
			if got := a.judge(t, s.cert, fetched(t, dir, s.cert), openssl); got != s.want {
				t.Errorf("%s: certificate %d is %s, want %s", step, n, got, s.want)
			}
			whole := []*pki.RevocationList{published(t, dir, "ca.crl"), published(t, dir, "ca-delta.crl")}
			if got := a.judge(t, s.cert, whole, false); got != s.want {
				t.Errorf("%s: certificate %d is %s by the complete list, want %s", step, n, got, s.want)
			}
		}
		a.clock.t = a.clock.t.Add(31 * time.Minute)
	}
	to(0, revocation.Revoked, revoke)
	to(1, revocation.Hold, hold)
	to(2, revocation.Hold, hold)
	check("first", 1, 2)
	to(3, revocation.Revoked, revoke) // new
	to(1, revocation.Good, release)   // was on the base
	to(2, revocation.Revoked, revoke) // a hold on the base
	to(4, revocation.Hold, hold)
	check("delta", 3)
	to(4, revocation.Good, release) // was on a delta list only
	check("second delta", 4)
	check("unchanged", 5)
	to(1, revocation.Hold, hold)
	check("held again", 6)
	a.clock.t = a.clock.t.Add(4 * 24 * time.Hour)
	check("complete", 7, 8)
	if n := published(t, dir, "ca-delta.crl").Len(); n != 0 {
		t.Errorf("the delta list to a new complete one has %d entries", n)
	}
	// Of another partition: nothing is known.
	c := all[5].cert
	for _, name := range []string{"ca-1of3.crl", "ca-2of3.crl", "ca-3of3.crl"} {
		want := revocation.Unknown
		if path.Base(c.CRLDistributionPoints[0]) == name {
			want = revocation.Good
		}
		if got := a.judge(t, c, []*pki.RevocationList{published(t, dir, name)}, false); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left in the folder: %v, %v", left, err)
	}
}

// TestPublishDamaged: a base that is missing, damaged or of another authority is
// not built upon, and is replaced.
func TestPublishDamaged(t *testing.T) {
	a, dir := publisher(t, "ecdsa-p256", lists())
	if _, err := a.Publish(t.Context(), dir, true, "test"); !errors.Is(err, ca.ErrNoBase) {
		t.Errorf("a delta list without a base: %v", err)
	}
	if _, err := a.PublishDue(t.Context(), dir, "test"); err != nil {
		t.Fatal(err)
	}
	other, elsewhere := publisher(t, "ecdsa-p256", lists())
	if _, err := other.PublishDue(t.Context(), elsewhere, "test"); err != nil {
		t.Fatal(err)
	}
	foreign, err := os.ReadFile(filepath.Join(elsewhere, "ca-2of3.crl"))
	if err != nil {
		t.Fatal(err)
	}
	partition := filepath.Join(dir, "ca-2of3.crl")
	own, err := os.ReadFile(partition)
	if err != nil {
		t.Fatal(err)
	}
	broken := slices.Clone(own)
	broken[len(broken)-1] ^= 1
	one, err := os.ReadFile(filepath.Join(dir, "ca-1of3.crl"))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"foreign": foreign, "broken": broken, "cut": own[:len(own)-9], "of another partition": one, "empty": nil} {
		if err := os.WriteFile(partition, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Publish(t.Context(), dir, true, "test"); !errors.Is(err, ca.ErrNoBase) {
			t.Errorf("%s: %v", name, err)
		}
	}
	a.clock.t = a.clock.t.Add(31 * time.Minute)
	if out, err := a.PublishDue(t.Context(), dir, "test"); err != nil || len(out) != 2 {
		t.Errorf("after the damage: %v, %v", out, err)
	}
	if l, err := a.LastCRL(t.Context()); err != nil || l.Base == 0 || l.Number <= l.Base || len(l.DER) == 0 {
		t.Errorf("the ledger's last list: %+v, %v", l, err)
	}
}

func TestListsSettings(t *testing.T) {
	for name, change := range map[string]func(l *ca.Lists){
		"lists.urls":             func(l *ca.Lists) { l.URLs = nil },
		"lists.urls ":            func(l *ca.Lists) { l.URLs = []string{"http://crl.example"} },
		"lists.urls  ":           func(l *ca.Lists) { l.URLs = []string{"ftp://crl.example/"} },
		"lists.urls   ":          func(l *ca.Lists) { l.URLs = []string{"http://crl.example/?a/"} },
		"lists.partitions":       func(l *ca.Lists) { l.Partitions = 1 },
		"lists.partitions ":      func(l *ca.Lists) { l.Partitions = 1 << 20 },
		"lists.partitionsBefore": func(l *ca.Lists) { l.PartitionsBefore = []int{100, 100} },
		"lists.deltaMinutes":     func(l *ca.Lists) { l.DeltaMinutes = -1 },
	} {
		l := lists()
		change(&l)
		if err := (ca.Settings{Lists: &l}).Check(); err == nil || !strings.Contains(err.Error(), strings.TrimSpace(name)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	a := newRoot(t, generate(t, "ecdsa-p256", ""), 0)
	if _, err := a.Publish(t.Context(), t.TempDir(), false, "test"); !errors.Is(err, ca.ErrNoLists) {
		t.Errorf("without settings: %v", err)
	}
}
