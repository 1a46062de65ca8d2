package journal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/files"
)

// ErrNoRecord is returned where a journal has no record of a number.
var ErrNoRecord = errors.New("journal: there is no such record")

// lock opens the file, makes it if need be, and takes its lock. An erasure puts
// a new file in the place of the old one: who waited for the old one's lock
// starts again.
func (j *File) lock(ctx context.Context) (*os.File, error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, lockWait)
		defer cancel()
	}
	for {
		f, err := os.OpenFile(j.path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, fmt.Errorf("journal: %w", err)
		}
		if err := waitLock(ctx, f); err != nil {
			return nil, errors.Join(err, f.Close())
		}
		mine, err1 := f.Stat()
		now, err2 := os.Stat(j.path)
		if err1 == nil && err2 == nil && os.SameFile(mine, now) {
			return f, nil
		}
		files.Unlock(f)
		if err := f.Close(); err != nil {
			return nil, fmt.Errorf("journal: %w", err)
		}
	}
}

// Erase takes values out of a record, as [Record.Erase] does, and puts on
// record, in the same step, that it was done. It returns what is left of the
// record. The whole chain is verified before; a damaged one is left as it is.
// An unknown number gives [ErrNoRecord], an unknown field [ErrNoField], and what
// may not be erased [ErrErasure]. A zero time is replaced by the present.
//
// The file is written anew and renamed into place, so that a crash leaves the
// old or the new one. Copies elsewhere, and octets of the old file on the disk,
// are out of its reach. Where a system cannot rename over an open file, it
// fails.
func (j *File) Erase(ctx context.Context, e Erasure) (Record, error) {
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	f, err := j.lock(ctx)
	if err != nil {
		return Record{}, err
	}
	defer f.Close()
	defer files.Unlock(f)
	head, err := j.Verify(ctx)
	if err != nil {
		return Record{}, err
	}
	var found Record
	var end Head
	next, err := openTemp(j.path + ".tmp")
	if err != nil {
		return Record{}, err
	}
	defer next.Close() // a second Close of a file that Sync saw does no harm
	err = writeAll(next, func(w *bufio.Writer) (err error) {
		found, end, err = j.copyErased(w, head, e)
		return err
	})
	if err == nil {
		err = os.Rename(next.Name(), j.path)
	}
	if err != nil {
		return Record{}, errors.Join(err, os.Remove(next.Name()))
	}
	defer files.Unlock(next)
	// Between here and the new head a crash leaves a chain that goes on
	// behind its head, which is whole.
	return found, j.writeHead(end)
}

// copyErased writes all records, the one that e names without some of its
// values, and the record of that behind them.
func (j *File) copyErased(w *bufio.Writer, head Head, e Erasure) (found Record, end Head, err error) {
	for r, err := range j.Records() {
		if err != nil {
			return found, end, err
		}
		if r.Seq == e.Seq && r.Node == e.Node {
			if err := e.Check(r); err != nil {
				return found, end, err
			}
			if r, err = r.Erase(e.Fields...); err != nil {
				return found, end, err
			}
			found = r
		}
		if err := writeLine(w, r); err != nil {
			return found, end, err
		}
	}
	if found.Seq == 0 {
		return found, end, fmt.Errorf("%w: %s/%d", ErrNoRecord, e.Node, e.Seq)
	}
	r, err := head.Next(e.Entry())
	if err != nil {
		return found, end, err
	}
	return found, r.Head(), writeLine(w, r)
}

func writeLine(w *bufio.Writer, r Record) error {
	b, err := r.Line()
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if _, err := w.Write(append(b, '\n')); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

// openTemp opens a file for the time until it gets the journal's name, and
// takes its lock already now: once it has that name, others may come. It runs
// under the journal's lock, so one name is enough.
func openTemp(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	if ok, err := files.TryLock(f); err != nil || !ok {
		return nil, errors.Join(fmt.Errorf("journal: lock: %s", path), err, f.Close())
	}
	return f, nil
}

// writeAll brings what produce writes to the disk.
func writeAll(f *os.File, produce func(*bufio.Writer) error) error {
	w := bufio.NewWriterSize(f, 64<<10)
	if err := produce(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}
