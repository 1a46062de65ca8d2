package ca

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
)

// PublishDue publishes what is due: complete lists where one is missing or more
// than half of its time has gone by, then delta lists by the same measure. With
// nothing due it returns nil. Half of the time is left for a fault to be found.
func (i *Issuer) PublishDue(ctx context.Context, dir, actor string) ([]Published, error) {
	if i.settings.Lists == nil {
		return nil, ErrNoLists
	}
	var out []Published
	if i.due(dir, false) {
		p, err := i.Publish(ctx, dir, false, actor)
		if err != nil {
			return out, err
		}
		out = append(out, p)
	}
	if i.settings.Lists.DeltaMinutes > 0 && i.due(dir, true) {
		p, err := i.Publish(ctx, dir, true, actor)
		if errors.Is(err, ErrNoBase) {
			// The folder was damaged, or its lists are of former settings.
			if p, err = i.Publish(ctx, dir, false, actor); err == nil {
				out = append(out, p)
				p, err = i.Publish(ctx, dir, true, actor)
			}
		}
		if err != nil {
			return out, err
		}
		out = append(out, p)
	}
	return out, nil
}

// due looks at the dates of the lists in the folder, and at nothing else.
func (i *Issuer) due(dir string, delta bool) bool {
	now := i.seconds()
	for _, s := range i.settings.Lists.scopes() {
		this, next, ok := listDates(filepath.Join(dir, s.file(delta)))
		if !ok || now.Before(this) || now.After(this.Add(next.Sub(this)/2)) {
			return true
		}
	}
	return false
}

// listDates reads the dates of a list in a file.
func listDates(path string) (this, next time.Time, ok bool) {
	readList(path, func(l *pki.RevocationList) {
		this, next, ok = l.ThisUpdate, l.NextUpdate, !l.NextUpdate.IsZero()
	})
	return this, next, ok
}

// listNumber reads the number of a list in a file; whose it is, nobody checks.
func listNumber(path string) (n uint64, ok bool) {
	readList(path, func(l *pki.RevocationList) {
		if ok = l.Number != nil && l.Number.IsUint64(); ok {
			n = l.Number.Uint64()
		}
	})
	return n, ok
}

// readList shows a list in a file to f, if there is one.
func readList(path string, f func(*pki.RevocationList)) {
	file, err := os.Open(path)
	if err != nil {
		return
	}
	defer file.Close()
	if st, err := file.Stat(); err == nil && st.Mode().IsRegular() {
		if list, err := pki.OpenRevocationList(file, st.Size()); err == nil {
			f(list)
		}
	}
}
