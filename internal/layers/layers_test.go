package layers

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestHouse holds the plan against the source of this module.
func TestHouse(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Fatalf("the module's root is not where the test expects it: %v", err)
	}
	bad, err := check(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range bad {
		t.Error(b)
	}
}

// TestItFails shows the plan failing: each tree holds one file that breaks it
// in one way, and check must name the file and the reason.
func TestItFails(t *testing.T) {
	tests := []struct{ name, file, src, want string }{
		{
			"verify must not import sign", "verify/v.go",
			"package verify\nimport _ \"" + module + "/sign\"\n", "package verify may not import sign",
		},
		{
			"verify must not open connections", "verify/v.go",
			"package verify\nimport _ \"net/http\"\n", "package verify may not import net/http",
		},
		{
			"an undeclared package", "helpers/h.go",
			"package helpers\n", `package "helpers" has no row`,
		},
		{
			"gost is the standard library alone", "gost/streebog/s.go",
			"package streebog\nimport _ \"golang.org/x/crypto/cryptobyte\"\n", "package gost/streebog may not import golang.org/x/crypto/cryptobyte",
		},
		{
			"no math/big in the core", "gost/gost3410/g.go",
			"package gost3410\nimport _ \"math/big\"\n", "package gost/gost3410 may not import math/big",
		},
		{
			"bbolt only in its ledger", "pki/ca/c.go",
			"package ca\nimport _ \"go.etcd.io/bbolt\"\n", "package pki/ca may not import go.etcd.io/bbolt",
		},
		{
			"test helpers only in tests", "cms/c.go",
			"package cms\nimport _ \"" + module + "/internal/cryptotest/peer\"\n", "only tests may import internal/cryptotest/peer",
		},
		{
			"an internal test keeps the plan too", "cms/c_test.go",
			"package cms\nimport _ \"" + module + "/verify\"\n", "package cms may not import verify",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			writeFile(t, filepath.Join(root, tt.file), tt.src)
			bad, err := check(root)
			if err != nil {
				t.Fatal(err)
			}
			if len(bad) != 1 || !strings.Contains(bad[0], tt.want) || !strings.HasPrefix(bad[0], tt.file) {
				t.Fatalf("got %q, want one sentence with %q", bad, tt.want)
			}
		})
	}
}

// TestItPasses shows what the plan allows: external tests import any room,
// generators are no part of a package.
func TestItPasses(t *testing.T) {
	root := t.TempDir()
	writeFile(t, filepath.Join(root, "cms/c.go"), "package cms\nimport _ \""+module+"/pki/alg\"\n")
	writeFile(t, filepath.Join(root, "cms/c_test.go"), "package cms_test\nimport _ \""+module+"/verify\"\n")
	writeFile(t, filepath.Join(root, "cms/gen.go"), "//go:build ignore\n\npackage main\nimport _ \""+module+"/verify\"\n")
	bad, err := check(root)
	if err != nil || len(bad) != 0 {
		t.Fatalf("got %q, %v, want nothing", bad, err)
	}
}

func writeFile(t *testing.T, path, src string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
}
