// Package der holds what every parser of the project needs around
// golang.org/x/crypto/cryptobyte: readers that keep the name of the field in
// the error, readers that accept what X.690 forbids and say so, and a check
// that a whole tree is DER.
package der

import (
	"errors"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/limits"
)

// FieldError says which field of a structure could not be read and why.
type FieldError struct {
	Field string // path in ASN.1 names, such as "tbsCertificate.validity"
	Why   string
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Why }

// Bad returns a *FieldError for field.
func Bad(field, why string) error { return &FieldError{Field: field, Why: why} }

// Under puts field in front of the field of a *FieldError, so that a path is put
// together only where something is wrong. Other errors stay as they are.
func Under(field string, err error) error {
	var f *FieldError
	if errors.As(err, &f) {
		f.Field = field + f.Field
	}
	return err
}

// ErrTrailing is wrapped by the error of Single for octets after the element.
var ErrTrailing = errors.New("octets after the end of the structure")

// Single checks that data is exactly one element with the tag and a DER
// length, and returns its contents. what names the structure in the error.
func Single(data []byte, tag asn1.Tag, what string) (cryptobyte.String, error) {
	if len(data) == 0 {
		return nil, Bad(what, "no data")
	}
	s := cryptobyte.String(data)
	var content cryptobyte.String
	if !s.PeekASN1Tag(tag) {
		return nil, Bad(what, fmt.Sprintf("tag %#02x, expected %#02x", data[0], uint8(tag)))
	}
	if !s.ReadASN1(&content, tag) {
		return nil, Bad(what, "the length is not DER or goes beyond the end of the data")
	}
	if !s.Empty() {
		return nil, fmt.Errorf("%s: %d %w", what, len(s), ErrTrailing)
	}
	return content, nil
}

// Read consumes one element with the tag from s and returns its contents, or
// an error that names the field.
func Read(s *cryptobyte.String, tag asn1.Tag, field string) (cryptobyte.String, error) {
	var out cryptobyte.String
	if s.Empty() {
		return nil, Bad(field, "missing")
	}
	if !s.PeekASN1Tag(tag) {
		return nil, Bad(field, fmt.Sprintf("tag %#02x, expected %#02x", (*s)[0], uint8(tag)))
	}
	if !s.ReadASN1(&out, tag) {
		return nil, Bad(field, "the length is not DER or goes beyond the end of the data")
	}
	return out, nil
}

// ReadElement is Read, but returns the whole element with tag and length.
func ReadElement(s *cryptobyte.String, tag asn1.Tag, field string) (cryptobyte.String, error) {
	before := *s
	if _, err := Read(s, tag, field); err != nil {
		return nil, err
	}
	return before[:len(before)-len(*s)], nil
}

// ReadAny consumes one element of any low tag and returns it whole together
// with its tag and contents.
func ReadAny(s *cryptobyte.String, field string) (element, content cryptobyte.String, tag asn1.Tag, err error) {
	if s.Empty() {
		return nil, nil, 0, Bad(field, "missing")
	}
	before := *s
	if !s.ReadAnyASN1(&content, &tag) {
		return nil, nil, 0, Bad(field, "not a DER element")
	}
	return before[:len(before)-len(*s)], content, tag, nil
}

// Boolean decodes the contents of a BOOLEAN. Any octet but 00 is true; strict
// is false if it is not FF ("If the encoding represents the boolean value
// TRUE, its single contents octet shall have all eight bits set to one",
// X.690, 11.1).
func Boolean(content []byte) (value, strict, ok bool) {
	if len(content) != 1 {
		return false, false, false
	}
	return content[0] != 0, content[0] == 0 || content[0] == 0xff, true
}

// Integer decodes the contents of an INTEGER of at most maxBytes octets. strict
// is false if the first nine bits are equal, which X.690, 8.3.2 forbids.
func Integer(content []byte, maxBytes int) (value *big.Int, strict, ok bool) {
	if len(content) == 0 || len(content) > maxBytes {
		return nil, false, false
	}
	strict = len(content) == 1 ||
		(content[0] != 0 || content[1]&0x80 != 0) && (content[0] != 0xff || content[1]&0x80 == 0)
	value = new(big.Int).SetBytes(content)
	if content[0]&0x80 != 0 {
		value.Sub(value, new(big.Int).Lsh(big.NewInt(1), uint(8*len(content))))
	}
	return value, strict, true
}

// SmallInteger decodes the contents of a minimal, non-negative INTEGER below
// 2^31.
func SmallInteger(content []byte) (int, bool) {
	v, _, ok := Integer(content, 8)
	if !ok || v.Sign() < 0 || v.BitLen() > 31 {
		return 0, false
	}
	return int(v.Int64()), true
}

// BitString decodes the contents of a BIT STRING. ok is false for contents
// without the first octet or with more than 7 unused bits; strict is false if
// an unused bit is not zero (X.690, 11.2.1).
func BitString(content []byte) (bytes []byte, unused int, strict, ok bool) {
	if len(content) == 0 || content[0] > 7 || len(content) == 1 && content[0] != 0 {
		return nil, 0, false, false
	}
	unused = int(content[0])
	bytes = content[1:]
	strict = unused == 0 || bytes[len(bytes)-1]&(1<<unused-1) == 0
	return bytes, unused, strict, true
}

// AddSequence appends a SEQUENCE with the given contents.
func AddSequence(b *cryptobyte.Builder, contents ...[]byte) {
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, c := range contents {
			b.AddBytes(c)
		}
	})
}

