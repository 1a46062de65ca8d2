package cli

import (
	"bufio"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// bulkFlags are the flags of a bulk issue.
type bulkFlags struct {
	from, to string
	summary  output
}

func (a *app) bulkFlags(c *cobra.Command, f *bulkFlags) {
	c.Flags().StringVar(&f.from, "bulk", "", a.t(text{"папка запросов или таблица CSV: выпустить все", "a folder of requests or a CSV table: issue all"}))
	c.Flags().StringVar(&f.to, "out", "", a.t(text{"с --bulk: папка для сертификатов", "with --bulk: the folder for the certificates"}))
	c.Flags().StringVar(&f.summary.path, "summary", "", a.t(text{"с --bulk: куда записать итог (.csv или строки JSON)", "with --bulk: where to write the summary (.csv or JSON lines)"}))
}

// A bulkRun is one bulk issue: what was done so far, and where it is told.
type bulkRun struct {
	*app
	flags   bulkFlags
	taken   map[string]bool // names in the output folder, of this run
	counts  map[ca.BulkOutcome]int
	said    int // refusals told on standard error
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
}

// caBulk issues for every request of a folder or a table. It may be repeated
// after a crash: what was issued is only written out again.
func (a *app) caBulk(ctx context.Context, dir string, base ca.BulkItem, f bulkFlags) (err error) {
	if f.to == "" {
		return usageError(text{"нужна папка для сертификатов: --out", "a folder for the certificates is needed: --out"})
	}
	items, total, closeSource, err := a.bulkItems(f.from, base)
	if err != nil {
		return err
	}
	defer closeSource()
	if err := f.summary.checkFree(); err != nil {
		return err
	}
	if err := os.MkdirAll(f.to, 0o755); err != nil { //nolint:gosec // certificates are public
		return err
	}
	au, err := a.issuer(ctx, dir, secretPassword)
	if err != nil {
		return err
	}
	defer au.close()
	r := &bulkRun{
		app: a, flags: f, taken: make(map[string]bool), counts: make(map[ca.BulkOutcome]int),
		bar: a.bulkBar(total), started: a.now(),
	}
	closeSummary, err := r.openSummary()
	if err != nil {
		return err
	}
	err = au.issuer.Bulk(ctx, items, actor(), r.take)
	err = errors.Join(err, closeSummary())
	if r.bar != nil {
		r.bar.Finish() //nolint:errcheck,gosec // a bar that cannot be drawn changes no result
	}
	if err != nil {
		return err
	}
	return r.finish()
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
		return table.Write([]string{cell(l.Name), l.ID, string(l.Outcome), l.Serial, cell(l.File), cell(l.Error)})
	}
	err := table.Write([]string{"name", "id", "outcome", "serial", "file", "error"})
	return func() error {
		table.Flush()
		return errors.Join(table.Error(), buf.Flush(), closeFile())
	}, err
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
	l := bulkLine{Name: b.Name, ID: b.ID, Outcome: b.Outcome}
	if b.Certificate != nil {
		l.Serial = b.Serial.String()
		l.File = strings.TrimSuffix(filepath.Base(b.Name), filepath.Ext(b.Name)) + ".cer"
		if err := r.writeCertificate(l.File, b.Certificate.Raw); err != nil {
			return r.issuedButNotWritten(b.Certificate, err)
		}
	}
	if b.Err != nil {
		l.Error = r.t(r.sentence(b.Err).message)
		if r.said++; r.said <= 10 {
			r.warnf(text{"%s: %s", "%s: %s"}, safe(b.Name), safe(l.Error))
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
	case r.taken[name] || err == nil && string(old) != string(der):
		return failedf(text{"%s: файл уже есть, и в нём другой сертификат", "%s: the file exists with another certificate"}, path).
			withHint(text{"выберите пустую папку и дайте запросам разные имена", "choose an empty folder and give the requests different names"})
	case err != nil:
		tmp := path + ".tmp"
		if err := os.WriteFile(tmp, der, 0o644); err != nil { //nolint:gosec // certificates are public
			return err
		}
		if err := os.Rename(tmp, path); err != nil {
			return err
		}
	}
	r.taken[name] = true
	return nil
}

// finish says how it went; a refusal makes the exit code 1.
func (r *bulkRun) finish() error {
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
	if refused > 0 {
		return failedf(text{"выпущено: %d, было выпущено раньше: %d, отказано: %d", "issued: %d, issued before: %d, refused: %d"}, issued, already, refused).
			withHint(text{"исправьте запросы и повторите: выпущенное не выпустится второй раз", "correct the requests and try again: nothing is issued twice"})
	}
	r.sayf(text{"выпущено: %d, было выпущено раньше: %d", "issued: %d, issued before: %d"}, issued, already)
	return nil
}

// bulkItems iterates over the requests of a folder or of a table. total is -1
// where it is not known before.
func (a *app) bulkItems(from string, base ca.BulkItem) (items iter.Seq[ca.BulkItem], total int, done func(), err error) {
	st, err := os.Stat(from)
	if err != nil {
		return nil, 0, nil, err
	}
	if st.IsDir() {
		items, total, err = a.bulkFolder(from, base)
		return items, total, func() {}, err
	}
	f, err := os.Open(from)
	if err != nil {
		return nil, 0, nil, err
	}
	items, err = a.bulkTable(f, from, base)
	if err != nil {
		f.Close() //nolint:errcheck,gosec // the first error counts
	}
	return items, -1, func() { f.Close() }, err //nolint:errcheck,gosec // opened for reading
}

// requestSuffixes are what files of requests end with.
var requestSuffixes = []string{".csr", ".p10", ".req", ".pem", ".der"}

// bulkFolder takes the requests of a folder in the order of their names.
func (a *app) bulkFolder(dir string, base ca.BulkItem) (iter.Seq[ca.BulkItem], int, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, 0, err
	}
	entries = slices.DeleteFunc(entries, func(e os.DirEntry) bool {
		return e.IsDir() || !slices.Contains(requestSuffixes, strings.ToLower(filepath.Ext(e.Name())))
	})
	if len(entries) == 0 {
		return nil, 0, failedf(text{"%s: запросов (%s) нет", "%s: no requests (%s)"}, dir, strings.Join(requestSuffixes, " "))
	}
	return func(yield func(ca.BulkItem) bool) {
		for _, e := range entries {
			item := base
			item.Name = e.Name()
			item.CSR, item.Err = a.bulkRequest(filepath.Join(dir, e.Name()))
			if !yield(item) {
				return
			}
		}
	}, len(entries), nil
}

