package der

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/gosklyuch/gosklyuch/internal/limits"
)

// Armor says how a DER or BER object was wrapped in text.
type Armor uint8

// The forms of armor that are recognised.
const (
	ArmorNone        Armor = iota // DER or BER
	ArmorPEM                      // between BEGIN and END lines (RFC 7468)
	ArmorBase64                   // Base64 without such lines
	ArmorBase64Twice              // Base64 of a text that is itself Base64 or PEM
)

// String returns the English name of the form.
func (a Armor) String() string {
	switch a {
	case ArmorNone:
		return "DER"
	case ArmorPEM:
		return "PEM"
	case ArmorBase64:
		return "Base64"
	case ArmorBase64Twice:
		return "double Base64"
	}
	return "unknown"
}

// Block is one object of a file.
type Block struct {
	Type    string // PEM label, or "" where there was none
	Bytes   []byte // the decoded object
	Armor   Armor
	Headers map[string]string // of RFC 1421, as old encrypted keys have them; nil if none
}

// NotDERError says that the input is no DER, no BER and no text form of them,
// and what it seems to be instead: an HTML page saved in place of a
// certificate, a PDF, XML, or KindUnknown.
type NotDERError struct{ Kind Kind }

// Error names what was found.
func (e *NotDERError) Error() string {
	if e.Kind == KindUnknown {
		return "der: the data is neither DER nor PEM nor Base64"
	}
	return "der: the data is " + e.Kind.String() + ", neither DER nor PEM nor Base64"
}

// ErrEmpty is returned for input without a single octet that is not white space.
var ErrEmpty = errors.New("der: the data is empty")

// isSpace says whether b may stand between the characters of a text form.
func isSpace(b byte) bool {
	return b == ' ' || b == '\n' || b == '\r' || b == '\t' || b == '\v' || b == '\f'
}

// Decode returns all objects of data: one for DER or BER (with all that
// follows it), one for Base64, and one for each block of a PEM file. A byte
// order mark, UTF-16, any line ends and text around PEM blocks are accepted.
func Decode(data []byte) ([]Block, error) {
	return decode(data, 0)
}

func decode(data []byte, depth int) ([]Block, error) {
	if len(data) > 0 && looksDER(data) {
		return []Block{{Bytes: data}}, nil
	}
	text := plainText(data)
	switch form, err := sniffText(text); {
	case err != nil:
		return nil, err
	case form == ArmorPEM:
		blocks, err := decodePEM(text)
		if depth > 0 {
			for i := range blocks {
				blocks[i].Armor = ArmorBase64Twice
			}
		}
		return blocks, err
	}
	der, err := io.ReadAll(&base64Reader{r: bufio.NewReaderSize(bytes.NewReader(text), limits.ArmorLine)})
	if err != nil {
		return nil, err
	}
	if looksDER(der) {
		return []Block{{Bytes: der, Armor: ArmorBase64 + Armor(depth)}}, nil
	}
	if depth == 0 {
		if blocks, err := decode(der, 1); err == nil {
			return blocks, nil
		}
	}
	return nil, &NotDERError{Kind: Sniff(der)}
}

// looksDER says whether data begins like a SEQUENCE: 30 and a possible length
// octet. Text that begins with the digit 0 (also 30) continues with an octet
// below 80, and as DER it would have to be as short as that octet says.
func looksDER(data []byte) bool {
	if len(data) < 2 || data[0] != 0x30 {
		return false
	}
	if data[1] >= 0x80 {
		return data[1] <= 0x88
	}
	return int(data[1]) <= len(data)-2 && (len(data) == 2 || !isTextual(data))
}

// isTextual says whether the first octets of data could all be text.
func isTextual(data []byte) bool {
	for _, b := range data[:min(len(data), 64)] {
		if (b < 0x20 && !isSpace(b)) || b >= 0x7f {
			return false
		}
	}
	return true
}

// plainText removes a byte order mark and turns UTF-16 into octets. A
// character above U+007F becomes '?', which no text form contains.
func plainText(data []byte) []byte {
	switch order, skip := utf16Order(data); order {
	case 0:
		return data[skip:]
	default:
		out := make([]byte, 0, len(data)/2)
		for data = data[skip:]; len(data) >= 2; data = data[2:] {
			out = append(out, utf16Char(data, order))
		}
		return out
	}
}

// utf16Order returns 'l' or 'b' for UTF-16 text, 0 for anything else, and the
// length of the byte order mark. Without a mark, UTF-16 is told by the zero
// octets of its first two characters.
func utf16Order(data []byte) (order byte, bom int) {
	switch {
	case bytes.HasPrefix(data, []byte{0xef, 0xbb, 0xbf}):
		return 0, 3
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}):
		return 'l', 2
	case bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		return 'b', 2
	case len(data) >= 4 && data[0] != 0 && data[1] == 0 && data[2] != 0 && data[3] == 0:
		return 'l', 0
	case len(data) >= 4 && data[0] == 0 && data[1] != 0 && data[2] == 0 && data[3] != 0:
		return 'b', 0
	}
	return 0, 0
}

func utf16Char(pair []byte, order byte) byte {
	lo, hi := pair[0], pair[1]
	if order == 'b' {
		lo, hi = hi, lo
	}
	if hi != 0 || lo >= 0x80 {
		return '?'
	}
	return lo
}

const (
	pemBegin = "-----BEGIN "
	pemEnd   = "-----END "
	pemDash  = "-----"
)

