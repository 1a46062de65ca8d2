package cli

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// A bulkSource is where the requests of a bulk issue come from.
type bulkSource struct {
	items iter.Seq[ca.BulkItem]
	total int    // -1 where it is not known before
	err   error  // after the iteration: why it ended before the end of the table
	close func() // never nil
}

// openBulk opens a folder of requests or a table.
func (a *app) openBulk(from string, base ca.BulkItem) (*bulkSource, error) {
	st, err := os.Stat(from)
	if err != nil {
		return nil, err
	}
	if st.IsDir() {
		return a.bulkFolder(from, base)
	}
	f, err := os.Open(from)
	if err != nil {
		return nil, err
	}
	s := &bulkSource{total: -1, close: func() { f.Close() }} //nolint:errcheck,gosec // opened for reading
	if err := a.bulkTable(s, f, from, base); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// requestSuffixes are what files of requests end with.
var requestSuffixes = []string{".csr", ".p10", ".req", ".pem", ".der"}

// bulkFolder takes the requests of a folder in the order of their names.
func (a *app) bulkFolder(dir string, base ca.BulkItem) (*bulkSource, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	entries = slices.DeleteFunc(entries, func(e os.DirEntry) bool {
		return e.IsDir() || !slices.Contains(requestSuffixes, strings.ToLower(filepath.Ext(e.Name())))
	})
	if len(entries) == 0 {
		return nil, failedf(text{"%s: запросов (%s) нет", "%s: no requests (%s)"}, dir, strings.Join(requestSuffixes, " "))
	}
	return &bulkSource{total: len(entries), close: func() {}, items: func(yield func(ca.BulkItem) bool) {
		for _, e := range entries {
			item := base
			item.Name = e.Name()
			item.CSR, item.Err = a.bulkRequest(filepath.Join(dir, e.Name()))
			if !yield(item) {
				return
			}
		}
	}}, nil
}

// bulkRequest reads one request without parsing it.
func (a *app) bulkRequest(path string) ([]byte, error) {
	// A pipe would be waited for, and a run of thousands waits for nobody.
	if st, err := os.Stat(path); err != nil {
		return nil, err
	} else if !st.Mode().IsRegular() {
		return nil, failedf(text{"%s: это не обычный файл", "%s: not a regular file"}, path)
	}
	found, err := a.blocks(path, der.KindRequest)
	if err != nil {
		return nil, err
	}
	if len(found) != 1 {
		return nil, failedf(text{"%s: запросов в файле: %d, нужен один", "%s: %d requests in the file, one is expected"}, path, len(found))
	}
	return found[0].Bytes, nil
}

// What a line of a table can be beside a row.
var (
	errEmptyRow = errors.New("an empty row")
	errLongRow  = fmt.Errorf("a line of more than %d octets", limits.BulkRow)
	errRowText  = errors.New("not UTF-8")
)

// A rowReader reads a table line by line: a quote that was never closed, or a line
// without end, spoils one row and not the rest of the table.
type rowReader struct {
	in    *bufio.Reader
	comma rune
	line  int // that was read last, 1 the first
}

func newRowReader(r io.Reader) *rowReader {
	return &rowReader{in: bufio.NewReaderSize(r, limits.BulkRow), comma: ','}
}

// next returns the cells of the next line. A *tableError is of this line, and the
// next one may be asked for; io.EOF is the end, and any other error is of the
// file.
func (r *rowReader) next() ([]string, error) {
	line, err := r.in.ReadSlice('\n')
	if len(line) == 0 && err != nil {
		return nil, err
	}
	r.line++
	for long := false; ; long = true {
		if err == nil || errors.Is(err, io.EOF) {
			if long {
				return nil, &tableError{r.line, errLongRow}
			}
			break
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
		_, err = r.in.ReadSlice('\n')
	}
	text := strings.TrimRight(string(line), "\r\n")
	if r.line == 1 {
		text = strings.TrimPrefix(text, "\ufeff") // spreadsheets write it
		if strings.Contains(text, ";") && !strings.Contains(text, ",") {
			r.comma = ';' // what they write where the comma divides decimals
		}
	}
	return r.cells(text)
}

func (r *rowReader) cells(text string) ([]string, error) {
	if strings.TrimSpace(text) == "" {
		return nil, &tableError{r.line, errEmptyRow}
	}
	if !utf8.ValidString(text) {
		return nil, &tableError{r.line, errRowText}
	}
	c := csv.NewReader(strings.NewReader(text))
	c.Comma = r.comma
	row, err := c.Read()
	if err != nil {
		return nil, &tableError{r.line, err}
	}
	return row, nil
}

// A tableError is a line of a table that is no row.
type tableError struct {
	line int
	err  error
}

func (e *tableError) Error() string { return fmt.Sprintf("line %d: %v", e.line, e.err) }

func (e *tableError) Unwrap() error { return e.err }

// badRow says what is wrong with a line, without its number; an error that is not
// about a line comes back.
func badRow(err error) error {
	var row *tableError
	if !errors.As(err, &row) {
		return err
	}
	why := text{"кавычки не закрыты или стоят не там", "a quote is not closed, or in the wrong place"}
	switch {
	case errors.Is(err, errEmptyRow):
		why = text{"пусто", "it is empty"}
	case errors.Is(err, errLongRow):
		why = text{fmt.Sprintf("длиннее %d КиБ", limits.BulkRow>>10), fmt.Sprintf("longer than %d KiB", limits.BulkRow>>10)}
	case errors.Is(err, errRowText):
		why = text{"не в UTF-8", "not in UTF-8"}
	}
	return newError(exitFailed, text{"не читается как строка CSV: " + why.ru, "not readable as a row of CSV: " + why.en}).
		withCause(err).withHint(text{"сохраните таблицу как CSV в UTF-8", "save the table as CSV in UTF-8"})
}

// bulkTable reads a CSV table in UTF-8, its cells divided by commas or semicolons:
// a header with the column "request", a path relative to the table, and any of
// "profile", "days", "identification". A row is one line of at most 64 KiB
// (limits.BulkRow) and has as many cells as the header.
func (a *app) bulkTable(s *bulkSource, f io.Reader, path string, base ca.BulkItem) error {
	rows := newRowReader(f)
	header, err := rows.next()
	if errors.Is(err, io.EOF) {
		err = &tableError{1, errEmptyRow}
	}
	if err != nil {
		u := a.sentence(badRow(err))
		return newError(u.code, text{path + ":1: " + u.message.ru, path + ":1: " + u.message.en}).withCause(err).withHint(u.hint)
	}
	columns := make(map[string]int)
	for i, name := range header {
		name = strings.TrimSpace(name)
		if _, twice := columns[name]; twice || !slices.Contains([]string{"request", "profile", "days", "identification"}, name) {
			return failedf(text{"%s: неизвестная или повторная колонка «%s»", "%s: the column %q is unknown or stands twice"}, path, safe(name)).
				withHint(text{"колонки: request, profile, days, identification", "the columns: request, profile, days, identification"})
		}
		columns[name] = i
	}
	if _, ok := columns["request"]; !ok {
		return failedf(text{"%s: нет колонки request", "%s: no column request"}, path)
	}
	s.items = func(yield func(ca.BulkItem) bool) {
		for {
			row, err := rows.next()
			var bad *tableError
			switch {
			case errors.Is(err, io.EOF):
				return
			case errors.Is(err, errEmptyRow):
				continue
			case err != nil && !errors.As(err, &bad):
				s.err = fmt.Errorf("%s: %w", path, err)
				return
			}
			item := base
			item.Line = rows.line
			item.Name = fmt.Sprintf("%s:%d", filepath.Base(path), rows.line)
			if err == nil {
				a.bulkRow(&item, filepath.Dir(path), row, columns)
			} else {
				item.Err = badRow(err)
			}
			if !yield(item) {
				return
			}
		}
	}
	return nil
}

// bulkRow fills an item from a row of the table.
func (a *app) bulkRow(item *ca.BulkItem, dir string, row []string, columns map[string]int) {
	if len(row) != len(columns) {
		item.Err = failedf(text{"ячеек в строке: %d, а колонок: %d", "%d cells in the row, %d columns"}, len(row), len(columns))
		return
	}
	value := func(name string) string {
		if i, ok := columns[name]; ok {
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
	for _, c := range []struct {
		name string
		to   *int
	}{{"days", &item.Days}, {"identification", &item.IdentificationKind}} {
		v := value(c.name)
		if v == "" {
			continue
		}
		n, err := strconv.Atoi(v)
		if *c.to = n; err != nil || strconv.Itoa(n) != v {
			item.Err = failedf(text{"колонка %s: «%s» не число", "the column %s: %q is no number"}, c.name, safe(v))
			return
		}
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	item.CSR, item.Err = a.bulkRequest(file)
}
