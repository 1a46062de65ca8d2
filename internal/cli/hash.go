package cli

import (
	"encoding/hex"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync/atomic"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// hashCommand prints Streebog digests of files.
func (a *app) hashCommand() *cobra.Command {
	var name string
	c := &cobra.Command{
		Use:   "hash FILE…",
		Short: a.t(text{"хэш файла по ГОСТ Р 34.11-2012", "a file's GOST R 34.11-2012 digest"}),
		Args:  args(1, -1, text{"файл", "a file"}),
		RunE: func(_ *cobra.Command, files []string) error {
			o, ok := map[string]oid.OID{"streebog256": oid.Streebog256, "streebog512": oid.Streebog512}[name]
			if !ok {
				return usageErrorf(text{"неизвестный алгоритм «%s»: бывает streebog256 и streebog512", "unknown algorithm %q: streebog256 or streebog512"}, name)
			}
			return a.hashFiles(files, name, alg.Identifier{OID: o})
		},
	}
	c.Flags().StringVar(&name, "alg", "streebog256", a.t(text{"streebog256 или streebog512", "streebog256 or streebog512"}))
	return c
}

// A hashedFile is one line of `hash --json`.
type hashedFile struct {
	File   string `json:"file"`
	Alg    string `json:"alg"`
	Digest string `json:"digest"`
}

// hashFiles prints the digests in the order of the files, which are read as many
// at once as there are processors.
func (a *app) hashFiles(files []string, name string, id alg.Identifier) error {
	done := make([]hashedFile, 0, len(files))
	hashed, stop := a.startHashing(files, id)
	defer stop()
	for i, file := range files {
		h := <-hashed[i]
		if h.err != nil {
			return h.err
		}
		done = append(done, hashedFile{file, name, hex.EncodeToString(h.sum)})
		if !a.json {
			fmt.Fprintf(a.out, "%x  %s\n", h.sum, file)
		}
	}
	if a.json {
		return a.printJSON(struct {
			Files []hashedFile `json:"files"`
		}{done})
	}
	return nil
}

// hashed is the digest of one file.
type hashed struct {
	sum []byte
	err error
}

// startHashing begins to hash the files in goroutines and returns a channel for
// each. After stop no further file is begun.
func (a *app) startHashing(files []string, id alg.Identifier) (out []chan hashed, stop func()) {
	out = make([]chan hashed, len(files))
	for i := range out {
		out[i] = make(chan hashed, 1)
	}
	workers := min(runtime.GOMAXPROCS(0), len(files))
	if slices.Contains(files, "-") {
		workers = 1 // standard input is read once, by the first to ask
	}
	open := a.openDocument
	if workers > 1 {
		open = a.openPlain // the bars of several files would draw over each other
	}
	var next atomic.Int64
	for range workers {
		go func() {
			for i := next.Add(1) - 1; i < int64(len(files)); i = next.Add(1) - 1 {
				sum, err := digestFile(files[i], id, open)
				out[i] <- hashed{sum, err}
			}
		}()
	}
	return out, func() { next.Store(int64(len(files))) }
}

// hashFile returns the digest of a document.
func (a *app) hashFile(file string, id alg.Identifier) ([]byte, error) {
	return digestFile(file, id, a.openDocument)
}

// digestFile hashes what open opens; reading and hashing overlap.
func digestFile(file string, id alg.Identifier, open func(string) (io.ReadCloser, error)) ([]byte, error) {
	f, err := open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // opened for reading
	d, _, err := cms.Digest(f, id)
	if err != nil {
		return nil, err
	}
	return d.Sum(id)
}
