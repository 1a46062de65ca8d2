package pki

import (
	"fmt"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// The extensions of the qualified certificate (order of the FSB No. 795;
// RFC 9215, sections 5.2 to 5.4): read here, written in create.go.

// Largest lengths in characters.
const (
	maxToolName = 200 // subjectSignTool, signTool, cATool
	maxToolCert = 100 // signToolCert, cAToolCert
)

// readText reads one UTF8String of at most limit characters, tolerantly.
func readText(s *cryptobyte.String, limit int, field string, r *recorder) (string, error) {
	_, content, tag, err := der.ReadAny(s, field)
	if err != nil {
		return "", err
	}
	text, deviation, known := der.DecodeString(byte(tag), content)
	switch {
	case !known:
		return "", der.Bad(field, fmt.Sprintf("tag %#02x is no character string", uint8(tag)))
	case byte(tag) != der.TagUTF8String:
		r.add(Info, "string-type", field, "not a UTF8String", citeFSB)
	case deviation != "":
		r.add(Warn, "string-alphabet", field, deviation, "X.680, 41")
	}
	if n := utf8.RuneCountInString(text); n > limit || n == 0 {
		r.add(Info, "string-length", field, fmt.Sprintf("%d characters, 1 to %d are allowed", n, limit), citeFSB)
	}
	return text, nil
}

func readSubjectSignTool(c *Certificate, e Extension, field string, r *recorder) (err error) {
	s := cryptobyte.String(e.Value)
	if c.SubjectSignTool, err = readText(&s, maxToolName, field, r); err != nil {
		return err
	}
	if !s.Empty() {
		return der.Bad(field, "octets after the string")
	}
	return nil
}

// readIssuerSignTool: IssuerSignTool ::= SEQUENCE { signTool, cATool,
// signToolCert, cAToolCert }, each a UTF8String.
func readIssuerSignTool(c *Certificate, e Extension, field string, r *recorder) error {
	s, err := der.Single(e.Value, asn1.SEQUENCE, field)
	if err != nil {
		return err
	}
	t := new(IssuerSignTool)
	for _, part := range []struct {
		out   *string
		limit int
		name  string
	}{
		{&t.SignTool, maxToolName, "signTool"},
		{&t.CATool, maxToolName, "cATool"},
		{&t.SignToolCert, maxToolCert, "signToolCert"},
		{&t.CAToolCert, maxToolCert, "cAToolCert"},
	} {
		if *part.out, err = readText(&s, part.limit, field+"."+part.name, r); err != nil {
			return err
		}
	}
	if !s.Empty() {
		return der.Bad(field, "octets after cAToolCert")
	}
	c.IssuerSignTool = t
	return nil
}

// readIdentificationKind: IdentificationKind ::= INTEGER { personal(0),
// remote-cert(1), remote-passport(2), remote-system(3) }.
func readIdentificationKind(c *Certificate, e Extension, field string, r *recorder) error {
	content, err := der.Single(e.Value, asn1.INTEGER, field)
	if err != nil {
		return err
	}
	n, ok := der.SmallInteger(content)
	if !ok {
		return der.Bad(field, "not an INTEGER from 0 to 2^31-1")
	}
	if n > 3 {
		r.add(Info, "identification-kind", field, fmt.Sprintf("value %d is not defined", n), citeFSB)
	}
	c.IdentificationKind = &n
	return nil
}

// addIssuerSignTool appends the SEQUENCE; parts that are too long set b's error.
func (t *IssuerSignTool) add(b *cryptobyte.Builder) {
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		addText(b, t.SignTool, maxToolName, "signTool")
		addText(b, t.CATool, maxToolName, "cATool")
		addText(b, t.SignToolCert, maxToolCert, "signToolCert")
		addText(b, t.CAToolCert, maxToolCert, "cAToolCert")
	})
}

// addText appends a UTF8String of 1 to limit characters.
func addText(b *cryptobyte.Builder, text string, limit int, field string) {
	if n := utf8.RuneCountInString(text); n < 1 || n > limit || !utf8.ValidString(text) {
		b.SetError(fmt.Errorf("pki: %s: must have 1 to %d characters of UTF-8", field, limit))
		return
	}
	b.AddASN1(asn1.UTF8String, func(b *cryptobyte.Builder) { b.AddBytes([]byte(text)) })
}

// KCPolicies returns the policies of every class of tools up to and with class,
// which is one of "KC1", "KC2", "KC3", "KB1", "KB2", "KA1" (KB stands for КВ):
// a certificate lists all classes up to its own. It returns nil for another class.
func KCPolicies(class string) []oid.OID {
	all := []oid.OID{oid.PolicyKC1, oid.PolicyKC2, oid.PolicyKC3, oid.PolicyKB1, oid.PolicyKB2, oid.PolicyKA1}
	for i, id := range all {
		if id.Name() == class {
			return all[:i+1]
		}
	}
	return nil
}
