package layers

import (
	"fmt"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// check reads every Go file under root and returns what breaks the plan, one
// sentence each, sorted. root is the module's root folder.
func check(root string) ([]string, error) {
	var bad []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if path != root && (name == "testdata" || name == "tools" || strings.HasPrefix(name, ".") || name == "bin") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		found, err := checkFile(root, path)
		bad = append(bad, found...)
		return err
	})
	sort.Strings(bad)
	return bad, err
}

// checkFile returns what breaks the plan in one file.
func checkFile(root, path string) ([]string, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	file, err := parser.ParseFile(token.NewFileSet(), path, src, parser.ImportsOnly|parser.ParseComments)
	if err != nil {
		return nil, err
	}
	rel, err := filepath.Rel(root, path)
	if err != nil {
		return nil, err
	}
	rel = filepath.ToSlash(rel)
	pkg := filepath.ToSlash(filepath.Dir(rel))
	if ignored(src) {
		return nil, nil // a generator: it is no part of any package
	}
	if _, ok := rowFor(pkg); !ok {
		return []string{fmt.Sprintf("%s: package %q has no row in the plan", rel, pkg)}, nil
	}
	isTest := strings.HasSuffix(rel, "_test.go")
	external := isTest && strings.HasSuffix(file.Name.Name, "_test")
	var bad []string
	for _, spec := range file.Imports {
		imp, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		if why := judge(pkg, imp, isTest, external); why != "" {
			bad = append(bad, rel+": "+why)
		}
	}
	return bad, nil
}

// judge says why a package may not import imp, or "".
func judge(pkg, imp string, isTest, external bool) string {
	own, isOwn := strings.CutPrefix(imp, module+"/")
	switch {
	case external, isTest && !isOwn:
		return "" // an external test may import any room, a test any library
	case !isOwn:
		if !foreignImportAllowed(pkg, imp) {
			return fmt.Sprintf("package %s may not import %s", pkg, imp)
		}
	case matches("internal/cryptotest/...", own):
		if !isTest && !matches("internal/cryptotest/...", pkg) {
			return fmt.Sprintf("only tests may import %s", own)
		}
	case own != pkg && !ownImportAllowed(pkg, own):
		return fmt.Sprintf("package %s may not import %s", pkg, own)
	}
	return ""
}

// ignored reports whether a file carries the build constraint "ignore".
func ignored(src []byte) bool {
	for line := range strings.Lines(string(src)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "package ") {
			return false
		}
		if !constraint.IsGoBuild(line) {
			continue
		}
		expr, err := constraint.Parse(line)
		if err != nil {
			return false
		}
		tag, ok := expr.(*constraint.TagExpr)
		return ok && tag.Tag == "ignore"
	}
	return false
}
