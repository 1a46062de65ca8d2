package der

import (
	"bufio"
	"bytes"
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

// IsDER says whether data, or its beginning, looks like DER or BER and not like
// text that holds it.
func IsDER(data []byte) bool { return len(data) > 0 && looksDER(data) }

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
// ("explanatory text", RFC 7468, section 5.2).
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
	// RFC 7468, section 2 lets a parser disregard a label that differs. Here it is
	// an error: two files run together are more likely than a slip.
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
