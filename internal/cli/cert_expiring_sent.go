package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/files"
	"github.com/gosklyuch/gosklyuch/internal/limits"
)

// A notice says that the hook was run for a certificate. It names nobody.
type notice struct {
	Certificate string    `json:"certificate"` // noticeID
	NotAfter    time.Time `json:"notAfter"`
	Days        int       `json:"days"` // of --days
	Sent        time.Time `json:"sent"`
}

// keepNotices is how long the notices of a certificate are kept after its end.
const keepNotices = 400 * 24 * time.Hour

// notices is the list of what was sent: a file with a line for each, which one
// process at a time has open.
type notices struct {
	lock *os.File
	file *os.File
	days map[string]int // the smallest number of days that was sent
}

// openNotices reads the list and takes its lock. Where the last line is torn, or
// most lines are of certificates that ended long ago, the list is written anew.
func openNotices(path string, now time.Time) (*notices, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	n := &notices{days: map[string]int{}}
	var err error
	if n.lock, err = os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, err
	}
	ok, err := files.TryLock(n.lock)
	if err == nil && !ok {
		err = failedf(text{"%s: напоминания уже отправляет другой процесс", "%s: another process is sending reminders"}, path).
			withHint(text{"дождитесь его", "wait for it"})
	}
	if err == nil {
		err = n.read(path, now)
	}
	if err == nil {
		n.file, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	}
	if err != nil {
		return nil, errors.Join(err, n.lock.Close())
	}
	return n, nil
}

func (n *notices) read(path string, now time.Time) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if st.Size() > limits.ExpiryNotices {
		return failedf(text{"%s: список напоминаний больше %d МиБ", "%s: the list of reminders is larger than %d MiB"}, path, limits.ExpiryNotices>>20)
	}
	in := bufio.NewScanner(f)
	in.Buffer(make([]byte, 0, limits.ExpiryLine), limits.ExpiryLine)
	var kept bytes.Buffer
	size := int64(0)
	for line := 1; in.Scan(); line++ {
		size += int64(len(in.Bytes())) + 1
		var x notice
		if err := json.Unmarshal(in.Bytes(), &x); err != nil {
			if size > st.Size() { // the last line has no end: a run was stopped
				break
			}
			return n.damaged(path, line, err)
		}
		if x.NotAfter.Before(now.Add(-keepNotices)) {
			continue
		}
		kept.Write(in.Bytes())
		kept.WriteByte('\n')
		n.add(x.Certificate, x.Days)
	}
	if err := in.Err(); err != nil {
		return n.damaged(path, 0, err)
	}
	if st.Size() == int64(kept.Len()) || size == st.Size() && int64(kept.Len()) > size/2 {
		return nil
	}
	return files.Replace(path, ".expiry-", kept.Bytes())
}

func (n *notices) damaged(path string, line int, err error) error {
	return failedf(text{"%s: список напоминаний повреждён, строка %d", "%s: the list of reminders is damaged, line %d"}, path, line).withCause(err).
		withHint(text{"исправьте строку или удалите файл: тогда напоминания придут ещё раз", "mend the line, or remove the file: reminders are then sent again"})
}

func (n *notices) add(id string, days int) {
	if old, ok := n.days[id]; !ok || days < old {
		n.days[id] = days
	}
}

// sent reports whether a notice for this number of days, or a later one, was
// sent.
func (n *notices) sent(x expiringCert) bool {
	days, ok := n.days[x.id]
	return ok && days <= x.Days
}

// note puts a notice on the list and returns when it is on the disk.
func (n *notices) note(x expiringCert, now time.Time) error {
	b, err := json.Marshal(notice{Certificate: x.id, NotAfter: x.end.UTC(), Days: x.Days, Sent: now.UTC().Truncate(time.Second)})
	if err != nil {
		return err
	}
	if _, err := n.file.Write(append(b, '\n')); err != nil {
		return fmt.Errorf("expiry: %w", err)
	}
	n.add(x.id, x.Days)
	return n.file.Sync()
}

func (n *notices) close() {
	n.file.Close() //nolint:errcheck,gosec // every notice was brought to the disk
	n.lock.Close() //nolint:errcheck,gosec // nothing was written
}
