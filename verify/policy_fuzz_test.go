package verify_test

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/gosklyuch/gosklyuch/verify"
)

// FuzzParsePolicy: what is accepted is written as a policy file that says the
// same.
func FuzzParsePolicy(f *testing.F) {
	for _, name := range verify.PolicyNames() {
		file, err := os.ReadFile("policies/" + name + ".json")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := verify.ParsePolicy(data)
		if err != nil {
			return
		}
		written, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		q, err := verify.ParsePolicy(written)
		if err != nil {
			t.Fatalf("written as %s: %v", written, err)
		}
		again, err := json.Marshal(q)
		if err != nil || !bytes.Equal(written, again) {
			t.Fatalf("written as %s and then as %s: %v", written, again, err)
		}
	})
}
