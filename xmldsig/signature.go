package xmldsig

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// A Signature is one ds:Signature element of a document, read and not verified.
type Signature struct {
	// Certificates are those of ds:X509Data, as they came: nothing is known
	// about them but that they can be parsed.
	Certificates []*pki.Certificate

	doc       *Document
	el        *Element
	value     []byte
	algorithm alg.Identifier
	typo      bool
	canonical []byte      // SignedInfo as it is signed
	refs      []reference // read from canonical
	work      int
}

// A reference is one ds:Reference.
type reference struct {
	uri        string
	transforms []transform
	digest     alg.Identifier
	value      []byte
}

// A transform is a canonicalization if uri is empty.
type transform struct {
	uri    string
	method method
}

// Signatures reads all ds:Signature elements of the document, in document
// order. The error is ErrNoSignature where there is none, a *SyntaxError for a
// signature that cannot be read, and an *UnsupportedError for one that uses
// what this package does not process: nothing is passed over.
func (d *Document) Signatures() ([]*Signature, error) {
	var found []*Element
	d.root.walk(func(e *Element) bool {
		if e.Is(Namespace, "Signature") {
			found = append(found, e)
		}
		return len(found) <= limits.XMLSignatures
	})
	switch {
	case len(found) == 0:
		return nil, ErrNoSignature
	case len(found) > limits.XMLSignatures:
		return nil, fmt.Errorf("%w: more than %d signatures", ErrLimit, limits.XMLSignatures)
	}
	out := make([]*Signature, 0, len(found))
	for _, e := range found {
		s, err := d.signature(e)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// signature reads
//
//	<element name="Signature"> SignedInfo, SignatureValue, KeyInfo?, Object*
//
// (XML Signature, 4.1).
func (d *Document) signature(e *Element) (*Signature, error) {
	s := &Signature{doc: d, el: e, work: limits.XMLWork}
	parts := e.Elements()
	if len(parts) < 2 || !parts[0].Is(Namespace, "SignedInfo") || !parts[1].Is(Namespace, "SignatureValue") {
		return nil, bad("Signature", "does not begin with SignedInfo and SignatureValue")
	}
	for _, p := range parts[2:] {
		if p.Is(Namespace, "SignedInfo") || p.Is(Namespace, "SignatureValue") {
			return nil, bad("Signature", "two elements "+p.local)
		}
	}
	var err error
	if s.value, err = decode("SignatureValue", parts[1].Text()); err != nil {
		return nil, err
	}
	if err := s.readSignedInfo(parts[0]); err != nil {
		return nil, err
	}
	if len(parts) > 2 && parts[2].Is(Namespace, "KeyInfo") {
		if err := s.readKeyInfo(parts[2]); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// readSignedInfo canonicalizes SignedInfo and reads it from the result: what is
// obeyed is what is signed.
//
//	CanonicalizationMethod, SignatureMethod, Reference+      (4.4)
func (s *Signature) readSignedInfo(e *Element) error {
	parts := e.Elements()
	if len(parts) == 0 || !parts[0].Is(Namespace, "CanonicalizationMethod") {
		return bad("SignedInfo", "does not begin with CanonicalizationMethod")
	}
	m, err := readMethod(parts[0], "canonicalization")
	if err != nil {
		return err
	}
	if s.canonical, err = m.canonicalElement(e, nil, &s.work); err != nil {
		return err
	}
	signed, err := Parse(s.canonical)
	if err != nil {
		return err
	}
	parts = signed.root.Elements()
	if len(parts) < 3 || !parts[1].Is(Namespace, "SignatureMethod") {
		return bad("SignedInfo", "SignatureMethod or Reference is missing")
	}
	uri, _ := parts[1].Attr("", "Algorithm")
	var ok bool
	if s.algorithm, s.typo, ok = signatureByURI(uri); !ok {
		return &UnsupportedError{"signature algorithm", uri}
	}
	if len(parts[1].Elements()) > 0 {
		return bad("SignedInfo/SignatureMethod", "has parameters")
	}
	if len(parts)-2 > limits.XMLReferences {
		return fmt.Errorf("%w: more than %d references", ErrLimit, limits.XMLReferences)
	}
	for _, p := range parts[2:] {
		r, err := readReference(p)
		if err != nil {
			return err
		}
		s.refs = append(s.refs, r)
	}
	return nil
}

func decode(field, text string) ([]byte, error) {
	// XML Schema's base64Binary allows white space anywhere.
	text = strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\n", r) {
			return -1
		}
		return r
	}, text)
	out, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, &SyntaxError{Field: field, Why: "not Base64", Err: err}
	}
	if len(out) == 0 {
		return nil, bad(field, "empty")
	}
	return out, nil
}

