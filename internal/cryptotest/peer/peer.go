// Package peer runs the independent implementations that the tests compare
// against: OpenSSL with gost-engine, GnuTLS certtool and ocsptool, and Bouncy
// Castle through the project's own Java helper. It is imported by tests only.
//
// Where CI=true a missing peer fails the test; elsewhere the test is skipped
// with the name of the Debian package that brings the peer.
package peer

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// engineConfig loads gost-engine from the directory where Debian's
// libengine-gost-openssl installs it. The engine is named without a path, so
// OpenSSL looks in its own ENGINESDIR, which differs between architectures.
const engineConfig = `openssl_conf = openssl_def
[openssl_def]
engines = engine_section
[engine_section]
gost = gost_section
[gost_section]
engine_id = gost
default_algorithms = ALL
[req]
distinguished_name = dn
[dn]
`

// ConfigFile writes an OpenSSL configuration that loads gost-engine into a
// temporary directory of the test and returns its path, for tests that start
// OpenSSL or a libcrypto program themselves through OPENSSL_CONF.
func ConfigFile(t testing.TB) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), "gost.cnf")
	if err := os.WriteFile(p, []byte(engineConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

var gostEngine = sync.OnceValue(func() error {
	out, err := exec.Command("openssl", "engine", "gost").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
})

// NeedOpenSSL skips the test where openssl or gost-engine is missing, and
// fails it where CI=true.
func NeedOpenSSL(t testing.TB) {
	t.Helper()
	need(t, "openssl", "openssl")
	if err := gostEngine(); err != nil {
		missing(t, "gost-engine", "libengine-gost-openssl")
	}
}

// NeedCerttool does the same for GnuTLS certtool.
func NeedCerttool(t testing.TB) {
	t.Helper()
	need(t, "certtool", "gnutls-bin")
}

func need(t testing.TB, program, debianPackage string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		missing(t, program, debianPackage)
	}
}

func missing(t testing.TB, program, debianPackage string) {
	t.Helper()
	msg := fmt.Sprintf("%s is not installed (Debian package %s)", program, debianPackage)
	if os.Getenv("CI") == "true" {
		t.Fatal(msg)
	}
	t.Skip(msg)
}

// Run is one call of a peer: its arguments, standard input, extra environment
// and working directory.
type Run struct {
	Args  []string
	Stdin []byte
	Env   []string
	Dir   string
}

// Result is what a peer answered.
type Result struct {
	Stdout, Stderr []byte
	Err            error // nil if and only if the exit code was 0
}

// All returns standard output and standard error as one text for messages.
func (r Result) All() string { return string(r.Stdout) + string(r.Stderr) }

// OpenSSL runs `openssl ARGS` with gost-engine and returns what it answered.
func OpenSSL(t testing.TB, r Run) Result {
	t.Helper()
	NeedOpenSSL(t)
	r.Env = append([]string{"OPENSSL_CONF=" + ConfigFile(t)}, r.Env...)
	return run(t, "openssl", r)
}

// MustOpenSSL runs `openssl ARGS`, fails the test if it does not succeed, and
// returns its standard output.
func MustOpenSSL(t testing.TB, args ...string) []byte {
	t.Helper()
	res := OpenSSL(t, Run{Args: args})
	if res.Err != nil {
		t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), res.Err, res.All())
	}
	return res.Stdout
}

// Certtool runs `certtool ARGS`.
func Certtool(t testing.TB, r Run) Result {
	t.Helper()
	NeedCerttool(t)
	return run(t, "certtool", r)
}

// Ocsptool runs `ocsptool ARGS`.
func Ocsptool(t testing.TB, r Run) Result {
	t.Helper()
	need(t, "ocsptool", "gnutls-bin")
	return run(t, "ocsptool", r)
}

func run(t testing.TB, program string, r Run) Result {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, r.Args...)
	cmd.Env = append(append(os.Environ(), "LC_ALL=C.UTF-8"), r.Env...)
	cmd.Dir = r.Dir
	cmd.Stdin = bytes.NewReader(r.Stdin)
	var out, errb bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errb
	err := cmd.Run()
	return Result{Stdout: out.Bytes(), Stderr: errb.Bytes(), Err: err}
}
