package ca_test

import (
	"bytes"
	"crypto"
	"testing"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// renewal signs a request for the subject and a key with an old key.
func (a *authority) renewal(t *testing.T, subject string, owner crypto.Signer, old *pki.Certificate, oldKey crypto.Signer) []byte {
	t.Helper()
	m, err := ca.SignRenewal(nil, csr(t, owner, &pki.RequestTemplate{Subject: dn(t, subject)}), old, oldKey, a.clock.now())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (a *authority) renew(t *testing.T, message []byte, ref string) (*pki.Certificate, error) {
	t.Helper()
	r, err := a.CheckRenewal(t.Context(), message)
	if err != nil {
		return nil, err
	}
	return a.IssueRequest(t.Context(), ref, ca.Request{CSR: r.Request(), Renewal: r})
}

func TestRenewal(t *testing.T) {
	root := newRoot(t, generate(t, "gost2012-256", "cryptopro-a"), 0)
	key, next := generate(t, "gost2012-256", ""), generate(t, "gost2012-256", "")
	old := root.issue(t, "citizen", citizenDN, key)
	first := old.NotBefore
	root.clock.t = first.AddDate(0, 14, 0)
	c, err := root.renew(t, root.renewal(t, citizenDN, next, old, key), "")
	if err != nil {
		t.Fatal(err)
	}
	if !c.PrivateKeyNotBefore.Equal(root.clock.t) || !c.NotAfter.Equal(root.clock.t.AddDate(0, 15, 0)) {
		t.Errorf("a new key: %v, %v", c.PrivateKeyNotBefore, c.NotAfter)
	}
	same, err := root.renew(t, root.renewal(t, citizenDN, key, old, key), "citizen")
	if err != nil {
		t.Fatal(err)
	}
	if !same.PrivateKeyNotBefore.Equal(first) || !same.PrivateKeyNotAfter.Equal(root.clock.t.AddDate(0, 15, 0)) {
		t.Errorf("the same key: %v to %v", same.PrivateKeyNotBefore, same.PrivateKeyNotAfter)
	}
	// A second time the key's three years are up before the certificate's end.
	root.clock.t = same.NotAfter.AddDate(0, -1, 0)
	again, err := root.renew(t, root.renewal(t, citizenDN, key, same, key), "citizen")
	if err != nil {
		t.Fatal(err)
	}
	if end := first.AddDate(3, 0, 0); !again.PrivateKeyNotAfter.Equal(end) || !again.NotAfter.After(end) {
		t.Errorf("the key until %v, want %v", again.PrivateKeyNotAfter, end)
	}
}

func TestRenewalRefused(t *testing.T) {
	root := newRoot(t, generate(t, "gost2012-256", "cryptopro-a"), 0)
	other := newRoot(t, generate(t, "gost2012-256", "cryptopro-a"), 0)
	key, next := generate(t, "gost2012-256", ""), generate(t, "gost2012-256", "")
	old := root.issue(t, "citizen", citizenDN, key)
	held := root.issue(t, "citizen", citizenDN, key)
	revoked := root.issue(t, "citizen", citizenDN, key)
	if _, err := root.Hold(t.Context(), ca.Revocation{Serial: serialOf(t, held)}); err != nil {
		t.Fatal(err)
	}
	if _, err := root.Revoke(t.Context(), ca.Revocation{Serial: serialOf(t, revoked), Reason: ca.Superseded}); err != nil {
		t.Fatal(err)
	}
	good := root.renewal(t, citizenDN, next, old, key)
	forged := bytes.Clone(good)
	forged[len(forged)-3] ^= 1
	// Another key that names the old certificate.
	impostor := *old
	impostor.PublicKey = next.Public()
	for name, message := range map[string][]byte{
		"nothing":             nil,
		"a bare request":      csr(t, next, &pki.RequestTemplate{Subject: dn(t, citizenDN)}).Raw,
		"forged":              forged,
		"oversized":           make([]byte, limits.RenewalMessage+1),
		"another subject":     root.renewal(t, orgDN, next, old, key),
		"on hold":             root.renewal(t, citizenDN, next, held, key),
		"revoked":             root.renewal(t, citizenDN, next, revoked, key),
		"another authority's": root.renewal(t, citizenDN, next, other.issue(t, "citizen", citizenDN, key), key),
		"another key":         root.renewal(t, citizenDN, next, &impostor, next),
		"the authority's own": root.renewal(t, "CN=Корневой УЦ,O=Проба,C=RU", next, root.cert, root.key),
	} {
		_, err := root.CheckRenewal(t.Context(), message)
		wantErr(t, name, err, ca.ErrRenewal)
	}
	_, err := root.renew(t, good, "tsa")
	wantErr(t, "another profile", err, ca.ErrRenewal)
	r, err := root.CheckRenewal(t.Context(), good)
	if err != nil {
		t.Fatal(err)
	}
	_, err = root.IssueRequest(t.Context(), "citizen", ca.Request{CSR: csr(t, generate(t, "gost2012-256", ""), &pki.RequestTemplate{Subject: dn(t, citizenDN)}), Renewal: r})
	wantErr(t, "another request", err, ca.ErrRenewal)
	newKey := ca.Citizen()
	newKey.Version, newKey.RenewSameKey = 2, false
	d := &desk{authority: root}
	d.use(t, append(ca.Profiles(), newKey)...)
	_, err = root.renew(t, root.renewal(t, citizenDN, key, old, key), "citizen@2")
	wantErr(t, "the same key where the profile asks for a new one", err, ca.ErrRenewal)
	if _, err = root.renew(t, good, "citizen@2"); err != nil {
		t.Errorf("a new key: %v", err)
	}
	root.clock.t = old.NotAfter.AddDate(0, 0, 1)
	_, err = root.CheckRenewal(t.Context(), good)
	wantErr(t, "expired", err, ca.ErrRenewal)
}
