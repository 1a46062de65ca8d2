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
	f, err := os.Open(path)
	if err != nil {
		return this, next, false
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() {
		return this, next, false
	}
	list, err := pki.OpenRevocationList(f, st.Size())
	if err != nil || list.NextUpdate.IsZero() {
		return this, next, false
	}
	return list.ThisUpdate, list.NextUpdate, true
}
