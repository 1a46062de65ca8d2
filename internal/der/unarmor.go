package der

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"

	"github.com/gosklyuch/gosklyuch/internal/limits"
)

// NewReader returns a reader of the object in r, decoding Base64 or PEM (its
// first block) as it is read. Nothing but the first limits.ArmorHeader octets
// is held in memory. A boundary that does not belong is an error of a later Read.
func NewReader(r io.Reader) (io.Reader, Armor, error) {
	return newReader(r, 0)
}

func newReader(r io.Reader, depth int) (io.Reader, Armor, error) {
	br := NewBuffered(r)
	head, err := br.Peek(limits.ArmorHeader)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return nil, ArmorNone, err
	}
	if looksDER(head) {
		return br, ArmorNone, nil
	}
	order, bom := utf16Order(head)
	if _, err := br.Discard(bom); err != nil {
		return nil, ArmorNone, err
	}
	if order != 0 {
		br = bufio.NewReaderSize(&utf16Reader{r: br, order: order}, limits.ArmorHeader)
	}
	if head, err = br.Peek(limits.ArmorHeader); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return nil, ArmorNone, err
	}
	form, err := sniffText(head)
	if err != nil {
		return nil, ArmorNone, err
	}
	decoder := &base64Reader{r: br}
	if form == ArmorPEM {
		if decoder.label, err = skipToPEM(br); err != nil {
			return nil, ArmorNone, err
		}
	}
	if depth > 0 {
		return decoder, ArmorBase64Twice, nil
	}
	return unwrapTwice(decoder, form)
}

// NewBuffered returns a buffered reader of r. Where r says how much it has left,
// as a bytes.Reader does, the buffer is no longer than that: clearing a buffer
// for a long message costs more than reading a short one.
func NewBuffered(r io.Reader) *bufio.Reader {
	size := limits.ArmorHeader
	if s, ok := r.(interface{ Len() int }); ok {
		size = min(size, max(s.Len()+1, minBuffered)) // one more: so that Peek meets the end
	}
	return bufio.NewReaderSize(r, size)
}

// minBuffered is the least buffer of NewBuffered.
const minBuffered = 512

// sniffLength is enough to tell DER from text: more than the longest element
// with a length in one octet.
const sniffLength = 256

// unwrapTwice looks at what decoder yields and, where that is text again,
// decodes it once more.
func unwrapTwice(decoder io.Reader, form Armor) (io.Reader, Armor, error) {
	inner := bufio.NewReaderSize(decoder, limits.ArmorHeader)
	head, err := inner.Peek(sniffLength)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, form, err
	}
	if looksDER(head) {
		return inner, form, nil
	}
	if isTextual(head) && len(head) > 0 {
		if twice, armor, err := newReader(inner, 1); err == nil {
			return twice, armor, nil
		}
	}
	return nil, form, &NotDERError{Kind: Sniff(head)}
}

// skipToPEM moves br past the BEGIN line and the headers and returns the label.
func skipToPEM(br *bufio.Reader) (string, error) {
	for {
		line, err := br.ReadSlice('\n')
		if err != nil {
			return "", fmt.Errorf("der: PEM: no line that begins with %q: %w", pemBegin, err)
		}
		at := bytes.Index(line, []byte(pemBegin))
		if at < 0 {
			continue
		}
		line = bytes.TrimRight(line[at:], " \r\n\t")
		if !bytes.HasSuffix(line, []byte(pemDash)) || len(line) < len(pemBegin)+len(pemDash) {
			return "", errors.New("der: PEM: the BEGIN line does not end in five hyphens")
		}
		return string(line[len(pemBegin) : len(line)-len(pemDash)]), nil
	}
}

// utf16Reader turns UTF-16 text into octets.
type utf16Reader struct {
	r     *bufio.Reader
	order byte
}

func (u *utf16Reader) Read(p []byte) (int, error) {
	for n := range p {
		pair, err := u.r.Peek(2)
		if err != nil {
			if n > 0 {
				return n, nil
			}
			return 0, io.EOF
		}
		p[n] = utf16Char(pair, u.order)
		if _, err := u.r.Discard(2); err != nil {
			return n, err
		}
	}
	return len(p), nil
}

// base64Reader decodes Base64 line by line, up to a line that begins with a
// hyphen. There is no work per character besides the decoding itself.
type base64Reader struct {
	r     *bufio.Reader
	label string // of the PEM block, whose END line must have it; "" for bare Base64
	text  []byte // characters not yet decoded
	out   []byte // decoded and not yet read
	buf   []byte
	final bool // padding has been seen
	err   error
}

// Read decodes into p.
func (d *base64Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(d.out) == 0 {
		if d.err != nil {
			return 0, d.err
		}
		d.err = d.fill()
	}
	n := copy(p, d.out)
	d.out = d.out[n:]
	return n, nil
}

// fill collects at least limits.ArmorLine characters, or all that are left,
// and decodes them.
func (d *base64Reader) fill() error {
	var end error
	for len(d.text) < limits.ArmorLine && end == nil {
		line, err := d.r.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) && !errors.Is(err, io.EOF) {
			return err
		}
		if len(line) > 0 && line[0] == '-' {
			end = d.boundary(line)
			break
		}
		d.text = appendCharacters(d.text, line)
		if errors.Is(err, io.EOF) {
			end = io.EOF
			if d.label != "" {
				end = fmt.Errorf("der: PEM: no END %s line: %w", d.label, io.ErrUnexpectedEOF)
			}
		}
	}
	if err := d.decode(end != nil); err != nil {
		return err
	}
	return end
}

// boundary checks the line that ends the text.
func (d *base64Reader) boundary(line []byte) error {
	got := string(bytes.TrimRight(line, " \r\n\t"))
	// RFC 7468, section 2 lets a parser disregard a label that differs. Here it is
	// an error: two files run together are more likely than a slip.
	if d.label == "" || got != pemEnd+d.label+pemDash {
		return fmt.Errorf("der: PEM: the line %.40q where END %s belongs", got, d.label)
	}
	return io.EOF
}

// decode turns the collected characters into octets; last says that no more come.
func (d *base64Reader) decode(last bool) error {
	n := len(d.text) &^ 3
	enc := base64.StdEncoding
	if last && n != len(d.text) {
		// The padding is missing. RFC 4648, section 3.2 demands it, but it happens.
		n, enc = len(d.text), base64.RawStdEncoding
	}
	if n == 0 {
		return nil
	}
	if d.final {
		return errors.New("der: Base64: characters after the padding")
	}
	if cap(d.buf) < n {
		d.buf = make([]byte, n)
	}
	got, err := enc.Decode(d.buf[:n], d.text[:n])
	if err != nil {
		return fmt.Errorf("der: %w", err)
	}
	d.final = d.text[n-1] == '='
	d.out = d.buf[:got]
	d.text = append(d.text[:0], d.text[n:]...)
	return nil
}

// appendCharacters appends line without its white space.
func appendCharacters(dst, line []byte) []byte {
	end := len(line)
	for end > 0 && isSpace(line[end-1]) {
		end--
	}
	line = line[:end]
	if !bytes.ContainsAny(line, " \t\r\v\f") {
		return append(dst, line...)
	}
	for _, b := range line {
		if !isSpace(b) {
			dst = append(dst, b)
		}
	}
	return dst
}
