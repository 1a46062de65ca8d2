package revocation_test

import (
	"bytes"
	"encoding/pem"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/verify/revocation"
)

// opensslStatus asks openssl verify about a certificate, with extended CRLs and
// deltas, and translates what it says.
func opensslStatus(t *testing.T, leaf, root *pki.Certificate, others []*pki.Certificate, all []*pki.RevocationList) revocation.Status {
	t.Helper()
	dir := t.TempDir()
	file := func(name, kind string, ders ...[]byte) string {
		var b bytes.Buffer
		for _, der := range ders {
			if err := pem.Encode(&b, &pem.Block{Type: kind, Bytes: der}); err != nil {
				t.Fatal(err)
			}
		}
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	var certs, crls [][]byte
	for _, c := range others {
		certs = append(certs, c.Raw)
	}
	for _, l := range all {
		crls = append(crls, l.Raw)
	}
	args := []string{
		"verify", "-crl_check", "-extended_crl", "-use_deltas", "-attime", strconv.FormatInt(testpki.Now.Unix(), 10),
		"-CAfile", file("root.pem", "CERTIFICATE", root.Raw), "-untrusted", file("others.pem", "CERTIFICATE", certs...),
		"-CRLfile", file("lists.pem", "X509 CRL", crls...), file("leaf.pem", "CERTIFICATE", leaf.Raw),
	}
	r := peer.OpenSSL(t, peer.Run{Args: args})
	switch said := string(r.All()); {
	case r.Err == nil:
		return revocation.Good
	case strings.Contains(said, "certificate revoked"):
		return revocation.Revoked
	default:
		t.Log(said)
		return revocation.Unknown
	}
}

// opensslPoint adds the extension without which OpenSSL does not look at deltas.
func opensslPoint(base, _ *pki.CRLTemplate) { base.FreshestCRL = []string{"http://ca.test/delta.crl"} }

// TestOpenSSLDelta: OpenSSL judges the same lists. It calls a hold revoked.
func TestOpenSSLDelta(t *testing.T) {
	peer.NeedOpenSSL(t)
	c := testpki.NewChain(t)
	for name, tc := range map[string]struct {
		pair
		differs bool // with the reason in the comment
	}{
		"neither":          {pair{base: noEntry, delta: noEntry, number: 5, from: 5}, false},
		"newly revoked":    {pair{base: noEntry, delta: 1, number: 5, from: 5}, false},
		"base revoked":     {pair{base: 1, delta: noEntry, number: 5, from: 5}, false},
		"hold stands":      {pair{base: 6, delta: noEntry, number: 5, from: 5}, false},
		"hold released":    {pair{base: 6, delta: 8, number: 5, from: 5}, false},
		"base too old":     {pair{base: 6, delta: 8, number: 4, from: 5}, false},
		"delta not newer":  {pair{base: 6, delta: 8, number: 10, from: 5}, false},
		"hold to revoked":  {pair{base: 6, delta: 1, number: 5, from: 5}, false},
		"revoked, removed": {pair{base: 1, delta: 8, number: 5, from: 5}, true}, // we lift a hold only
	} {
		t.Run(name, func(t *testing.T) {
			tc.change = opensslPoint
			all := tc.lists(t, c)
			ours := revocation.Check(t.Context(), c.Leaf.Cert, c.Sub.Cert, &revocation.Static{Lists: all}, revocation.Options{At: testpki.Now}).Status
			if ours == revocation.Hold {
				ours = revocation.Revoked
			}
			theirs := opensslStatus(t, c.Leaf.Cert, c.Root.Cert, []*pki.Certificate{c.Sub.Cert}, all)
			if (ours != theirs) != tc.differs || tc.differs && ours != revocation.Revoked {
				t.Errorf("ours %v, OpenSSL's %v", ours, theirs)
			}
		})
	}
}

// TestOpenSSLIndirect: OpenSSL judges the same indirect lists, and lists for
// some reasons.
func TestOpenSSLIndirect(t *testing.T) {
	peer.NeedOpenSSL(t)
	s := newScene(t, nil, nil)
	indirect := pki.IssuingDistributionPoint{IndirectCRL: true}
	some := func(mask pki.ReasonFlags) *pki.RevocationList {
		return s.indirect(t, noEntry, pki.IssuingDistributionPoint{IndirectCRL: true, OnlySomeReasons: mask})
	}
	root := testpki.CRL(t, s.Root, &pki.CRLTemplate{})
	for name, list := range map[string][]*pki.RevocationList{
		"not listed":         lists(s.indirect(t, noEntry, indirect), root),
		"listed":             lists(s.indirect(t, 1, indirect), root),
		"not indirect":       lists(s.indirect(t, noEntry, pki.IssuingDistributionPoint{OnlyUserCerts: true}), root),
		"for authorities":    lists(s.indirect(t, noEntry, pki.IssuingDistributionPoint{IndirectCRL: true, OnlyCACerts: true}), root),
		"some reasons":       lists(some(1<<1|1<<2), root),
		"all of the reasons": lists(some(1<<1|1<<2|1<<8), some(1<<3|1<<4|1<<5|1<<6|1<<7), root),
		"none":               lists(root),
	} {
		t.Run(name, func(t *testing.T) {
			ours := s.check(t, s.options(), list...).Status
			theirs := opensslStatus(t, s.leaf.Cert, s.Root.Cert, []*pki.Certificate{s.Sub.Cert, s.lister.Cert}, list)
			if ours != theirs {
				t.Errorf("ours %v, OpenSSL's %v", ours, theirs)
			}
		})
	}
}
