package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gosklyuch/gosklyuch/internal/der"
)

// maxInput bounds a file that is read whole: certificates, requests, keys,
// CRLs. Documents are streamed and have no bound.
const maxInput = 64 << 20

// readFile reads a whole input file; "-" is standard input.
func (a *app) readFile(path string) ([]byte, error) {
	f, err := a.open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // opened for reading
	b, err := io.ReadAll(io.LimitReader(f, maxInput+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxInput {
		return nil, failedf(text{"%s больше %d МиБ: это не тот файл", "%s is larger than %d MiB: not the file that is meant"}, path, maxInput>>20)
	}
	if len(b) == 0 {
		return nil, unreadable(path, der.KindUnknown, der.ErrEmpty)
	}
	return b, nil
}

// open opens an input file for streaming; "-" is standard input. A folder is
// refused here, so that the sentence names it.
func (a *app) open(path string) (io.ReadCloser, error) {
	if path == "-" {
		if a.stdinTaken != "" {
			return nil, usageErrorf(text{"стандартный ввод уже читает %s", "standard input is already read by %s"}, a.stdinTaken)
		}
		a.stdinTaken = "FILE -"
		return io.NopCloser(a.in), nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	st, err := f.Stat()
	if err == nil && st.IsDir() {
		err = failedf(text{"%s: это папка, а не файл", "%s: this is a folder, not a file"}, path)
	}
	if err != nil {
		f.Close() //nolint:errcheck,gosec // the first error counts
		return nil, err
	}
	return f, nil
}

// An output says where a result goes.
type output struct {
	path  string // "-" is standard output
	force bool   // an existing file may be replaced
	mode  fs.FileMode
}

// checkFree refuses an existing file before any work is done.
func (o output) checkFree() error {
	if o.path == "-" || o.force {
		return nil
	}
	if st, err := os.Lstat(o.path); err == nil {
		if st.Mode()&(fs.ModeDevice|fs.ModeNamedPipe) != 0 {
			return nil // nothing is replaced
		}
		return failedf(text{"%s уже есть", "%s already exists"}, o.path).
			withHint(text{"укажите другое имя или добавьте --force", "give another name, or add --force"})
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// write calls produce with a temporary file beside o.path, syncs it and renames
// it. Whatever fails, no partial output is left behind.
func (a *app) write(o output, produce func(io.Writer) error) error {
	if err := o.checkFree(); err != nil {
		return err
	}
	if o.path == "-" {
		return produce(a.out)
	}
	if st, err := os.Stat(o.path); err == nil && !st.Mode().IsRegular() {
		return a.writeDevice(o, st, produce)
	}
	s, err := o.stage(produce)
	if err == nil {
		err = s.sync()
	}
	if err != nil {
		return err
	}
	return s.commit()
}

// A staged output is a file that is whole and has not its name yet. Each step
// that fails removes it.
type staged struct {
	output
	tmp *os.File // nil: it has its name, or is removed
}

// stage calls produce with a temporary file beside o.path.
func (o output) stage(produce func(io.Writer) error) (*staged, error) {
	tmp, err := os.CreateTemp(filepath.Dir(o.path), "."+filepath.Base(o.path)+".*")
	if err != nil {
		return nil, o.named(err, "")
	}
	s := &staged{o, tmp}
	if err := tmp.Chmod(o.mode); err != nil {
		return nil, s.failed(err)
	}
	if err := produce(tmp); err != nil {
		return nil, s.failed(err)
	}
	return s, nil
}

// sync brings the file to the disk and closes it.
func (s *staged) sync() error {
	if err := s.tmp.Sync(); err != nil {
		return s.failed(err)
	}
	if err := s.tmp.Close(); err != nil {
		return s.failed(err)
	}
	return nil
}

// commit gives the file its name.
func (s *staged) commit() error {
	if err := s.output.commit(s.tmp.Name()); err != nil {
		return s.failed(err)
	}
	s.tmp = nil
	return nil
}

// drop removes a file that nobody wants any more. A nil s has none.
func (s *staged) drop() {
	if s != nil && s.tmp != nil {
		s.failed(nil) //nolint:errcheck,gosec // an error is told already
	}
}

// failed removes the file and returns err in the output's own name.
func (s *staged) failed(err error) error {
	name := s.tmp.Name()
	s.tmp.Close()   //nolint:errcheck,gosec // the first error counts
	os.Remove(name) //nolint:errcheck,gosec // the first error counts
	s.tmp = nil
	return s.named(err, name)
}

// named puts the output's own name into an error about its temporary file ("":
// about one that could not be made).
func (o output) named(err error, tmp string) error {
	var pe *fs.PathError
	if errors.As(err, &pe) && (tmp == "" || pe.Path == tmp) {
		pe.Path = o.path
	}
	return err
}

// writeDevice writes to what is no file and cannot be renamed into place, such
// as /dev/null or a named pipe; a folder is refused.
func (a *app) writeDevice(o output, st fs.FileInfo, produce func(io.Writer) error) error {
	if st.IsDir() {
		return failedf(text{"%s: это папка, а не файл", "%s: this is a folder, not a file"}, o.path)
	}
	f, err := os.OpenFile(o.path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if err := produce(f); err != nil {
		f.Close() //nolint:errcheck,gosec // the first error counts
		return err
	}
	return f.Close()
}

// isDevice reports whether the output is something that is written into and not
// replaced: standard output, or a device or pipe.
func (o output) isDevice() bool {
	if o.path == "-" {
		return true
	}
	st, err := os.Stat(o.path)
	return err == nil && !st.Mode().IsRegular()
}

// commit gives the finished file its name. Without --force a file that came
// into being meanwhile is kept: link fails where rename would replace.
func (o output) commit(tmp string) error {
	if !o.force {
		err := os.Link(tmp, o.path)
		switch {
		case err == nil:
			return os.Remove(tmp)
		case errors.Is(err, fs.ErrExist):
			return o.checkFree()
		}
		// a file system without hard links: rename below
	}
	return os.Rename(tmp, o.path)
}

// writeBytes is write for a result that is in memory already.
func (a *app) writeBytes(o output, b []byte) error {
	return a.write(o, func(w io.Writer) error {
		_, err := io.Copy(w, bytes.NewReader(b))
		return err
	})
}

// printJSON prints the one JSON document of this run.
func (a *app) printJSON(doc any) error {
	enc := json.NewEncoder(a.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(doc)
}

// sayf prints one line for a person on standard output, unless --json asked
// for one document there.
func (a *app) sayf(m text, args ...any) {
	if !a.json {
		fmt.Fprintf(a.out, a.t(m)+"\n", args...)
	}
}

// warnf prints a warning on standard error.
func (a *app) warnf(m text, args ...any) {
	fmt.Fprintf(a.err, "%s: %s\n", a.t(text{"внимание", "warning"}), fmt.Sprintf(a.t(m), args...))
}
