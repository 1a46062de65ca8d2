package cli

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
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
	stopped atomic.Bool // by the first refusal; another goroutine reads the requests
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
	files := r.startFiles()
	err = au.Bulk(ctx, r.distinct(source.items), actor(), files.take)
	// A table that cannot be read on is no table that is at its end.
	err = errors.Join(files.finish(err), source.err, closeSummary())
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
