package xmldsig

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/gosklyuch/gosklyuch/internal/limits"
)

// A Document is a parsed XML document.
type Document struct {
	root     *Element
	children []node // root and what stands beside it
	end      int64  // offset of the root's end tag, -1 where it has none
}

// Root returns the document element.
func (d *Document) Root() *Element { return d.root }

// Parse reads a well-formed XML 1.0 document in UTF-8 with namespaces. A
// DOCTYPE is refused with ErrDoctype, a document over the bounds of package
// internal/limits with ErrLimit, anything else that cannot be read with a
// *SyntaxError.
func Parse(data []byte) (*Document, error) {
	if len(data) > limits.XMLBytes {
		return nil, fmt.Errorf("%w: more than %d octets", ErrLimit, limits.XMLBytes)
	}
	bom := len(data)
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	bom -= len(data)
	p := parser{d: xml.NewDecoder(bytes.NewReader(data)), scope: map[string]string{"xml": spaceXML}, doc: Document{end: -1}}
	for {
		at := p.d.InputOffset()
		token, err := p.d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, &SyntaxError{Field: "document", Why: "not well-formed XML", Err: err}
		}
		if _, isEnd := token.(xml.EndElement); isEnd && len(p.open) == 1 && bytes.HasPrefix(data[at:], []byte("</")) {
			p.doc.end = at + int64(bom)
		}
		if start, ok := token.(xml.StartElement); ok {
			if token, err = normalized(start, data[at:p.d.InputOffset()]); err != nil {
				return nil, err
			}
		}
		if err := p.add(token); err != nil {
			return nil, err
		}
	}
	switch {
	case len(p.open) > 0:
		return nil, bad(p.open[len(p.open)-1].name(), "the element does not end")
	case p.doc.root == nil:
		return nil, bad("document", "no element")
	}
	return &p.doc, nil
}

// A parser builds the tree token by token.
type parser struct {
	d     *xml.Decoder
	doc   Document
	open  []*Element
	scope map[string]string // prefixes in force
	undo  []declaration     // what the open elements' declarations replaced
	nodes int
}

func (p *parser) add(token xml.Token) error {
	if p.nodes++; p.nodes > limits.XMLNodes {
		return fmt.Errorf("%w: more than %d nodes", ErrLimit, limits.XMLNodes)
	}
	switch t := token.(type) {
	case xml.StartElement:
		return p.start(t)
	case xml.EndElement:
		return p.finish(t)
	case xml.CharData:
		return p.text(string(t))
	case xml.Comment:
		p.append(node{kind: kindComment, text: newlines(string(t))})
	case xml.ProcInst:
		if t.Target == "xml" { // the declaration, not an instruction
			if p.doc.root != nil || len(p.doc.children) > 0 {
				return bad("document", "an XML declaration that is not at the beginning")
			}
			return nil
		}
		p.append(node{kind: kindInstruction, target: t.Target, text: newlines(string(t.Inst))})
	case xml.Directive:
		return ErrDoctype
	}
	return nil
}

// newlines applies "End-of-Line Handling" (XML 1.0, 2.11), which package
// encoding/xml leaves to its caller for comments and instructions.
func newlines(s string) string {
	if !strings.ContainsRune(s, '\r') {
		return s
	}
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s)
}

// normalized reads a start tag once more if white space stands literally in its
// attributes: "for a white space character (#x20, #xD, #xA, #x9), append a space
// character (#x20) to the normalized value" (XML 1.0, 3.3.3). A character
// reference such as &#10; stays what it is, so only the octets of the tag tell
// the two apart; package encoding/xml leaves this to its caller too.
func normalized(t xml.StartElement, tag []byte) (xml.Token, error) {
	if !bytes.ContainsAny(tag, "\t\n\r") {
		return t, nil
	}
	out := make([]byte, 0, len(tag))
	var quote byte // 0 outside the values
	for i, c := range tag {
		switch {
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote == c:
			quote = 0
		case quote != 0 && c == '\r' && i+1 < len(tag) && tag[i+1] == '\n':
			continue // one line end, one space (2.11)
		case quote != 0 && (c == '\t' || c == '\n' || c == '\r'):
			c = ' '
		}
		out = append(out, c)
	}
	again, err := xml.NewDecoder(bytes.NewReader(out)).RawToken()
	if err != nil {
		return nil, &SyntaxError{Field: t.Name.Local, Why: "not well-formed XML", Err: err}
	}
	return again, nil
}

func (p *parser) append(n node) {
	if len(p.open) == 0 {
		p.doc.children = append(p.doc.children, n)
		return
	}
	e := p.open[len(p.open)-1]
	e.children = append(e.children, n)
}

