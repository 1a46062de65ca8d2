package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestOperatorGuide runs the commands of docs/operator.md as they stand there,
// in one shell and from an empty folder; the guide in Russian has the same.
func TestOperatorGuide(t *testing.T) {
	ok, err := hasOpenSSL()
	if err != nil {
		t.Fatal(err)
	}
	if !ok {
		t.Skip("install the Debian packages openssl and libengine-gost-openssl")
	}
	commands := shellBlocks(t, "operator.md")
	if russian := shellBlocks(t, "operator.ru.md"); russian != commands {
		t.Fatal("docs/operator.ru.md has other commands than docs/operator.md")
	}
	ten, _, _ := strings.Cut(commands, "\n\n")
	if n := len(strings.Split(ten, "\n")); n != 10 {
		t.Errorf("the first block has %d commands", n)
	}
	dir := t.TempDir()
	script := filepath.Join(dir, "guide.txtar")
	text := strings.Join([]string{
		"freeport ADDR",
		"exec bash -eu -o pipefail guide.sh",
		"stdout 'What the responder said: good'",
		"stdout 'The certificate is valid'",
		"stdout 'keyCompromise'",
		"exists ivanov.cer issuing.backup restored/ledger.db",
		"",
	}, "\n")
	if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Files: []string{script},
		Cmds:  map[string]func(*testscript.TestScript, bool, []string){"freeport": scriptFreePort},
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("GOSKLYUCH_HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("LC_ALL", "C.UTF-8")
			e.Setenv("GOSKLYUCH_LANG", "en")
			return os.WriteFile(filepath.Join(e.WorkDir, "guide.sh"), []byte(guideScript(commands)), 0o600)
		},
	})
}

var shellBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

// shellBlocks returns the blocks marked sh of a page of docs/, an empty line
// between two.
func shellBlocks(t *testing.T, page string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", page))
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, m := range shellBlock.FindAllStringSubmatch(string(b), -1) {
		blocks = append(blocks, strings.TrimSpace(m[1]))
	}
	return strings.Join(blocks, "\n\n")
}

// guideScript is what a person does with the commands: each is printed and run,
// what goes to the background is waited for until it answers, and ended.
func guideScript(commands string) string {
	var b strings.Builder
	b.WriteString("trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\nset -v\n")
	for _, line := range strings.Split(commands, "\n") {
		line = strings.ReplaceAll(line, "127.0.0.1:8080", "$ADDR")
		b.WriteString(line + "\n")
		if strings.HasSuffix(line, "&") {
			b.WriteString("for i in $(seq 600); do (: </dev/tcp/${ADDR/://}) 2>/dev/null && break; sleep 0.1; done\n")
		}
	}
	return b.String()
}
