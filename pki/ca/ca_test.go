package ca_test

import (
	"context"
	"crypto"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/boltstore"
	"github.com/gosklyuch/gosklyuch/pki/profile"
	"github.com/gosklyuch/gosklyuch/pki/profile/sets"
)

// The subjects of the tests have made-up names and numbers with right check
// digits.
const (
	citizenDN = "CN=Иванов Иван Иванович,SN=Иванов,G=Иван Иванович,SNILS=11223344595,INN=500100732259,C=RU"
	orgDN     = "CN=ООО Ромашка,O=ООО Ромашка,OGRN=1027700132195,INNLE=7707083893,L=Москва,C=RU"
	ipDN      = "CN=ИП Петров,SN=Петров,G=Пётр,OGRNIP=304500116000157,INN=500100732259,SNILS=11223344595,C=RU"
)

// clock is a time that tests move.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func newClock() *clock { return &clock{t: time.Now().UTC().Truncate(time.Second)} }

// authority is an issuer under test with what it is made of.
type authority struct {
	*ca.Issuer
	cert   *pki.Certificate
	key    crypto.Signer
	ledger ca.Ledger
	clock  *clock
}

func generate(t testing.TB, name, set string) crypto.Signer {
	t.Helper()
	key, err := alg.GenerateKey(name, set)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func dn(t testing.TB, text string) pki.Name {
	t.Helper()
	n, err := pki.ParseDN(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func settings() ca.Settings {
	return ca.Settings{
		CRLURLs: []string{"http://ca.example/ca.crl"}, OCSPURLs: []string{"http://ca.example/ocsp"},
		IssuerURLs: []string{"http://ca.example/ca.cer"},
	}
}

// newRoot makes a root authority with a ledger of its own.
func newRoot(t testing.TB, key crypto.Signer, days int) *authority {
	t.Helper()
	c := newClock()
	cert, err := ca.NewRoot(key, ca.RootOptions{Subject: dn(t, "CN=Корневой УЦ,O=Проба,C=RU"), Days: days, MaxPathLen: 1, Rules: sets.All(), Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	return open(t, t.TempDir(), cert, key, c, sets.All())
}

// checkState holds, when a test is over, that what it did left the state that the
// journal says, unless it was its business to break that.
func checkState(t testing.TB, l ca.Ledger) error {
	test, _, _ := strings.Cut(t.Name(), "/")
	if slices.Contains([]string{"TestBlockedSincePrepared", "TestRequestPages", "TestTamperedRecord", "TestRecheckedAtIssue", "TestVerifyStateFinds", "TestGrowth"}, test) || t.Failed() {
		return nil
	}
	_, err := ca.VerifyState(context.Background(), l)
	return err
}

func open(t testing.TB, dir string, cert *pki.Certificate, key crypto.Signer, c *clock, rules profile.Set) *authority {
	t.Helper()
	l, err := boltstore.Open(context.Background(), filepath.Join(dir, ca.LedgerFile))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := checkState(t, l); err != nil {
			t.Errorf("the state at the end: %v", err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := ca.Found(t.Context(), l, cert, "test", c.now()); err != nil {
		t.Fatal(err)
	}
	i, err := ca.New(t.Context(), ca.Config{Certificate: cert, Key: key, Ledger: l, Rules: rules, Settings: settings(), Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	return &authority{Issuer: i, cert: cert, key: key, ledger: l, clock: c}
}

// newSub makes an authority below a.
func newSub(t testing.TB, a *authority, key crypto.Signer) *authority {
	t.Helper()
	cert, err := a.NewSubordinate(t.Context(), key, dn(t, "CN=Издающий УЦ,O=Проба,C=RU"), 0, "test")
	if err != nil {
		t.Fatal(err)
	}
	return open(t, t.TempDir(), cert, key, a.clock, sets.All())
}

func csr(t testing.TB, key crypto.Signer, tmpl *pki.RequestTemplate) *pki.CertificateRequest {
	t.Helper()
	der, err := pki.CreateRequest(nil, tmpl, key)
	if err != nil {
		t.Fatal(err)
	}
	r, err := pki.ParseRequest(der)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// issue issues by the profile with a name.
func (a *authority) issue(t testing.TB, name, subject string, key crypto.Signer) *pki.Certificate {
	t.Helper()
	c, err := a.IssueRequest(t.Context(), name, ca.Request{CSR: csr(t, key, &pki.RequestTemplate{Subject: dn(t, subject)}), Actor: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func serialOf(t testing.TB, c *pki.Certificate) ca.Serial {
	t.Helper()
	s, err := ca.SerialFrom(c.SerialNumber)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}
