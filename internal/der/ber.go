package der

import (
	"errors"
	"fmt"

	"github.com/gosklyuch/gosklyuch/internal/limits"
)

// element is one BER element in memory.
type element struct {
	id         []byte // identifier octets
	content    []byte // content octets, without end-of-contents
	raw        []byte // the whole element
	indefinite bool
}

// tag returns the first identifier octet.
func (e element) tag() byte { return e.id[0] }

// readElement splits the first element from b. An indefinite length is
// resolved by walking the content.
func readElement(b []byte, depth int) (element, []byte, error) {
	if depth > limits.BERDepth {
		return element{}, nil, fmt.Errorf("nested deeper than %d levels", limits.BERDepth)
	}
	at := 0
	read := func() (byte, error) {
		if at >= len(b) {
			return 0, errors.New("the data ends inside a header")
		}
		at++
		return b[at-1], nil
	}
	tag, err := read()
	if err != nil {
		return element{}, nil, err
	}
	if tag == 0 {
		return element{}, nil, errReserved
	}
	if tag&highNumber == highNumber {
		for i := 0; ; i++ {
			c, err := read()
			if err != nil {
				return element{}, nil, err
			}
			if c&0x80 == 0 {
				break
			}
			if i == 4 {
				return element{}, nil, errors.New("a tag number above 2^28")
			}
		}
	}
	id := b[:at]
	n, _, err := readLength(read, tag)
	if err != nil {
		return element{}, nil, err
	}
	if n != Indefinite {
		if n > int64(len(b)-at) {
			return element{}, nil, fmt.Errorf("a length of %d where %d octets are left", n, len(b)-at)
		}
		end := at + int(n)
		return element{id: id, content: b[at:end], raw: b[:end]}, b[end:], nil
	}
	rest := b[at:]
	for {
		if len(rest) >= 2 && rest[0] == 0 && rest[1] == 0 {
			end := len(b) - len(rest)
			return element{id: id, content: b[at:end], raw: b[:end+2], indefinite: true}, rest[2:], nil
		}
		if _, rest, err = readElement(rest, depth+1); err != nil {
			return element{}, nil, err
		}
	}
}

// Elements returns the elements inside the constructed element ber, each as it
// is encoded, and fails if anything follows it.
func Elements(ber []byte) ([][]byte, error) {
	e, rest, err := readElement(ber, 0)
	if err != nil {
		return nil, fmt.Errorf("der: %w", err)
	}
	if len(rest) != 0 || e.tag()&constructed == 0 {
		return nil, errors.New("der: not one constructed element")
	}
	var out [][]byte
	for rest = e.content; len(rest) > 0; {
		var c element
		if c, rest, err = readElement(rest, 1); err != nil {
			return nil, fmt.Errorf("der: %w", err)
		}
		out = append(out, c.raw)
	}
	return out, nil
}

// ToDER returns the one element in ber with definite, minimal lengths and with
// strings of the universal class in one piece (X.690, sections 10.1 and 10.2).
// Values stay as they are: neither the order of a SET OF, nor a BOOLEAN, nor
// padding is changed, since a signature may cover them, and a string that is
// tagged implicitly stays in pieces, since only its type would tell. Input
// that has these properties already is returned unchanged, without a copy.
func ToDER(ber []byte) ([]byte, error) {
	e, rest, err := readElement(ber, 0)
	if err != nil {
		return nil, fmt.Errorf("der: %w", err)
	}
	if len(rest) != 0 {
		return nil, fmt.Errorf("der: %d octets after the element", len(rest))
	}
	if isDefinite(e, 0) {
		return ber, nil
	}
	if len(ber) > limits.BERConvert {
		return nil, fmt.Errorf("der: indefinite lengths in %d octets, limit %d", len(ber), limits.BERConvert)
	}
	out, err := appendDER(make([]byte, 0, len(ber)), e, 0)
	if err != nil {
		return nil, fmt.Errorf("der: %w", err)
	}
	return out, nil
}

// isDefinite says whether nothing in e needs conversion. It is false for
// what cannot be read, too: appendDER then finds the error.
func isDefinite(e element, depth int) bool {
	if e.indefinite || depth > limits.BERDepth || len(e.raw) != derLength(len(e.id), len(e.content)) {
		return false
	}
	if e.tag()&constructed == 0 {
		return true
	}
	if isString(e.tag()) {
		return false
	}
	for rest := e.content; len(rest) > 0; {
		c, r, err := readElement(rest, depth+1)
		if err != nil || !isDefinite(c, depth+1) {
			return false
		}
		rest = r
	}
	return true
}

// derLength returns the length of a DER element with id identifier octets and
// n octets of content.
func derLength(id, n int) int {
	var buf [9]byte
	return id + len(appendLength(buf[:0], n)) + n
}

