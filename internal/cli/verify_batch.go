package cli

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/verify"
)

// batchFlags are the flags of verify --batch.
type batchFlags struct {
	on   bool
	jobs int
	csv  string
}

func (a *app) batchFlags(c *cobra.Command, f *batchFlags) {
	fl := c.Flags()
	fl.BoolVar(&f.on, "batch", false, a.t(text{"проверить все подписи в указанных файлах и папках", "verify every signature in the given files and folders"}))
	fl.IntVar(&f.jobs, "jobs", 0, a.t(text{"с --batch: сколько файлов проверять сразу (0: столько, чтобы занять все ядра)", "with --batch: how many files at once (0: enough for all cores)"}))
	fl.StringVar(&f.csv, "csv", "", a.t(text{"с --batch: записать сводку CSV", "with --batch: write a CSV summary"}))
}

// check refuses flags that do not go together.
func (f *batchFlags) check(files *reportFlags) error {
	switch {
	case !f.on && (f.jobs != 0 || f.csv != ""):
		return usageError(text{"--jobs и --csv указываются только с --batch", "--jobs and --csv go with --batch only"})
	case f.on && len(files.files) > 0:
		return usageError(text{"--report не сочетается с --batch: протокол составляется на один документ", "--report does not go with --batch: a report is about one document"})
	case f.jobs < 0 || f.jobs > limits.BatchJobs:
		return usageErrorf(text{"значение --jobs: от 1 до %d", "--jobs is from 1 to %d"}, limits.BatchJobs)
	}
	return nil
}

// workers is how many documents are verified at once.
func (f *batchFlags) workers() int {
	if f.jobs > 0 {
		return f.jobs
	}
	return min(runtime.GOMAXPROCS(0)*batchTogether, limits.BatchJobs)
}

// The statuses of a document in a batch besides those of a report.
const (
	batchError    = "error"    // could not be verified: unreadable, or no signature where one was expected
	batchUnsigned = "unsigned" // a document without a signature
)

// A batchItem is one document of a batch on its way.
type batchItem struct {
	doc, sig string // as batchPair has them
	done     chan struct{}

	// The fields below are set when done is closed.

	skip bool // neither document nor signature: certificates, lists, keys
	rep  *verify.Report
	err  error
}

// status is the word of the output.
func (i *batchItem) status() string {
	switch {
	case i.err != nil:
		return batchError
	case i.rep == nil:
		return batchUnsigned
	}
	return i.rep.Verdict().String()
}

// code is the exit code that the document asks for. A document without a
// signature asks for none.
func (i *batchItem) code() int {
	switch {
	case i.err != nil:
		return exitFailed
	case i.rep == nil:
		return exitOK
	}
	return verdictCodes[i.rep.Verdict()]
}

// verifyBatch verifies every signature under the paths. Documents are verified
// at once and printed in the order of their paths.
func (a *app) verifyBatch(ctx context.Context, f *evidenceFlags, b *batchFlags, force bool, paths []string) error {
	summary := output{path: b.csv, force: force, mode: 0o644}
	if b.csv == "-" && a.json {
		return usageError(text{"--csv - и --json не могут оба писать в стандартный вывод", "--csv - and --json cannot both write to standard output"})
	}
	if b.csv != "" {
		if err := summary.checkFree(); err != nil {
			return err
		}
	}
	v, err := a.verifier(f)
	if err != nil {
		return err
	}
	v.Cache = verify.NewCache()
	pairs, err := a.batchPairs(ctx, paths)
	if err != nil {
		return err
	}
	defer relaxGC()()
	run := &batchRun{app: a, verifier: v, workers: b.workers(), counts: map[string]int{}, silent: b.csv == "-"}
	run.gatherer, run.long = gost3410.NewGatherer(), make(chan struct{}, runtime.GOMAXPROCS(0))
	run.together = gathering(v, run.gatherer)
	run.lines = &lineBuffer{out: a.out, before: run.clearBar}
	if b.csv == "" {
		err = run.all(ctx, pairs)
	} else {
		err = a.write(summary, func(w io.Writer) error {
			run.table = csv.NewWriter(w)
			if err := run.table.Write(csvHeader); err != nil {
				return err
			}
			if err := run.all(ctx, pairs); err != nil {
				return err
			}
			run.table.Flush()
			return run.table.Error()
		})
	}
	if err != nil {
		return err
	}
	return run.finish()
}

// A batchRun is one batch under way.
type batchRun struct {
	*app
	verifier *verify.Verifier
	together *verify.Verifier // the same, for short documents
	gatherer *gost3410.Gatherer
	long     chan struct{} // has a place for each long document under way
	workers  int
	table    *csv.Writer // nil: no CSV
	silent   bool        // no line a document: the table goes to standard output
	lines    *lineBuffer // to standard output
	bar      *progressbar.ProgressBar

	worst  int // exit code so far
	counts map[string]int
}

