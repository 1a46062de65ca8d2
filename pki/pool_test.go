package pki_test

import (
	"crypto/rand"
	"math/big"
	"testing"

	"github.com/gosklyuch/gosklyuch/pki"
)

// Two CA certificates with one name and different keys: the authority key
// identifier decides, whatever the order in the pool.
func TestPoolKeyRollover(t *testing.T) {
	oldKey, newerKey := newKey(t, "gost2012-256", ""), newKey(t, "gost2012-256", "")
	oldRoot, oldLeaf, _ := issue(t, oldKey)
	newRoot, newLeaf, _ := issue(t, newerKey)
	tmpl := leafTemplate(t)
	tmpl.OmitAuthorityKeyID = true
	der, err := pki.CreateCertificate(rand.Reader, tmpl, newRoot, newerKey.Public(), newerKey)
	if err != nil {
		t.Fatal(err)
	}
	noAKI := mustCert(t, der)
	tmpl = leafTemplate(t)
	tmpl.AuthorityKeyID = []byte("nobody's")
	if der, err = pki.CreateCertificate(rand.Reader, tmpl, newRoot, newerKey.Public(), newerKey); err != nil {
		t.Fatal(err)
	}
	wrongAKI := mustCert(t, der)
	for _, p := range []*pki.Pool{pki.NewPool(oldRoot, newRoot), pki.NewPool(newRoot, oldRoot, nil, newRoot)} {
		if p.Len() != 2 || !p.Contains(oldRoot) || p.Contains(oldLeaf) || len(p.All()) != 2 {
			t.Fatal("pool")
		}
		for _, c := range []struct{ leaf, root *pki.Certificate }{{oldLeaf, oldRoot}, {newLeaf, newRoot}} {
			got := p.FindIssuers(c.leaf)
			if len(got) != 2 || !got[0].Equal(c.root) {
				t.Errorf("the first candidate is not the issuer")
			}
		}
		if len(p.FindIssuers(noAKI)) != 2 || len(p.FindIssuers(wrongAKI)) != 2 {
			t.Error("the name alone must give both candidates")
		}
		if got := p.FindByKeyID(newRoot.SubjectKeyID); len(got) != 1 || !got[0].Equal(newRoot) {
			t.Error("FindByKeyID")
		}
		if len(p.FindBySubject(mustDN(t, "CN=КОРЕНЬ,O=ооо  ромашка,C=RU"))) != 2 {
			t.Error("FindBySubject does not compare by RFC 5280, 7.1")
		}
	}
	var none *pki.Pool
	if none.Len() != 0 || none.FindIssuers(oldLeaf) != nil || none.Contains(oldLeaf) {
		t.Error("a nil pool")
	}
}

// A key identifier without the name gives no issuer (RFC 5280, 6.1.3 (a)(4)).
func TestPoolNameMatters(t *testing.T) {
	key := newKey(t, "gost2012-256", "")
	_, leaf, _ := issue(t, key)
	tmpl := caTemplate(t)
	tmpl.Subject, tmpl.SerialNumber = mustDN(t, "CN=другое имя"), big.NewInt(2)
	der, err := pki.CreateCertificate(rand.Reader, tmpl, nil, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if got := pki.NewPool(mustCert(t, der)).FindIssuers(leaf); len(got) != 0 {
		t.Error("a CA with another name is a candidate")
	}
}
