package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/gosklyuch/gosklyuch/fetch"
	"github.com/gosklyuch/gosklyuch/internal/der"
)

// literals returns the string literals of an expression and whether it is made
// of nothing else.
func literals(x ast.Expr) (all []string, only bool) {
	only = true
	ast.Inspect(x, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			if s, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
				all = append(all, s)
			}
		case *ast.BinaryExpr, *ast.ParenExpr, nil:
		default:
			only = false
		}
		return true
	})
	return all, only
}

func cyrillic(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Cyrillic, r) })
}

var formatVerb = regexp.MustCompile(`%[a-z]`)

// TestTextsInBothLanguages reads every text value of the package: the first is
// Russian, the second is not, and both format the same arguments in one order.
func TestTextsInBothLanguages(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			lit, ok := n.(*ast.CompositeLit)
			if !ok || len(lit.Elts) != 2 {
				return true
			}
			if id, ok := lit.Type.(*ast.Ident); !ok || id.Name != "text" {
				return true
			}
			seen++
			checkPair(t, fset.Position(lit.Pos()).String(), lit.Elts[0], lit.Elts[1])
			return true
		})
	}
	if seen < 200 {
		t.Fatalf("only %d texts were found", seen)
	}
}

func checkPair(t *testing.T, at string, first, second ast.Expr) {
	t.Helper()
	ru, onlyRU := literals(first)
	en, onlyEN := literals(second)
	if cyrillic(strings.Join(en, "")) && !strings.Contains(at, "errors_name.go") {
		t.Errorf("%s: Cyrillic in English: %q", at, en)
	}
	if !onlyRU || !onlyEN {
		return // with a value in between; the pieces were looked at
	}
	r, e := strings.Join(ru, ""), strings.Join(en, "")
	if !cyrillic(r) && r != e {
		t.Errorf("%s: no Russian: %q", at, r)
	}
	verbs := func(s string) []string { return formatVerb.FindAllString(strings.ReplaceAll(s, "%q", "%s"), -1) }
	if !slices.Equal(verbs(r), verbs(e)) {
		t.Errorf("%s: %q and %q format different arguments", at, r, e)
	}
}

// TestEveryKindHasAName: no file is called nothing.
func TestEveryKindHasAName(t *testing.T) {
	for k := der.KindUnknown; k <= der.KindZIP; k++ {
		if x := kindTexts[k]; !cyrillic(x.ru) || x.en == "" {
			t.Errorf("%v: %+v", k, x)
		}
	}
	for _, k := range []fetch.Kind{
		fetch.KindOffline, fetch.KindNoURL, fetch.KindScheme, fetch.KindAddress, fetch.KindNetwork,
		fetch.KindTimeout, fetch.KindRedirect, fetch.KindStatus, fetch.KindTooLarge, fetch.KindContent,
	} {
		u := fetchError(&fetch.Error{Kind: k, URL: "http://x"})
		if u == nil || !cyrillic(u.message.ru) || u.hint.en == "" {
			t.Errorf("%s: %+v", k, u)
		}
	}
}

// TestWithoutEnglish: names, numbers and Russian stay, prose of a lower package goes.
func TestWithoutEnglish(t *testing.T) {
	for in, want := range map[string]string{
		"Иванов Иван: no CRL and no OCSP response for this certificate": "Иванов Иван",
		"CN=John Smith,O=Big Bank: не отозван":                          "CN=John Smith,O=Big Bank: не отозван",
		"сертификат отозван 2026-06-02T12:00:00Z, причина: заменён":     "сертификат отозван 2026-06-02T12:00:00Z, причина: заменён",
		"the content is not what was signed":                            "",
		"streebog256":                                                   "streebog256",
		"":                                                              "",
	} {
		if got := withoutEnglish(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// TestWorst is the order of docs/cli.md: 3, 4, 1, 5, 0.
func TestWorst(t *testing.T) {
	order := []int{exitInvalid, exitRevoked, exitFailed, exitIndeterminate, exitOK}
	for i, high := range order {
		for _, low := range order[i:] {
			if got := worst(low, high); got != high {
				t.Errorf("worst(%d, %d) is %d", low, high, got)
			}
		}
	}
	if worst() != exitOK {
		t.Error("the worst of nothing is not 0")
	}
}
