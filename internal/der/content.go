package der

import (
	"fmt"
	"io"
)

// Content consumes the next element, an OCTET STRING in one piece or in
// several (X.690, section 8.7), and returns a reader of its octets. It must
// be read to io.EOF before the stream is used again. tag is the identifier
// octet of the primitive form: TagOctetString, or another where the type is
// tagged implicitly.
func (s *Stream) Content(tag byte, field string) (io.Reader, error) {
	h, err := s.take(field)
	if err != nil {
		return nil, err
	}
	c := &content{s: s, base: len(s.frames), field: field}
	switch h.Tag {
	case tag:
		c.left = h.Length
		c.primitive = true
	case tag | constructed:
		s.notDER = true
		if err := s.push(h, field); err != nil {
			return nil, err
		}
	default:
		return nil, s.fail(field, fmt.Errorf("tag %02X where an OCTET STRING (%02X) belongs", h.Tag, tag))
	}
	return c, nil
}

// content reads the octets of a string, piece after piece.
type content struct {
	s         *Stream
	base      int   // frames below the string
	left      int64 // octets left of the current piece
	primitive bool
	field     string
	err       error
}

// Read fills p as far as there are octets, over as many pieces as it takes, so
// that hashing sees large buffers whatever the size of the pieces.
func (c *content) Read(p []byte) (n int, err error) {
	for n < len(p) && c.err == nil {
		if c.left == 0 {
			c.err = c.advance()
			continue
		}
		want := min(int64(len(p)-n), c.left)
		got, err := c.s.r.Read(p[n : n+int(want)])
		n += got
		c.left -= int64(got)
		c.s.off += int64(got)
		if err != nil {
			c.err = c.s.fail(c.field, err)
		}
	}
	if n > 0 {
		return n, nil
	}
	if len(p) == 0 {
		return 0, nil
	}
	return 0, c.err
}

// advance moves to the next piece that is not empty, or returns io.EOF.
func (c *content) advance() error {
	if c.primitive {
		return io.EOF
	}
	h, more, err := c.s.Next(c.field)
	if err != nil {
		return err
	}
	if !more {
		c.s.frames = c.s.frames[:len(c.s.frames)-1]
		if len(c.s.frames) == c.base {
			return io.EOF
		}
		return nil
	}
	c.s.next = nil
	switch h.Tag {
	case TagOctetString:
		c.left = h.Length
		return nil
	case TagOctetStringConstructed:
		return c.s.push(h, c.field)
	}
	// X.690, section 8.7.3.2: each piece is an OCTET STRING.
	return c.s.fail(c.field, fmt.Errorf("tag %02X where a piece of an OCTET STRING belongs", h.Tag))
}
