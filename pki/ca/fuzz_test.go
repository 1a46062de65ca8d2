package ca_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/pki/ca"
)

func FuzzParseSerial(f *testing.F) {
	for _, s := range []string{"01", "0x7f:ff", "ff", "", "00", "zz"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ca.ParseSerial(text)
		if err != nil {
			return
		}
		if again, err := ca.ParseSerial(s.String()); err != nil || again != s || s == (ca.Serial{}) {
			t.Fatalf("%q: %v, %v", text, again, err)
		}
	})
}

func FuzzParseReason(f *testing.F) {
	for _, s := range []string{"keyCompromise", "key-compromise", "", "x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ca.ParseReason(text)
		if err != nil {
			return
		}
		if again, err := ca.ParseReason(r.String()); err != nil || again != r {
			t.Fatalf("%q: %v, %v", text, again, err)
		}
	})
}

func FuzzParseSettings(f *testing.F) {
	f.Add([]byte(`{"crlUrls":["http://ca.example/a.crl"],"crlHours":24}`))
	f.Add([]byte(`{"issuerSignTool":{"SignTool":"x"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := ca.ParseSettings(text)
		if err != nil {
			return
		}
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ca.ParseSettings(b)
		if err != nil || len(s.CRLURLs) > 0 && !reflect.DeepEqual(again, s) {
			t.Fatalf("%s: %v", b, err)
		}
	})
}

// FuzzReadDir reads a directory whose files are the input.
func FuzzReadDir(f *testing.F) {
	f.Add([]byte("{}"), []byte{0x30, 0}, []byte("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"))
	f.Fuzz(func(t *testing.T, settings, cert, chain []byte) {
		dir := t.TempDir()
		writeFiles(t, dir, map[string][]byte{ca.SettingsFile: settings, ca.CertificateFile: cert, ca.ChainFile: chain})
		d, err := ca.ReadDir(dir)
		if (d == nil) == (err == nil) {
			t.Fatalf("%v, %v", d, err)
		}
	})
}

// FuzzParseProfile: what is accepted has a canonical text that reads back as the
// same profile.
func FuzzParseProfile(f *testing.F) {
	for _, p := range ca.Profiles() {
		text, err := p.YAML()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(goodProfile + "approvals: {count: 2, roles: [approver, operator]}\nkeys: [rsa]\npolicies: [1.2.3]\nvalidity: {years: 1}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ca.ParseProfile(text)
		if err != nil {
			return
		}
		canonical, err := p.YAML()
		if err != nil {
			t.Fatal(err)
		}
		again, err := ca.ParseProfile(canonical)
		if err != nil || !reflect.DeepEqual(again, p) || again.Digest() != p.Digest() {
			t.Fatalf("%q\n%s\n%+v\n%+v: %v", text, canonical, p, again, err)
		}
	})
}

// FuzzReadProfiles: a folder of one file is accepted if and only if the file is
// a profile that has the file's name.
func FuzzReadProfiles(f *testing.F) {
	f.Add("test@1.yaml", []byte(goodProfile))
	f.Add("other@1.yaml", []byte(goodProfile))
	f.Add("test@1.yaml", []byte("name: test\n"))
	f.Fuzz(func(t *testing.T, name string, text []byte) {
		if name == "." || !filepath.IsLocal(name) || strings.ContainsAny(name, `/\`) || strings.ContainsRune(name, 0) || len(name) > 200 {
			return
		}
		dir := t.TempDir()
		path := filepath.Join(dir, ca.ProfilesDir, name)
		if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := ca.ReadProfile(path)
		good := err == nil && name == p.Ref()+".yaml"
		set, err := ca.ReadProfiles(dir)
		if (err == nil) != good {
			t.Fatalf("%q: %v", name, err)
		}
		if !good {
			return
		}
		if found, err := set.Find(p.Ref()); err != nil || found.Digest() != p.Digest() {
			t.Fatalf("%q: %+v, %v", name, found, err)
		}
	})
}

// FuzzParseStatement: what is accepted has exactly this text.
func FuzzParseStatement(f *testing.F) {
	digest := strings.Repeat("0a", 32)
	s := ca.Statement{
		Authority: digest, Request: digest, Profile: "citizen@2", ProfileDigest: digest, Days: 30, Identification: 1,
		Renews: ca.Serial{19: 7}, Decision: ca.DecisionApprove, Operator: "anna", Role: ca.RoleApprover, Time: time.Unix(1_780_000_000, 0),
	}
	f.Add(s.Text())
	s.Renews, s.Decision = ca.Serial{}, ca.DecisionSubmit
	f.Add(s.Text())
	f.Add([]byte("gosklyuch request statement v1\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := ca.ParseStatement(text)
		if err != nil {
			if !errors.Is(err, ca.ErrStatement) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if !bytes.Equal(s.Text(), text) {
			t.Fatalf("%q reads as %+v", text, s)
		}
	})
}
