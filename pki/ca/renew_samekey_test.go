package ca_test

import (
	"errors"
	"testing"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// TestSameKeyRenewal: a request for the key of a certificate renews that one,
// and nothing else does.
func TestSameKeyRenewal(t *testing.T) {
	root := newRoot(t, generate(t, "gost2012-256", "cryptopro-a"), 0)
	key, other := generate(t, "gost2012-256", ""), generate(t, "gost2012-256", "")
	old := root.issue(t, "citizen", citizenDN, key)
	serial, err := ca.SerialFrom(old.SerialNumber)
	if err != nil {
		t.Fatal(err)
	}
	good := csr(t, key, &pki.RequestTemplate{Subject: dn(t, citizenDN)})
	named := csr(t, key, &pki.RequestTemplate{Subject: dn(t, citizenDN), SubjectAltNames: []pki.GeneralName{{Kind: pki.RFC822Name, Text: "a@example.org"}}})
	for name, c := range map[string]struct {
		request *pki.CertificateRequest
		serial  ca.Serial
	}{
		"another key":     {csr(t, other, &pki.RequestTemplate{Subject: dn(t, citizenDN)}), serial},
		"another subject": {csr(t, key, &pki.RequestTemplate{Subject: dn(t, "CN=Другой")}), serial},
		"another name":    {named, serial},
		"no certificate":  {good, ca.Serial{19: 1}},
	} {
		if _, err := root.SameKeyRenewal(t.Context(), c.request, c.serial); !errors.Is(err, ca.ErrRenewal) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r, err := root.SameKeyRenewal(t.Context(), good, serial)
	if err != nil || !r.SameKey() || r.Old().Serial != serial {
		t.Fatalf("%+v %v", r, err)
	}
	e, err := root.Submit(t.Context(), ca.Submission{Request: ca.Request{CSR: good, Renewal: r, Actor: "test"}, Profile: "citizen", Submitter: "test"})
	if err != nil || e.Renews != serial || len(e.Renewal) != 0 {
		t.Fatalf("%+v %v", e, err)
	}
	c, err := root.IssueApproved(t.Context(), e.ID, "test")
	if err != nil || !c.PrivateKeyNotBefore.Equal(old.PrivateKeyNotBefore) {
		t.Fatalf("%v %v", c, err)
	}
	if _, err := root.Revoke(t.Context(), ca.Revocation{Serial: serial, Reason: ca.Superseded, Actor: "test"}); err != nil {
		t.Fatal(err)
	}
	if _, err := root.SameKeyRenewal(t.Context(), good, serial); !errors.Is(err, ca.ErrRenewal) {
		t.Errorf("revoked: %v", err)
	}
}
