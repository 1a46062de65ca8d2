package fetch

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
)

// disk keeps evidence in a directory, one file an entry, for all processes that
// name the directory. A file is written under a temporary name and renamed, so
// whoever opens it reads a whole one, and it never changes: only its
// modification time does, which is when the server last said that it is
// current. What does not match its own digest is removed.
//
// A file is a description of limits.FetchEntryHead octets, JSON with spaces
// behind, and the body. Evidence is signed; the digest is there to tell damage
// from forgery, not to prevent either. No failure of the disk fails a call.
type disk struct {
	dir   string
	limit int64
	now   func() time.Time
}

const (
	entrySuffix = ".ev"
	tempPrefix  = "tmp-"
	entryFormat = 1
	// tempAge is when a temporary file was left by a process that died: no
	// download takes that long.
	tempAge = time.Hour
	// clockSlack is how far in the future an entry may have been checked
	// before its time is not believed.
	clockSlack = 5 * time.Minute
)

// entryHead is the description of an entry.
type entryHead struct {
	Format     int       `json:"format"`
	Key        string    `json:"key"`
	ETag       string    `json:"etag,omitempty"`
	Modified   string    `json:"lastModified,omitempty"`
	Lifetime   int64     `json:"lifetime"` // seconds after the modification time of the file
	NextUpdate time.Time `json:"nextUpdate,omitzero"`
	Size       int64     `json:"size"`
	SHA256     string    `json:"sha256"` // of the body
}

// stored is an entry that was found. Its file is open until close.
type stored struct {
	entryHead
	checked time.Time // when the server last said that it is current
	file    *os.File
}

func (d *disk) path(key string) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(d.dir, hex.EncodeToString(sum[:])+entrySuffix)
}

// open returns the entry of key, or nil. One that is damaged is removed.
func (d *disk) open(key string) *stored {
	if d == nil {
		return nil
	}
	path := d.path(key)
	if st, err := os.Lstat(path); err != nil || !st.Mode().IsRegular() {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	s := &stored{file: f}
	if err := s.read(key); err != nil {
		f.Close()       //nolint:errcheck,gosec // opened for reading
		os.Remove(path) //nolint:errcheck,gosec // the next download replaces it
		return nil
	}
	return s
}

// errDisk is in the chain where a download failed because of the directory: it
// is full, perhaps. What was asked for is read into memory then.
var errDisk = errors.New("fetch: the directory of the cache failed")

// failing puts errDisk into the chain.
func failing(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", errDisk, err)
}

// errDamaged says that an entry is not what was written.
var errDamaged = errors.New("fetch: the entry of the cache is damaged")

// read reads and checks an entry.
func (s *stored) read(key string) error {
	st, err := s.file.Stat()
	if err != nil {
		return err
	}
	head := make([]byte, limits.FetchEntryHead)
	if _, err := s.file.ReadAt(head, 0); err != nil {
		return err
	}
	if err := json.Unmarshal(head, &s.entryHead); err != nil {
		return err
	}
	if s.Format != entryFormat || s.Key != key || s.Size < 0 || st.Size() != s.Size+limits.FetchEntryHead {
		return errDamaged
	}
	h := sha256.New()
	if _, err := io.Copy(h, s.body()); err != nil {
		return err
	}
	if hex.EncodeToString(h.Sum(nil)) != s.SHA256 {
		return errDamaged
	}
	s.checked = st.ModTime()
	return nil
}

// body returns the octets that were fetched.
func (s *stored) body() *io.SectionReader {
	return io.NewSectionReader(s.file, limits.FetchEntryHead, s.Size)
}

func (s *stored) close() { s.file.Close() } //nolint:errcheck,gosec // opened for reading

// fresh says whether the entry may be used without asking the server.
func (s *stored) fresh(now time.Time) bool {
	return !s.checked.After(now.Add(clockSlack)) && now.Before(s.checked.Add(time.Duration(s.Lifetime)*time.Second)) && s.inForce(now)
}

// inForce says whether the issuer has not announced something newer by now.
func (s *stored) inForce(now time.Time) bool {
	return s.NextUpdate.IsZero() || now.Before(s.NextUpdate)
}

// touch notes that the server said at now that the entry is current.
func (d *disk) touch(key string, now time.Time) {
	os.Chtimes(d.path(key), now, now) //nolint:errcheck,gosec // the server is asked again, nothing else
}

func (d *disk) remove(key string) { os.Remove(d.path(key)) } //nolint:errcheck,gosec // it is replaced or evicted later

// incoming is a body on its way into the cache.
type incoming struct {
	d    *disk
	file *os.File
	sum  hash.Hash
	size int64
}

// create begins an entry; nil if the directory takes none.
func (d *disk) create() *incoming {
	if d == nil {
		return nil
	}
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return nil
	}
	f, err := os.CreateTemp(d.dir, tempPrefix+"*") // 0600
	if err != nil {
		return nil
	}
	in := &incoming{d: d, file: f}
	if err := in.reset(); err != nil {
		in.abort()
		return nil
	}
	return in
}

