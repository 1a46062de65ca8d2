package ceremony_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/ceremony"
)

// crossPlan renews a root: the old one certifies the new name and key, and the
// new one the old.
const crossPlan = `name: renewal
language: en
date: 2036-01-01T10:00:00Z
sign: new
participants: [{name: Anna, role: administrator}]
steps:
  - open: {name: old, folder: out/ca/root, certificate: DIGEST}
  - key: {name: new, algorithm: gost2012-512}
  - root: {name: new, key: new, subject: "CN=Root 2036", days: 7305}
  - cross: {name: new-by-old, authority: old, of: new, profile: cross.yaml, days: 3650}
  - cross: {name: old-by-new, authority: new, of: old, profile: cross.yaml, days: 3650}
  - lists: {authority: old, days: 365}
`

const crossProfile = `name: cross
version: 1
subject:
  required: [CN]
ca:
  pathLength: 1
keyUsage: [keyCertSign, cRLSign]
validity:
  years: 10
`

// TestRenewal opens the root of an earlier ceremony.
func TestRenewal(t *testing.T) {
	r := newRoom(t, strings.Replace(shortPlan, "  - destroy: {keys: [root]}\n", "", 1))
	r.mustRun(t, r.o)
	before, err := os.ReadFile(filepath.Join(r.o.Dir, "ca", "root", "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	der, err := os.ReadFile(filepath.Join(r.o.Dir, "ca", "root", "ca.cer"))
	if err != nil {
		t.Fatal(err)
	}
	r.file(t, "cross.yaml", []byte(crossProfile))
	plan := strings.Replace(crossPlan, "days: 3650", "days: 30", 2)
	r.text = []byte(strings.Replace(strings.Replace(plan, "DIGEST", ceremony.DigestOf(der).String(), 1), "2036-01-01", "2027-01-01", 1))
	o := r.options(filepath.Join(r.base, "renewal"))
	first := r.mustRun(t, o)
	for _, c := range []struct{ file, subject, issuer string }{
		{"new-by-old", "CN=Root 2036", "CN=Root"}, {"old-by-new", "CN=Root", "CN=Root 2036"},
	} {
		b, err := os.ReadFile(filepath.Join(o.Dir, "certs", c.file+".cer"))
		if err != nil {
			t.Fatal(err)
		}
		cert, err := pki.ParseCertificate(b)
		if err != nil || cert.Subject.String() != c.subject || cert.Issuer.String() != c.issuer || cert.MaxPathLen != 1 {
			t.Errorf("%s: %s by %s, path length %d, %v", c.file, cert.Subject, cert.Issuer, cert.MaxPathLen, err)
		}
	}
	list, err := os.ReadFile(filepath.Join(o.Dir, "crl", "old-3.crl"))
	if err != nil {
		t.Fatalf("the numbers of the lists do not go on: %v", err)
	}
	if l, err := pki.ParseCRL(list); err != nil || l.Number.Int64() != 3 {
		t.Errorf("%v, %v", l, err)
	}
	after, err := os.ReadFile(filepath.Join(r.o.Dir, "ca", "root", "ledger.db"))
	if err != nil || len(before) != len(after) {
		t.Errorf("the original ledger was changed: %v", err)
	}
	if out := r.mustRun(t, o); !out.Checked || !bytes.Equal(out.Transcript, first.Transcript) {
		t.Error("the check gives another transcript")
	}
	if out := r.mustRun(t, r.options(filepath.Join(r.base, "again"))); !bytes.Equal(out.Transcript, first.Transcript) {
		t.Error("another folder gives another transcript")
	}
	r.text = bytes.Replace(r.text, []byte("certificate: "), []byte("certificate: 00"), 1)
	if _, err := ceremony.ParsePlan(r.text); err == nil {
		t.Error("a digest of 66 digits is accepted")
	}
	r.text = bytes.Replace(r.text, []byte("certificate: 00"+ceremony.DigestOf(der).String()), []byte("certificate: "+strings.Repeat("0", 64)), 1)
	if _, err := r.run(t, r.options(filepath.Join(r.base, "wrong"))); !errors.Is(err, ceremony.ErrDigest) {
		t.Errorf("another authority is opened: %v", err)
	}
}

// TestChangedFolder: whatever is changed in a finished folder is found.
func TestChangedFolder(t *testing.T) {
	r := newRoom(t, strings.Replace(shortPlan, "  - destroy: {keys: [root]}\n", "  - certificate: {name: other, authority: root, request: other.csr, profile: subca, days: 900}\n  - export: {to: public}\n", 1))
	r.file(t, "other.csr", request(t, "CN=Other"))
	r.mustRun(t, r.o)
	verify := func() error {
		_, _, err := ceremony.Verify(t.Context(), ceremony.Options{Dir: r.o.Dir})
		return err
	}
	if err := verify(); err != nil {
		t.Fatal(err)
	}
	for name := range tree(t, r.o.Dir) {
		if strings.Contains(name, "config.json") || strings.Contains(name, "chain.pem") || strings.Contains(name, "profiles") || strings.HasSuffix(name, "ca.key") {
			continue // they may change when the authority works
		}
		path := filepath.Join(r.o.Dir, name)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		bad := bytes.Clone(b)
		bad[len(bad)-1] ^= 1
		for what, content := range map[string][]byte{"changed": bad, "cut": b[:len(b)-1]} {
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			if verify() == nil {
				t.Errorf("%s %s is not noticed", name, what)
			}
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := verify(); err == nil {
			t.Errorf("%s is gone and nobody notices", name)
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := verify(); err != nil {
		t.Fatal(err)
	}
	// A certificate of the same authority in place of another one.
	swap, err := os.ReadFile(filepath.Join(r.o.Dir, "certs", "other.cer"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.o.Dir, "certs", "department.cer"), swap, 0o600); err != nil {
		t.Fatal(err)
	}
	var refused *ceremony.CheckError
	if err := verify(); !errors.As(err, &refused) || refused.Check != "second path" {
		t.Errorf("%v", err)
	}
}

// TestRefused: what a ceremony does not begin or go on with.
func TestRefused(t *testing.T) {
	r := newRoom(t, shortPlan)
	stopped := r.o
	stopped.Confirm = func(_ context.Context, s ceremony.Shown) error {
		if s.Step == 3 {
			return errStop
		}
		return nil
	}
	if _, err := r.run(t, stopped); !errors.Is(err, errStop) {
		t.Fatal(err)
	}
	newer := r.o
	newer.Version = "2.0"
	if _, err := r.run(t, newer); !errors.Is(err, ceremony.ErrProgram) {
		t.Errorf("another version: %v", err)
	}
	text := r.text
	r.text = append(bytes.Clone(text), "# a remark\n"...)
	if _, err := r.run(t, r.o); !errors.Is(err, ceremony.ErrOtherPlan) {
		t.Errorf("another plan: %v", err)
	}
	r.text = text
	r.keys.wrong = generate(t)
	if _, err := r.run(t, r.o); !errors.Is(err, ca.ErrKeyMismatch) {
		t.Errorf("another key: %v", err)
	}
	r.keys.wrong = nil
	full := r.options(filepath.Join(r.base, "full"))
	if err := os.MkdirAll(full.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	r.file(t, "full/letter", nil)
	if _, err := r.run(t, full); !errors.Is(err, ceremony.ErrFolder) {
		t.Errorf("a folder of somebody: %v", err)
	}
	r.text = bytes.Replace(text, []byte("language: en"), []byte("program: \"9\"\nlanguage: en"), 1)
	if _, err := r.run(t, r.options(filepath.Join(r.base, "other"))); !errors.Is(err, ceremony.ErrProgram) {
		t.Errorf("the plan's version: %v", err)
	}
	// A request whose signature is broken, and one that asks for more.
	r.text = text
	bad := request(t, "CN=Department")
	bad[len(bad)-1] ^= 1
	r.file(t, "department.csr", bad)
	if _, err := r.run(t, r.options(filepath.Join(r.base, "bad"))); err == nil || !strings.Contains(err.Error(), "step 3") {
		t.Errorf("a broken request: %v", err)
	}
}

// TestBusy: two runs do not work on one folder.
func TestBusy(t *testing.T) {
	r := newRoom(t, shortPlan)
	r.o.Confirm = func(context.Context, ceremony.Shown) error {
		inner := r.o
		inner.Confirm = nil
		if _, err := r.run(t, inner); !errors.Is(err, ceremony.ErrBusy) {
			t.Errorf("%v", err)
		}
		return errStop
	}
	if _, err := r.run(t, r.o); !errors.Is(err, errStop) {
		t.Fatal(err)
	}
}

// TestWitness: a participant with a certificate countersigns; nobody else does.
func TestWitness(t *testing.T) {
	r := newRoom(t, strings.Replace(shortPlan, "[{name: Anna, role: administrator}]", "[{name: Anna, role: administrator}, {name: Boris, role: witness, certificate: boris.cer}]", 1))
	r.mustRun(t, r.o)
	boris := r.keys.keys["boris"]
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	for _, who := range []string{"Anna", "1", "3", "", "Clara"} {
		if _, err := ceremony.AddWitness(t.Context(), r.o, who, boris, now); !errors.Is(err, ceremony.ErrParticipant) {
			t.Errorf("%q: %v", who, err)
		}
	}
	if _, err := ceremony.AddWitness(t.Context(), r.o, "Boris", &ceremony.Key{Signer: generate(t)}, now); !errors.Is(err, ceremony.ErrParticipant) {
		t.Errorf("another key: %v", err)
	}
	w, err := ceremony.AddWitness(t.Context(), r.o, "2", boris, now)
	if err != nil || w.Name != "Boris" {
		t.Fatal(w, err)
	}
	if out := r.mustRun(t, r.o); len(out.Witnesses) != 1 || out.Witnesses[0] != *w {
		t.Errorf("%+v", out.Witnesses)
	}
	path := filepath.Join(r.o.Dir, w.File)
	sig, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sig[len(sig)-1] ^= 1
	if err := os.WriteFile(path, sig, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := r.run(t, r.o); err == nil {
		t.Error("a changed signature of a witness is not noticed")
	}
}

// TestOpenSSL: OpenSSL verifies the chain, the lists and the transcript.
func TestOpenSSL(t *testing.T) {
	peer.NeedOpenSSL(t)
	r := newRoom(t, fmt.Sprintf(planText, "en"))
	r.mustRun(t, r.o)
	public := func(name string) string { return filepath.Join(r.o.Dir, "public", name) }
	pem := func(name string) string {
		out := filepath.Join(r.base, name+".pem")
		peer.MustOpenSSL(t, "x509", "-inform", "DER", "-in", public(name+".cer"), "-out", out)
		return out
	}
	root, issuing := pem("root"), pem("issuing")
	at := fmt.Sprint(time.Date(2026, 6, 2, 0, 0, 0, 0, time.UTC).Unix())
	for _, name := range []string{"issuing", "department"} {
		peer.MustOpenSSL(t, "verify", "-x509_strict", "-attime", at, "-CAfile", root, pem(name))
	}
	for _, name := range []string{"ocsp", "tsa"} {
		peer.MustOpenSSL(t, "verify", "-x509_strict", "-attime", at, "-CAfile", root, "-untrusted", issuing, pem(name))
	}
	list := func(name, issuer string) peer.Result {
		return peer.OpenSSL(t, peer.Run{Args: []string{"crl", "-inform", "DER", "-in", public(name), "-CAfile", issuer, "-noout"}})
	}
	for n := 1; n <= 3; n++ {
		if res := list(fmt.Sprintf("root-%d.crl", n), root); !strings.Contains(res.All(), "verify OK") {
			t.Errorf("list %d: %s", n, res.All())
		}
	}
	if res := list("issuing-1.crl", root); strings.Contains(res.All(), "verify OK") {
		t.Error("a list of another authority verifies")
	}
	cms := func(content string) peer.Result {
		return peer.OpenSSL(t, peer.Run{Args: []string{
			"cms", "-verify", "-binary", "-inform", "DER", "-in", filepath.Join(r.o.Dir, "transcript.txt.sig"),
			"-content", content, "-CAfile", root, "-purpose", "any", "-attime", at, "-out", os.DevNull,
		}})
	}
	if res := cms(filepath.Join(r.o.Dir, "transcript.txt")); res.Err != nil {
		t.Errorf("transcript: %s", res.All())
	}
	if res := cms(filepath.Join(r.o.Dir, "plan.yaml")); res.Err == nil {
		t.Error("the signature of the transcript is one of the plan")
	}
	if res := peer.Certtool(t, peer.Run{Args: []string{"--certificate-info", "--inder", "--infile", public("root.cer")}}); res.Err != nil {
		t.Errorf("certtool: %s", res.All())
	}
}
