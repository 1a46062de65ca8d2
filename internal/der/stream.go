package der

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/gosklyuch/gosklyuch/internal/limits"
)

// SyntaxError says where a BER or DER object breaks the encoding rules
// (X.690) or the type it should have.
type SyntaxError struct {
	Field  string // the field being read, as the ASN.1 module names it
	Offset int64  // octets from the start of the decoded object
	Err    error  // what is wrong; io.ErrUnexpectedEOF if the object is cut off
}

// Error names the field and the position.
func (e *SyntaxError) Error() string {
	if errors.Is(e.Err, io.ErrUnexpectedEOF) {
		return fmt.Sprintf("der: %s: the data ends at octet %d, in the middle of the object", e.Field, e.Offset)
	}
	return fmt.Sprintf("der: %s: at octet %d: %v", e.Field, e.Offset, e.Err)
}

// Unwrap returns the cause.
func (e *SyntaxError) Unwrap() error { return e.Err }

// Bits of the identifier octet (X.690, section 8.1.2).
const (
	constructed = 0x20
	highNumber  = 0x1f

	// TagOctetString and TagOctetStringConstructed are the identifier octets of
	// an OCTET STRING in one piece and in several.
	TagOctetString            = 0x04
	TagOctetStringConstructed = TagOctetString | constructed
)

// Indefinite is the Length of an element that ends with end-of-contents octets
// (X.690, section 8.1.3.6).
const Indefinite = -1

// errReserved is for a first octet of zero: tag 0 of the universal class is
// reserved for the encoding rules (X.680, table 1), as end-of-contents.
var errReserved = errors.New("end-of-contents octets where nothing is open")

// Header is the identifier and the length of one element.
type Header struct {
	Tag    byte  // first identifier octet: class, constructed bit and number below 31
	Length int64 // octets of content, or Indefinite
	raw    []byte
}

// Constructed says whether the content is a series of elements.
func (h Header) Constructed() bool { return h.Tag&constructed != 0 }

// frame is a constructed element that has been entered.
type frame struct {
	end   int64 // offset of its end; -1 if indefinite
	limit int64 // end of the nearest element of known length around the content
	ended bool  // end-of-contents octets have been read
}

// Stream reads one BER or DER object forward, without holding its content.
// The caller walks it: Next looks at the next element of the current level,
// and Enter, Raw or Content consumes it. An element of known length is never
// left, so a lying inner length cannot reach into what follows.
type Stream struct {
	r      *bufio.Reader
	off    int64
	frames []frame
	next   *Header
	notDER bool
}

// NewStream returns a Stream over r, which must be positioned at the first
// identifier octet.
func NewStream(r io.Reader) *Stream {
	if br, ok := r.(*bufio.Reader); ok {
		return &Stream{r: br}
	}
	return &Stream{r: NewBuffered(r)}
}

// Offset returns how many octets have been consumed.
func (s *Stream) Offset() int64 { return s.off }

// BER says whether a form was met that DER forbids: an indefinite or a
// non-minimal length (X.690, section 10.1), or an OCTET STRING in pieces
// (section 10.2).
func (s *Stream) BER() bool { return s.notDER }

// fail makes an error for field at the current position.
func (s *Stream) fail(field string, err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	var syntax *SyntaxError
	if errors.As(err, &syntax) {
		return err
	}
	return &SyntaxError{Field: field, Offset: s.off, Err: err}
}

// limit returns the offset that the current level cannot pass.
func (s *Stream) limit() int64 {
	if len(s.frames) == 0 {
		return math.MaxInt64
	}
	return s.frames[len(s.frames)-1].limit
}

// Next returns the header of the next element of the current level without
// consuming it. more is false at the end of the level.
func (s *Stream) Next(field string) (h Header, more bool, err error) {
	if s.next != nil {
		return *s.next, true, nil
	}
	var f *frame
	if n := len(s.frames); n > 0 {
		f = &s.frames[n-1]
		if f.ended || f.end == s.off {
			return Header{}, false, nil
		}
	}
	h, err = s.readHeader()
	switch {
	case err != nil:
		return Header{}, false, s.fail(field, err)
	case h.Tag == 0 && h.Length == 0 && f != nil && f.end < 0:
		// End-of-contents is two zero octets (X.690, section 8.1.5).
		f.ended = true
		return Header{}, false, nil
	case h.Tag == 0:
		return Header{}, false, s.fail(field, errReserved)
	case h.Length > s.limit()-s.off:
		return Header{}, false, s.fail(field, fmt.Errorf("a length of %d is beyond the end of the enclosing element", h.Length))
	}
	s.next = &h
	return h, true, nil
}

// readByte consumes one octet within the limit.
func (s *Stream) readByte() (byte, error) {
	if s.off >= s.limit() {
		return 0, errors.New("the header is beyond the end of the enclosing element")
	}
	b, err := s.r.ReadByte()
	if err != nil {
		return 0, err
	}
	s.off++
	return b, nil
}

// readHeader consumes identifier and length octets.
func (s *Stream) readHeader() (Header, error) {
	raw := make([]byte, 0, 12)
	read := func() (byte, error) {
		b, err := s.readByte()
		raw = append(raw, b)
		return b, err
	}
	tag, err := read()
	if err != nil {
		return Header{}, err
	}
	if tag&highNumber == highNumber {
		// X.690, section 8.1.2.4: the number follows, base 128.
		for i := 0; ; i++ {
			b, err := read()
			if err != nil {
				return Header{}, err
			}
			if b&0x80 == 0 {
				break
			}
			if i == 4 {
				return Header{}, errors.New("a tag number above 2^28")
			}
		}
	}
	length, minimal, err := readLength(read, tag)
	if err != nil {
		return Header{}, err
	}
	if !minimal {
		s.notDER = true
	}
	return Header{Tag: tag, Length: length, raw: raw}, nil
}