// reset begins anew with an empty body.
func (in *incoming) reset() error {
	in.sum, in.size = sha256.New(), 0
	if err := in.file.Truncate(limits.FetchEntryHead); err != nil {
		return failing(err)
	}
	_, err := in.file.Seek(limits.FetchEntryHead, io.SeekStart)
	return failing(err)
}

// Write adds to the body.
func (in *incoming) Write(p []byte) (int, error) {
	n, err := in.file.Write(p)
	in.sum.Write(p[:n])
	in.size += int64(n)
	return n, failing(err)
}

// body returns what was written so far.
func (in *incoming) body() *io.SectionReader {
	return io.NewSectionReader(in.file, limits.FetchEntryHead, in.size)
}

// abort forgets the body.
func (in *incoming) abort() {
	in.file.Close()           //nolint:errcheck,gosec // removed
	os.Remove(in.file.Name()) //nolint:errcheck,gosec // else it is removed as left behind
}

// commit gives the entry its name. If keep is set the file stays open, for a
// list that is read from it.
func (in *incoming) commit(h entryHead, keep bool) {
	h.Format, h.Size, h.SHA256 = entryFormat, in.size, hex.EncodeToString(in.sum.Sum(nil))
	if len(h.ETag) > limits.FetchValidator || len(h.Modified) > limits.FetchValidator {
		h.ETag, h.Modified = "", ""
	}
	head, err := json.Marshal(h)
	if err == nil && len(head) >= limits.FetchEntryHead {
		err = errDamaged
	}
	if err == nil {
		padded := append(head, slices.Repeat([]byte{' '}, limits.FetchEntryHead-len(head))...)
		_, err = in.file.WriteAt(padded, 0)
	}
	name := in.file.Name()
	if !keep {
		err = errors.Join(err, in.file.Close())
	}
	if err == nil {
		now := in.d.now()
		err = errors.Join(os.Chtimes(name, now, now), os.Rename(name, in.d.path(h.Key)))
	}
	if err != nil {
		os.Remove(name) //nolint:errcheck,gosec // else it is removed as left behind
		return
	}
	in.d.makeRoom()
}

// makeRoom removes what was left behind and, if the directory is too large,
// what was not current for the longest time.
func (d *disk) makeRoom() {
	list, err := os.ReadDir(d.dir)
	if err != nil {
		return
	}
	type file struct {
		path string
		size int64
		at   time.Time
	}
	var files []file
	var total int64
	for _, e := range list {
		st, err := e.Info()
		if err != nil || !st.Mode().IsRegular() {
			continue
		}
		path := filepath.Join(d.dir, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), tempPrefix):
			// Temporary files have the system's time, not that of Now.
			if time.Since(st.ModTime()) > tempAge {
				os.Remove(path) //nolint:errcheck,gosec // somebody else was faster
			}
		case strings.HasSuffix(e.Name(), entrySuffix):
			files = append(files, file{path, st.Size(), st.ModTime()})
			total += st.Size()
		}
	}
	if total <= d.limit && len(files) <= limits.FetchDiskEntries {
		return
	}
	slices.SortFunc(files, func(a, b file) int { return a.at.Compare(b.at) })
	// A tenth more than needed, so that not every download has to sort.
	for n, f := range files {
		if total <= d.limit-d.limit/10 && len(files)-n <= limits.FetchDiskEntries*9/10 {
			return
		}
		if os.Remove(f.path) == nil {
			total -= f.size
		}
	}
}