// sniffText says whether text is PEM or Base64, from its first
// limits.ArmorHeader octets.
func sniffText(text []byte) (Armor, error) {
	head := text[:min(len(text), limits.ArmorHeader)]
	if bytes.Contains(head, []byte(pemBegin)) {
		return ArmorPEM, nil
	}
	trimmed := bytes.TrimLeft(head, " \r\n\t\v\f")
	if len(trimmed) == 0 {
		return ArmorNone, ErrEmpty
	}
	for _, b := range trimmed {
		if !isBase64(b) && !isSpace(b) && b != '=' {
			return ArmorNone, &NotDERError{Kind: Sniff(text)}
		}
	}
	return ArmorBase64, nil
}

func isBase64(b byte) bool {
	return b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || b == '+' || b == '/'
}

// decodePEM returns the blocks of text. Text between blocks is skipped
// ("explanatory text", RFC 7468, section 2).
func decodePEM(text []byte) ([]Block, error) {
	var out []Block
	for {
		at := bytes.Index(text, []byte(pemBegin))
		if at < 0 {
			return out, nil
		}
		if len(out) == limits.ArmorBlocks {
			return nil, fmt.Errorf("der: PEM: more than %d blocks", limits.ArmorBlocks)
		}
		label, headers, body, rest, err := splitPEM(text[at:])
		if err != nil {
			return nil, fmt.Errorf("der: PEM block %d: %w", len(out)+1, err)
		}
		der, err := io.ReadAll(&base64Reader{r: bufio.NewReaderSize(bytes.NewReader(body), limits.ArmorLine)})
		if err != nil {
			return nil, fmt.Errorf("der: PEM block %d (%s): %w", len(out)+1, label, err)
		}
		out = append(out, Block{Type: label, Bytes: der, Armor: ArmorPEM, Headers: headers})
		text = rest
	}
}

// splitPEM splits one block, which begins at text[0].
func splitPEM(text []byte) (label string, headers map[string]string, body, rest []byte, err error) {
	line, after, _ := bytes.Cut(text, []byte("\n"))
	line = bytes.TrimRight(line, " \r\t")
	if !bytes.HasSuffix(line, []byte(pemDash)) || len(line) < len(pemBegin)+len(pemDash) {
		return "", nil, nil, nil, errors.New("the BEGIN line does not end in five hyphens")
	}
	label = string(line[len(pemBegin) : len(line)-len(pemDash)])
	end := bytes.Index(after, []byte(pemEnd))
	if end < 0 {
		return "", nil, nil, nil, errors.New("there is no END line")
	}
	endLine, tail, _ := bytes.Cut(after[end:], []byte("\n"))
	endLabel, _ := strings.CutSuffix(strings.TrimRight(string(endLine[len(pemEnd):]), " \r\t"), pemDash)
	// RFC 7468, section 2: the labels of both boundaries have to match.
	if endLabel != label {
		return "", nil, nil, nil, fmt.Errorf("BEGIN %s ends with END %s", label, endLabel)
	}
	headers, body, err = splitHeaders(after[:end])
	return label, headers, body, tail, err
}

// splitHeaders splits the headers of RFC 1421, section 4.6 from the body.
func splitHeaders(body []byte) (map[string]string, []byte, error) {
	var headers map[string]string
	for {
		line, rest, found := bytes.Cut(body, []byte("\n"))
		key, value, isHeader := bytes.Cut(line, []byte(":"))
		if !found || !isHeader {
			return headers, body, nil
		}
		if headers == nil {
			headers = make(map[string]string)
		}
		if len(headers) > 16 {
			return nil, nil, errors.New("more than 16 headers")
		}
		headers[string(bytes.TrimSpace(key))] = string(bytes.TrimSpace(value))
		body = rest
	}
}

// NewReader returns a reader of the object in r, decoding Base64 or PEM (its
// first block) as it is read. Nothing but the first limits.ArmorHeader octets
// is held in memory. A boundary that does not belong is an error of a later Read.
func NewReader(r io.Reader) (io.Reader, Armor, error) {
	return newReader(r, 0)
}

func newReader(r io.Reader, depth int) (io.Reader, Armor, error) {
	br := bufio.NewReaderSize(r, limits.ArmorHeader)
	head, err := br.Peek(limits.ArmorHeader)
	if err != nil && err != io.EOF {
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
	if head, err = br.Peek(limits.ArmorHeader); err != nil && err != io.EOF {
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

// sniffLength is enough to tell DER from text: more than the longest element
// with a length in one octet.
const sniffLength = 256

// unwrapTwice looks at what decoder yields and, where that is text again,
// decodes it once more.
func unwrapTwice(decoder io.Reader, form Armor) (io.Reader, Armor, error) {
	inner := bufio.NewReaderSize(decoder, limits.ArmorHeader)
	head, err := inner.Peek(sniffLength)
	if err != nil && err != io.EOF {
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
		if err != nil && err != bufio.ErrBufferFull && err != io.EOF {
			return err
		}
		if len(line) > 0 && line[0] == '-' {
			end = d.boundary(line)
			break
		}
		d.text = appendCharacters(d.text, line)
		if err == io.EOF {
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
	// RFC 7468, section 2: the labels of both boundaries have to match.
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
		// The padding is missing: "implementations MAY choose to" omit it only
		// where another rule says so (RFC 4648, section 3.2), but it happens.
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
