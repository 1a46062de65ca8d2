package cli

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gosklyuch/gosklyuch/token/pkcs11"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"gosklyuch": func() { os.Exit(Main(os.Args[1:])) },
	})
}

// TestScripts runs the program itself by the scripts of testdata/script. Each
// block names its reason. Commands of their own:
//
//	exits N COMMAND…     the command must end with exit code N
//	json PATH VALUE      the last standard output is one JSON document with VALUE at PATH (a.0.b)
//	jsonenv VAR MEMBER   a variable from a member of the last standard output
//	cut N FROM TO        the first N bytes of FROM (negative: all but the last -N)
//	flip N FILE          invert one bit of byte N (negative: from the end)
//	fill N HEX TO        the octets HEX, N times
//	pki                  a PKI with keys that need no password (scriptMakePKI)
//	tsa                  a time-stamping authority below the ca of pki, at $TSA
//	armor FORM FROM TO   pem:LABEL, base64, twice, crlf, bom or utf16
//	freeport VAR         a free address of the loopback interface
//	http METHOD URL …    one HTTP request, with files as a form (scriptHTTP)
//	[!] await FILE       wait until FILE exists (does not exist)
//	unpack FILE DIR      the files of a CryptoPro container from lines of name and Base64
//	postgres NAME …      databases at $PG_NAME, their password in $PGPASSFILE
//	tsl OUT …            a signed list of accredited authorities (scriptTrustList)
//
// [softhsm] is stock SoftHSM, whose tokens live in the script's folder;
// [softhsm-gost] is the one that was rebuilt with GOST, $SOFTHSM_GOST; [module]
// is our own module, $MODULE.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(e *testscript.Env) error {
			e.Setenv("GOSKLYUCH_HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("LC_ALL", "C.UTF-8")
			e.Setenv("PW", "Secret-Password-1")
			e.Values[databaseOfScript] = new(scriptDatabase)
			if err := softHSMConfig(e); err != nil {
				return err
			}
			return openSSLConfig(e)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": scriptExits, "json": scriptJSON, "jsonenv": scriptJSONEnv, "cut": scriptCut, "flip": scriptFlip,
			"pki": scriptMakePKI, "armor": scriptArmor, "fill": scriptFill, "freeport": scriptFreePort, "await": scriptAwait,
			"unpack": scriptUnpack, "tsa": scriptTSA, "tsl": scriptTrustList, "http": scriptHTTP, "postgres": scriptPostgres, "pgserver": scriptPgserver,
			"eventually": scriptEventually, "eventually-http": scriptEventuallyHTTP,
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "openssl":
				return hasOpenSSL()
			case "softhsm":
				return hasTokens(softHSM(), "install the Debian package softhsm2")
			case "softhsm-gost":
				return hasTokens(os.Getenv("GOSKLYUCH_SOFTHSM_GOST"), "export GOSKLYUCH_SOFTHSM_GOST=$(scripts/build-softhsm-gost.sh)")
			case "module":
				return hasTokens(ownModule(), "make module")
			case "curl", "jq":
				return hasProgram(cond)
			case "postgres":
				return hasPostgres()
			case "root":
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
	})
}

// hasOpenSSL says whether gost-engine is here; where CI=true it must be.
// hasProgram says whether a Debian package of that name is there; CI must have it.
func hasProgram(name string) (bool, error) {
	_, err := exec.LookPath(name)
	if err != nil && os.Getenv("CI") == "true" {
		return false, fmt.Errorf("the Debian package %s is missing: %w", name, err)
	}
	return err == nil, nil
}

func hasOpenSSL() (bool, error) {
	err := exec.Command("openssl", "engine", "gost").Run()
	if err != nil && os.Getenv("CI") == "true" {
		return false, fmt.Errorf("openssl with gost-engine is missing (Debian packages openssl, libengine-gost-openssl): %w", err)
	}
	return err == nil, nil
}

