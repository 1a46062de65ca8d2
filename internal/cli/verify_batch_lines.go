package cli

import (
	"io"
	"time"
)

const (
	// linesDelay is how long a line of a batch may wait for more to be written
	// with it: nobody sees it, and a call of the system for each document is saved.
	linesDelay = 50 * time.Millisecond
	// linesSize is how many octets wait at most.
	linesSize = 16 << 10
)

// lineBuffer writes the lines of a batch, several at a time.
type lineBuffer struct {
	out    io.Writer
	before func() // called before lines are written
	buf    []byte
	last   time.Time // when lines were written; zero: never, so that the first is not late
}

// Write keeps a line, and writes all where there are enough of them or the last
// were written a while ago. The error is that of writing.
func (b *lineBuffer) Write(p []byte) (int, error) {
	b.buf = append(b.buf, p...)
	if len(b.buf) < linesSize && time.Since(b.last) < linesDelay {
		return len(p), nil
	}
	return len(p), b.flush()
}

// flush writes what waits.
func (b *lineBuffer) flush() error {
	if len(b.buf) == 0 {
		return nil
	}
	b.before()
	_, err := b.out.Write(b.buf)
	b.buf, b.last = b.buf[:0], time.Now()
	return err
}
