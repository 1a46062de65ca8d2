package journal

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/gosklyuch/gosklyuch/internal/limits"
)

// lines yields the records of r, one a line, without a torn last line.
func lines(r io.Reader, yield func(Record, error) bool) {
	in := bufio.NewReaderSize(r, 64<<10)
	for {
		text, err := readLine(in)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			yield(Record{}, err)
			return
		}
		rec, err := ParseRecord(text)
		if !yield(rec, err) || err != nil {
			return
		}
	}
}

// readLine returns the next line without its line feed, and io.EOF at the end
// or where only a torn line is left.
func readLine(in *bufio.Reader) ([]byte, error) {
	var b []byte
	for {
		part, err := in.ReadSlice('\n')
		b = append(b, part...)
		if len(b) > limits.JournalLine+1 {
			return nil, ErrTooLarge
		}
		switch {
		case err == nil:
			return bytes.TrimSuffix(b, []byte{'\n'}), nil
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF):
			return nil, io.EOF
		default:
			return nil, fmt.Errorf("journal: %w", err)
		}
	}
}
