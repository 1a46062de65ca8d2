package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// notRecorded are the commands that leave nothing in the home's journal, and why.
var notRecorded = map[string][]string{
	"it only shows":                      {"cert lint", "cert list", "cert show", "crl show", "hash", "key list", "key show", "policy diff", "policy list", "policy show", "token info", "token list", "token objects", "trust list", "trust export", "cert expiring", "ca list", "ca profile list", "ca profile show", "ca profile check", "ca operator list", "ca request list", "ca request show", "ca request statement"},
	"the authority's journal has it":     {"ca crl", "ca hold", "ca init", "ca issue", "ca operator add", "ca operator remove", "ca publish", "ca release", "ca request issue", "ca revoke", "ca serve"},
	"it only asks a server":              {"ocsp query"},
	"it is about the journal itself":     {"journal erase", "journal export", "journal list", "journal show", "journal verify"},
	"it does nothing, or in a sandbox":   {"decrypt", "encrypt", "demo", "completion"},
	"completion and help, made by cobra": {"help"},
}

// TestEveryCommandIsRecorded: a new command is either put on record, or somebody
// said why not.
func TestEveryCommandIsRecorded(t *testing.T) {
	a := &app{lang: "en", secretFiles: map[secretKind]*string{}}
	var silent []string
	for _, list := range notRecorded {
		silent = append(silent, list...)
	}
	seen := map[string]bool{}
	var walk func(c *cobra.Command, name string)
	walk = func(c *cobra.Command, name string) {
		for _, sub := range c.Commands() {
			walk(sub, strings.TrimSpace(name+" "+sub.Name()))
		}
		if c.HasSubCommands() || name == "" || strings.HasPrefix(name, "ca ceremony") {
			return // a ceremony writes a transcript of its own
		}
		seen[name] = true
		_, always := recorded[name]
		_, withKey := recordedWithKey[name]
		if n := slices.Index(silent, name); always == withKey && n < 0 || (always || withKey) && n >= 0 {
			t.Errorf("%s: is it recorded (%v), recorded with a key (%v), or not (%v)?", name, always, withKey, n >= 0)
		}
	}
	walk(a.rootCommand(), "")
	for _, m := range []map[string]string{recorded, recordedWithKey} {
		for name := range m {
			if !seen[name] {
				t.Errorf("%s: there is no such command", name)
			}
		}
	}
	if len(seen) < 60 {
		t.Errorf("only %d commands were looked at", len(seen))
	}
}
