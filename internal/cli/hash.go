package cli

import (
	"encoding/hex"
	"fmt"
	"hash"
	"io"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/gost/streebog"
)

// readBuffer is the size in bytes of one read from a document: large enough
// that system calls cost nothing against hashing.
const readBuffer = 256 << 10

// hashCommand prints Streebog digests of files.
func (a *app) hashCommand() *cobra.Command {
	var name string
	c := &cobra.Command{
		Use:   "hash FILE…",
		Short: a.t(text{"хэш файла по ГОСТ Р 34.11-2012", "a file's GOST R 34.11-2012 digest"}),
		Args:  args(1, -1, text{"файл", "a file"}),
		RunE: func(_ *cobra.Command, files []string) error {
			newHash, ok := map[string]func() hash.Hash{"streebog256": streebog.New256, "streebog512": streebog.New512}[name]
			if !ok {
				return usageErrorf(text{"неизвестный алгоритм «%s»: бывает streebog256 и streebog512", "unknown algorithm %q: streebog256 or streebog512"}, name)
			}
			return a.hashFiles(files, name, newHash)
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

func (a *app) hashFiles(files []string, name string, newHash func() hash.Hash) error {
	done := make([]hashedFile, 0, len(files))
	for _, file := range files {
		sum, err := a.hashFile(file, newHash())
		if err != nil {
			return err
		}
		done = append(done, hashedFile{file, name, hex.EncodeToString(sum)})
		if !a.json {
			fmt.Fprintf(a.out, "%x  %s\n", sum, file)
		}
	}
	if a.json {
		return a.printJSON(struct {
			Files []hashedFile `json:"files"`
		}{done})
	}
	return nil
}

func (a *app) hashFile(file string, h hash.Hash) ([]byte, error) {
	f, err := a.openDocument(file)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // opened for reading
	if _, err := io.CopyBuffer(struct{ io.Writer }{h}, struct{ io.Reader }{f}, make([]byte, readBuffer)); err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}
