package xmldsig

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gosklyuch/gosklyuch/internal/limits"
)

// A method is one canonicalization algorithm.
type method struct {
	exclusive bool
	comments  bool
	version11 bool
	prefixes  []string // InclusiveNamespaces PrefixList, "" for #default
}

// methodByURI returns the algorithm that a URI names.
func methodByURI(uri string) (method, bool) {
	m := method{comments: strings.HasSuffix(uri, "WithComments")}
	switch strings.TrimSuffix(uri, "WithComments") {
	case methodExclusive:
		m.exclusive = true
	case methodInclusive, methodInclusive + "#":
	case methodVersion11, methodVersion11 + "#":
		m.version11 = true
	default:
		return method{}, false
	}
	// The exclusive method has its "#" always, the others with comments only.
	if !m.exclusive && m.comments != strings.Contains(uri, "#") {
		return method{}, false
	}
	return m, true
}

// A writer writes the canonical form of a part of a document.
type writer struct {
	method
	out     bytes.Buffer
	skip    *Element          // the signature that the enveloped transform takes out
	scope   map[string]string // declarations in force in the document
	written map[string]string // declarations in force in the output
	work    *int              // nodes that may still be written
	counted int               // octets of out that were taken from work
}

// canonicalDocument returns the canonical form of the document but for skip:
// Canonical XML 1.0, 2.1, or Exclusive XML Canonicalization 1.0.
func (m method) canonicalDocument(d *Document, skip *Element, work *int) ([]byte, error) {
	w := m.writer(skip, work)
	seen := false
	for _, n := range d.children {
		if n.kind == kindElement {
			if n.el != skip {
				if err := w.element(n.el, true); err != nil {
					return nil, err
				}
			}
			seen = true
			continue
		}
		if n.kind == kindComment && !m.comments {
			continue
		}
		// 2.3: a line feed after what stands before the document element, and
		// before what stands after it.
		if seen {
			w.out.WriteByte('\n')
		}
		w.other(n)
		if !seen {
			w.out.WriteByte('\n')
		}
	}
	return w.out.Bytes(), nil
}

// canonicalElement returns the canonical form of the element with all that is
// inside it but skip.
func (m method) canonicalElement(e, skip *Element, work *int) ([]byte, error) {
	w := m.writer(skip, work)
	if e == skip {
		return nil, nil
	}
	if err := w.inherit(e.parent); err != nil {
		return nil, err
	}
	if err := w.element(e, true); err != nil {
		return nil, err
	}
	return w.out.Bytes(), nil
}

func (m method) writer(skip *Element, work *int) *writer {
	return &writer{method: m, skip: skip, scope: map[string]string{}, written: map[string]string{}, work: work}
}

// inherit puts the declarations of the ancestors into force.
func (w *writer) inherit(e *Element) error {
	if e == nil {
		return nil
	}
	if err := w.inherit(e.parent); err != nil {
		return err
	}
	for _, d := range e.decls {
		w.scope[d.prefix] = d.uri
	}
	// Canonical XML 1.1, 2.4 joins the xml:base of ancestors; nobody is known
	// to sign such documents.
	if _, base := e.Attr(spaceXML, "base"); base && w.version11 {
		return &UnsupportedError{"canonicalization", methodVersion11 + " with an inherited xml:base"}
	}
	return nil
}

// spend takes n nodes from the work, and the octets that were written since. A
// declaration far up that only the elements below use is written with each of
// them (exclusive canonicalization): nodes alone do not bound the octets.
func (w *writer) spend(n int) error {
	written := w.out.Len()
	if written > limits.XMLBytes {
		return fmt.Errorf("%w: more than %d octets in canonical form", ErrLimit, limits.XMLBytes)
	}
	n += (written - w.counted) / limits.XMLWorkOctets
	w.counted = written
	if *w.work -= n; *w.work < 0 {
		return fmt.Errorf("%w: more than the work of %d nodes to canonicalize", ErrLimit, limits.XMLWork)
	}
	return nil
}

