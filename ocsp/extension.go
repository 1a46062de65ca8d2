package ocsp

import (
	"slices"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// MaxNonce is the greatest length of a nonce that a responder accepts, in
// octets; the least is 1 (RFC 8954, section 2.1).
const MaxNonce = 32

// maxExtensions bounds the extensions of one list: RFC 6960 defines seven.
const maxExtensions = 32

// readExtensions consumes Extensions (RFC 5280, section 4.1):
//
//	Extensions  ::=  SEQUENCE SIZE (1..MAX) OF Extension
//	Extension  ::=  SEQUENCE  {
//	     extnID      OBJECT IDENTIFIER,
//	     critical    BOOLEAN DEFAULT FALSE,
//	     extnValue   OCTET STRING }
func readExtensions(s *cryptobyte.String, field string) ([]pki.Extension, error) {
	var list cryptobyte.String
	if !s.ReadASN1(&list, asn1.SEQUENCE) {
		return nil, malformed("%s is not a SEQUENCE", field)
	}
	var out []pki.Extension
	for !list.Empty() {
		if len(out) == maxExtensions {
			return nil, malformed("%s has more than %d extensions", field, maxExtensions)
		}
		ext, err := readExtension(&list, field)
		if err != nil {
			return nil, err
		}
		for _, e := range out {
			// RFC 5280, section 4.2: "MUST NOT include more than one
			// instance of a particular extension".
			if e.ID == ext.ID {
				return nil, malformed("%s: extension %s twice", field, ext.ID.Name())
			}
		}
		out = append(out, ext)
	}
	return out, nil
}

func readExtension(list *cryptobyte.String, field string) (pki.Extension, error) {
	var raw, body cryptobyte.String
	if !list.ReadASN1Element(&raw, asn1.SEQUENCE) {
		return pki.Extension{}, malformed("%s: an extension is not a SEQUENCE", field)
	}
	ext := pki.Extension{Raw: raw}
	if !raw.ReadASN1(&body, asn1.SEQUENCE) || !oid.Read(&body, &ext.ID) {
		return pki.Extension{}, malformed("%s: extnID is not an OBJECT IDENTIFIER", field)
	}
	if body.PeekASN1Tag(asn1.BOOLEAN) && !body.ReadASN1Boolean(&ext.Critical) {
		return pki.Extension{}, malformed("%s: %s.critical is not a DER BOOLEAN", field, ext.ID.Name())
	}
	if !readOctets(&body, &ext.Value) || !body.Empty() {
		return pki.Extension{}, malformed("%s: %s.extnValue is not one OCTET STRING", field, ext.ID.Name())
	}
	return ext, nil
}

// nonceOf finds the nonce: RFC 8954, section 2.1 makes extnValue the DER of an
// OCTET STRING; old software put the bare octets there, so what is no OCTET
// STRING is the nonce itself. The second result is the value as it came.
func nonceOf(exts []pki.Extension) (nonce, value []byte) {
	for _, e := range exts {
		if e.ID != oid.OCSPNonce {
			continue
		}
		s := cryptobyte.String(e.Value)
		if readOctets(&s, &nonce) && s.Empty() {
			return nonce, e.Value
		}
		return e.Value, e.Value
	}
	return nil, nil
}

// nonceValue encodes a nonce as extnValue.
func nonceValue(nonce []byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1OctetString(nonce)
	return b.BytesOrPanic()
}

// nonceExtension is the extension list with just the nonce.
func nonceExtension(value []byte) []pki.Extension {
	return []pki.Extension{{ID: oid.OCSPNonce, Value: value}}
}

// readOptionalExtensions consumes [n] EXPLICIT Extensions OPTIONAL.
func readOptionalExtensions(s *cryptobyte.String, n uint8, field string) ([]pki.Extension, error) {
	var inner cryptobyte.String
	var present bool
	if !s.ReadOptionalASN1(&inner, &present, explicitTag(n)) {
		return nil, malformed("%s is not DER", field)
	}
	if !present {
		return nil, nil
	}
	exts, err := readExtensions(&inner, field)
	if err != nil {
		return nil, err
	}
	if !inner.Empty() {
		return nil, malformed("%s: trailing data", field)
	}
	return exts, nil
}

// refuseCritical returns an error for a critical extension that is not among
// the known ones.
func refuseCritical(exts []pki.Extension, field string, known ...oid.OID) error {
	for _, e := range exts {
		if e.Critical && !slices.Contains(known, e.ID) {
			return &Error{
				Kind:   KindUnhandledCritical,
				Detail: field + ": the critical extension " + e.ID.Name() + " is not understood",
				Cite:   "RFC 6960, section 4.1.2",
			}
		}
	}
	return nil
}

// readVersion consumes [0] EXPLICIT Version DEFAULT v1.
func readVersion(s *cryptobyte.String, field string) error {
	var inner cryptobyte.String
	var present bool
	if !s.ReadOptionalASN1(&inner, &present, explicitTag(0)) {
		return malformed("%s is not DER", field)
	}
	if !present {
		return nil
	}
	var v int64
	if !inner.ReadASN1Integer(&v) || !inner.Empty() {
		return malformed("%s is not one INTEGER", field)
	}
	// RFC 6960, section 4.2.2.3: "the version of the response syntax, which
	// MUST be v1 (value is 0)". An explicit default is not DER and harmless.
	if v != 0 {
		return malformed("%s is %d, not v1 (0)", field, v)
	}
	return nil
}

// addExtensions writes [n] EXPLICIT Extensions, and nothing for none.
func addExtensions(b *cryptobyte.Builder, n uint8, exts []pki.Extension) {
	if len(exts) == 0 {
		return
	}
	b.AddASN1(explicitTag(n), func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, e := range exts {
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
					e.ID.Add(b)
					if e.Critical { // DEFAULT FALSE is not encoded
						b.AddASN1Boolean(true)
					}
					b.AddASN1OctetString(e.Value)
				})
			}
		})
	})
}
