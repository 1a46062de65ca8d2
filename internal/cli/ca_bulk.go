package cli

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// bulkFlags are the flags of a bulk issue.
type bulkFlags struct {
	from, to string
	stop     bool
	summary  output
}

func (a *app) bulkFlags(c *cobra.Command, f *bulkFlags) {
	c.Flags().StringVar(&f.from, "bulk", "", a.t(text{"папка запросов или таблица CSV: выпустить все", "a folder of requests or a CSV table: issue all"}))
	c.Flags().StringVar(&f.to, "out", "", a.t(text{"с --bulk: папка для сертификатов", "with --bulk: the folder for the certificates"}))
	c.Flags().BoolVar(&f.stop, "stop-on-error", false, a.t(text{"с --bulk: после первого отказа новых запросов не брать", "with --bulk: take no more requests after the first refusal"}))
	c.Flags().StringVar(&f.summary.path, "summary", "", a.t(text{"с --bulk: куда записать итог (.csv или строки JSON)", "with --bulk: where to write the summary (.csv or JSON lines)"}))
}

// A bulkRun is one bulk issue: what was done so far, and where it is told.
type bulkRun struct {
	*app
	flags   bulkFlags
	counts  map[ca.BulkOutcome]int
	stopped atomic.Bool // by the first refusal; requests are read by another goroutine
	said    int         // refusals told on standard error
	summary func(bulkLine) error
	bar     *progressbar.ProgressBar
	started time.Time
}

// bulkLine is what the summary says about one request.
type bulkLine struct {
	Name    string         `json:"name"`
	ID      string         `json:"id,omitempty"`
	Outcome ca.BulkOutcome `json:"outcome"`
	Serial  string         `json:"serial,omitempty"`
	File    string         `json:"file,omitempty"`
	Error   string         `json:"error,omitempty"`
	Line    int            `json:"line,omitempty"` // of the table
}

// caBulk issues for every request of a folder or a table. It may be repeated
// after a crash: what was issued is only written out again.
func (a *app) caBulk(ctx context.Context, dir string, base ca.BulkItem, f bulkFlags) (err error) {
	if f.to == "" {
		return usageError(text{"нужна папка для сертификатов: --out", "a folder for the certificates is needed: --out"})
	}
	source, err := a.openBulk(f.from, base)
	if err != nil {
		return err
	}
	defer source.close()
	if err := f.summary.checkFree(); err != nil {
		return err
	}
	if err := os.MkdirAll(f.to, 0o755); err != nil { //nolint:gosec // certificates are public
		return err
	}
	au, err := a.openAuthority(ctx, dir)
	if err != nil {
		return err
	}
	defer au.close()
	r := &bulkRun{app: a, flags: f, counts: make(map[ca.BulkOutcome]int), bar: a.bulkBar(source.total), started: a.now()}
	closeSummary, err := r.openSummary()
	if err != nil {
		return err
	}
	defer relaxGC()()
	err = au.Bulk(ctx, r.distinct(source.items), actor(), r.take)
	// A table that cannot be read on is no table that is at its end.
	err = errors.Join(err, source.err, closeSummary())
	if r.bar != nil {
		r.bar.Finish() //nolint:errcheck,gosec // a bar that cannot be drawn changes no result
	}
	if err != nil {
		return err
	}
	return r.finish()
}

// distinct refuses a request whose certificate would have the name of another
// one's, before it is issued, and ends where a refusal ends the run.
func (r *bulkRun) distinct(items iter.Seq[ca.BulkItem]) iter.Seq[ca.BulkItem] {
	return func(yield func(ca.BulkItem) bool) {
		taken := make(map[string]bool)
		for item := range items {
			if r.stopped.Load() {
				return
			}
			if name := certificateName(item.Name); item.Err == nil {
				if taken[name] {
					item.Err = failedf(text{"файл сертификата %s уже занят другим запросом", "the file %s is another request's certificate already"}, name)
				}
				taken[name] = true
			}
			if !yield(item) {
				return
			}
		}
	}
}

// certificateName is what the certificate of a request is called.
func certificateName(request string) string {
	return strings.TrimSuffix(filepath.Base(request), filepath.Ext(request)) + ".cer"
}