// element writes one element; apex is the first one of the output.
func (w *writer) element(e *Element, apex bool) error {
	if err := w.spend(1 + len(e.attrs) + len(e.decls) + len(w.prefixes)); err != nil {
		return err
	}
	var scope, written []declaration // what to restore
	for _, d := range e.decls {
		scope = append(scope, declaration{d.prefix, w.scope[d.prefix]})
		w.scope[d.prefix] = d.uri
	}
	w.out.WriteByte('<')
	w.out.WriteString(e.name())
	for _, d := range w.declarations(e, apex) {
		written = append(written, declaration{d.prefix, w.written[d.prefix]})
		w.written[d.prefix] = d.uri
		if d.prefix == "" {
			w.attribute("xmlns", d.uri)
		} else {
			w.attribute("xmlns:"+d.prefix, d.uri)
		}
	}
	for _, a := range w.attributes(e, apex) {
		w.attribute(qualified(a.prefix, a.local), a.value)
	}
	w.out.WriteByte('>')
	if err := w.inside(e); err != nil {
		return err
	}
	w.out.WriteString("</" + e.name() + ">")
	for _, d := range scope {
		w.scope[d.prefix] = d.uri
	}
	for _, d := range written {
		w.written[d.prefix] = d.uri
	}
	return nil
}

func (w *writer) inside(e *Element) error {
	for _, n := range e.children {
		switch {
		case n.kind != kindElement:
			if err := w.spend(1); err != nil {
				return err
			}
			w.other(n)
		case n.el != w.skip:
			if err := w.element(n.el, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// declarations returns the namespace declarations that the start tag of e gets,
// in order of prefix.
func (w *writer) declarations(e *Element, apex bool) []declaration {
	var out []declaration
	consider := func(prefix string) {
		uri, now := w.scope[prefix], w.written[prefix]
		// An empty default namespace is written only where another one is in
		// force in the output: then the two differ (Canonical XML 1.0, 2.3;
		// Exclusive XML Canonicalization 1.0, 3).
		if uri == now || prefix == "xml" || slices.ContainsFunc(out, func(d declaration) bool { return d.prefix == prefix }) {
			return
		}
		out = append(out, declaration{prefix, uri})
	}
	switch {
	case w.exclusive:
		// "visibly utilized": the prefix of the element and those of its
		// attributes; the default namespace by an element without prefix only.
		consider(e.prefix)
		for _, a := range e.attrs {
			if a.prefix != "" {
				consider(a.prefix)
			}
		}
		for _, prefix := range w.prefixes {
			if _, declared := w.scope[prefix]; declared {
				consider(prefix)
			}
		}
	case apex: // all that is in force
		for prefix := range w.scope {
			consider(prefix)
		}
	default:
		for _, d := range e.decls {
			consider(d.prefix)
		}
	}
	slices.SortFunc(out, func(a, b declaration) int { return cmp.Compare(a.prefix, b.prefix) })
	return out
}

// attributes returns the attributes of e in order of namespace and name. The
// first element of an inclusive canonical form takes the attributes xml:… of
// its ancestors with it (Canonical XML 1.0, 2.4); 1.1 leaves xml:id behind.
func (w *writer) attributes(e *Element, apex bool) []attribute {
	out := e.attrs
	if apex && !w.exclusive {
		out = slices.Clone(out)
		for up := e.parent; up != nil; up = up.parent {
			for _, a := range up.attrs {
				same := func(o attribute) bool { return o.space == a.space && o.local == a.local }
				if a.space == spaceXML && (!w.version11 || a.local != "id") && !slices.ContainsFunc(out, same) {
					out = append(out, a)
				}
			}
		}
	} else if len(out) > 1 {
		out = slices.Clone(out)
	}
	slices.SortFunc(out, func(a, b attribute) int {
		return cmp.Or(cmp.Compare(a.space, b.space), cmp.Compare(a.local, b.local))
	})
	return out
}

// Replacements of Canonical XML 1.0, 2.3.
var (
	textEscapes  = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#xD;")
	valueEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;", "\t", "&#x9;", "\n", "&#xA;", "\r", "&#xD;")
)

func (w *writer) attribute(name, value string) {
	w.out.WriteString(" " + name + `="` + valueEscapes.Replace(value) + `"`)
}

// other writes a node that is not an element.
func (w *writer) other(n node) {
	switch n.kind {
	case kindText:
		w.out.WriteString(textEscapes.Replace(n.text))
	case kindComment:
		if w.comments {
			w.out.WriteString("<!--" + n.text + "-->")
		}
	case kindInstruction:
		w.out.WriteString("<?" + n.target)
		if n.text != "" {
			w.out.WriteString(" " + n.text)
		}
		w.out.WriteString("?>")
	}
}
