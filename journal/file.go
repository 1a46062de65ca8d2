package journal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/files"
	"github.com/gosklyuch/gosklyuch/internal/limits"
)

// File is a journal in a file: one record a line, as JSON. Several processes
// may append at the same time; each holds a lock on the file while it does,
// and every record is on the disk before Append returns.
//
// Beside the file, with ".head" added to its name, lies the [Head], by which a
// cut-off end is found. A crash between record and head leaves it one record
// behind; the next Append mends that first, so it is never further behind. A last line without a line feed, left by a crash in
// the middle of a write, was never acknowledged; the next Append removes it.
type File struct {
	path string
	node string
}

// lockWait is how long Append waits for other processes when its context has
// no deadline: an append takes milliseconds, so longer means that a process
// hangs.
const lockWait = 10 * time.Second

// ErrLocked is returned when another process held the file for too long.
var ErrLocked = errors.New("journal: another process holds the journal file")

// NewFile returns the journal kept at path, the chain of [DefaultNode]. Nothing
// is opened or created until it is used; a file that does not exist is an empty
// journal.
func NewFile(path string) *File { return &File{path: path, node: DefaultNode} }

// Append puts an entry behind the last record and returns when it is on the
// disk. A zero time is replaced by the present. A last record that is damaged,
// or a file that is shorter than its head says, gives a *[DamageError] and
// nothing is written.
func (j *File) Append(ctx context.Context, e Entry) (Record, error) {
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	f, err := j.lock(ctx)
	if err != nil {
		return Record{}, err
	}
	defer f.Close()
	defer files.Unlock(f)
	last, err := j.end(f)
	if err != nil {
		return Record{}, err
	}
	r, err := last.Next(e)
	if err != nil {
		return Record{}, err
	}
	if err := j.write(f, r); err != nil {
		return Record{}, err
	}
	return r, nil
}

// write appends one line, brings it to the disk, and only then moves the head.
func (j *File) write(f *os.File, r Record) error {
	b, err := r.Line()
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if _, err := f.Seek(0, io.SeekEnd); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if _, err := f.Write(append(b, '\n')); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return j.writeHead(r.Head())
}

// end returns the head of the records in f and removes a torn last line.
func (j *File) end(f *os.File) (Head, error) {
	known, err := j.Head()
	if err != nil {
		return Head{}, err
	}
	damage := func(k Kind, seq uint64, err error) error {
		return &DamageError{Kind: k, Node: j.node, Seq: seq, Position: seq, Err: err}
	}
	text, start, err := lastLine(f)
	if err != nil {
		return Head{}, err
	}
	last := Head{Node: j.node}
	if len(text) > 0 {
		r, err := ParseRecord(text)
		if err != nil {
			return Head{}, damage(Malformed, known.Seq, err)
		}
		if !r.Intact() || r.Node != j.node {
			return Head{}, damage(Changed, r.Seq, nil)
		}
		last = r.Head()
	}
	if last.Seq < known.Seq {
		return Head{}, damage(Truncated, last.Seq+1, nil)
	}
	if last.Seq == known.Seq && last.Hash != known.Hash {
		return Head{}, damage(Changed, last.Seq, nil)
	}
	if err := j.catchUp(last, known); err != nil {
		return Head{}, err
	}
	if err := f.Truncate(start); err != nil { // a no-op unless a line is torn
		return Head{}, fmt.Errorf("journal: %w", err)
	}
	return last, nil
}

// catchUp brings the head to the last record, which a crash left one record
// behind. A head that is further behind is not one that a crash left.
func (j *File) catchUp(last, known Head) error {
	switch last.Seq {
	case known.Seq:
		return nil
	case known.Seq + 1:
		return j.writeHead(last)
	}
	return j.headless(known)
}

func (j *File) headless(known Head) error {
	return &DamageError{Kind: Headless, Node: j.node, Seq: known.Seq + 1, Position: known.Seq + 1}
}

