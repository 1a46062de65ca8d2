package strictyaml_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gosklyuch/gosklyuch/internal/strictyaml"
)

type sample struct {
	Name  string   `yaml:"name"`
	Parts []sample `yaml:"parts"`
}

func TestDecode(t *testing.T) {
	var s sample
	if err := strictyaml.Decode([]byte("name: a\nparts: [{name: b}]\n"), 64, &s); err != nil || s.Name != "a" || len(s.Parts) != 1 {
		t.Fatalf("%+v, %v", s, err)
	}
	for text, want := range map[string]string{
		"name: a\nnmae: b\n":          "line 2: the member nmae is unknown",
		"name: a\nname: b\n":          `line 2: mapping key "name" already defined at line 1`,
		"name: a\n---\nname: b\n":     "more than one document",
		"name: &x a\n":                "line 1: anchors and aliases are not allowed",
		"name: !!str 1\n":             "line 1: tags are not allowed",
		"<<: {name: a}\n":             "line 1: merge keys are not allowed",
		"name:\n":                     "line 1: a member without a value",
		"parts: []\n":                 "line 1: a member without a value",
		"name: \xff\n":                "not UTF-8",
		strings.Repeat("name: a ", 9): "larger than 64 octets",
		"parts: [{parts: [{parts: [{parts: [{parts: [{name: a}]}]}]}]}]\n": "nested too deep",
	} {
		if err := strictyaml.Decode([]byte(text), 64, new(sample)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// FuzzDecode: what is accepted is within the bounds; an error has a text
// without the names of Go's types.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("name: a\nparts: [{name: b}]\n"))
	f.Add([]byte("name: a\nnmae: b\n"))
	f.Add([]byte("name: &x a\nparts: [*x]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var s sample
		err := strictyaml.Decode(text, 1024, &s)
		if err == nil && (len(text) > 1024 || !utf8.Valid(text)) {
			t.Fatalf("%d octets are accepted", len(text))
		}
		if err != nil && (err.Error() == "" || strings.Contains(err.Error(), "strictyaml_test.")) && !strings.Contains(string(text), "strictyaml_test.") {
			t.Fatalf("%q: %v", text, err)
		}
	})
}
