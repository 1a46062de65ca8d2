package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/fetch"
)

// An interrupt ends the reading of a document, however large it is, and is told
// as one.
func TestInterruptEndsReading(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doc")
	if err := os.WriteFile(path, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	a := &app{streams: streams{in: strings.NewReader(""), out: io.Discard, err: io.Discard}, now: time.Now}
	a.stopped = ctx.Done()
	d, err := a.openDocument(path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close() //nolint:errcheck // opened for reading
	if _, err := io.ReadFull(d, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	s, ok := d.(io.Seeker)
	if !ok {
		t.Fatal("a file cannot be read again")
	}
	if _, err := s.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	stop()
	if n, err := io.Copy(io.Discard, d); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("after the interrupt: %d octets, %v", n, err)
	}
	cut := &fetch.Error{Kind: fetch.KindNetwork, URL: "http://tsa.example", Err: context.Canceled}
	if u := a.sentence(cut); u.message.en != "interrupted" {
		t.Errorf("an interrupted request is told as %q", u.message.en)
	}
}