// AddBitString appends a BIT STRING of named bits: trailing zero bits are
// removed (X.690, 11.2.2). Bit 0 of bits is the first named bit.
func AddBitString(b *cryptobyte.Builder, bits uint32) {
	var octets []byte
	unused := 0
	for i := 0; i < 32 && bits>>i != 0; i++ {
		if i%8 == 0 {
			octets = append(octets, 0)
		}
		if bits>>i&1 != 0 {
			octets[i/8] |= 0x80 >> (i % 8)
		}
		unused = 7 - i%8
	}
	b.AddASN1(asn1.BIT_STRING, func(b *cryptobyte.Builder) {
		b.AddUint8(uint8(unused)) // at most 7
		b.AddBytes(octets)
	})
}

// NamedBits is the inverse of AddBitString for at most 32 bits; more bits are
// ignored.
func NamedBits(bytes []byte) uint32 {
	var out uint32
	for i := 0; i < 8*len(bytes) && i < 32; i++ {
		if bytes[i/8]&(0x80>>(i%8)) != 0 {
			out |= 1 << i
		}
	}
	return out
}

// CheckDER walks the whole tree and returns an error for anything that is not
// DER: indefinite or non-minimal lengths, high tag numbers in more octets than
// needed, constructed strings, non-minimal INTEGER, BOOLEAN other than 00 and
// FF, and octets after the end. Depth and number of elements are bounded by
// limits.DERDepth and limits.DERElements. The order of SET OF is not checked.
func CheckDER(data []byte) error {
	left := limits.DERElements
	n, err := checkElement(data, 0, 0, &left)
	if err != nil {
		return err
	}
	if n != len(data) {
		return fmt.Errorf("der: %d %w", len(data)-n, ErrTrailing)
	}
	return nil
}

func checkElement(data []byte, offset, depth int, left *int) (int, error) {
	if depth > limits.DERDepth {
		return 0, fmt.Errorf("der: nested deeper than %d at offset %d", limits.DERDepth, offset)
	}
	if *left--; *left < 0 {
		return 0, fmt.Errorf("der: more than %d elements", limits.DERElements)
	}
	head, length, err := header(data)
	if err != nil {
		return 0, fmt.Errorf("der: offset %d: %w", offset, err)
	}
	content := data[head : head+length]
	if data[0]&0x20 == 0 {
		if err := checkPrimitive(data[0], content); err != nil {
			return 0, fmt.Errorf("der: offset %d: %w", offset, err)
		}
		return head + length, nil
	}
	if data[0]&0xc0 == 0 && data[0] != 0x30 && data[0] != 0x31 && data[0]&0x1f != 8 && data[0]&0x1f != 11 {
		return 0, fmt.Errorf("der: offset %d: constructed form of tag %#02x", offset, data[0])
	}
	for pos := 0; pos < length; {
		n, err := checkElement(content[pos:], offset+head+pos, depth+1, left)
		if err != nil {
			return 0, err
		}
		pos += n
	}
	return head + length, nil
}

func checkPrimitive(tag byte, content []byte) error {
	switch asn1.Tag(tag) {
	case asn1.BOOLEAN:
		if _, strict, ok := Boolean(content); !ok || !strict {
			return errors.New("BOOLEAN is not 00 or FF")
		}
	case asn1.INTEGER, asn1.ENUM:
		if _, strict, ok := Integer(content, max(1, len(content))); !ok || !strict {
			return errors.New("INTEGER is empty or not minimal")
		}
	case asn1.BIT_STRING:
		if _, _, strict, ok := BitString(content); !ok || !strict {
			return errors.New("BIT STRING with wrong unused bits")
		}
	case asn1.NULL:
		if len(content) != 0 {
			return errors.New("NULL with contents")
		}
	case 0x10, 0x11:
		return errors.New("primitive SEQUENCE or SET")
	case 0:
		return errors.New("end-of-contents outside an indefinite length")
	}
	return nil
}

// header returns the octets of tag and length, and the length of the contents.
func header(data []byte) (head, length int, err error) {
	if len(data) < 2 {
		return 0, 0, errors.New("truncated")
	}
	head = 1
	if data[0]&0x1f == 0x1f {
		if head, err = highTag(data); err != nil {
			return 0, 0, err
		}
	}
	if head >= len(data) {
		return 0, 0, errors.New("truncated")
	}
	first := data[head]
	head++
	if first < 0x80 {
		length = int(first)
	} else {
		n := int(first & 0x7f)
		switch {
		case n == 0:
			return 0, 0, errors.New("indefinite length")
		case n > 4 || n > len(data)-head:
			return 0, 0, errors.New("length too large")
		}
		var l uint64
		for _, b := range data[head : head+n] {
			l = l<<8 | uint64(b)
		}
		if data[head] == 0 || l < 0x80 {
			return 0, 0, errors.New("length not in the fewest octets")
		}
		head += n
		if l > uint64(len(data)) {
			return 0, 0, errors.New("length beyond the end of the data")
		}
		length = int(l) // at most len(data)
	}
	if length > len(data)-head {
		return 0, 0, errors.New("length beyond the end of the data")
	}
	return head, length, nil
}

func highTag(data []byte) (int, error) {
	var number uint32
	for i := 1; i < len(data) && i <= 4; i++ {
		if i == 1 && data[i] == 0x80 {
			return 0, errors.New("tag number not in the fewest octets")
		}
		number = number<<7 | uint32(data[i]&0x7f)
		if data[i]&0x80 == 0 {
			if number < 0x1f {
				return 0, errors.New("tag number not in the fewest octets")
			}
			return i + 1, nil
		}
	}
	return 0, errors.New("tag number too large or truncated")
}
