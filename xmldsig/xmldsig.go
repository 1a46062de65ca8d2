// Package xmldsig verifies and makes XML signatures (XML Signature Syntax and
// Processing, W3C) with GOST R 34.10-2012, as far as the Russian trust-service
// list and the messages of the same form need them: references inside the
// document, exclusive and inclusive canonicalization, the enveloped-signature
// transform and the transform of SMEV 3.
//
// The package promises one thing that many XML signature libraries do not: what
// it returns as signed is read from the very octets that were hashed. A caller
// that takes its data from there and nowhere else cannot be deceived by moving
// the signed element (signature wrapping), by comments inside values or by
// identifiers that occur twice.
//
// Whether the key may be trusted is the caller's question: certificates inside
// the signature are returned as they came and prove nothing.
//
// Documents with a DOCTYPE are refused, whatever it says: entities and default
// attributes would change the content behind the signature. Size, depth, number
// of nodes and work are bounded by package internal/limits.
//
// [XML Signature]: https://www.w3.org/TR/xmldsig-core1/
package xmldsig

import (
	"errors"
	"fmt"
)

// Errors that callers branch on.
var (
	// ErrNoSignature says that the document has no signature.
	ErrNoSignature = errors.New("xmldsig: the document has no signature")
	// ErrDigest says that a reference does not have the digest that was signed:
	// the content was changed.
	ErrDigest = errors.New("xmldsig: the content is not what was signed")
	// ErrSignature says that the signature value does not verify.
	ErrSignature = errors.New("xmldsig: the signature does not verify")
	// ErrDuplicateID says that the identifier a reference names occurs twice.
	ErrDuplicateID = errors.New("xmldsig: two elements have the identifier that the signature refers to")
	// ErrLimit says that a bound of package internal/limits was reached.
	ErrLimit = errors.New("xmldsig: the document is too large or too complex")
	// ErrDoctype says that the document has a document type declaration.
	ErrDoctype = errors.New("xmldsig: a document with a DOCTYPE is not read")
)

// SyntaxError says which part of a document or signature cannot be read.
type SyntaxError struct {
	Field string // element or attribute, such as "SignedInfo/Reference"
	Why   string
	Err   error // cause, may be nil
}

// Error names the field.
func (e *SyntaxError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("xmldsig: %s: %s: %v", e.Field, e.Why, e.Err)
	}
	return fmt.Sprintf("xmldsig: %s: %s", e.Field, e.Why)
}

// Unwrap returns the cause.
func (e *SyntaxError) Unwrap() error { return e.Err }

func bad(field, why string) error { return &SyntaxError{Field: field, Why: why} }

// UnsupportedError says that the signature uses something that this package
// does not process: "not supported" is not "invalid".
type UnsupportedError struct {
	What string // "canonicalization", "transform", "signature algorithm", "digest algorithm", "reference"
	Name string // its URI
}

// Error names the URI.
func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("xmldsig: %s %q is not supported", e.What, e.Name)
}

// The namespaces of this package.
const (
	// Namespace of XML Signature.
	Namespace = "http://www.w3.org/2000/09/xmldsig#"

	spaceXML   = "http://www.w3.org/XML/1998/namespace"
	spaceXMLNS = "http://www.w3.org/2000/xmlns/"
	spaceExcNS = "http://www.w3.org/2001/10/xml-exc-c14n#"
	spaceWSU   = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
)