// appendDER appends e with definite lengths.
func appendDER(dst []byte, e element, depth int) ([]byte, error) {
	if depth > limits.BERDepth {
		return nil, fmt.Errorf("nested deeper than %d levels", limits.BERDepth)
	}
	if e.tag()&constructed == 0 {
		dst = append(dst, e.id...)
		dst = appendLength(dst, len(e.content))
		return append(dst, e.content...), nil
	}
	if isString(e.tag()) {
		return appendString(dst, e, depth)
	}
	dst = append(dst, e.id...)
	at := len(dst)
	for rest := e.content; len(rest) > 0; {
		c, r, err := readElement(rest, depth+1)
		if err != nil {
			return nil, err
		}
		if dst, err = appendDER(dst, c, depth+1); err != nil {
			return nil, err
		}
		rest = r
	}
	return insertLength(dst, at), nil
}

// isString says whether tag is the constructed form of a universal type whose
// DER form is primitive: BIT STRING, OCTET STRING, the character strings and
// the times (X.690, section 10.2).
func isString(tag byte) bool {
	switch tag &^ constructed {
	case 3, 4, 12, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 30:
		return tag&constructed != 0
	}
	return false
}

// appendString appends the string e, which is in pieces, in one piece.
func appendString(dst []byte, e element, depth int) ([]byte, error) {
	tag := e.tag() &^ constructed
	dst = append(dst, tag)
	at := len(dst)
	j := joiner{tag: tag, dst: dst}
	if tag == 3 {
		// X.690, section 8.6.4: the pieces of a BIT STRING are BIT STRINGs, and
		// only the last has unused bits.
		j.dst = append(j.dst, 0)
		j.unusedAt = at
	}
	if err := j.join(e, depth); err != nil {
		return nil, err
	}
	return insertLength(j.dst, at), nil
}

// joiner collects the pieces of a string.
type joiner struct {
	tag      byte
	dst      []byte
	unusedAt int // where a BIT STRING's count of unused bits stands
	pieces   int
}

func (j *joiner) join(e element, depth int) error {
	if depth > limits.BERDepth {
		return fmt.Errorf("nested deeper than %d levels", limits.BERDepth)
	}
	for rest := e.content; len(rest) > 0; {
		c, r, err := readElement(rest, depth+1)
		if err != nil {
			return err
		}
		rest = r
		if j.pieces++; j.pieces > limits.BERSegments {
			return fmt.Errorf("a string in more than %d pieces", limits.BERSegments)
		}
		// X.690, section 8.23: a character string is encoded like an OCTET STRING, so
		// its pieces are OCTET STRINGs. Some encoders repeat its own tag.
		switch t := c.tag() &^ constructed; {
		case t != j.tag && (t != TagOctetString || j.tag == 3):
			return fmt.Errorf("tag %02X where a piece of a string of tag %02X belongs", c.tag(), j.tag)
		case c.tag()&constructed != 0:
			err = j.join(c, depth+1)
		case j.tag == 3:
			err = j.bits(c.content)
		default:
			j.dst = append(j.dst, c.content...)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// bits appends one piece of a BIT STRING.
func (j *joiner) bits(piece []byte) error {
	if len(piece) == 0 || piece[0] > 7 || (len(piece) == 1 && piece[0] != 0) {
		return errors.New("a piece of a BIT STRING without a valid count of unused bits")
	}
	if j.dst[j.unusedAt] != 0 {
		return errors.New("unused bits before the last piece of a BIT STRING")
	}
	j.dst[j.unusedAt] = piece[0]
	j.dst = append(j.dst, piece[1:]...)
	return nil
}

// appendLength appends DER length octets (X.690, section 10.1).
func appendLength(dst []byte, n int) []byte { return appendLength64(dst, int64(n)) }

func appendLength64(dst []byte, n int64) []byte {
	if n < 0x80 {
		return append(dst, byte(n))
	}
	size := 1
	for v := n >> 8; v > 0; v >>= 8 {
		size++
	}
	dst = append(dst, 0x80|byte(size))
	for i := size - 1; i >= 0; i-- {
		dst = append(dst, byte(n>>(8*i)))
	}
	return dst
}

// insertLength puts the length of dst[at:] in front of it.
func insertLength(dst []byte, at int) []byte {
	var buf [9]byte
	octets := appendLength(buf[:0], len(dst)-at)
	dst = append(dst, octets...)
	copy(dst[at+len(octets):], dst[at:len(dst)-len(octets)])
	copy(dst[at:], octets)
	return dst
}

// Wrap returns a DER element with the identifier octet tag, a number below 31,
// around the concatenation of parts.
func Wrap(tag byte, parts ...[]byte) []byte {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	out := appendLength(append(make([]byte, 0, n+10), tag), n)
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// AppendHeader appends the identifier octet tag and a DER length of n octets,
// for content that is written separately.
func AppendHeader(dst []byte, tag byte, n int64) []byte {
	return appendLength64(append(dst, tag), n)
}