// all verifies the pairs. No more documents are under way or waiting to be
// printed than the window holds, so memory does not grow with the batch.
func (r *batchRun) all(ctx context.Context, pairs []batchPair) error {
	ctx, cancel := context.WithCancel(ctx)
	var workers sync.WaitGroup
	defer workers.Wait() // after cancel
	defer cancel()
	work := make(chan *batchItem, r.workers)
	pending := make(chan *batchItem, r.workers*limits.BatchWindow)
	for range r.workers {
		r.gatherer.Join() // before any of them begins
		workers.Go(func() {
			defer r.gatherer.Leave()
			together := context.WithValue(ctx, joined{}, true)
			for i := r.next(work); i != nil; i = r.next(work) {
				r.verify(together, i)
				close(i.done)
			}
		})
	}
	workers.Go(func() {
		defer close(pending)
		defer close(work)
		for _, p := range pairs {
			i := &batchItem{doc: p.doc, sig: p.sig, done: make(chan struct{})}
			select {
			case pending <- i:
			case <-ctx.Done():
				return
			}
			select {
			case work <- i:
			case <-ctx.Done():
				return
			}
		}
	})
	r.startBar(len(pairs))
	defer r.clearBar()
	err := r.print(ctx, pending)
	if flushed := r.lines.flush(); err == nil {
		err = flushed
	}
	return err
}

// next takes a document, or nil after the last. Whoever has to wait for one leaves
// the gatherer meanwhile: it may be that a document which waits there has to be
// printed before there is another one.
func (r *batchRun) next(work <-chan *batchItem) *batchItem {
	select {
	case i := <-work:
		return i
	default:
	}
	r.gatherer.Leave()
	defer r.gatherer.Join()
	return <-work
}

