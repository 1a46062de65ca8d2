package cli

import (
	"encoding/json"
	"fmt"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptJSONEnv puts the text of a top-level member of the last standard output
// into a variable of the script.
func scriptJSONEnv(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: jsonenv VARIABLE MEMBER")
	}
	var doc map[string]any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &doc))
	v, ok := doc[args[1]]
	if !ok {
		ts.Fatalf("no %q in %v", args[1], doc)
	}
	ts.Setenv(args[0], fmt.Sprint(v))
}