// lastLine returns the last complete line of f without its line feed, nil for
// none, and the offset behind it.
func lastLine(f *os.File) (text []byte, end int64, err error) {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, 0, fmt.Errorf("journal: %w", err)
	}
	// Room for a torn line behind a complete one.
	from := max(0, size-2*(limits.JournalLine+1))
	b := make([]byte, size-from)
	if _, err := f.ReadAt(b, from); err != nil && !errors.Is(err, io.EOF) {
		return nil, 0, fmt.Errorf("journal: %w", err)
	}
	nl := bytes.LastIndexByte(b, '\n')
	if nl < 0 {
		if from > 0 {
			return nil, 0, ErrTooLarge
		}
		return nil, 0, nil
	}
	start := bytes.LastIndexByte(b[:nl], '\n') + 1
	return b[start:nl], from + int64(nl) + 1, nil
}

// Records iterates over the records of the file as they stand, from the first.
// A line that is not a record yields an error and ends the iteration. A torn
// last line is left out.
func (j *File) Records() iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		f, err := os.Open(j.path)
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		if err != nil {
			yield(Record{}, fmt.Errorf("journal: %w", err))
			return
		}
		defer f.Close()
		lines(f, yield)
	}
}

// Verify checks the whole file against its head, and that every value that is
// missing was erased on record, and returns the head of what was found. It takes no lock: records are appended before the head moves, so
// a head read first is never ahead of the records read after it.
func (j *File) Verify(ctx context.Context) (Head, error) {
	head, err := j.Head()
	if err != nil {
		return Head{}, err
	}
	var stop error
	var tombs Tombstones
	records := func(yield func(Record, error) bool) {
		for r, err := range j.Records() {
			if stop = ctx.Err(); stop != nil || !yield(r, err) {
				return
			}
			tombs.See(r)
		}
	}
	got, err := Verify(records, head)
	if stop == nil && err == nil {
		err = tombs.Err()
	}
	if err := errors.Join(stop, err); err != nil {
		return got, err
	}
	// Others may have appended meanwhile, and moved the head before they did
	// so again: now it is at most one record behind what was read.
	now, err := j.Head()
	if err == nil && now.Seq+1 < got.Seq {
		err = j.headless(now)
	}
	return got, err
}

func (j *File) headPath() string { return j.path + ".head" }

// Head returns the head kept beside the file; where there is none it is that
// of an empty chain.
func (j *File) Head() (Head, error) {
	b, err := os.ReadFile(j.headPath())
	if errors.Is(err, fs.ErrNotExist) {
		return Head{Node: j.node}, nil
	}
	if err != nil {
		return Head{}, fmt.Errorf("journal: head: %w", err)
	}
	var h Head
	if err := decodeOne(b, &h); err != nil {
		return Head{}, fmt.Errorf("journal: head: %w", err)
	}
	if h.Node != j.node {
		return Head{}, fmt.Errorf("journal: head: it is that of the chain %q", h.Node)
	}
	return h, nil
}

// writeHead replaces the head in one step. It runs under the file's lock, so
// one temporary name is enough.
func (j *File) writeHead(h Head) error {
	b, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("journal: head: %w", err)
	}
	tmp := j.headPath() + ".tmp"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("journal: head: %w", err)
	}
	_, err = f.Write(append(b, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp, j.headPath())
	}
	if err != nil {
		return fmt.Errorf("journal: head: %w", err)
	}
	if h.Seq == 1 {
		// Where the system cannot, the name follows with its next write-back.
		_ = files.SyncDir(filepath.Dir(j.path))
	}
	return nil
}

// waitLock takes the lock on f, trying again until it is free.
func waitLock(ctx context.Context, f *os.File) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, lockWait)
		defer cancel()
	}
	wait := time.Millisecond
	for {
		ok, err := files.TryLock(f)
		if err != nil {
			return fmt.Errorf("journal: lock: %w", err)
		}
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return ctx.Err()
			}
			return fmt.Errorf("%w: %s", ErrLocked, f.Name())
		case <-time.After(wait):
			wait = min(2*wait, 50*time.Millisecond)
		}
	}
}