// bulkBar returns a bar on a terminal, nil elsewhere; total is -1 if unknown.
func (a *app) bulkBar(total int) *progressbar.ProgressBar {
	out, ok := a.err.(*os.File)
	if !ok || a.json || !term.IsTerminal(int(out.Fd())) {
		return nil
	}
	return progressbar.NewOptions(total, progressbar.OptionSetWriter(out), progressbar.OptionShowCount(), progressbar.OptionShowIts(),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
}

// openSummary opens the summary, if one was asked for. It is written as the run
// goes on: a run that ends early leaves what it did.
func (r *bulkRun) openSummary() (func() error, error) {
	r.summary = func(bulkLine) error { return nil }
	path := r.flags.summary.path
	if path == "" {
		return func() error { return nil }, nil
	}
	w := r.out
	closeFile := func() error { return nil }
	if path != "-" {
		f, err := os.Create(path)
		if err != nil {
			return nil, err
		}
		w, closeFile = f, f.Close
	}
	buf := bufio.NewWriter(w)
	if !strings.EqualFold(filepath.Ext(path), ".csv") {
		enc := json.NewEncoder(buf)
		enc.SetEscapeHTML(false)
		r.summary = func(l bulkLine) error { return enc.Encode(l) }
		return func() error { return errors.Join(buf.Flush(), closeFile()) }, nil
	}
	table := csv.NewWriter(buf)
	r.summary = func(l bulkLine) error {
		return table.Write([]string{cell(l.Name), l.ID, string(l.Outcome), l.Serial, cell(l.File), cell(l.Error), lineText(l.Line)})
	}
	err := table.Write([]string{"name", "id", "outcome", "serial", "file", "error", "line"})
	return func() error {
		table.Flush()
		return errors.Join(table.Error(), buf.Flush(), closeFile())
	}, err
}

// lineText writes the number of a line, 0 as nothing.
func lineText(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// cell makes a text safe for a spreadsheet, which takes some first characters
// for the start of a formula.
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n", rune(s[0])) {
		return "'" + s
	}
	return s
}

// take writes one certificate and tells what became of a request.
func (r *bulkRun) take(b ca.BulkResult) error {
	l := bulkLine{Name: b.Name, ID: b.ID, Outcome: b.Outcome, Line: b.Line}
	if b.Certificate != nil {
		l.Serial = b.Serial.String()
		l.File = certificateName(b.Name)
		if err := r.writeCertificate(l.File, b.Certificate.Raw); err != nil {
			return r.issuedButNotWritten(b.Certificate, err)
		}
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
	switch {
	case err == nil && len(old) > 0 && string(old) != string(der):
		return failedf(text{"%s: файл уже есть, и в нём другой сертификат", "%s: the file exists with another certificate"}, path).
			withHint(text{"выберите пустую папку и дайте запросам разные имена", "choose an empty folder and give the requests different names"})
	case err != nil || len(old) == 0: // a power failure leaves an empty file: they are not synced one by one
		tmp := path + ".tmp"
		if err := os.WriteFile(tmp, der, 0o644); err != nil { //nolint:gosec // certificates are public
			return err
		}
		if err := os.Rename(tmp, path); err != nil {
			return err
		}
	}
	return nil
}

// finish says how it went; a refusal makes the exit code 1.
func (r *bulkRun) finish() error {
	if len(r.counts) == 0 {
		return failedf(text{"%s: ни одного запроса", "%s: not one request"}, r.flags.from)
	}
	issued, already, refused := r.counts[ca.BulkIssued], r.counts[ca.BulkAlready], r.counts[ca.BulkRefused]
	if r.json && r.flags.summary.path != "-" {
		err := r.printJSON(struct {
			Issued  int `json:"issued"`
			Already int `json:"already"`
			Refused int `json:"refused"`
		}{issued, already, refused})
		if err == nil && refused > 0 {
			err = verdict{exitFailed}
		}
		return err
	}
	if r.stopped.Load() {
		return failedf(text{"остановлено на отказе; выпущено: %d, было выпущено раньше: %d, отказано: %d", "stopped at a refusal; issued: %d, issued before: %d, refused: %d"}, issued, already, refused).
			withHint(text{"исправьте запросы и повторите: уже выпущенное второй раз не выпускается", "correct the requests and try again: nothing is issued twice"})
	}
	if refused > 0 {
		return failedf(text{"выпущено: %d, было выпущено раньше: %d, отказано: %d", "issued: %d, issued before: %d, refused: %d"}, issued, already, refused).
			withHint(text{"исправьте запросы и повторите: уже выпущенное второй раз не выпускается", "correct the requests and try again: nothing is issued twice"})
	}
	r.sayf(text{"выпущено: %d, было выпущено раньше: %d", "issued: %d, issued before: %d"}, issued, already)
	return nil
}
