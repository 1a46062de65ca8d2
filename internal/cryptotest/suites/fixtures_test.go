package suites

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// root returns the folder of the suites, or skips the test.
func root(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("GOSKLYUCH_SUITES")
	if dir == "" {
		t.Skip("skipped: $GOSKLYUCH_SUITES is not set")
	}
	return dir
}

// An entry is one case of fixtures/manifest.json.
type entry struct {
	ID, File, Op, Expected, Reason string
	Content                        *string
	Args                           arguments
}

// arguments are what an entry's case needs.
type arguments struct {
	Trust, Int, CRL                     []string
	Time, Password, Match, Cert, Issuer string
	Req, RCert                          string
	NoChain                             bool
	HasPassword                         bool `json:"-"`
}

func readManifest(t *testing.T, dir string) (entries []entry, at string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "fixtures", "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var m struct {
		Time    string
		Entries []struct {
			entry
			Args json.RawMessage
		}
	}
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	for _, raw := range m.Entries {
		e := raw.entry
		if err := json.Unmarshal(raw.Args, &e.Args); err != nil {
			t.Fatalf("%s: %v", e.ID, err)
		}
		e.Args.HasPassword = bytes.Contains(raw.Args, []byte(`"password"`))
		entries = append(entries, e)
	}
	return entries, m.Time
}

// An answer is what the program said about one case.
type answer struct {
	code   int
	status string
	stdout string
	stderr string
}

func run(t *testing.T, dir, password string, args []string) answer {
	t.Helper()
	program, err := filepath.Abs("../../../bin/gosklyuch")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = dir
	cmd.Env = []string{"HOME=" + t.TempDir(), "LANG=C.UTF-8", "GOSKLYUCH_PASSWORD=" + password}
	var out, errb bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errb
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%v (build the program first: make build)", err)
	}
	var doc struct{ Status string }
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
		t.Errorf("%v: no JSON document on standard output: %v\n%s%s", args, err, &out, &errb)
	}
	return answer{cmd.ProcessState.ExitCode(), doc.Status, out.String(), errb.String()}
}

// exitStatus is the status that goes with an exit code (docs/cli.md).
var exitStatus = map[int]string{0: "valid", 3: "invalid", 4: "revoked", 5: "indeterminate"}

// TestFixtures gives every fixture of the operations that this version has to
// the program and compares exit code and status.
func TestFixtures(t *testing.T) {
	dir := filepath.Join(root(t), "fixtures")
	entries, at := readManifest(t, root(t))
	ran := map[string]int{}
	for _, e := range entries {
		build, ok := commands[e.Op]
		if !ok {
			continue
		}
		ran[e.Op]++
		t.Run(e.ID, func(t *testing.T) {
			if e.Args.Time == "" {
				e.Args.Time = at
			}
			args := append(build(e), "--json", "--no-input", "--lang", "en")
			got := run(t, dir, e.Args.Password, args)
			want := expectedExit(e)
			if !slices.Contains(want, got.code) {
				t.Errorf("%v\nexit %d, want %v (%s: %s)\n%s%s", args, got.code, want, e.Expected, e.Reason, got.stdout, got.stderr)
			}
			if s := exitStatus[got.code]; s != got.status && got.code != 1 && got.code != 6 {
				t.Errorf("%v: exit %d with status %q", args, got.code, got.status)
			}
			mustNotPassWithoutEvidence(t, dir, e, args)
		})
	}
	for op := range commands {
		if ran[op] == 0 {
			t.Errorf("no entry with the operation %s was looked at", op)
		}
	}
	t.Logf("looked at: %v", ran)
}

// mustNotPassWithoutEvidence runs a case without "--revocation none": exit 5 or
// worse, never 0.
func mustNotPassWithoutEvidence(t *testing.T, dir string, e entry, args []string) {
	t.Helper()
	i := slices.Index(args, "--revocation")
	if i < 0 {
		return
	}
	got := run(t, dir, e.Args.Password, slices.Delete(slices.Clone(args), i, i+2))
	if !slices.Contains([]int{1, 3, 4, 5}, got.code) {
		t.Errorf("%v without evidence of revocation: exit %d", args, got.code)
	}
}
