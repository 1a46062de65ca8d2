package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gosklyuch/gosklyuch/internal/limits"
)

// signatureSuffixes are those of files that hold signatures.
var signatureSuffixes = []string{".sig", ".sgn", ".p7s"}

// A batchPair is a document with its signature. Without a signature the file's
// content tells what it is; without a document the signature stands alone.
type batchPair struct{ doc, sig string }

// path is what the pair is sorted by.
func (p batchPair) path() string {
	if p.doc != "" {
		return p.doc
	}
	return p.sig
}

// batchPairs finds the documents and signatures under the paths, in the order
// of their names. Folders are walked without following links to folders, so
// there are no loops; of links to files those to regular files count.
func (a *app) batchPairs(ctx context.Context, paths []string) ([]batchPair, error) {
	w := &batchWalk{ctx: ctx, app: a, seen: map[string]bool{}}
	for _, path := range paths {
		if err := w.root(path); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(w.pairs, func(x, y batchPair) int {
		if c := strings.Compare(x.path(), y.path()); c != 0 {
			return c
		}
		return strings.Compare(x.sig, y.sig)
	})
	return slices.Compact(w.pairs), nil
}

// A batchWalk collects files.
type batchWalk struct {
	*app
	ctx   context.Context
	pairs []batchPair
	seen  map[string]bool // folders, cleaned: one may be named twice
	files int
}

// root takes one argument: a folder with everything in it, or a file with what
// belongs to it.
func (w *batchWalk) root(path string) error {
	path = filepath.Clean(path)
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	if st.IsDir() {
		return w.folder(path, 0)
	}
	if !st.Mode().IsRegular() { // a pipe or a device would be waited for
		return failedf(text{"%s: не файл и не папка", "%s: neither a file nor a folder"}, path)
	}
	if err := w.count(); err != nil {
		return err
	}
	exists := func(name string) bool { st, err := os.Stat(name); return err == nil && st.Mode().IsRegular() }
	if base, ok := signed(path); ok && exists(base) {
		w.pairs = append(w.pairs, batchPair{base, path})
		return nil
	}
	found := false
	for _, s := range signatureSuffixes {
		if exists(path + s) {
			w.pairs, found = append(w.pairs, batchPair{path, path + s}), true
		}
	}
	if !found {
		w.lone(path)
	}
	return nil
}

// folder takes the files of a folder, then its folders.
func (w *batchWalk) folder(dir string, depth int) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	if depth > limits.BatchDepth {
		return failedf(text{"%s: папки вложены глубже %d", "%s: folders are nested deeper than %d"}, dir, limits.BatchDepth)
	}
	if w.seen[dir] {
		return nil
	}
	w.seen[dir] = true
	entries, err := os.ReadDir(dir)
	if err != nil && !w.unreadable(dir, err) {
		return err
	}
	names := map[string]bool{}
	for _, e := range entries {
		if e.IsDir() || !regular(dir, e) {
			continue
		}
		if err := w.count(); err != nil {
			return err
		}
		names[e.Name()] = true
	}
	w.pair(dir, names)
	for _, e := range entries {
		if e.IsDir() {
			if err := w.folder(filepath.Join(dir, e.Name()), depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// unreadable warns of a folder below the first that may not be read: the batch
// goes on, and its result is not "all is well".
func (w *batchWalk) unreadable(dir string, err error) bool {
	if !errors.Is(err, fs.ErrPermission) && !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	w.pairs = append(w.pairs, batchPair{sig: dir})
	return true
}

// regular says whether an entry is a file with content, or a link to one.
func regular(dir string, e os.DirEntry) bool {
	if e.Type().IsRegular() {
		return true
	}
	if e.Type()&fs.ModeSymlink == 0 {
		return false // devices, pipes and sockets would be waited for
	}
	st, err := os.Stat(filepath.Join(dir, e.Name()))
	return err == nil && st.Mode().IsRegular()
}

func (w *batchWalk) count() error {
	if w.files++; w.files > limits.BatchFiles {
		return failedf(text{"файлов больше %d: проверяйте по частям", "more than %d files: verify them in parts"}, limits.BatchFiles)
	}
	return nil
}

// pair joins the documents of one folder with their signatures.
func (w *batchWalk) pair(dir string, names map[string]bool) {
	has := map[string]bool{} // documents with a signature
	for name := range names {
		if base, ok := signed(name); ok && names[base] {
			has[base], has[name] = true, true
			w.pairs = append(w.pairs, batchPair{filepath.Join(dir, base), filepath.Join(dir, name)})
		}
	}
	for name := range names {
		if !has[name] {
			w.lone(filepath.Join(dir, name))
		}
	}
}

// lone takes a file that has no partner.
func (w *batchWalk) lone(path string) {
	if _, ok := signed(path); ok {
		w.pairs = append(w.pairs, batchPair{sig: path})
		return
	}
	w.pairs = append(w.pairs, batchPair{doc: path})
}

// signed takes the suffix of a signature's file off.
func signed(name string) (string, bool) {
	ext := filepath.Ext(name)
	if !slices.Contains(signatureSuffixes, strings.ToLower(ext)) {
		return "", false
	}
	base := strings.TrimSuffix(name, ext)
	return base, base != "" && !strings.HasSuffix(base, string(filepath.Separator))
}
