package ca

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gosklyuch/gosklyuch/internal/limits"
)

// findHigher looks for lists in the folder, under the names that this authority
// gives or gave, with a number that the ledger does not know. Only those are
// looked at in full: a list counts where the authority's signature holds.
func (p *publication) findHigher(ctx context.Context) error {
	var last CRLEntry
	err := p.i.ledger.View(ctx, func(tx ReadTx) (err error) { last, err = tx.LastCRL(); return err })
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	// Not by a pattern: a folder's name may have brackets in it.
	files, err := os.ReadDir(p.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("ca: publish: %w", err)
	}
	var names []string
	for _, f := range files {
		if strings.HasPrefix(f.Name(), "ca") && strings.HasSuffix(f.Name(), ".crl") {
			names = append(names, filepath.Join(p.dir, f.Name()))
		}
	}
	if len(names) > limits.ListFiles {
		return fmt.Errorf("ca: publish: more than %d lists in the folder", limits.ListFiles)
	}
	type found struct {
		path   string
		number uint64
	}
	var list []found
	for _, path := range names {
		if n, ok := listNumber(path); ok && n > last.Number {
			list = append(list, found{path, n})
		}
	}
	slices.SortFunc(list, func(a, b found) int { return cmp.Compare(b.number, a.number) })
	for _, f := range list {
		if l := p.i.openList(f.path); l != nil && l.Number.Uint64() == f.number {
			p.higher = f.number
			break
		}
	}
	return nil
}
