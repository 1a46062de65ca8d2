package pkcs11

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxPINFile bounds the first line of a file that holds a PIN: a longer one is
// a mistaken file.
const maxPINFile = 1024

// A PINSourceError says that the PIN's file, which the URI names, cannot be
// used. No try was made with it.
type PINSourceError struct {
	Source string
	Err    error
}

// Error names the file.
func (e *PINSourceError) Error() string {
	return fmt.Sprintf("pkcs11: pin-source %s: %v", e.Source, e.Err)
}

// Unwrap returns the cause.
func (e *PINSourceError) Unwrap() error { return e.Err }

// readPINSource returns the first line of the file that pin-source names. The
// caller wipes it.
func readPINSource(source string) ([]byte, error) {
	pin, err := readPINFile(source)
	if err != nil {
		return nil, &PINSourceError{Source: source, Err: err}
	}
	return pin, nil
}

func readPINFile(source string) ([]byte, error) {
	path := source
	if rest, ok := strings.CutPrefix(source, "file:"); ok {
		path = rest
		// RFC 8089: file:/path, file:///path and file://localhost/path are one.
		if host, ok := strings.CutPrefix(rest, "//"); ok {
			name, tail, _ := strings.Cut(host, "/")
			if name != "" && name != "localhost" {
				return nil, errors.New("names a file on another host")
			}
			path = "/" + tail
		}
	} else if strings.HasPrefix(source, "|") {
		// RFC 7512, section 2.4 lets implementations run a program here; a URI
		// that starts programs is not wanted.
		return nil, errors.New("programs are not started; name a file")
	} else if scheme, _, ok := strings.Cut(source, ":"); ok && len(scheme) > 1 && !strings.ContainsAny(scheme, `/\.`) {
		return nil, fmt.Errorf("only files are read, not URIs of the scheme %s", scheme)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // opened for reading
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if st.IsDir() {
		return nil, errors.New("is a directory")
	}
	buf := make([]byte, maxPINFile+1)
	defer clear(buf)
	n, err := io.ReadFull(f, buf)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, err
	}
	line, _, whole := bytes.Cut(buf[:n], []byte("\n"))
	if !whole && n > maxPINFile {
		return nil, fmt.Errorf("the first line is longer than %d octets", maxPINFile)
	}
	line = bytes.TrimSuffix(line, []byte("\r"))
	if len(line) == 0 {
		return nil, errors.New("the first line is empty")
	}
	return bytes.Clone(line), nil
}
