package xmldsig

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// smev applies the transform urn://smev-gov-ru/xmldsig/transform of the
// message exchange SMEV 3 to a document: comments, instructions and texts of
// white space alone are left out; prefixes become ns1, ns2 … in the order in
// which their namespaces are met; a declaration stands where its namespace is
// first needed, before the attributes; attributes in a namespace come before
// those in none, each group by namespace and name.
func smev(octets []byte, work *int) ([]byte, error) {
	d, err := Parse(octets)
	if err != nil {
		return nil, err
	}
	s := smevWriter{w: method{}.writer(nil, work), prefixes: map[string]string{}}
	if err := s.element(d.root); err != nil {
		return nil, err
	}
	return s.w.out.Bytes(), nil
}

type smevWriter struct {
	w        *writer
	prefixes map[string]string // by namespace, those in force
	count    int
}

// prefix returns the prefix of a namespace and whether it is new here.
func (s *smevWriter) prefix(space string) (prefix string, fresh bool) {
	if p, ok := s.prefixes[space]; ok {
		return p, false
	}
	s.count++
	p := "ns" + strconv.Itoa(s.count)
	s.prefixes[space] = p
	return p, true
}

func (s *smevWriter) element(e *Element) error {
	if err := s.w.spend(1 + len(e.attrs)); err != nil {
		return err
	}
	var fresh []declaration
	name := func(space, local string) string {
		if space == "" {
			return local
		}
		prefix, isNew := s.prefix(space)
		if isNew {
			fresh = append(fresh, declaration{prefix, space})
		}
		return prefix + ":" + local
	}
	tag := name(e.space, e.local)
	attrs := slices.Clone(e.attrs)
	slices.SortFunc(attrs, func(a, b attribute) int {
		if (a.space == "") != (b.space == "") {
			return cmp.Compare(b.space, a.space) // "" last
		}
		return cmp.Or(cmp.Compare(a.space, b.space), cmp.Compare(a.local, b.local))
	})
	var written bytes.Buffer
	for _, a := range attrs {
		written.WriteString(" " + name(a.space, a.local) + `="` + valueEscapes.Replace(a.value) + `"`)
	}
	s.w.out.WriteString("<" + tag)
	for _, d := range fresh {
		s.w.attribute("xmlns:"+d.prefix, d.uri)
	}
	s.w.out.Write(written.Bytes())
	s.w.out.WriteByte('>')
	for _, n := range e.children {
		switch {
		case n.kind == kindElement:
			if err := s.element(n.el); err != nil {
				return err
			}
		case n.kind == kindText && strings.Trim(n.text, " \t\r\n") != "":
			s.w.other(n)
		}
	}
	s.w.out.WriteString("</" + tag + ">")
	for _, d := range fresh {
		delete(s.prefixes, d.uri)
	}
	return nil
}
