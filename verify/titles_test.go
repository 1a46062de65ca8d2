package verify

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/ocsp"
)

// emittedIDs reads from the sources which check IDs a report can hold: those
// of the calls that add a check here, and those that packages cms, tsp, ocsp
// and path give their checks and reasons.
func emittedIDs(t *testing.T) map[string]bool {
	t.Helper()
	ids := map[string]bool{}
	for _, f := range parsePackage(t, ".") {
		collectCalls(t, f, ids)
	}
	constants(t, "../cms", "Check", "", ids)
	constants(t, "../tsp", "Check", "", ids)
	constants(t, "../pki/path", "Reason", "certificate-", ids)
	for _, f := range parsePackage(t, "../ocsp") {
		ast.Inspect(f, func(n ast.Node) bool {
			if id, ok := literal(firstArg(n, "pass", "fail")); ok {
				ids["ocsp-"+id] = true
			}
			return true
		})
	}
	for k := ocsp.KindMalformed; !strings.HasPrefix(k.String(), "ErrorKind("); k++ {
		ids["ocsp-"+k.String()] = true
	}
	return ids
}

func parsePackage(t *testing.T, dir string) (files []*ast.File) {
	t.Helper()
	names, err := fs.Glob(os.DirFS(dir), "*.go")
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %v, %d files", dir, err, len(names))
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), dir+"/"+name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

// collectCalls takes the ID out of every call of a method that adds a check. An
// expression it cannot read fails the test unless its values come from the
// packages below.
func collectCalls(t *testing.T, f *ast.File, ids map[string]bool) {
	position := map[string]int{"pass": 1, "warn": 1, "skip": 1, "fail": 1, "require": 2}
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			named(n, ids)
			return true
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		i, ok := position[sel.Sel.Name]
		if !ok || len(call.Args) < i+3 {
			return true
		}
		switch arg := call.Args[i].(type) {
		case *ast.BasicLit:
			id, _ := literal(arg)
			ids[id] = true
		case *ast.Ident: // a constant or variable called id: named reads it
			if arg.Name != "id" {
				t.Errorf("%s: the check's ID is in %s", sel.Sel.Name, arg.Name)
			}
		case *ast.SelectorExpr: // the ID that another package gave
			if arg.Sel.Name != "ID" {
				t.Errorf("%s: the check's ID is in %s", sel.Sel.Name, arg.Sel.Name)
			}
		case *ast.BinaryExpr: // a prefix and the reason or kind of another package
			if p, _ := literal(arg.X); p != "certificate-" && p != "ocsp-" {
				t.Errorf("%s: an ID that begins with %q", sel.Sel.Name, p)
			}
		default:
			t.Errorf("%s: an ID of another form: %T", sel.Sel.Name, arg)
		}
		return true
	})
}

// named reads constants and variables called id, and the IDs of checks that are
// written out.
func named(n ast.Node, ids map[string]bool) {
	add := func(names []ast.Expr, values []ast.Expr) {
		for i, x := range names {
			if id, ok := x.(*ast.Ident); ok && id.Name == "id" && i < len(values) {
				if s, ok := literal(values[i]); ok {
					ids[s] = true
				}
			}
		}
	}
	switch n := n.(type) {
	case *ast.ValueSpec:
		names := make([]ast.Expr, 0, len(n.Names))
		for _, x := range n.Names {
			names = append(names, x)
		}
		add(names, n.Values)
	case *ast.AssignStmt:
		add(n.Lhs, n.Rhs)
	case *ast.CompositeLit: // Check{ID: "…"}
		if t, ok := n.Type.(*ast.Ident); !ok || t.Name != "Check" {
			return
		}
		for _, e := range n.Elts {
			if kv, ok := e.(*ast.KeyValueExpr); ok {
				if s, ok := literal(kv.Value); ok && kv.Key.(*ast.Ident).Name == "ID" {
					ids[s] = true
				}
			}
		}
	}
}

// constants reads the string constants of a package by the beginning of their
// names.
func constants(t *testing.T, dir, prefix, idPrefix string, ids map[string]bool) {
	t.Helper()
	found := 0
	for _, f := range parsePackage(t, dir) {
		ast.Inspect(f, func(n ast.Node) bool {
			v, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			for i, name := range v.Names {
				if strings.HasPrefix(name.Name, prefix) && i < len(v.Values) {
					if s, ok := literal(v.Values[i]); ok {
						ids[idPrefix+s] = true
						found++
					}
				}
			}
			return true
		})
	}
	if found < 5 {
		t.Fatalf("only %d constants %s… in %s", found, prefix, dir)
	}
}

func firstArg(n ast.Node, names ...string) ast.Expr {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return nil
	}
	if sel, ok := call.Fun.(*ast.SelectorExpr); !ok || !slices.Contains(names, sel.Sel.Name) {
		return nil
	}
	return call.Args[0]
}

func literal(x ast.Expr) (string, bool) {
	b, ok := x.(*ast.BasicLit)
	if !ok || b.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(b.Value)
	return s, err == nil
}

func TestEveryCheckHasATitle(t *testing.T) {
	ids := emittedIDs(t)
	if len(ids) < 60 {
		t.Fatalf("only %d check IDs were found", len(ids))
	}
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		if _, ok := titles[id]; !ok {
			t.Errorf("the check %s has no title", id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(titles)) {
		if !ids[id] {
			t.Errorf("the title of %s belongs to no check", id)
		}
	}
}

func TestCheckTitles(t *testing.T) {
	russian := func(s string) bool {
		return strings.ContainsFunc(s, func(r rune) bool { return r >= 'А' && r <= 'я' })
	}
	for id := range titles {
		if s := CheckTitle(id, Russian); !russian(s) {
			t.Errorf("%s in Russian: %q", id, s)
		}
		if s := CheckTitle(id, English); s == "" || russian(s) {
			t.Errorf("%s in English: %q", id, s)
		}
	}
	if got := CheckTitle("no-such-check", Russian); got != "no-such-check" {
		t.Errorf("an unknown check: %q", got)
	}
}
