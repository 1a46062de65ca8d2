package peer

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// NeedFile returns the first of the paths that exists, and otherwise skips the
// test by name (fails it in CI): the file belongs to a Debian package.
func NeedFile(t testing.TB, debianPackage string, paths ...string) string {
	t.Helper()
	for _, p := range paths {
		if _, err := os.Stat(p); err == nil {
			return p
		}
	}
	missing(t, paths[0], debianPackage)
	return ""
}

// NeedEnv returns an environment variable that names something a test needs,
// and otherwise skips the test by name (fails it in CI), saying how to set it.
func NeedEnv(t testing.TB, name, how string) string {
	t.Helper()
	if v := os.Getenv(name); v != "" {
		return v
	}
	msg := fmt.Sprintf("$%s is not set: %s", name, how)
	if os.Getenv("CI") == "true" {
		t.Fatal(msg)
	}
	t.Skip(msg)
	return ""
}

// PKCS11Tool runs `pkcs11-tool ARGS` of OpenSC.
func PKCS11Tool(t testing.TB, r Run) Result {
	t.Helper()
	need(t, "pkcs11-tool", "opensc")
	return run(t, "pkcs11-tool", r)
}

// SoftHSM gives the test a SoftHSM 2 of its own, with one blank token, and
// returns the path of the module. The configuration is read when the module is
// initialised, so that one test at a time can use it.
func SoftHSM(t testing.TB) string {
	t.Helper()
	module := NeedFile(t, "softhsm2", "/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so")
	softHSMConfig(t)
	return module
}

// SoftHSMGOST is SoftHSM for the module that was rebuilt with GOST
// (scripts/build-softhsm-gost.sh).
func SoftHSMGOST(t testing.TB) string {
	t.Helper()
	module := NeedEnv(t, "GOSKLYUCH_SOFTHSM_GOST", "export GOSKLYUCH_SOFTHSM_GOST=$(scripts/build-softhsm-gost.sh)")
	softHSMConfig(t)
	return module
}

func softHSMConfig(t testing.TB) {
	t.Helper()
	dir := t.TempDir()
	conf := filepath.Join(dir, "softhsm2.conf")
	text := fmt.Sprintf("directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n", dir)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOFTHSM2_CONF", conf)
}
