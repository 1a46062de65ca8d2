//go:build linux

package cli

import (
	"bytes"
	"errors"
	"io/fs"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"
)

const killedPlan = `name: killed
language: en
date: 2026-06-01T10:00:00Z
participants: [{name: Anna, role: administrator}]
steps:
  - key: {name: root, algorithm: gost2012-256}
  - root: {name: root, key: root, subject: "CN=Root", days: 3653}
  - key: {name: issuing, algorithm: gost2012-256}
  - subordinate: {name: issuing, authority: root, key: issuing, subject: "CN=Issuing", days: 1826}
  - lists: {authority: root, count: 6, days: 90}
  - lists: {authority: issuing, count: 6, days: 30}
  - backup: {keys: [root, issuing], to: backup}
  - export: {to: public}
`

// TestCeremonyKilled kills ceremonies with SIGKILL at random moments. Nothing is
// published before the end; the same command goes on, and the transcript is, to
// the octet, that of a run which nobody killed.
func TestCeremonyKilled(t *testing.T) {
	base := t.TempDir()
	plan := filepath.Join(base, "plan.yaml")
	if err := os.WriteFile(plan, []byte(killedPlan), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(dir string, kill time.Duration) error {
		_, err := program(t, kill, "ca", "ceremony", plan, "--out", dir, "--keys", filepath.Join(base, "keys"), "--yes")
		return err
	}
	transcript := func(dir string) []byte {
		t.Helper()
		var out []byte
		for _, name := range []string{"transcript.txt", "transcript.txt.sig", "public/SHA256SUMS"} {
			b, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, b...)
		}
		return out
	}
	first := filepath.Join(base, "first")
	if err := run(first, 0); err != nil { // makes the keys
		t.Fatal(err)
	}
	begin := time.Now()
	second := filepath.Join(base, "second")
	if err := run(second, 0); err != nil {
		t.Fatal(err)
	}
	once := time.Since(begin)
	want := transcript(first)
	if !bytes.Equal(want, transcript(second)) {
		t.Fatal("two runs with the same keys differ")
	}
	killed := 0
	for round := range 3 {
		dir := filepath.Join(base, "killed", string(rune('a'+round)))
		if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if run(dir, 1+time.Duration(mathrand.Int64N(int64(once)))) == nil {
				break
			}
			killed++
			_, err := os.Stat(filepath.Join(dir, "transcript.txt"))
			if err == nil {
				break // killed behind the end
			}
			if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("round %d: a part was published: %v", round, err)
			}
		}
		if err := run(dir, 0); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if !bytes.Equal(want, transcript(dir)) {
			t.Fatalf("round %d: the transcript differs", round)
		}
	}
	if killed == 0 {
		t.Error("no run was killed")
	}
	t.Logf("%d runs killed, each within %s", killed, once)
}
