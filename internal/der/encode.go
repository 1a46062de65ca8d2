package der

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"

	"github.com/gosklyuch/gosklyuch/internal/limits"
)

// textLine is how many characters a line of PEM has: "Generators MUST wrap the
// base64-encoded lines so that each line consists of exactly 64 characters
// except for the final line" (RFC 7468, section 2).
const textLine = 64

// NewWriter returns a writer that wraps what is written to it as a says and
// passes it on to w. label is that of the PEM boundaries. Close completes the
// text; it does not close w.
func NewWriter(w io.Writer, a Armor, label string) (io.WriteCloser, error) {
	switch a {
	case ArmorNone:
		return nopCloser{w}, nil
	case ArmorPEM:
		if _, err := fmt.Fprintf(w, "%s%s%s\n", pemBegin, label, pemDash); err != nil {
			return nil, err
		}
		t := newTextWriter(w)
		t.tail = pemEnd + label + pemDash + "\n"
		return t, nil
	case ArmorBase64:
		return newTextWriter(w), nil
	}
	return nil, errors.New("der: this form of armor is read, not written")
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// textWriter writes Base64 in lines.
type textWriter struct {
	w    *bufio.Writer
	enc  io.WriteCloser
	wrap *lineWriter
	tail string
}

func newTextWriter(w io.Writer) *textWriter {
	bw := bufio.NewWriterSize(w, limits.ArmorHeader) // the encoder writes pieces of 1 KiB
	wrap := &lineWriter{w: bw}
	return &textWriter{w: bw, wrap: wrap, enc: base64.NewEncoder(base64.StdEncoding, wrap)}
}

func (t *textWriter) Write(p []byte) (int, error) { return t.enc.Write(p) }

// Close writes what is left of the last group, the last line end and the END line.
func (t *textWriter) Close() error {
	if err := t.enc.Close(); err != nil {
		return err
	}
	if t.wrap.column > 0 {
		t.tail = "\n" + t.tail
	}
	if _, err := t.w.WriteString(t.tail); err != nil {
		return err
	}
	return t.w.Flush()
}

// lineWriter breaks text into lines.
type lineWriter struct {
	w      io.Writer
	column int
	buf    []byte
}

func (l *lineWriter) Write(p []byte) (int, error) {
	l.buf = l.buf[:0]
	for rest := p; len(rest) > 0; {
		n := min(textLine-l.column, len(rest))
		l.buf = append(l.buf, rest[:n]...)
		rest = rest[n:]
		if l.column += n; l.column == textLine {
			l.buf = append(l.buf, '\n')
			l.column = 0
		}
	}
	if _, err := l.w.Write(l.buf); err != nil {
		return 0, err
	}
	return len(p), nil
}
