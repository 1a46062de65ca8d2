package p11module

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"

	"github.com/gosklyuch/gosklyuch/internal/limits"
)

// Attribute is one entry of a template as it comes over the C boundary: Value
// holds the octets of pValue, a CK_ULONG in the machine's own form.
type Attribute struct {
	Type  uint64
	Value []byte
}

// attrs are the attributes of an object. A number is held as eight octets,
// big-endian, so that files mean the same on every machine.
type attrs map[uint64][]byte

// kind is the type of an attribute's value.
type kind uint8

const (
	kindUnknown kind = iota
	kindBool
	kindNumber
	kindBytes
	kindText // UTF-8
	kindDate // CK_DATE: 8 digits, or empty
)

// kindOf returns the type of an attribute of PKCS #11 v2.40, section 4.
func kindOf(attr uint64) kind {
	switch attr {
	case attrToken, attrPrivate, attrTrusted, attrSensitive, attrEncrypt, attrDecrypt, attrWrap, attrUnwrap, attrSign,
		attrSignRecover, attrVerify, attrVerifyRecover, attrDerive, attrExtractable, attrLocal, attrNeverExtractable,
		attrAlwaysSensitive, attrModifiable, attrCopyable, attrDestroyable, attrAlwaysAuthenticate, attrWrapWithTrusted:
		return kindBool
	case attrClass, attrCertificateType, attrCertCategory, attrKeyType, attrValueLen, attrKeyGenMechanism:
		return kindNumber
	case attrLabel, attrApplication, attrURL:
		return kindText
	case attrStartDate, attrEndDate:
		return kindDate
	case attrValue, attrObjectID, attrIssuer, attrSerialNumber, attrHashOfSubjectKey, attrHashOfIssuerKey, attrCheckValue,
		attrSubject, attrID, attrPublicKeyInfo, attrGOSTR3410Params, attrGOSTR3411Params, attrGOST28147Params:
		return kindBytes
	}
	return kindUnknown
}

// classHas reports whether objects of a class may carry an attribute (PKCS #11
// v2.40, sections 4.4 to 4.10).
func classHas(class, attr uint64) bool {
	switch attr {
	case attrClass, attrToken, attrPrivate, attrLabel, attrModifiable, attrCopyable, attrDestroyable:
		return true
	}
	switch class {
	case classData:
		return attr == attrApplication || attr == attrObjectID || attr == attrValue
	case classCertificate:
		switch attr {
		case attrCertificateType, attrTrusted, attrCertCategory, attrCheckValue, attrStartDate, attrEndDate, attrPublicKeyInfo,
			attrSubject, attrID, attrIssuer, attrSerialNumber, attrValue, attrURL, attrHashOfSubjectKey, attrHashOfIssuerKey:
			return true
		}
		return false
	}
	switch attr {
	case attrKeyType, attrID, attrStartDate, attrEndDate, attrDerive, attrLocal, attrKeyGenMechanism, attrValue:
		return true
	case attrSubject, attrPublicKeyInfo, attrGOSTR3410Params, attrGOSTR3411Params, attrGOST28147Params:
		return class == classPublicKey || class == classPrivateKey
	case attrTrusted:
		return class == classPublicKey || class == classSecretKey
	case attrVerify, attrEncrypt, attrWrap:
		return class == classPublicKey || class == classSecretKey
	case attrVerifyRecover:
		return class == classPublicKey
	case attrSignRecover, attrAlwaysAuthenticate:
		return class == classPrivateKey
	case attrSensitive, attrDecrypt, attrSign, attrUnwrap, attrExtractable, attrAlwaysSensitive, attrNeverExtractable, attrWrapWithTrusted:
		return class == classPrivateKey || class == classSecretKey
	case attrCheckValue, attrValueLen:
		return class == classSecretKey
	}
	return false
}