func (p *parser) text(s string) error {
	if len(p.open) > 0 {
		p.append(node{kind: kindText, text: s})
		return nil
	}
	if strings.Trim(s, " \t\r\n") != "" {
		return bad("document", "text outside the document element")
	}
	return nil
}

func (p *parser) start(t xml.StartElement) error {
	switch {
	case len(p.open) == limits.XMLDepth:
		return fmt.Errorf("%w: more than %d levels", ErrLimit, limits.XMLDepth)
	case len(t.Attr) > limits.XMLAttributes:
		return fmt.Errorf("%w: more than %d attributes", ErrLimit, limits.XMLAttributes)
	case len(p.open) == 0 && p.doc.root != nil:
		return bad("document", "a second document element")
	}
	p.nodes += len(t.Attr)
	e := &Element{prefix: t.Name.Space, local: t.Name.Local}
	if err := p.declare(e, t.Attr); err != nil {
		return err
	}
	var err error
	if e.space, err = p.resolve(e.prefix, e.local, true); err != nil {
		return err
	}
	for _, a := range t.Attr {
		if isDeclaration(a.Name) {
			continue
		}
		x := attribute{prefix: a.Name.Space, local: a.Name.Local, value: a.Value}
		if x.space, err = p.resolve(x.prefix, x.local, false); err != nil {
			return err
		}
		// "no element may have two attributes with the same expanded name"
		// (Namespaces in XML 1.0, 6.3): an application could see the other one.
		if _, twice := e.Attr(x.space, x.local); twice {
			return bad(e.name()+"/@"+x.local, "the attribute occurs twice")
		}
		e.attrs = append(e.attrs, x)
	}
	if len(p.open) > 0 {
		e.parent = p.open[len(p.open)-1]
	} else {
		p.doc.root = e
	}
	p.append(node{kind: kindElement, el: e})
	p.open = append(p.open, e)
	return nil
}

func isDeclaration(n xml.Name) bool {
	return n.Space == "xmlns" || n.Space == "" && n.Local == "xmlns"
}

// declare puts the namespace declarations of e into force.
func (p *parser) declare(e *Element, attrs []xml.Attr) error {
	for _, a := range attrs {
		if !isDeclaration(a.Name) {
			continue
		}
		d := declaration{uri: a.Value}
		if a.Name.Space == "xmlns" {
			d.prefix = a.Name.Local
		}
		for _, o := range e.decls {
			if o.prefix == d.prefix {
				return bad(e.name()+"/@xmlns:"+d.prefix, "the declaration occurs twice")
			}
		}
		// Namespaces in XML 1.0, 3: xml and xmlns are bound for good; a prefix
		// cannot be bound to nothing.
		switch {
		case d.prefix == "xmlns", d.uri == spaceXMLNS, (d.prefix == "xml") != (d.uri == spaceXML):
			return bad(e.name()+"/@xmlns:"+d.prefix, "a reserved prefix or namespace")
		case d.prefix != "" && d.uri == "", strings.Contains(d.prefix, ":"):
			return bad(e.name()+"/@xmlns:"+d.prefix, "not a namespace declaration")
		case d.prefix == "xml":
			continue // says what holds anyway
		}
		e.decls = append(e.decls, d)
		p.undo = append(p.undo, declaration{d.prefix, p.scope[d.prefix]})
		p.scope[d.prefix] = d.uri
	}
	return nil
}

// resolve returns the namespace of a name. Attributes without a prefix are in
// none (Namespaces in XML 1.0, 6.2).
func (p *parser) resolve(prefix, local string, element bool) (string, error) {
	switch {
	case local == "" || strings.Contains(local, ":"):
		return "", bad(qualified(prefix, local), "not a qualified name")
	case prefix == "" && !element:
		return "", nil
	case prefix == "xmlns":
		return "", bad(qualified(prefix, local), "a reserved prefix")
	}
	uri := p.scope[prefix]
	if prefix != "" && uri == "" {
		return "", bad(qualified(prefix, local), "the prefix is not declared")
	}
	return uri, nil
}

func (p *parser) finish(t xml.EndElement) error {
	if len(p.open) == 0 {
		return bad(t.Name.Local, "an end tag without a start tag")
	}
	e := p.open[len(p.open)-1]
	if e.prefix != t.Name.Space || e.local != t.Name.Local {
		return bad(e.name(), "the end tag is that of "+qualified(t.Name.Space, t.Name.Local))
	}
	for range e.decls {
		last := p.undo[len(p.undo)-1]
		p.undo = p.undo[:len(p.undo)-1]
		p.scope[last.prefix] = last.uri
	}
	p.open = p.open[:len(p.open)-1]
	return nil
}