// readLength reads length octets (X.690, section 8.1.3) and says whether they
// are the form that DER prescribes (section 10.1).
func readLength(read func() (byte, error), tag byte) (n int64, minimal bool, err error) {
	b, err := read()
	switch {
	case err != nil:
		return 0, false, err
	case b < 0x80:
		return int64(b), true, nil
	case b == 0x80:
		if tag&constructed == 0 {
			return 0, false, errors.New("an indefinite length on a primitive element")
		}
		return Indefinite, false, nil
	case b == 0xff:
		return 0, false, errors.New("a length that begins with the reserved octet FF")
	}
	count := int(b & 0x7f)
	minimal = true
	for i := range count {
		if b, err = read(); err != nil {
			return 0, false, err
		}
		if n > math.MaxInt64>>8 {
			return 0, false, errors.New("a length above 2^63")
		}
		n = n<<8 | int64(b)
		if i == 0 && b == 0 {
			minimal = false
		}
		if i >= 16 {
			return 0, false, errors.New("a length of more than 16 octets")
		}
	}
	return n, minimal && n >= 0x80, nil
}

// take consumes the header that Next returned.
func (s *Stream) take(field string) (Header, error) {
	h, more, err := s.Next(field)
	if err != nil {
		return Header{}, err
	}
	if !more {
		return Header{}, s.fail(field, errors.New("the field is missing"))
	}
	s.next = nil
	return h, nil
}

// push opens a constructed element whose header has just been consumed.
func (s *Stream) push(h Header, field string) error {
	if len(s.frames) >= limits.BERDepth {
		return s.fail(field, fmt.Errorf("nested deeper than %d levels", limits.BERDepth))
	}
	f := frame{end: -1, limit: s.limit()}
	if h.Length != Indefinite {
		f.end = s.off + h.Length
		f.limit = f.end
	}
	s.frames = append(s.frames, f)
	return nil
}

// Enter consumes the header of the next element, which must have the given
// identifier octet and be constructed, and makes its content the current level.
func (s *Stream) Enter(tag byte, field string) error {
	h, err := s.take(field)
	if err != nil {
		return err
	}
	if h.Tag != tag || !h.Constructed() {
		return s.fail(field, fmt.Errorf("tag %02X where %02X belongs", h.Tag, tag))
	}
	return s.push(h, field)
}

// Leave ends the current level, at whose end the stream must stand.
func (s *Stream) Leave(field string) error {
	switch _, more, err := s.Next(field); {
	case err != nil:
		return err
	case more:
		return s.fail(field, errors.New("an element too many"))
	}
	s.frames = s.frames[:len(s.frames)-1]
	return nil
}

// Raw consumes the next element and returns it as it came, header and
// end-of-contents octets included. It fails if the element is longer than limit.
func (s *Stream) Raw(limit int64, field string) ([]byte, error) {
	h, err := s.take(field)
	if err != nil {
		return nil, err
	}
	return s.appendRaw(nil, h, limit, field, 0)
}

// appendRaw appends the element whose header h has been consumed.
func (s *Stream) appendRaw(dst []byte, h Header, limit int64, field string, depth int) ([]byte, error) {
	if depth > limits.BERDepth {
		return nil, s.fail(field, fmt.Errorf("nested deeper than %d levels", limits.BERDepth))
	}
	dst = append(dst, h.raw...)
	if h.Length != Indefinite {
		if h.Length > limit-int64(len(dst)) {
			return nil, s.fail(field, fmt.Errorf("longer than the limit of %d octets", limit))
		}
		return s.appendOctets(dst, h.Length, field)
	}
	if err := s.push(h, field); err != nil {
		return nil, err
	}
	for {
		c, more, err := s.Next(field)
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
		s.next = nil
		if dst, err = s.appendRaw(dst, c, limit, field, depth+1); err != nil {
			return nil, err
		}
	}
	s.frames = s.frames[:len(s.frames)-1]
	dst = append(dst, 0, 0)
	if int64(len(dst)) > limit {
		return nil, s.fail(field, fmt.Errorf("longer than the limit of %d octets", limit))
	}
	return dst, nil
}

// appendOctets appends n octets in growing steps, so that a lying length costs
// no more memory than the data that is there.
func (s *Stream) appendOctets(dst []byte, n int64, field string) ([]byte, error) {
	for step := int64(64 << 10); n > 0; step *= 2 {
		step = min(step, n)
		at := len(dst)
		dst = append(dst, make([]byte, step)...)
		got, err := io.ReadFull(s.r, dst[at:])
		s.off += int64(got)
		if err != nil {
			return nil, s.fail(field, err)
		}
		n -= step
	}
	return dst, nil
}

// Trailing reads what follows the object, up to limit octets, and returns how
// many octets there were and whether all of them were zero or white space.
func (s *Stream) Trailing(limit int64) (n int64, blank bool, err error) {
	blank = true
	if _, err := s.r.Peek(1); err == io.EOF {
		return 0, true, nil
	}
	buf := make([]byte, 4096)
	for n < limit {
		got, err := s.r.Read(buf)
		for _, b := range buf[:got] {
			if b != 0 && !isSpace(b) {
				blank = false
			}
		}
		n += int64(got)
		if err == io.EOF {
			break
		}
		if err != nil {
			return n, blank, err
		}
	}
	return n, blank, nil
}
