package xmldsig

import "strings"

// An Element is one element of a parsed document. It cannot be changed.
type Element struct {
	prefix, local string
	space         string // namespace URI, "" for none
	attrs         []attribute
	decls         []declaration // namespace declarations
	children      []node
	parent        *Element
}

// An attribute that is not a namespace declaration.
type attribute struct{ prefix, local, space, value string }

// A declaration binds a prefix, "" for the default namespace.
type declaration struct{ prefix, uri string }

type nodeKind uint8

const (
	kindElement nodeKind = iota
	kindText
	kindComment
	kindInstruction
)

// A node is a child of an element or of the document.
type node struct {
	kind   nodeKind
	el     *Element
	target string // of a processing instruction
	text   string
}

// Space returns the namespace URI, "" for none.
func (e *Element) Space() string { return e.space }

// Local returns the name without its prefix.
func (e *Element) Local() string { return e.local }

// Is reports whether the element has the expanded name.
func (e *Element) Is(space, local string) bool { return e.space == space && e.local == local }

// Attr returns the value of the attribute with the expanded name; attributes
// without a prefix have the namespace "".
func (e *Element) Attr(space, local string) (string, bool) {
	for _, a := range e.attrs {
		if a.space == space && a.local == local {
			return a.value, true
		}
	}
	return "", false
}

// Elements returns the child elements in document order.
func (e *Element) Elements() []*Element {
	var out []*Element
	for _, c := range e.children {
		if c.kind == kindElement {
			out = append(out, c.el)
		}
	}
	return out
}

// Text returns the character data directly inside the element, all of it:
// comments and child elements that stand between do not cut it off.
func (e *Element) Text() string {
	if len(e.children) == 1 && e.children[0].kind == kindText {
		return e.children[0].text
	}
	var b strings.Builder
	for _, c := range e.children {
		if c.kind == kindText {
			b.WriteString(c.text)
		}
	}
	return b.String()
}

// Path returns the names from the document's root to the element, "/a/b".
func (e *Element) Path() string {
	if e == nil {
		return ""
	}
	return e.parent.Path() + "/" + e.local
}

// name is the qualified name as written.
func (e *Element) name() string { return qualified(e.prefix, e.local) }

func qualified(prefix, local string) string {
	if prefix == "" {
		return local
	}
	return prefix + ":" + local
}

// contains reports whether o is e or inside e.
func (e *Element) contains(o *Element) bool {
	for ; o != nil; o = o.parent {
		if o == e {
			return true
		}
	}
	return false
}

// walk calls f for e and every element inside it, in document order, until f
// returns false.
func (e *Element) walk(f func(*Element) bool) bool {
	if !f(e) {
		return false
	}
	for _, c := range e.children {
		if c.kind == kindElement && !c.el.walk(f) {
			return false
		}
	}
	return true
}

// identifiers returns the values of the attributes that name an element.
// Without a DTD nothing declares which attributes are of type ID; these are the
// ones that XML Signature (4.5, 4.3.3), WS-Security and xml:id use.
func (e *Element) identifiers() []string {
	var out []string
	for _, a := range e.attrs {
		switch {
		case a.space == "" && (a.local == "Id" || a.local == "ID" || a.local == "id"),
			a.space == spaceWSU && a.local == "Id",
			a.space == spaceXML && a.local == "id":
			out = append(out, a.value)
		}
	}
	return out
}
