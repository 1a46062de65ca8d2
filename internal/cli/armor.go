package cli

import (
	"encoding/base64"
	"io"
)

// lineLength is the number of Base64 characters in a line of PEM (RFC 7468, section 2).
const lineLength = 64

// An armorWriter writes Base64 in lines, with PEM boundaries where label is
// not empty. It streams: nothing is held but one line.
type armorWriter struct {
	w     *lineWriter
	enc   io.WriteCloser
	label string
}

// newArmor begins the armor of a format: "pem" or "base64".
func newArmor(w io.Writer, format, label string) (*armorWriter, error) {
	a := &armorWriter{w: &lineWriter{w: w}}
	if format == "pem" {
		a.label = label
		if _, err := io.WriteString(w, "-----BEGIN "+label+"-----\n"); err != nil {
			return nil, err
		}
	}
	a.enc = base64.NewEncoder(base64.StdEncoding, a.w)
	return a, nil
}

func (a *armorWriter) Write(p []byte) (int, error) { return a.enc.Write(p) }

// Close ends the last line and writes the end boundary.
func (a *armorWriter) Close() error {
	if err := a.enc.Close(); err != nil {
		return err
	}
	end := ""
	if a.w.col > 0 {
		end = "\n"
	}
	if a.label != "" {
		end += "-----END " + a.label + "-----\n"
	}
	_, err := io.WriteString(a.w.w, end)
	return err
}

// A lineWriter breaks what it is given into lines.
type lineWriter struct {
	w   io.Writer
	col int
}

func (l *lineWriter) Write(p []byte) (int, error) {
	total := len(p)
	for len(p) > 0 {
		n := min(len(p), lineLength-l.col)
		if _, err := l.w.Write(p[:n]); err != nil {
			return 0, err
		}
		p = p[n:]
		if l.col += n; l.col == lineLength {
			if _, err := io.WriteString(l.w, "\n"); err != nil {
				return 0, err
			}
			l.col = 0
		}
	}
	return total, nil
}
