package pgstore_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestPortable looks at every statement for what PostgreSQL-compatible
// distributed databases lack or do otherwise.
func TestPortable(t *testing.T) {
	lacking := map[string]*regexp.Regexp{}
	for name, pattern := range map[string]string{
		"advisory locks": `advisory`, "triggers": `\btrigger\b`, "rules": `create\s+rule`, "notifications": `\b(un)?listen\b|\bnotify\b`,
		"sequences":       `\bsequence\b|nextval|currval|\b(small|big)?serial[248]?\s+(primary|not|,)|generated\s+(always|by)`,
		"locks of tables": `lock\s+table|lock\s+\w+\s+in\b`, "locks of rows": `\bfor\s+(no\s+key\s+)?(update|share|key\s+share)\b|skip\s+locked|nowait`,
		"stored procedures": `create\s+(or\s+replace\s+)?(function|procedure)|\bdo\s+\$|plpgsql|\bcall\s`,
		"extensions":        `create\s+extension`, "system columns": `\b(ctid|xmin|xmax|tableoid)\b`, "system catalogues": `\bpg_\w+|information_schema`,
		"exclusion and deferral": `\bexclude\s+using|deferrable|deferred`, "special tables": `\b(unlogged|temp|temporary|inherits|partition\s+(of|by))\b`,
		"special indexes": `using\s+(gin|gist|brin|hash|spgist)`, "large objects": `\blo_\w+`, "cursors": `\bdeclare\b|\bfetch\s+\d`, "copy": `^\s*copy\s`,
		"two-phase commit": `prepare\s+transaction`, "weaker durability": `synchronous_commit|fsync`,
	} {
		lacking[name] = regexp.MustCompile(`(?i)` + pattern)
	}
	statements := 0
	check := func(where, sql string) {
		statements++
		for name, re := range lacking {
			if found := re.FindString(sql); found != "" {
				t.Errorf("%s: %s: %q in\n%s", where, name, found, sql)
			}
		}
	}
	files, err := filepath.Glob("migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	comment := regexp.MustCompile(`--[^\n]*`)
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for sql := range strings.SplitSeq(comment.ReplaceAllString(string(text), ""), ";") {
			check(name, sql)
		}
	}
	isSQL := regexp.MustCompile(`^\s*(SELECT|INSERT|UPDATE|DELETE|WITH|CREATE|DROP|ALTER|BEGIN|SET|ANALYZE|LOCK|LISTEN|NOTIFY|DO|CALL|COPY|TRUNCATE|COMMIT|ROLLBACK)\b`)
	set := token.NewFileSet()
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range sources {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		p, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(p, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			if sql, err := strconv.Unquote(lit.Value); err == nil && isSQL.MatchString(sql) {
				check(set.Position(lit.Pos()).String(), sql)
			}
			return true
		})
	}
	if statements < 60 {
		t.Errorf("only %d statements were found", statements)
	}
	for _, sql := range []string{ // the patterns see what they are for
		"SELECT pg_advisory_xact_lock(1)", "CREATE TRIGGER x", "n bigserial PRIMARY KEY", "SELECT nextval('x')", "LISTEN x", "SELECT 1 FOR UPDATE",
		"LOCK TABLE x", "CREATE OR REPLACE FUNCTION f()", "SELECT ctid FROM x", "id bigint GENERATED ALWAYS AS IDENTITY",
	} {
		found := false
		for _, re := range lacking {
			found = found || re.MatchString(sql)
		}
		if !found {
			t.Errorf("%q passes", sql)
		}
	}
}