func openSSLConfig(e *testscript.Env) error {
	path := filepath.Join(e.WorkDir, "openssl.cnf")
	e.Setenv("OPENSSL_CONF", path)
	return os.WriteFile(path, []byte("openssl_conf = d\n[d]\nengines = e\n[e]\ngost = g\n[g]\nengine_id = gost\ndefault_algorithms = ALL\n[req]\ndistinguished_name = dn\n[dn]\n"), 0o600)
}

// softHSM is where Debian and others put the module.
func softHSM() string {
	for _, path := range []string{"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so"} {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return ""
}

// withoutCgo says whether this build loads no module: the test's own file, which
// is none, is then refused for that reason.
func withoutCgo() bool {
	self, err := os.Executable()
	if err != nil {
		return true
	}
	_, errs := pkcs11.List(context.Background(), self)
	return errors.Is(errors.Join(errs...), pkcs11.ErrNoCgo)
}

// hasTokens says whether a module can be tested; where CI=true it must be.
func hasTokens(module, how string) (bool, error) {
	_, err := os.Stat(module)
	has := module != "" && err == nil && !withoutCgo()
	if !has && os.Getenv("CI") == "true" {
		return false, fmt.Errorf("no PKCS #11 module to test with: %s, and build the tests with cgo", how)
	}
	return has, nil
}

// ownModule is where `make module` puts the PKCS #11 module.
func ownModule() string {
	path, err := filepath.Abs(filepath.Join("..", "..", "bin", "gosklyuch-pkcs11.so"))
	if err != nil {
		return ""
	}
	return path
}

func softHSMConfig(e *testscript.Env) error {
	e.Setenv("GOSKLYUCH_PKCS11_MODULE", softHSM())
	e.Setenv("MODULE", ownModule())
	e.Setenv("SOFTHSM_GOST", os.Getenv("GOSKLYUCH_SOFTHSM_GOST"))
	e.Setenv("SOFTHSM2_CONF", filepath.Join(e.WorkDir, "softhsm2.conf"))
	dir := filepath.Join(e.WorkDir, "softhsm")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	text := "directories.tokendir = " + dir + "\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n"
	return os.WriteFile(filepath.Join(e.WorkDir, "softhsm2.conf"), []byte(text), 0o600)
}

func scriptUnpack(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: unpack FILE DIR")
	}
	dir := ts.MkAbs(args[1])
	ts.Check(os.MkdirAll(dir, 0o700))
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		name, text, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok {
			continue
		}
		b, err := base64.StdEncoding.DecodeString(text)
		ts.Check(err)
		ts.Check(os.WriteFile(filepath.Join(dir, filepath.Base(name)), b, 0o600))
	}
}

func scriptExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits N COMMAND…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := err.(*exec.ExitError); ok { //nolint:errorlint // testscript returns it unwrapped
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func scriptJSON(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: json PATH VALUE")
	}
	var doc any
	if err := json.Unmarshal([]byte(ts.ReadFile("stdout")), &doc); err != nil {
		ts.Fatalf("standard output is no single JSON document: %v", err)
	}
	for key := range strings.SplitSeq(args[0], ".") {
		switch d := doc.(type) {
		case map[string]any:
			v, ok := d[key]
			if !ok {
				ts.Fatalf("no %q in %v", key, d)
			}
			doc = v
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i >= len(d) {
				ts.Fatalf("no element %s of %d", key, len(d))
			}
			doc = d[i]
		default:
			ts.Fatalf("nothing below %q", key)
		}
	}
	if got := fmt.Sprint(doc); got != args[1] {
		ts.Fatalf("%s is %q, want %q", args[0], got, args[1])
	}
}

func scriptCut(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: cut N FROM TO")
	}
	b := []byte(ts.ReadFile(args[1]))
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	if n < 0 {
		n += len(b)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), b[:n], 0o600))
}

func scriptFlip(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: flip N FILE")
	}
	b := []byte(ts.ReadFile(args[1]))
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	if n < 0 {
		n += len(b)
	}
	b[n] ^= 1
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), b, 0o600))
}
