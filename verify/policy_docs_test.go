package verify_test

import (
	"flag"
	"os"
	"testing"

	"github.com/gosklyuch/gosklyuch/verify"
)

var updateDocs = flag.Bool("update-docs", false, "write docs/reasons.md and docs/reasons.ru.md")

// The pages in docs say what the code says.
func TestReferencePages(t *testing.T) {
	for file, lang := range map[string]verify.Lang{"../docs/reasons.md": verify.English, "../docs/reasons.ru.md": verify.Russian} {
		want := verify.Reference(lang)
		if *updateDocs {
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s is out of date; write it with: go test ./verify -run TestReferencePages -update-docs", file)
		}
	}
}

// Every check whose strictness a policy decides has a title.
func TestPolicyChecksHaveTitles(t *testing.T) {
	for _, id := range verify.PolicyChecks() {
		if verify.CheckTitle(id, verify.Russian) == id {
			t.Errorf("%s has no title", id)
		}
	}
}
