package cli

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/files"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// bulkFiles writes the certificates of a bulk issue beside the ledger's next
// transaction, and tells what became of each request in their order.
type bulkFiles struct {
	run   *bulkRun
	work  []chan *bulkFile // of each writer
	queue chan *bulkFile   // in the order of the requests
	ended chan struct{}    // closed when all of queue is told
	over  chan struct{}    // closed at the first failure, which is in failed
	// failed is set before over is closed.
	failed error
}

// A bulkFile is one result on its way to its file.
type bulkFile struct {
	ca.BulkResult
	written chan struct{} // closed when err is set
	err     error
}

// errBulkFiles ends the issue when a file could not be written; what was the
// matter is in bulkFiles.failed.
var errBulkFiles = errors.New("a certificate could not be written")

// startFiles starts as many writers as there are processors. finish ends them.
func (r *bulkRun) startFiles() *bulkFiles {
	f := &bulkFiles{
		run: r, work: make([]chan *bulkFile, runtime.GOMAXPROCS(0)), queue: make(chan *bulkFile, limits.BulkFiles),
		ended: make(chan struct{}), over: make(chan struct{}),
	}
	var writers sync.WaitGroup
	for n := range f.work {
		work := make(chan *bulkFile, limits.BulkFiles)
		f.work[n] = work
		writers.Go(func() {
			for b := range work {
				b.err = r.writeCertificate(certificateName(b.Name), b.Certificate.Raw)
				close(b.written)
			}
		})
	}
	go func() {
		f.tell()
		writers.Wait()
		close(f.ended)
	}()
	return f
}

// take hands on what became of a request, and waits where limits.BulkFiles are
// on their way already.
func (f *bulkFiles) take(b ca.BulkResult) error {
	select {
	case <-f.over:
		return errBulkFiles
	default:
	}
	w := &bulkFile{BulkResult: b, written: make(chan struct{})}
	if b.Certificate == nil {
		close(w.written)
	} else {
		f.writer(w.Name) <- w
	}
	f.queue <- w
	return nil
}

// writer returns whose file a name is. Names that some file systems take for the
// same one have the same writer, which then finds another certificate there.
func (f *bulkFiles) writer(name string) chan<- *bulkFile {
	h := crc32.ChecksumIEEE([]byte(strings.ToLower(certificateName(name))))
	return f.work[h%uint32(len(f.work))]
}

// tell tells the results in order, up to the first failure.
func (f *bulkFiles) tell() {
	for w := range f.queue {
		<-w.written
		if f.failed != nil {
			continue
		}
		if w.err != nil {
			f.failed = f.run.issuedButNotWritten(w.Certificate, w.err)
		} else {
			f.failed = f.run.tell(w.BulkResult)
		}
		if f.failed != nil {
			close(f.over)
		}
	}
}

// finish waits for the files, brings them to the disk and says how it went; err
// is how the issue went.
func (f *bulkFiles) finish(err error) error {
	for _, work := range f.work {
		close(work)
	}
	close(f.queue)
	<-f.ended
	if errors.Is(err, errBulkFiles) {
		err = nil
	}
	return errors.Join(err, f.failed, files.SyncFolder(f.run.flags.to))
}

// tell says on standard error and in the summary what became of a request.
func (r *bulkRun) tell(b ca.BulkResult) error {
	l := bulkLine{Name: b.Name, ID: b.ID, Outcome: b.Outcome, Line: b.Line}
	if b.Certificate != nil {
		l.Serial = b.Serial.String()
		l.File = certificateName(b.Name)
	}
	if b.Err != nil {
		l.Error = r.t(r.sentence(b.Err).message)
		r.stopped.CompareAndSwap(false, r.flags.stop)
		where := safe(b.Name) // a row that names no file is called after its line
		if b.Line > 0 && !strings.HasSuffix(where, ":"+strconv.Itoa(b.Line)) {
			where = fmt.Sprintf(r.t(text{"строка %d, %s", "line %d, %s"}), b.Line, where)
		}
		if r.said++; r.said <= 10 {
			r.warnf(text{"%s: %s", "%s: %s"}, where, safe(l.Error))
		}
	}
	r.counts[b.Outcome]++
	if r.bar != nil && time.Since(r.started) > time.Second {
		r.bar.Set(r.counts[ca.BulkIssued] + r.counts[ca.BulkAlready] + r.counts[ca.BulkRefused]) //nolint:errcheck,gosec // a bar that cannot be drawn changes no result
	}
	return r.summary(l)
}

// writeCertificate puts a certificate into the output folder. A file of an
// earlier run with the same content stays.
func (r *bulkRun) writeCertificate(name string, der []byte) error {
	path := filepath.Join(r.flags.to, name)
	old, err := os.ReadFile(path)
	if err == nil && !unfinished(old, der) {
		if string(old) == string(der) {
			return nil
		}
		return failedf(text{"%s: файл уже есть, и в нём другой сертификат", "%s: the file exists with another certificate"}, path).
			withHint(text{"выберите пустую папку и дайте запросам разные имена", "choose an empty folder and give the requests different names"})
	}
	tmp := path + ".tmp"
	if err = writeSynced(tmp, der); err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		os.Remove(tmp) //nolint:errcheck,gosec // the first error counts
	}
	return err
}

// unfinished reports whether old is what a power failure may leave of der: the
// files of a run are brought to the disk together, at its end. It is then
// shorter, or has zero octets from some place on.
func unfinished(old, der []byte) bool {
	n := 0
	for n < min(len(old), len(der)) && old[n] == der[n] {
		n++
	}
	return n < len(der) && len(old) <= len(der) && len(bytes.Trim(old[n:], "\x00")) == 0
}

// writeSynced writes a file and, where [files.SyncFolder] does not do it for all
// of them, brings it to the disk.
func writeSynced(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644) //nolint:gosec // certificates are public
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil && !files.SyncsContents {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
