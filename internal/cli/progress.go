package cli

import (
	"context"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// A document is an input file that stops at an interrupt, and shows a progress
// bar while it is read, when standard error is a terminal and reading takes
// longer than a second.
type document struct {
	io.ReadCloser
	stopped <-chan struct{}
	bar     *progressbar.ProgressBar // nil: none
	started time.Time
	read    int64
}

// A seekableDocument is one that can be read again.
type seekableDocument struct {
	*document
	seeker io.Seeker
}

// openDocument opens a document for streaming. Files stay seekable: a second
// pass (io.Seeker) is possible where the input is a regular file.
func (a *app) openDocument(path string) (io.ReadCloser, error) {
	f, err := a.open(path)
	if err != nil {
		return nil, err
	}
	return a.stoppable(f, a.progress(f, path)), nil
}

// openPlain opens a document that shows no progress.
func (a *app) openPlain(path string) (io.ReadCloser, error) {
	f, err := a.open(path)
	if err != nil {
		return nil, err
	}
	return a.stoppable(f, nil), nil
}

// stoppable makes f end at an interrupt; bar may be nil.
func (a *app) stoppable(f io.ReadCloser, bar *progressbar.ProgressBar) io.ReadCloser {
	d := &document{ReadCloser: f, stopped: a.stopped, bar: bar, started: a.now()}
	if s, ok := f.(io.Seeker); ok {
		return &seekableDocument{d, s}
	}
	return d
}

// progress returns a bar for f, or nil where none should be shown.
func (a *app) progress(f io.ReadCloser, path string) *progressbar.ProgressBar {
	out, ok := a.err.(*os.File)
	if !ok || a.json || !term.IsTerminal(int(out.Fd())) {
		return nil
	}
	size := int64(-1)
	if s, ok := f.(*os.File); ok {
		if st, err := s.Stat(); err == nil && st.Mode().IsRegular() {
			size = st.Size()
		}
	}
	return progressbar.NewOptions64(size,
		progressbar.OptionSetWriter(out), progressbar.OptionSetDescription(path), progressbar.OptionShowBytes(true),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionSetVisibility(true))
}

// Read passes the bytes through and moves the bar once a second has gone by.
// After an interrupt it fails: what hashes a large file looks at nothing else.
func (d *document) Read(p []byte) (int, error) {
	select {
	case <-d.stopped:
		return 0, context.Canceled
	default:
	}
	n, err := d.ReadCloser.Read(p)
	d.read += int64(n)
	if d.bar != nil && time.Since(d.started) > time.Second {
		d.bar.Set64(d.read) //nolint:errcheck,gosec // a bar that cannot be drawn changes no result
	}
	return n, err
}

// Seek lets a second pass begin; the bar starts anew.
func (d *seekableDocument) Seek(offset int64, whence int) (int64, error) {
	d.read = 0
	return d.seeker.Seek(offset, whence)
}

// Close removes the bar.
func (d *document) Close() error {
	if d.bar != nil {
		d.bar.Finish() //nolint:errcheck,gosec // a bar that cannot be drawn changes no result
	}
	return d.ReadCloser.Close()
}
