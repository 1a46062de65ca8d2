package ca_test

import (
	"bytes"
	"crypto"
	"strings"
	"testing"
	"time"

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

// TestRenewalBringsNothingNew: nobody looks at a renewal as at a first request,
// so it may not say more than the certificate that it renews.
func TestRenewalBringsNothingNew(t *testing.T) {
	root := newRoot(t, generate(t, "gost2012-256", "cryptopro-a"), 0)
	key, next := generate(t, "gost2012-256", ""), generate(t, "gost2012-256", "")
	mail := func(list ...string) (out []pki.GeneralName) {
		for _, a := range list {
			out = append(out, pki.GeneralName{Kind: pki.RFC822Name, Text: a})
		}
		return out
	}
	request := func(subject string, names []pki.GeneralName, k crypto.Signer) *pki.CertificateRequest {
		return csr(t, k, &pki.RequestTemplate{Subject: dn(t, subject), SubjectAltNames: names})
	}
	old, err := root.IssueRequest(t.Context(), "citizen", ca.Request{CSR: request(citizenDN, mail("a@example.ru", "b@example.ru"), key)})
	if err != nil {
		t.Fatal(err)
	}
	sign := func(r *pki.CertificateRequest) []byte {
		m, err := ca.SignRenewal(nil, r, old, key, root.clock.now())
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for name, r := range map[string]*pki.CertificateRequest{
		"another address":        request(citizenDN, mail("a@example.ru", "c@example.ru"), next),
		"an equal name":          request(strings.Replace(citizenDN, "Иванов Иван", "ИВАНОВ Иван", 1), nil, next),
		"another order of names": request("C=RU,"+strings.TrimSuffix(citizenDN, ",C=RU"), nil, next),
	} {
		_, err := root.CheckRenewal(t.Context(), sign(r))
		wantErr(t, name, err, ca.ErrRenewal)
	}
	c, err := root.renew(t, sign(request(citizenDN, mail("b@example.ru"), next)), "citizen")
	if err != nil || len(c.SubjectAltNames) != 1 {
		t.Errorf("fewer addresses: %v", err)
	}
}

// TestRenewalOnce: a renewal is good for one certificate, whatever became of it,
// and the earlier certificate is looked at in the transaction of the issue.
func TestRenewalOnce(t *testing.T) {
	d := newDesk(t)
	key, next := generate(t, "gost2012-256", ""), generate(t, "gost2012-256", "")
	old := d.issue(t, "citizen", citizenDN, key)
	message := d.renewal(t, citizenDN, next, old, key)
	s := ca.Submission{RenewalMessage: message, Request: ca.Request{Actor: "test"}}
	e, err := d.Submit(t.Context(), s)
	if err != nil || e.Renews != serialOf(t, old) {
		t.Fatalf("%+v, %v", e, err)
	}
	_, err = d.Submit(t.Context(), s)
	wantErr(t, "while it waits", err, ca.ErrRequestExists)
	if _, err := d.IssueApproved(t.Context(), e.ID, "test"); err != nil {
		t.Fatal(err)
	}
	_, err = d.Submit(t.Context(), s)
	wantErr(t, "after the issue", err, ca.ErrRequestExists)
	rejected := ca.Submission{RenewalMessage: d.renewal(t, citizenDN, generate(t, "gost2012-256", ""), old, key)}
	if e, err = d.Submit(t.Context(), rejected); err != nil {
		t.Fatal(err)
	}
	if _, err = d.RejectBy(t.Context(), e.ID, "", "clerk"); err != nil {
		t.Fatal(err)
	}
	_, err = d.Submit(t.Context(), rejected)
	wantErr(t, "after the rejection", err, ca.ErrRequestExists)

	late := ca.Submission{RenewalMessage: d.renewal(t, citizenDN, generate(t, "gost2012-256", ""), old, key)}
	if e, err = d.Submit(t.Context(), late); err != nil {
		t.Fatal(err)
	}
	r, err := d.CheckRenewal(t.Context(), d.renewal(t, citizenDN, generate(t, "gost2012-256", ""), old, key))
	if err != nil {
		t.Fatal(err)
	}
	p, err := d.Prepare(t.Context(), ca.Citizen(), ca.Request{CSR: r.Request(), Renewal: r})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Hold(t.Context(), ca.Revocation{Serial: serialOf(t, old)}); err != nil {
		t.Fatal(err)
	}
	_, err = d.IssueApproved(t.Context(), e.ID, "test")
	wantErr(t, "held since the submission", err, ca.ErrRenewal)
	_, err = d.Issue(t.Context(), p)
	wantErr(t, "held since the preparation", err, ca.ErrRenewal)
}

// TestRenewedKeyPeriod: a key that is certified again keeps its first day, and the
// profile's period of a key holds for all its certificates together.
func TestRenewedKeyPeriod(t *testing.T) {
	short := ca.Citizen()
	short.Name, short.KeyMonths = "short", 12
	d := newDesk(t, short)
	key := generate(t, "gost2012-256", "")
	old := d.issue(t, "short", citizenDN, key)
	d.clock.t = old.NotBefore.AddDate(0, 11, 0)
	c, err := d.renew(t, d.renewal(t, citizenDN, key, old, key), "short")
	if err != nil {
		t.Fatal(err)
	}
	if !c.PrivateKeyNotBefore.Equal(old.NotBefore) || !c.PrivateKeyNotAfter.Equal(old.PrivateKeyNotAfter) {
		t.Errorf("the key from %s to %s", c.PrivateKeyNotBefore, c.PrivateKeyNotAfter)
	}
	d.clock.t = old.PrivateKeyNotAfter.Add(time.Second)
	for name, owner := range map[string]crypto.Signer{"the same key": key, "a new key": generate(t, "gost2012-256", "")} {
		_, err = d.CheckRenewal(t.Context(), d.renewal(t, citizenDN, owner, old, key))
		wantErr(t, "beyond the key's period: "+name, err, ca.ErrRenewal)
	}
	d.clock.t = old.NotBefore.Add(-time.Second)
	_, err = d.CheckRenewal(t.Context(), d.renewal(t, citizenDN, key, old, key))
	wantErr(t, "before the certificate", err, ca.ErrRenewal)
}

// TestRenewalSigner: the message names the earlier certificate by this authority
// and its number, and the key of that one may sign.
func TestRenewalSigner(t *testing.T) {
	p := serverProfile()
	p.Name, p.KeyUsage, p.ExtKeyUsage = "agreement", pki.KeyUsageKeyAgreement, nil
	signing := serverProfile()
	signing.Name = "server-sign"
	d := newDesk(t, p, signing)
	key, next := generate(t, "gost2012-256", ""), generate(t, "gost2012-256", "")
	old := d.issue(t, "agreement", "CN=x", key)
	_, err := d.CheckRenewal(t.Context(), d.renewal(t, "CN=x", next, old, key))
	wantErr(t, "a key that may not sign", err, ca.ErrRenewal)
	good := d.issue(t, "server-sign", "CN=x", key)
	if _, err := d.CheckRenewal(t.Context(), d.renewal(t, "CN=x", next, good, key)); err != nil {
		t.Fatal(err)
	}
	elsewhere := *good
	elsewhere.Issuer = dn(t, "CN=Другой УЦ,C=RU")
	raw, err := elsewhere.Issuer.DER()
	if err != nil {
		t.Fatal(err)
	}
	elsewhere.RawIssuer, elsewhere.Issuer.Raw = raw, raw
	_, err = d.CheckRenewal(t.Context(), d.renewal(t, "CN=x", next, &elsewhere, key))
	wantErr(t, "another issuer's name with our number", err, ca.ErrRenewal)
}
