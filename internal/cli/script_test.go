package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
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
//	cut N FROM TO        the first N bytes of FROM (negative: all but the last -N)
//	flip N FILE          invert one bit of byte N (negative: from the end)
//	fill N HEX TO        the octets HEX, N times
//	pki                  a PKI with keys that need no password (scriptMakePKI)
//	armor FORM FROM TO   pem:LABEL, base64, twice, crlf, bom or utf16
//	freeport VAR         a free address of the loopback interface
//	[!] await FILE       wait until FILE exists (does not exist)
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(e *testscript.Env) error {
			e.Setenv("GOSKLYUCH_HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("LC_ALL", "C.UTF-8")
			e.Setenv("PW", "Secret-Password-1")
			return openSSLConfig(e)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": scriptExits, "json": scriptJSON, "cut": scriptCut, "flip": scriptFlip,
			"pki": scriptMakePKI, "armor": scriptArmor, "fill": scriptFill, "freeport": scriptFreePort, "await": scriptAwait,
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "openssl":
				return hasOpenSSL()
			case "root":
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
	})
}

// hasOpenSSL says whether gost-engine is here; where CI=true it must be.
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