// bulkRequest reads one request without parsing it.
func (a *app) bulkRequest(path string) ([]byte, error) {
	found, err := a.blocks(path, der.KindRequest)
	if err != nil {
		return nil, err
	}
	if len(found) != 1 {
		return nil, failedf(text{"%s: запросов в файле: %d, нужен один", "%s: %d requests in the file, one is expected"}, path, len(found))
	}
	return found[0].Bytes, nil
}

// bulkTable reads a CSV table in UTF-8: a header with the column "request", a
// path relative to the table, and any of "profile", "days", "identification". A
// row is one line of at most 64 KiB (limits.BulkRow): a quote that was never
// closed spoils one row and not the rest of the table.
func (a *app) bulkTable(f io.Reader, path string, base ca.BulkItem) (iter.Seq[ca.BulkItem], error) {
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, limits.BulkRow)
	read := func() ([]string, error) {
		if !lines.Scan() {
			return nil, cmp.Or(lines.Err(), io.EOF)
		}
		if strings.TrimSpace(lines.Text()) == "" {
			return nil, errEmptyRow
		}
		row, err := csv.NewReader(strings.NewReader(lines.Text())).Read()
		if errors.Is(err, io.EOF) { // a row of nothing but a comment or spaces
			err = errEmptyRow
		}
		return row, err
	}
	header, err := read()
	if err != nil {
		return nil, badTable(path, 1, err)
	}
	columns := make(map[string]int)
	for i, name := range header {
		name = strings.TrimPrefix(strings.TrimSpace(name), "\ufeff") // spreadsheets write it
		if _, twice := columns[name]; twice || !slices.Contains([]string{"request", "profile", "days", "identification"}, name) {
			return nil, failedf(text{"%s: неизвестная или повторная колонка «%s»", "%s: the column %q is unknown or stands twice"}, path, name).
				withHint(text{"колонки: request, profile, days, identification", "the columns: request, profile, days, identification"})
		}
		columns[name] = i
	}
	if _, ok := columns["request"]; !ok {
		return nil, failedf(text{"%s: нет колонки request", "%s: no column request"}, path)
	}
	return func(yield func(ca.BulkItem) bool) {
		for n := 2; ; n++ {
			row, err := read()
			if errors.Is(err, errEmptyRow) {
				continue
			}
			if errors.Is(err, io.EOF) {
				return
			}
			item := base
			item.Name = fmt.Sprintf("%s:%d", filepath.Base(path), n)
			if err == nil {
				a.bulkRow(&item, filepath.Dir(path), row, columns)
			} else {
				item.Err = badTable(path, n, err)
			}
			if !yield(item) || lines.Err() != nil {
				return
			}
		}
	}, nil
}

// errEmptyRow is a line of a table with nothing in it.
var errEmptyRow = errors.New("an empty row")

func badTable(path string, line int, err error) error {
	return failedf(text{"%s: строка %d не читается как CSV", "%s: line %d is not readable as CSV"}, path, line).withCause(err)
}

// bulkRow fills an item from a row of the table.
func (a *app) bulkRow(item *ca.BulkItem, dir string, row []string, columns map[string]int) {
	value := func(name string) string {
		if i, ok := columns[name]; ok && i < len(row) {
			return strings.TrimSpace(row[i])
		}
		return ""
	}
	file := value("request")
	if file == "" {
		item.Err = failedf(text{"в строке нет файла запроса", "the row names no request"})
		return
	}
	item.Name = file
	if p := value("profile"); p != "" {
		item.Profile = p
	}
	for name, to := range map[string]*int{"days": &item.Days, "identification": &item.IdentificationKind} {
		if v := value(name); v != "" {
			n, err := strconv.Atoi(v)
			if *to = n; err != nil {
				item.Err = failedf(text{"колонка %s: «%s» не число", "the column %s: %q is no number"}, name, v)
				return
			}
		}
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	item.CSR, item.Err = a.bulkRequest(file)
}
