//go:build cgo && unix

package main_test

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// workDir holds what all tests share: the library and the programs in C.
var workDir string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if workDir, err = os.MkdirTemp("", "gosklyuch-pkcs11-"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(workDir)
		return m.Run()
	}())
}

// library builds the module once, as its users do.
var library = sync.OnceValues(func() (string, error) {
	path := filepath.Join(workDir, "libgosklyuch-pkcs11.so")
	out, err := exec.Command("go", "build", "-buildmode=c-shared", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

func needLibrary(t testing.TB) string {
	t.Helper()
	path, err := library()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// compile builds a small C program of testdata.
func compile(t testing.TB, source string) string {
	t.Helper()
	path := filepath.Join(workDir, strings.TrimSuffix(filepath.Base(source), ".c"))
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "cc"
	}
	out, err := exec.CommandContext(t.Context(), cc, "-Wall", "-Werror", "-I", ".", "-o", path, source, "-ldl", "-lpthread").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

// runC runs a C program with a folder of keys of its own.
func runC(t testing.TB, program string, env []string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = append(append(os.Environ(), "GOSKLYUCH_PKCS11_KEYS="+filepath.Join(t.TempDir(), "keys")), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", filepath.Base(program), err, out)
	}
	return string(out)
}

// The library exports C_GetFunctionList, no other function of PKCS #11 and
// nothing of its Go half.
func TestExports(t *testing.T) {
	path := needLibrary(t)
	if runtime.GOOS == "darwin" {
		t.Log("no ELF here: the visibility in edge.c is all there is")
		return
	}
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	symbols, err := f.DynamicSymbols()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, s := range symbols {
		if s.Section != elf.SHN_UNDEF && (strings.HasPrefix(s.Name, "C_") || strings.HasPrefix(s.Name, "go_")) {
			found = append(found, s.Name)
		}
	}
	if len(found) != 1 || found[0] != "C_GetFunctionList" {
		t.Errorf("exported: %v", found)
	}
}

// A child that was forked without exec gets CKR_GENERAL_ERROR from every
// function, at once; its parent goes on working; a child that executes another
// program can use the module.
func TestFork(t *testing.T) {
	out := runC(t, compile(t, "testdata/fork.c"), nil, needLibrary(t))
	if !strings.Contains(out, "functions refused in the child: 67\n") || !strings.Contains(out, "parent goes on: ok\n") {
		t.Errorf("%s", out)
	}
}

// What a caller in C can do wrong beyond what Go's types allow.
func TestPointers(t *testing.T) {
	out := runC(t, compile(t, "testdata/pointers.c"), nil, needLibrary(t))
	if !strings.HasSuffix(out, "all as expected\n") {
		t.Errorf("%s", out)
	}
}

// A panic in the module's Go code becomes CKR_GENERAL_ERROR, and the next call
// works.
func TestPanicStaysInside(t *testing.T) {
	out := runC(t, compile(t, "testdata/panic.c"), []string{"GOSKLYUCH_PKCS11_FAULT=panic@C_GetTokenInfo#1"}, needLibrary(t))
	if out != "first 0x5, second 0x0\n" {
		t.Errorf("%s", out)
	}
}
