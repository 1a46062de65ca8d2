package verify_test

import (
	"os"
	"strings"
	"testing"
)

// TestPortalPage holds the lines of docs/portal.md against ExampleVerifier: the
// page shows code that compiles and runs.
func TestPortalPage(t *testing.T) {
	page, err := os.ReadFile("../docs/portal.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, code, ok := strings.Cut(string(page), "```go\n")
	if code, _, _ = strings.Cut(code, "```"); !ok || strings.Count(code, "\n") < 10 {
		t.Fatal("the page shows no code")
	}
	for line := range strings.Lines(code) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.Contains(string(example), line+"\n") {
			t.Errorf("the example does not have the line %q", line)
		}
	}
}
