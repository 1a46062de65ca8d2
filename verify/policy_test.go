package verify_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/verify"
)

// Every shipped policy is a file that says the same as what it was read into,
// names itself, and explains itself in both languages.
func TestPolicyFiles(t *testing.T) {
	names := verify.PolicyNames()
	if want := "archive default order-472 pp-934 signature-only test unep"; strings.Join(names, " ") != want {
		t.Errorf("policies %v, want %s", names, want)
	}
	for _, name := range names {
		file, err := os.ReadFile("policies/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		p, err := verify.PolicyByName(name)
		if err != nil {
			t.Fatal(err)
		}
		if p.Name != name || p.Title.RU == "" || p.Title.EN == "" || p.Description.RU == "" || p.Description.EN == "" {
			t.Errorf("%s: name or texts are missing", name)
		}
		written, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var a, b any
		if err := errors.Join(json.Unmarshal(file, &a), json.Unmarshal(written, &b)); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(a, b) {
			t.Errorf("%s: written as %s", name, written)
		}
		if unsafe := p.AllowTest || p.UnsafeLegacy || p.UnsafeNoRevocation || p.UnsafeNoChain; unsafe != (name == "test" || name == "signature-only") {
			t.Errorf("%s: unsafe is %v", name, unsafe)
		}
		if p.Allowed("dsa", time.Now()) || p.Withdrawn("dsa", time.Now()) {
			t.Errorf("%s knows DSA", name)
		}
	}
}

// What a policy file may not be.
func TestParsePolicyRefuses(t *testing.T) {
	file, err := os.ReadFile("policies/default.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ old, repl, field string }{
		"unknown field":        {`"ownAnchors"`, `"ownAnchor"`, ""},
		"forgotten check":      {`"best-time": "warn",`, ``, "checks"},
		"unknown check":        {`"best-time": "warn",`, `"best-time": "warn", "message-digest": "ignore",`, "checks"},
		"unknown action":       {`"best-time": "warn"`, `"best-time": "lenient"`, "checks.best-time"},
		"unknown level":        {`"level": "bes"`, `"level": "z"`, "level"},
		"unknown algorithm":    {`"name": "rsa"`, `"name": "rot13"`, "algorithms[4]"},
		"algorithm twice":      {`"name": "rsa"`, `"name": "gost2012-256"`, "algorithms[4]"},
		"until is no time":     {`"until": "2020-01-01T00:00:00Z"`, `"until": "2020"`, "algorithms[14]"},
		"name":                 {`"name": "default"`, `"name": "../default"`, "name"},
		"order":                {`"ocsp"`, `"ldap"`, "evidence.order"},
		"skew":                 {`"skew": "0s"`, `"skew": "soon"`, "evidence.skew"},
		"policies":             {`"initialPolicies": []`, `"initialPolicies": ["2.5.x"]`, "path.initialPolicies[0]"},
		"something after":      {"\n}\n", "\n}\n{}", ""},
		"a number for a check": {`"best-time": "warn"`, `"best-time": 0`, ""},
		"long title":           {`"Everyday verification"`, `"` + strings.Repeat("x", 5000) + `"`, "title.en"},
		"too long":             {"\n}\n", "\n}" + strings.Repeat(" ", 1<<20), ""},
	} {
		changed := bytes.Replace(file, []byte(c.old), []byte(c.repl), 1)
		if bytes.Equal(changed, file) {
			t.Fatalf("%s: the file does not hold %s", name, c.old)
		}
		_, err := verify.ParsePolicy(changed)
		var pe *verify.PolicyError
		if err == nil || errors.As(err, &pe) && pe.Field != c.field || pe == nil && c.field != "" {
			t.Errorf("%s: %v, want an error about %q", name, err, c.field)
		}
	}
}

// The time of use decides about an algorithm, and the moment of withdrawal
// itself is too late.
func TestPolicyAlgorithms(t *testing.T) {
	end := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		policy, algorithm  string
		at                 time.Time
		allowed, withdrawn bool
	}{
		{"default", "gost2012-256", end.AddDate(30, 0, 0), true, false},
		{"default", "gost2001", end.Add(-time.Second), true, false},
		{"default", "gost2001", end, false, true},
		{"default", "gost341194", end, false, true},
		{"default", "sha1", end.Add(-time.Second), true, false},
		{"default", "md5", end.Add(-time.Second), false, true},
		{"order-472", "rsa", end, false, false},
		{"pp-934", "gost2001", end.AddDate(-5, 0, 0), false, false},
		{"archive", "gost2001", end.Add(-time.Second), true, false},
		{"test", "gost2001", end.AddDate(5, 0, 0), true, false},
		{"default", "rot13", end, false, false},
	} {
		p, err := verify.PolicyByName(c.policy)
		if err != nil {
			t.Fatal(err)
		}
		if p.Allowed(c.algorithm, c.at) != c.allowed || p.Withdrawn(c.algorithm, c.at) != c.withdrawn {
			t.Errorf("%s, %s at %s: allowed %v, withdrawn %v", c.policy, c.algorithm, c.at, p.Allowed(c.algorithm, c.at), p.Withdrawn(c.algorithm, c.at))
		}
	}
	if zero := (&verify.Policy{}); !zero.Allowed("gost2012-256", end) || zero.Allowed("dsa", end) {
		t.Error("a policy without a table does not have that of the default policy")
	}
}

// Every check that a policy decides can be told from the others, and is what a
// policy file sets.
func TestPolicyChecks(t *testing.T) {
	p := new(verify.Policy)
	for _, id := range verify.PolicyChecks() {
		if a, ok := p.Action(id); !ok || a != verify.Fail {
			t.Errorf("%s: %v, %v in the zero policy", id, a, ok)
		}
	}
	if _, ok := p.Action("signature-value"); ok {
		t.Error("a policy decides about the signature value")
	}
	for _, c := range []struct {
		policy, check string
		want          verify.Action
	}{
		{"order-472", "signer-identifier", verify.Fail},
		{"default", "signer-identifier", verify.Warn},
		{"pp-934", "detached", verify.Fail},
		{"unep", "accreditation", verify.Skip},
		{"default", "accreditation", verify.Inform},
	} {
		p, err := verify.PolicyByName(c.policy)
		if err != nil {
			t.Fatal(err)
		}
		if a, _ := p.Action(c.check); a != c.want {
			t.Errorf("%s: %s is %v, want %v", c.policy, c.check, a, c.want)
		}
	}
}
