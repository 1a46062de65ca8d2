// Package strictyaml reads YAML that people write and that a misspelt word must
// not silently change: profiles of certificates and plans of ceremonies.
package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxDepth is how deep the nodes of a document may be nested: the deepest form
// that is read, a plan, has six levels.
const maxDepth = 8

// Decode reads one document in UTF-8 of at most most octets into a value that
// into points at. An unknown or repeated member, a member without a value, an
// anchor, an alias, a tag, a merge key and a second document are errors. The
// error names the line and the member, and no type of Go.
func Decode(text []byte, most int, into any) error {
	if len(text) > most {
		return fmt.Errorf("larger than %d octets", most)
	}
	if !utf8.Valid(text) {
		return errors.New("not UTF-8")
	}
	var tree yaml.Node
	if err := yaml.Unmarshal(text, &tree); err != nil {
		return err
	}
	if err := checkTree(&tree, 0); err != nil {
		return err
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(into); err != nil {
		return withoutTypes(err)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return errors.New("more than one document")
	}
	return nil
}

// checkTree refuses what makes YAML more than a table: aliases, which multiply,
// tags, which change what a value is, depth, and members without a value.
func checkTree(n *yaml.Node, depth int) error {
	switch {
	case depth > maxDepth:
		return errors.New("nested too deep")
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		return fmt.Errorf("line %d: anchors and aliases are not allowed", n.Line)
	case n.Style&yaml.TaggedStyle != 0:
		return fmt.Errorf("line %d: tags are not allowed", n.Line)
	case n.Kind == yaml.MappingNode && slices.ContainsFunc(n.Content, func(c *yaml.Node) bool { return c.Tag == "!!merge" }):
		return fmt.Errorf("line %d: merge keys are not allowed", n.Line)
	case n.Tag == "!!null", n.Kind == yaml.SequenceNode && len(n.Content) == 0:
		return fmt.Errorf("line %d: a member without a value", n.Line)
	}
	for _, c := range n.Content {
		if err := checkTree(c, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// withoutTypes takes the names of Go's types out of what the YAML decoder says:
// for the author of the file the line and the member are enough.
func withoutTypes(err error) error {
	var wrong *yaml.TypeError
	if !errors.As(err, &wrong) {
		return err
	}
	var lines []string
	for _, line := range wrong.Errors {
		line, _, _ = strings.Cut(line, " in type ")
		line, _, _ = strings.Cut(line, " into ")
		line = strings.Replace(line, "field ", "the member ", 1)
		lines = append(lines, strings.Replace(line, " not found", " is unknown", 1))
	}
	return errors.New(strings.Join(lines, "; "))
}
