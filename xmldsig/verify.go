package xmldsig

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// A Place says how a signed element stands to its signature in the document
// that arrived.
type Place uint8

// The places. The zero value is Elsewhere, which a caller that expects its data
// at one place must not take for it.
const (
	Elsewhere Place = iota // neither of the following
	Whole                  // the whole document
	Around                 // an element that the signature stands in
	Beside                 // a child of the element that the signature is a child of
	Inside                 // an element of the signature itself
)

// String returns "elsewhere", "whole", "around", "beside" or "inside".
func (p Place) String() string {
	return [...]string{"elsewhere", "whole", "around", "beside", "inside"}[min(p, Inside)]
}

// Signed is what one reference covers.
type Signed struct {
	URI   string // of the reference: "" for the document, "#id"
	Path  string // where the element stood, "/a/b"
	Place Place
	// Element is read from the octets that were hashed. It is the only thing
	// that may be believed.
	Element *Element
}

// Verified is what a signature that verifies says.
type Verified struct {
	Signed []Signed // one for each reference, at least one
	// Legacy: the signature or a digest is of GOST R 34.10-2001 or 34.11-94.
	Legacy   bool
	Findings []pki.Finding // deviations that were accepted
}

// Verify checks every reference of the signature and its value with the public
// key of cert. The error is nil if and only if all of them verify; otherwise it
// wraps ErrDigest, ErrSignature, ErrDuplicateID or ErrLimit, or is a
// *SyntaxError or an *UnsupportedError. Nothing is said about cert itself.
func (s *Signature) Verify(cert *pki.Certificate) (*Verified, error) {
	if cert == nil || cert.PublicKey == nil {
		return nil, bad("certificate", "has no usable public key")
	}
	out := &Verified{}
	if err := s.checkValue(cert, out); err != nil {
		return nil, err
	}
	for _, r := range s.refs {
		signed, err := s.checkReference(r)
		if err != nil {
			return nil, err
		}
		out.Signed = append(out.Signed, signed)
		out.Legacy = out.Legacy || r.digest.OID == oid.GOST341194
	}
	out.Legacy = out.Legacy || s.algorithm.OID == oid.GOST2001WithGOST341194
	return out, nil
}

// checkValue checks SignatureValue over the canonical SignedInfo (3.2.2).
func (s *Signature) checkValue(cert *pki.Certificate, out *Verified) error {
	finding := func(code, field, detail, cite string) {
		out.Findings = append(out.Findings, pki.Finding{Code: code, Field: field, Detail: detail, Cite: cite, Severity: pki.Warn})
	}
	if s.typo {
		finding("xml-algorithm-spelling", "SignatureMethod", "the name lacks its last hyphen", "draft-chudov-cryptopro-cpxmldsig")
	}
	err := alg.VerifyMessage(cert.PublicKey, s.algorithm, alg.Identifier{}, s.canonical, s.value)
	if errors.Is(err, alg.ErrSignature) {
		// CryptoPro CSP returns the value with its octets reversed, and some
		// programs write it as it comes.
		reversed := slices.Clone(s.value)
		slices.Reverse(reversed)
		if alg.VerifyMessage(cert.PublicKey, s.algorithm, alg.Identifier{}, s.canonical, reversed) == nil {
			finding("xml-signature-reversed", "SignatureValue", "the octets are in reversed order", "RFC 9215, section 3.1")
			return nil
		}
		return ErrSignature
	}
	if err != nil {
		return fmt.Errorf("xmldsig: SignatureValue: %w", err)
	}
	return nil
}

// checkReference computes the digest of what a reference names (3.2.1) and
// returns what was hashed.
func (s *Signature) checkReference(r reference) (Signed, error) {
	out := Signed{URI: r.uri}
	target, err := s.doc.resolve(r.uri)
	if err != nil {
		return out, err
	}
	out.Path, out.Place = "/"+s.doc.root.local, Whole
	if target != nil {
		out.Path, out.Place = target.Path(), s.place(target)
	}
	octets, err := s.transform(target, r.transforms)
	if err != nil {
		return out, err
	}
	h, err := alg.NewHash(r.digest)
	if err != nil {
		return out, fmt.Errorf("xmldsig: DigestMethod: %w", err)
	}
	if _, err := h.Write(octets); err != nil {
		return out, fmt.Errorf("xmldsig: %w", err)
	}
	if !bytes.Equal(h.Sum(nil), r.value) {
		return out, fmt.Errorf("%w: reference %q", ErrDigest, r.uri)
	}
	seen, err := Parse(octets)
	if err != nil {
		return out, err
	}
	out.Element = seen.root
	return out, nil
}

func (s *Signature) place(target *Element) Place {
	switch {
	case target == s.doc.root:
		return Whole
	case s.el.contains(target):
		return Inside
	case target.contains(s.el):
		return Around
	case target.parent == s.el.parent:
		return Beside
	}
	return Elsewhere
}

// resolve returns the element that a same-document reference names, nil for the
// whole document (4.4.3.2).
func (d *Document) resolve(uri string) (*Element, error) {
	if uri == "" {
		return nil, nil
	}
	id, ok := strings.CutPrefix(uri, "#")
	if !ok || id == "" || strings.HasPrefix(id, "xpointer(") {
		return nil, &UnsupportedError{"reference", uri}
	}
	var found []*Element
	d.root.walk(func(e *Element) bool {
		if slices.Contains(e.identifiers(), id) {
			found = append(found, e)
		}
		return len(found) < 2
	})
	switch len(found) {
	case 0:
		return nil, bad("Reference", fmt.Sprintf("no element has the identifier %q", id))
	case 1:
		return found[0], nil
	}
	// An application might take the other one.
	return nil, fmt.Errorf("%w: %q", ErrDuplicateID, id)
}

// transform applies the transforms to the target (4.4.3.4) and returns octets.
func (s *Signature) transform(target *Element, list []transform) ([]byte, error) {
	var octets []byte // nil: still nodes of the document
	var skip *Element
	canonical := func(m method) (err error) {
		// The nodes that URI="" and a bare name mean come "minus any comment
		// nodes" (4.4.3.3), so WithComments has none to keep.
		m.comments = false
		switch {
		case octets != nil:
			var d *Document
			if d, err = Parse(octets); err == nil {
				octets, err = m.canonicalDocument(d, nil, &s.work)
			}
		case target == nil:
			octets, err = m.canonicalDocument(s.doc, skip, &s.work)
		default:
			octets, err = m.canonicalElement(target, skip, &s.work)
		}
		return err
	}
	for _, t := range list {
		var err error
		switch {
		case t.uri == transformEnveloped && octets == nil:
			skip = s.el
		case t.uri == transformEnveloped:
			// After a canonicalization the signature is no longer known among
			// the octets; where it was not among them nothing is to be done.
			if target == nil || target.contains(s.el) {
				return nil, &UnsupportedError{"transform", "enveloped-signature after a canonicalization"}
			}
		case t.uri == transformSMEV:
			if octets == nil {
				err = canonical(method{})
			}
			if err == nil {
				octets, err = smev(octets, &s.work)
			}
		default:
			err = canonical(t.method)
		}
		if err != nil {
			return nil, err
		}
	}
	if octets == nil {
		// "If the data object is a node-set … the signature application MUST
		// attempt to convert the node-set to an octet stream … using Canonical
		// XML" (4.4.3.2).
		if err := canonical(method{}); err != nil {
			return nil, err
		}
	}
	return octets, nil
}
