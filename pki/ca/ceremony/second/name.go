package second

import (
	"encoding/asn1"
	"strings"
	"unicode/utf16"
)

// attributeTypes are the attributes that a plan may use, by the names that RFC
// 4514 and the Russian programs write.
var attributeTypes = map[string]string{
	"CN": "2.5.4.3", "SN": "2.5.4.4", "C": "2.5.4.6", "L": "2.5.4.7", "S": "2.5.4.8", "ST": "2.5.4.8",
	"STREET": "2.5.4.9", "O": "2.5.4.10", "OU": "2.5.4.11", "T": "2.5.4.12", "G": "2.5.4.42",
	"E": "1.2.840.113549.1.9.1", "OGRN": "1.2.643.100.1", "SNILS": "1.2.643.100.3", "INNLE": "1.2.643.100.4",
	"OGRNIP": "1.2.643.100.5", "INN": "1.2.643.3.131.1.1",
}

// An Attribute is one attribute of a name.
type Attribute struct {
	Type  string // dotted
	Value string
}

// Attributes reads a name in the simple form TYPE=VALUE,TYPE=VALUE, in which a
// comma, an equals sign, a plus sign or a backslash in a value stands behind a
// backslash. It knows less than RFC 4514 on purpose: what another reader could
// understand differently is refused. The order is that of the text.
func Attributes(text string) ([]Attribute, error) {
	const o = object("name")
	var out []Attribute
	for _, part := range splitUnescaped(text) {
		name, value, ok := strings.Cut(part, "=")
		name = strings.TrimSpace(name)
		oid, known := attributeTypes[strings.ToUpper(name)]
		if !known && (strings.HasPrefix(name, "1.") || strings.HasPrefix(name, "2.")) {
			oid, known = name, true
		}
		if !ok || !known {
			return nil, o.bad(name, "an attribute that this checker knows is expected: CN, O, OU, C, S, L, STREET, SN, G, T, E, OGRN, INN, INNLE, SNILS, OGRNIP or a dotted identifier")
		}
		value, ok = unescape(strings.TrimSpace(value))
		if !ok {
			return nil, o.bad(name, "the value is empty or has a character that needs a backslash")
		}
		out = append(out, Attribute{oid, value})
	}
	return out, nil
}

// splitUnescaped cuts at commas that stand behind no backslash.
func splitUnescaped(text string) (parts []string) {
	start, escaped := 0, false
	for i := range len(text) {
		switch {
		case escaped:
			escaped = false
		case text[i] == '\\':
			escaped = true
		case text[i] == ',':
			parts = append(parts, text[start:i])
			start = i + 1
		}
	}
	return append(parts, text[start:])
}

func unescape(value string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == '\\' && i+1 < len(value) && strings.IndexByte(`,=+\"#;<>`, value[i+1]) >= 0:
			i++
			b.WriteByte(value[i])
		case strings.IndexByte(`\+"#;<>`, c) >= 0:
			return "", false
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), b.Len() > 0
}

// attribute is AttributeTypeAndValue (RFC 5280, section 4.1.2.4).
type attribute struct {
	Type  asn1.ObjectIdentifier
	Value asn1.RawValue
}

// rdnSET is RelativeDistinguishedName.
type rdnSET []attribute

// decodeName returns the attributes of a Name, one an RDN, most significant
// first. A set of several is refused: no ceremony writes one.
func (o object) decodeName(field string, der []byte) ([]Attribute, error) {
	var rdns []rdnSET
	if rest, err := asn1.Unmarshal(der, &rdns); err != nil || len(rest) > 0 {
		return nil, o.broken(field, err)
	}
	var out []Attribute
	for _, set := range rdns {
		if len(set) != 1 {
			return nil, o.bad(field, "several attributes in one RDN")
		}
		text, ok := directoryString(set[0].Value)
		if !ok {
			return nil, o.bad(field, "%s has an unknown string type %d", set[0].Type, set[0].Value.Tag)
		}
		out = append(out, Attribute{set[0].Type.String(), text})
	}
	return out, nil
}

// directoryString reads the string types that names have.
func directoryString(v asn1.RawValue) (string, bool) {
	if v.Class != asn1.ClassUniversal || v.IsCompound {
		return "", false
	}
	switch v.Tag {
	case asn1.TagUTF8String, asn1.TagPrintableString, asn1.TagNumericString, asn1.TagIA5String:
		return string(v.Bytes), true
	case asn1.TagBMPString:
		if len(v.Bytes)%2 != 0 {
			return "", false
		}
		units := make([]uint16, len(v.Bytes)/2)
		for i := range units {
			units[i] = uint16(v.Bytes[2*i])<<8 | uint16(v.Bytes[2*i+1])
		}
		return string(utf16.Decode(units)), true
	}
	return "", false
}
