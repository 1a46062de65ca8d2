package cli

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// A document is an input file that shows a progress bar while it is read, when
// standard error is a terminal and reading takes longer than a second.
type document struct {
	io.ReadCloser
	bar     *progressbar.ProgressBar
	started time.Time
	read    int64
}

// openDocument opens a document for streaming. Files stay seekable: a second
// pass (io.Seeker) is possible where the input is a regular file.
func (a *app) openDocument(path string) (io.ReadCloser, error) {
	f, err := a.open(path)
	if err != nil {
		return nil, err
	}
	bar := a.progress(f, path)
	if bar == nil {
		return f, nil
	}
	return &document{ReadCloser: f, bar: bar, started: a.now()}, nil
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
func (d *document) Read(p []byte) (int, error) {
	n, err := d.ReadCloser.Read(p)
	d.read += int64(n)
	if time.Since(d.started) > time.Second {
		d.bar.Set64(d.read) //nolint:errcheck,gosec // a bar that cannot be drawn changes no result
	}
	return n, err
}

// Seek lets a second pass begin; the bar starts anew.
func (d *document) Seek(offset int64, whence int) (int64, error) {
	s, ok := d.ReadCloser.(io.Seeker)
	if !ok {
		return 0, os.ErrInvalid
	}
	d.read = 0
	return s.Seek(offset, whence)
}

// Close removes the bar.
func (d *document) Close() error {
	d.bar.Finish() //nolint:errcheck,gosec // a bar that cannot be drawn changes no result
	return d.ReadCloser.Close()
}
