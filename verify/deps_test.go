package verify_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestDependencies: a portal that imports this package gets no network, no C
// and no database with it.
func TestDependencies(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Dir,Module,GoFiles,CgoFiles,IgnoredGoFiles", ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.Bytes())
	}
	type pkg struct {
		ImportPath, Dir                   string
		Module                            *struct{ Main bool }
		GoFiles, CgoFiles, IgnoredGoFiles []string
	}
	all, own := 0, 0
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all++
		if slices.Contains([]string{"net/http", "runtime/cgo"}, p.ImportPath) ||
			strings.Contains(p.ImportPath, "cobra") || strings.Contains(p.ImportPath, "bbolt") || strings.Contains(p.ImportPath, "pgx") {
			t.Errorf("verify depends on %s", p.ImportPath)
		}
		if p.Module == nil || !p.Module.Main {
			continue
		}
		own++
		for _, name := range slices.Concat(p.GoFiles, p.CgoFiles, p.IgnoredGoFiles) {
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range f.Imports {
				if i.Path.Value == `"C"` {
					t.Errorf("%s/%s imports C", p.ImportPath, name)
				}
			}
		}
	}
	if all < 50 || own < 10 {
		t.Fatalf("only %d packages, %d of them our own", all, own)
	}
}
