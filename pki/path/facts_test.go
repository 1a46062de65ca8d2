package path_test

import (
	"bytes"
	//lint:ignore SA1019 what is tested
	"crypto/dsa" //nolint:staticcheck // what is tested
	"crypto/rand"
	"math/big"
	"sync"
	"testing"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/path"
)

// reparse parses octets after a change.
func reparse(t *testing.T, der []byte, change func([]byte)) *pki.Certificate {
	t.Helper()
	der = bytes.Clone(der)
	if change != nil {
		change(der)
	}
	c, err := pki.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestFactsConfusion: what is known of one certificate and one key is not taken
// for known of another that differs in one thing, in whatever order they come.
func TestFactsConfusion(t *testing.T) {
	key := testpki.Key(t, "gost2012-256", "cryptopro-a")
	root := testpki.IssueKey(t, testpki.CA(t, "CN=Root"), nil, key)
	leaf := testpki.Issue(t, testpki.Leaf(t, "CN=Leaf"), root)
	at := bytes.Index(leaf.Cert.Raw, leaf.Cert.RawSerial) + 4
	last := len(leaf.Cert.Raw) - 1
	otherSignature := reparse(t, leaf.Cert.Raw, func(b []byte) { b[last] ^= 1 })
	otherContent := reparse(t, leaf.Cert.Raw, func(b []byte) { b[at] ^= 1 })
	// An anchor of the same name whose key is another, or of the same octets under
	// another parameter set: on that curve they are no point, or another one.
	otherKey := testpki.Issue(t, testpki.CA(t, "CN=Root"), nil)
	set := bytes.Index(root.Cert.Raw, []byte{0x2a, 0x85, 0x03, 0x02, 0x02, 0x23, 0x01}) // id-GostR3410-2001-CryptoPro-A-ParamSet
	if set < 0 {
		t.Fatal("no parameter set to change")
	}
	otherSet := reparse(t, root.Cert.Raw, func(b []byte) { b[set+6] = 2 })
	cases := []struct {
		name         string
		leaf, anchor *pki.Certificate
		valid        bool
	}{
		{"genuine", leaf.Cert, root.Cert, true},
		{"read again", reparse(t, leaf.Cert.Raw, nil), reparse(t, root.Cert.Raw, nil), true},
		{"another signature", otherSignature, root.Cert, false},
		{"another content", otherContent, root.Cert, false},
		{"another key", leaf.Cert, otherKey.Cert, false},
		{"another parameter set", leaf.Cert, otherSet, false},
	}
	facts := path.NewFacts()
	for round := range 3 {
		for i := range cases {
			tc := cases[i]
			if round == 1 {
				tc = cases[len(cases)-1-i]
			}
			for _, f := range []*path.Facts{facts, nil} {
				_, err := path.Validate(t.Context(), tc.leaf, path.Options{Roots: pki.NewPool(tc.anchor), At: testpki.Now, Memo: &path.Memo{Facts: f}})
				if (err == nil) != tc.valid {
					t.Errorf("round %d, %s (facts %v): %v", round, tc.name, f != nil, err)
				}
			}
		}
	}
}

// TestFactsBounds: a memory of facts does not let more signatures be looked at
// than without it: whether a check is remembered changes no result.
func TestFactsBounds(t *testing.T) {
	root := testpki.Issue(t, testpki.CA(t, "CN=Root"), nil)
	leaf := testpki.Issue(t, testpki.Leaf(t, "CN=Leaf"), root)
	facts := path.NewFacts()
	for range 3 {
		res, err := path.Validate(t.Context(), leaf.Cert, path.Options{Roots: pki.NewPool(root.Cert), At: testpki.Now, Memo: &path.Memo{Facts: facts}})
		if err != nil || res.Checked != 1 {
			t.Errorf("%d checks, %v", res.Checked, err)
		}
		o := path.Options{Roots: pki.NewPool(testpki.Issue(t, testpki.CA(t, "CN=Other"), nil).Cert), At: testpki.Now, Memo: &path.Memo{Facts: facts}}
		if _, err := path.Validate(t.Context(), leaf.Cert, o); err == nil {
			t.Error("a path to an authority that is not trusted")
		}
	}
}

// TestFactsTogether: several goroutines share facts about good and bad
// certificates.
func TestFactsTogether(t *testing.T) {
	root := testpki.Issue(t, testpki.CA(t, "CN=Root"), nil)
	leaf := testpki.Issue(t, testpki.Leaf(t, "CN=Leaf"), root)
	bad := reparse(t, leaf.Cert.Raw, func(b []byte) { b[len(b)-1] ^= 1 })
	facts := path.NewFacts()
	roots := pki.NewPool(root.Cert)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				for c, valid := range map[*pki.Certificate]bool{leaf.Cert: true, bad: false} {
					_, err := path.Validate(t.Context(), c, path.Options{Roots: roots, At: testpki.Now, Memo: &path.Memo{Facts: facts}})
					if (err == nil) != valid {
						t.Errorf("valid %v: %v", valid, err)
					}
				}
			}
		})
	}
	wg.Wait()
}

// TestFactsInherited: a key whose parameters come from its issuer is another key
// below another issuer, though not one octet of it is different.
func TestFactsInherited(t *testing.T) {
	var upper, lower dsa.PrivateKey
	if err := dsa.GenerateParameters(&upper.Parameters, rand.Reader, dsa.L1024N160); err != nil {
		t.Fatal(err)
	}
	lower.Parameters = upper.Parameters
	for _, k := range []*dsa.PrivateKey{&upper, &lower} {
		if err := dsa.GenerateKey(k, rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	// An authority with another generator of the same group.
	twin := dsa.PrivateKey{PublicKey: upper.PublicKey, X: upper.X}
	twin.G = new(big.Int).Exp(upper.G, big.NewInt(2), upper.P)
	twin.Y = new(big.Int).Exp(twin.G, twin.X, twin.P)
	authority := func(key *dsa.PrivateKey) path.Options {
		top := dsaAuthority(t, "CN=Top", "CN=Top", key, true)
		with(isCA, signs)(top)
		sub := dsaAuthority(t, "CN=Top", "CN=Sub", &lower, false)
		with(isCA, signs)(sub)
		return path.Options{
			Roots: pki.NewPool(signDSA(t, top, key)), Intermediates: pki.NewPool(signDSA(t, sub, key)), At: testpki.Now, AllowDSA: true,
			Withdrawn: func(string) bool { return false },
		}
	}
	s := newShape(t, "CN=Sub", "CN=Leaf", testpki.Key(t, "gost2012-256", "cryptopro-a").Public())
	with(digital)(s)
	leaf := signDSA(t, s, &lower)
	facts := path.NewFacts()
	o, other := authority(&upper), authority(&twin)
	for range 2 {
		o.Memo, other.Memo = &path.Memo{Facts: facts}, &path.Memo{Facts: facts}
		expect(t, leaf, o, "")
		expect(t, leaf, other, path.ReasonSignature)
	}
}
