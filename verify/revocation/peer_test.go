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
	"github.com/gosklyuch/gosklyuch/pki/alg"
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

// TestOpenSSLMakesDelta: a complete list and a delta that OpenSSL makes.
func TestOpenSSLMakesDelta(t *testing.T) {
	peer.NeedOpenSSL(t)
	c := testpki.NewChain(t)
	dir := t.TempDir()
	file := func(name string, data []byte) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	key, err := alg.MarshalPKCS8(c.Sub.Key)
	if err != nil {
		t.Fatal(err)
	}
	keyFile := file("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	caFile := file("ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Sub.Cert.Raw}))
	serial := c.Leaf.Cert.SerialHex()
	config, err := os.ReadFile(peer.ConfigFile(t))
	if err != nil {
		t.Fatal(err)
	}
	list := func(name, number, entry, extensions string) *pki.RevocationList {
		index, num := file(name+".index", []byte(entry)), file(name+".number", []byte(number+"\n"))
		conf := file(name+".conf", append(config, []byte("\n[ca]\ndefault_ca = d\n[d]\ndatabase = "+index+"\ncrlnumber = "+num+
			"\ndefault_md = default\ncrl_extensions = x\n[x]\nauthorityKeyIdentifier = keyid\n"+extensions)...))
		out := filepath.Join(dir, name)
		r := peer.OpenSSL(t, peer.Run{Args: []string{
			"ca", "-gencrl", "-config", conf, "-cert", caFile, "-keyfile", keyFile, "-out", out,
			"-crl_lastupdate", "260601100000Z", "-crl_nextupdate", "260602100000Z",
		}, Env: []string{"OPENSSL_CONF=" + conf}})
		if r.Err != nil {
			t.Fatalf("openssl ca -gencrl: %v\n%s", r.Err, r.All())
		}
		armour, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode(armour)
		if block == nil {
			t.Fatalf("no PEM: %s", armour)
		}
		l, err := pki.ParseCRL(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	hold := "R\t360101000000Z\t260530000000Z,holdInstruction,1.2.840.10040.2.1\t" + strings.ToUpper(serial) + "\tunknown\t/CN=Leaf\n"
	bad := "R\t360101000000Z\t260601000000Z,keyCompromise\t" + strings.ToUpper(serial) + "\tunknown\t/CN=Leaf\n"
	base := list("base", "05", hold, "")
	delta := list("delta", "06", bad, "2.5.29.27 = critical,DER:020105\n")
	other := list("other", "06", "", "2.5.29.27 = critical,DER:020105\n")
	for name, tc := range map[string]struct {
		lists []*pki.RevocationList
		want  revocation.Status
	}{
		"base alone":       {lists(base), revocation.Hold},
		"delta revokes":    {lists(base, delta), revocation.Revoked},
		"delta is silent":  {lists(base, other), revocation.Hold},
		"delta alone":      {lists(other), revocation.Unknown},
		"delta has it all": {lists(delta), revocation.Revoked},
	} {
		a := revocation.Check(t.Context(), c.Leaf.Cert, c.Sub.Cert, &revocation.Static{Lists: tc.lists}, revocation.Options{At: testpki.Now})
		if a.Status != tc.want {
			t.Errorf("%s: %v %q", name, a.Status, a.Why)
		}
	}
}