// readMethod reads an element with an Algorithm that is a canonicalization,
// and its PrefixList.
func readMethod(e *Element, what string) (method, error) {
	uri, _ := e.Attr("", "Algorithm")
	m, ok := methodByURI(uri)
	if !ok {
		return m, &UnsupportedError{what, uri}
	}
	for _, p := range e.Elements() {
		if !m.exclusive || !p.Is(spaceExcNS, "InclusiveNamespaces") {
			return m, bad(e.local, "unknown parameter "+p.local)
		}
		list, _ := p.Attr("", "PrefixList")
		for _, prefix := range strings.Fields(list) {
			if prefix == "#default" {
				prefix = ""
			}
			m.prefixes = append(m.prefixes, prefix)
		}
	}
	if len(m.prefixes) > limits.XMLPrefixes {
		return m, fmt.Errorf("%w: more than %d prefixes in a PrefixList", ErrLimit, limits.XMLPrefixes)
	}
	return m, nil
}

// readReference reads Transforms?, DigestMethod, DigestValue (4.4.3).
func readReference(e *Element) (reference, error) {
	var r reference
	if !e.Is(Namespace, "Reference") {
		return r, bad("SignedInfo", "unknown element "+e.local)
	}
	uri, ok := e.Attr("", "URI")
	if !ok {
		return r, bad("Reference", "no URI")
	}
	r.uri = uri
	parts := e.Elements()
	if len(parts) > 0 && parts[0].Is(Namespace, "Transforms") {
		var err error
		if r.transforms, err = readTransforms(parts[0].Elements()); err != nil {
			return r, err
		}
		parts = parts[1:]
	}
	if len(parts) != 2 || !parts[0].Is(Namespace, "DigestMethod") || !parts[1].Is(Namespace, "DigestValue") {
		return r, bad("Reference", "not DigestMethod and DigestValue")
	}
	name, _ := parts[0].Attr("", "Algorithm")
	if r.digest, ok = digestByURI(name); !ok {
		return r, &UnsupportedError{"digest algorithm", name}
	}
	var err error
	r.value, err = decode("Reference/DigestValue", parts[1].Text())
	return r, err
}

func readTransforms(list []*Element) ([]transform, error) {
	if len(list) > limits.XMLTransforms {
		return nil, fmt.Errorf("%w: more than %d transforms", ErrLimit, limits.XMLTransforms)
	}
	var out []transform
	for _, e := range list {
		uri, _ := e.Attr("", "Algorithm")
		switch {
		case !e.Is(Namespace, "Transform"):
			return nil, bad("Transforms", "unknown element "+e.local)
		case uri == transformEnveloped, uri == transformSMEV:
			if len(e.Elements()) > 0 {
				return nil, bad("Transform", "has parameters")
			}
			out = append(out, transform{uri: uri})
		default:
			m, err := readMethod(e, "transform")
			if err != nil {
				return nil, err
			}
			out = append(out, transform{method: m})
		}
	}
	return out, nil
}

// readKeyInfo reads the certificates of ds:X509Data and leaves every other hint
// alone: it can only help to find the certificate.
func (s *Signature) readKeyInfo(e *Element) error {
	for _, data := range e.Elements() {
		if !data.Is(Namespace, "X509Data") {
			continue
		}
		for _, x := range data.Elements() {
			if !x.Is(Namespace, "X509Certificate") {
				continue
			}
			if len(s.Certificates) == limits.XMLCertificates {
				return fmt.Errorf("%w: more than %d certificates", ErrLimit, limits.XMLCertificates)
			}
			der, err := decode("KeyInfo/X509Certificate", x.Text())
			if err != nil {
				return err
			}
			c, err := pki.ParseCertificate(der)
			if err != nil {
				return &SyntaxError{Field: "KeyInfo/X509Certificate", Why: "not a certificate", Err: err}
			}
			s.Certificates = append(s.Certificates, c)
		}
	}
	return nil
}