// print prints the documents in their order as they are ready.
func (r *batchRun) print(ctx context.Context, pending <-chan *batchItem) error {
	soon := time.NewTimer(0)
	defer soon.Stop()
	for i := range pending {
		soon.Reset(linesDelay)
		for ready := false; !ready; {
			select {
			case <-i.done:
				ready = true
			case <-soon.C: // a long document: what is known is shown
				if err := r.lines.flush(); err != nil {
					return err
				}
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.show(i); err != nil {
			return err
		}
		if r.bar != nil {
			r.bar.Add(1) //nolint:errcheck,gosec // a bar that cannot be drawn changes no result
		}
	}
	return ctx.Err()
}

// show counts and prints one document.
func (r *batchRun) show(i *batchItem) error {
	if i.skip {
		return nil
	}
	r.counts[i.status()]++
	r.worst = worst(r.worst, i.code())
	if r.table != nil {
		if err := r.table.Write(r.csvRow(i)); err != nil {
			return err
		}
	}
	switch {
	case r.json:
		return r.jsonLine(i)
	case !r.silent:
		return r.textLine(i)
	}
	return nil
}

// clearBar makes room for lines.
func (r *batchRun) clearBar() {
	if r.bar != nil {
		r.bar.Clear() //nolint:errcheck,gosec // a bar that cannot be drawn changes no result
	}
}

// verify decides about one document; whatever happens stays with it.
func (r *batchRun) verify(ctx context.Context, i *batchItem) {
	if ctx.Err() != nil {
		i.err = ctx.Err()
		return
	}
	named := i.sig != ""
	if !named { // a lone file: its content tells
		i.sig = i.doc
	}
	sig, err := r.beginning(i.sig)
	if err == nil && len(sig.head) == 0 {
		if !named {
			i.sig = "" // an empty file is a document, and nothing signs it
			return
		}
		err = emptyFile(i.sig)
	}
	if err != nil {
		i.err = err
		return
	}
	switch k := sniffArmored(sig.head[:min(len(sig.head), headSize)]); {
	case k == der.KindSignedData:
		if !named {
			i.doc = ""
		}
	case !named && isDocument(k):
		i.sig = ""
		return
	case !named:
		i.skip = true
		return
	case k != der.KindUnknown:
		i.err = wrongKind(i.sig, k, der.KindSignedData)
		return
	}
	i.rep, i.err = r.verifyFiles(ctx, i.doc, sig)
}

// A beginning is what a file begins with. Most signatures and documents are
// short and are read at once: whole says that head has all of it.
type beginning struct {
	path  string
	head  []byte
	whole bool
}

// beginning reads up to limits.BatchWhole octets of a file.
func (r *batchRun) beginning(path string) (b beginning, err error) {
	f, err := r.open(path)
	if err != nil {
		return b, err
	}
	defer f.Close() //nolint:errcheck // opened for reading
	size := limits.BatchWhole
	if s, ok := f.(*os.File); ok {
		if st, err := s.Stat(); err == nil && st.Size() < limits.BatchWhole {
			size = int(st.Size()) + 1 // one more, to meet the end
		}
	}
	b.path, b.head = path, make([]byte, size)
	n, err := io.ReadFull(f, b.head)
	if err == nil && n < limits.BatchWhole { // longer than the system said: it grows, or is made while it is read
		b.head = append(make([]byte, 0, limits.BatchWhole), b.head...)[:limits.BatchWhole]
		var more int
		more, err = io.ReadFull(f, b.head[n:])
		n += more
	}
	b.head = b.head[:n]
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		b.whole, err = true, nil
	}
	return b, err
}

// reopen returns the file from its beginning. One that was not read whole ends
// at an interrupt.
func (r *batchRun) reopen(b beginning) (io.Reader, func() error, error) {
	if b.whole {
		return bytes.NewReader(b.head), func() error { return nil }, nil
	}
	f, err := r.open(b.path)
	if err != nil {
		return nil, nil, err
	}
	return r.stoppable(f, nil), f.Close, nil
}

// isDocument tells what people sign from the certificates, lists and requests
// that may lie beside it.
func isDocument(k der.Kind) bool {
	switch k {
	case der.KindUnknown, der.KindPDF, der.KindXML, der.KindHTML, der.KindZIP:
		return true
	}
	return false
}

func (r *batchRun) verifyFiles(ctx context.Context, doc string, sig beginning) (*verify.Report, error) {
	s, closeSig, err := r.reopen(sig)
	if err != nil {
		return nil, err
	}
	defer closeSig() //nolint:errcheck // opened for reading
	var content io.Reader
	short := sig.whole
	if doc != "" {
		d, err := r.beginning(doc)
		if err != nil {
			return nil, err
		}
		short = short && d.whole
		c, closeDoc, err := r.reopen(d)
		if err != nil {
			return nil, err
		}
		defer closeDoc() //nolint:errcheck // opened for reading
		content = c
	}
	rep, err := r.decide(ctx, short, s, content)
	if rep == nil {
		return nil, inSignature(sig.path, err)
	}
	rep.Lang = r.reportLang()
	return rep, nil
}

// decide verifies. A long document goes by itself, and no more of them at once than
// there are processors: nobody who could go on waits for it.
func (r *batchRun) decide(ctx context.Context, short bool, sig, content io.Reader) (*verify.Report, error) {
	if short {
		return r.together.Verify(ctx, sig, content)
	}
	defer away(ctx, r.gatherer)()
	select {
	case r.long <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-r.long }()
	return r.verifier.Verify(ctx, sig, content)
}

// finish prints the sum and returns the worst exit code.
func (r *batchRun) finish() error {
	checked := 0
	for status, n := range r.counts {
		if status != batchUnsigned {
			checked += n
		}
	}
	if checked == 0 {
		return failedf(text{"ни одной подписи не найдено (документов без подписи: %d)", "no signature was found (documents without a signature: %d)"}, r.counts[batchUnsigned]).
			withHint(text{"подпись лежит рядом с документом (.sig, .sgn, .p7s) или содержит его", "a signature lies beside its document (.sig, .sgn, .p7s) or holds it"})
	}
	if !r.json && !r.silent {
		r.printSum(checked)
	}
	if r.worst != exitOK {
		return verdict{r.worst}
	}
	return nil
}

// startBar shows how far the batch is, where standard error is a terminal.
func (r *batchRun) startBar(n int) {
	out, ok := r.err.(*os.File)
	if !ok || r.json || !term.IsTerminal(int(out.Fd())) {
		return
	}
	r.bar = progressbar.NewOptions(n, progressbar.OptionSetWriter(out), progressbar.OptionShowCount(),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionSetVisibility(true))
}

// sums are the words of the closing lines.
var sums = []struct {
	status string
	name   text
}{
	{verify.VerdictValid.String(), text{"действительны", "valid"}},
	{verify.VerdictInvalid.String(), text{"недействительны", "invalid"}},
	{verify.VerdictRevoked.String(), text{"отозваны", "revoked"}},
	{verify.VerdictIndeterminate.String(), text{"не удалось проверить", "could not be verified"}},
	{batchError, text{"не читаются", "unreadable"}},
	{batchUnsigned, text{"документов без подписи", "documents without a signature"}},
}

func (r *batchRun) printSum(checked int) {
	fmt.Fprintf(r.out, "\n%s: %d\n", r.t(text{"Проверено", "Verified"}), checked)
	for _, s := range sums {
		if n := r.counts[s.status]; n > 0 {
			fmt.Fprintf(r.out, "  %s: %d\n", r.t(s.name), n)
		}
	}
	fmt.Fprintf(r.out, "%s\n", verify.Notice(r.reportLang()))
}