// isReadOnly reports whether a caller may never give an attribute: it is the
// token that sets it (PKCS #11 v2.40, section 4.1.1, rule 3).
func isReadOnly(attr uint64) bool {
	switch attr {
	case attrLocal, attrKeyGenMechanism, attrAlwaysSensitive, attrNeverExtractable:
		return true
	}
	return false
}

// decode reads a template. A value of a wrong form is
// CKR_ATTRIBUTE_VALUE_INVALID, an attribute that no object has
// CKR_ATTRIBUTE_TYPE_INVALID, and one that is there twice with different values
// CKR_TEMPLATE_INCONSISTENT.
func (m *Module) decode(template []Attribute) (attrs, RV) {
	if len(template) > limits.TokenAttributes {
		return nil, RVArgumentsBad
	}
	out := make(attrs, len(template))
	for _, a := range template {
		v, rv := m.decodeValue(a)
		if rv != RVOK {
			return nil, rv
		}
		if old, ok := out[a.Type]; ok && !bytes.Equal(old, v) {
			return nil, rvTemplateInconsistent
		}
		out[a.Type] = v
	}
	return out, RVOK
}

// decodeValue checks one value and returns a copy in the form of attrs.
func (m *Module) decodeValue(a Attribute) ([]byte, RV) {
	v := a.Value
	ok := len(v) <= limits.TokenObjectBytes
	switch kindOf(a.Type) {
	case kindUnknown:
		return nil, RVAttributeTypeInvalid
	case kindBool:
		ok = ok && len(v) == 1 && v[0] <= 1
	case kindNumber:
		if len(v) != m.cfg.ULongSize {
			return nil, rvAttributeValueInvalid
		}
		return number(m.readULong(v)), RVOK
	case kindText:
		ok = ok && utf8.Valid(v)
	case kindDate:
		ok = len(v) == 0 || len(v) == 8 && allDigits(v)
	case kindBytes:
	}
	if !ok {
		return nil, rvAttributeValueInvalid
	}
	return append([]byte{}, v...), RVOK
}

func allDigits(v []byte) bool {
	for _, c := range v {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// readULong reads a CK_ULONG. An unsigned long of 4 octets with all bits set is
// CK_UNAVAILABLE_INFORMATION as well.
func (m *Module) readULong(v []byte) uint64 {
	if len(v) == 4 {
		n := binary.NativeEndian.Uint32(v)
		if n == ^uint32(0) {
			return unavailable
		}
		return uint64(n)
	}
	return binary.NativeEndian.Uint64(v)
}

// wire returns a value as C wants it.
func (m *Module) wire(attr uint64, v []byte) []byte {
	if kindOf(attr) != kindNumber {
		return v
	}
	n := binary.BigEndian.Uint64(v)
	if m.cfg.ULongSize == 4 {
		return binary.NativeEndian.AppendUint32(nil, uint32(n))
	}
	return binary.NativeEndian.AppendUint64(nil, n)
}

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func boolean(b bool) []byte {
	if b {
		return []byte{1}
	}
	return []byte{0}
}

// is reports whether a boolean attribute is there and true.
func (a attrs) is(attr uint64) bool { return len(a[attr]) == 1 && a[attr][0] == 1 }

// number returns a number, unavailable if it is not there.
func (a attrs) number(attr uint64) uint64 {
	if v := a[attr]; len(v) == 8 {
		return binary.BigEndian.Uint64(v)
	}
	return unavailable
}

// setDefault sets an attribute that the template left out.
func (a attrs) setDefault(attr uint64, v []byte) {
	if _, ok := a[attr]; !ok {
		a[attr] = v
	}
}

func (a attrs) clone() attrs {
	out := make(attrs, len(a))
	for k, v := range a {
		out[k] = bytes.Clone(v)
		if out[k] == nil {
			out[k] = []byte{}
		}
	}
	return out
}

func (a attrs) equal(b attrs) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		w, ok := b[k]
		if !ok || !bytes.Equal(v, w) {
			return false
		}
	}
	return true
}
