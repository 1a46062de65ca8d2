package ca_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/profile"
	"github.com/gosklyuch/gosklyuch/pki/profile/sets"
)

// faultyKey is a token that computes wrong.
type faultyKey struct{ crypto.Signer }

func (k faultyKey) Sign(random io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	s, err := k.Signer.Sign(random, digest, o)
	if err == nil {
		s[len(s)-1] ^= 1
	}
	return s, err
}

// TestFaultySignature: a wrong signature never leaves the authority, and nothing
// is on the ledger.
func TestFaultySignature(t *testing.T) {
	key := generate(t, "gost2012-256", "cryptopro-a")
	root := newRoot(t, key, 0)
	i, err := ca.New(t.Context(), ca.Config{Certificate: root.cert, Key: faultyKey{key}, Ledger: root.ledger, Rules: sets.All(), Now: root.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	_, err = i.IssueRequest(t.Context(), "citizen", ca.Request{CSR: csr(t, generate(t, "gost2012-256", ""), &pki.RequestTemplate{Subject: dn(t, citizenDN)})})
	if err == nil || !strings.Contains(err.Error(), "does not verify") || count(t, root) != 0 {
		t.Errorf("%v, %d certificates", err, count(t, root))
	}
}

// TestChangedSincePrepared: what is issued is what was checked, also where the
// caller changes what it handed in.
func TestChangedSincePrepared(t *testing.T) {
	root := newRoot(t, generate(t, "gost2012-256", "cryptopro-a"), 0)
	for name, change := range map[string]func(r *pki.CertificateRequest){
		"an octet of the subject": func(r *pki.CertificateRequest) { r.Subject.Raw[len(r.Subject.Raw)-1] = 'X' },
		"the key": func(r *pki.CertificateRequest) {
			k, ok := r.PublicKey.(*ecdsa.PublicKey)
			if !ok {
				t.Fatalf("%T", r.PublicKey)
			}
			*k = generate(t, "ecdsa-p256", "").(*ecdsa.PrivateKey).PublicKey
		},
	} {
		r := csr(t, generate(t, "ecdsa-p256", ""), &pki.RequestTemplate{Subject: dn(t, "CN=TSA,C=RU")})
		p, err := root.Prepare(t.Context(), ca.TSA(), ca.Request{CSR: r})
		if err != nil {
			t.Fatal(err)
		}
		subject, key := bytes.Clone(r.RawSubject), bytes.Clone(r.RawSubjectPublicKeyInfo)
		change(r)
		c, err := root.Issue(t.Context(), p)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !bytes.Equal(c.RawSubject, subject) || !bytes.Equal(c.RawSubjectPublicKeyInfo, key) {
			t.Errorf("%s: the certificate is not the one that was checked", name)
		}
		if again, err := pki.ParseCertificate(c.Raw); err != nil || !bytes.Equal(again.Signature, c.Signature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestBlockedSincePrepared: the key was reported as compromised between the
// check and the issue.
func TestBlockedSincePrepared(t *testing.T) {
	root := newRoot(t, generate(t, "gost2012-256", "cryptopro-a"), 0)
	r := csr(t, generate(t, "gost2012-256", ""), &pki.RequestTemplate{Subject: dn(t, citizenDN)})
	p, err := root.Prepare(t.Context(), ca.Citizen(), ca.Request{CSR: r})
	if err != nil {
		t.Fatal(err)
	}
	id, err := alg.KeyIdentifier(r.RawSubjectPublicKeyInfo)
	if err != nil {
		t.Fatal(err)
	}
	err = root.ledger.Update(t.Context(), func(tx ca.Tx) error {
		_, err := tx.Append(journal.Entry{Time: root.clock.now(), Event: "test"})
		return errors.Join(tx.BlockKey(id), err)
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = root.Issue(t.Context(), p)
	wantErr(t, "issue", err, ca.ErrKeyBlocked)
	_, err = root.Prepare(t.Context(), ca.Citizen(), ca.Request{CSR: r})
	wantErr(t, "prepare", err, ca.ErrKeyBlocked)
}

// TestRulesThatSayNothing: a set whose rules speak about no certificate checks
// nothing, and nothing is signed by it.
func TestRulesThatSayNothing(t *testing.T) {
	key := generate(t, "ecdsa-p256", "")
	root := newRoot(t, key, 0)
	mute := profile.Set{Name: "mute", Rules: []profile.Rule{{
		ID: "mute", Title: "nothing", Cite: "none", Severity: pki.Error,
		Applies: func(*pki.Certificate) bool { return false }, Check: func(*pki.Certificate) []profile.Problem { return nil },
	}}}
	i, err := ca.New(t.Context(), ca.Config{Certificate: root.cert, Key: key, Ledger: root.ledger, Rules: mute})
	if err != nil {
		t.Fatal(err)
	}
	r := ca.Request{CSR: csr(t, generate(t, "ecdsa-p256", ""), &pki.RequestTemplate{Subject: dn(t, citizenDN)})}
	if _, err := i.Prepare(t.Context(), ca.Citizen(), r); err == nil {
		t.Error("it may be signed")
	}
}

// TestStrict: a strict profile refuses for a warning; the country is one.
func TestStrict(t *testing.T) {
	strict := ca.Citizen()
	strict.Name, strict.Strict = "strict", true
	server := serverProfile()
	server.Strict = true
	d := newDesk(t, strict, server)
	ask := func(profile, subject string) error {
		_, err := d.IssueRequest(t.Context(), profile, ca.Request{CSR: csr(t, generate(t, "gost2012-256", ""), &pki.RequestTemplate{Subject: dn(t, subject)})})
		return err
	}
	foreign := strings.TrimSuffix(citizenDN, ",C=RU")
	if err := ask("citizen", foreign); err != nil {
		t.Fatal(err)
	}
	var lint *ca.LintError
	if err := ask("strict", foreign); !errors.As(err, &lint) {
		t.Errorf("without a country: %v", err)
	}
	if err := ask("server", "CN=x"); err != nil {
		t.Errorf("where nothing is to be warned about: %v", err)
	}
}

// TestWeakKeys: keys below the strength of the rest are not certified.
func TestWeakKeys(t *testing.T) {
	d := newDesk(t, serverProfile())
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]crypto.Signer{"RSA of 1024 bits": short, "a small exponent": smallExponent(t), "a test curve": testKey(t)} {
		_, err = d.IssueRequest(t.Context(), "server", ca.Request{CSR: csr(t, key, &pki.RequestTemplate{Subject: dn(t, "CN=x")})})
		var refused *ca.RequestError
		if !errors.As(err, &refused) || refused.Field != "publicKey" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
