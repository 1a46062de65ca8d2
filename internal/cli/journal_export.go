package cli

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/report"
)

func (a *app) journalExportCommand() *cobra.Command {
	var f journalFlags
	var filter journalFilter
	var asCSV, asPDF bool
	var out output
	c := &cobra.Command{
		Use:   "export --csv|--json|--pdf [--dir D] [-o F]",
		Short: a.t(text{"выгрузить журнал", "export the journal"}),
		Long: a.t(text{
			"--csv для таблиц: ячейки, которые таблица стала бы вычислять, обезврежены. --json: объект на строку. --pdf для печати. Перед " +
				"выгрузкой журнал проверяется, нарушенный не выгружается.",
			"--csv for spreadsheets: cells that a spreadsheet would compute are made harmless. --json: an object a line. --pdf for print. The " +
				"journal is verified first; a damaged one is not exported.",
		}),
		Example: "  gosklyuch journal export --csv --dir issuing -o journal.csv",
		Args:    args(0, 0, text{}),
		RunE: func(cmd *cobra.Command, _ []string) error {
			forms := 0
			for _, b := range []bool{asCSV, asPDF, a.json} {
				if b {
					forms++
				}
			}
			if forms != 1 {
				return usageError(text{"нужно одно из --csv, --json и --pdf", "one of --csv, --json and --pdf is needed"})
			}
			return a.exportJournal(cmd.Context(), f, filter, asCSV, asPDF, out)
		},
	}
	a.journalDirFlag(c, &f)
	a.filterFlags(c, &filter, 0)
	a.showPersonalFlag(c, &f)
	a.outputFlags(c, &out, false)
	c.Flags().Lookup("output").DefValue = "-"
	out.path = "-"
	c.Flags().BoolVar(&asCSV, "csv", false, a.t(text{"таблица CSV в UTF-8", "a CSV table in UTF-8"}))
	c.Flags().BoolVar(&asPDF, "pdf", false, a.t(text{"документ PDF", "a PDF document"}))
	return c
}

func (a *app) exportJournal(ctx context.Context, f journalFlags, filter journalFilter, asCSV, asPDF bool, out output) error {
	if err := out.checkFree(); err != nil {
		return err
	}
	j, err := a.openJournal(ctx, f)
	if err != nil {
		return err
	}
	defer j.close()
	heads, err := j.verify(ctx)
	if err != nil {
		return journalError(err)
	}
	each := func(use func(journalRecord) error) error {
		for r, err := range wanted(ctx, j, filter) {
			if err != nil {
				return journalError(err)
			}
			if err := use(viewRecord(r, f.personal)); err != nil {
				return err
			}
		}
		return nil
	}
	write := func(w io.Writer) error { return exportLines(w, each) }
	switch {
	case asCSV:
		write = func(w io.Writer) error { return a.exportCSV(w, each) }
	case asPDF:
		write = func(w io.Writer) error { return a.exportPDF(w, f, heads, each) }
	}
	if err := a.write(out, write); err != nil {
		return err
	}
	if a.json {
		return nil // standard output has the lines, or nothing
	}
	return a.done(out.path, text{"журнал выгружен: %s", "the journal is exported: %s"})
}

// exportLines writes an object a line.
func exportLines(w io.Writer, each func(func(journalRecord) error) error) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return each(func(v journalRecord) error { return enc.Encode(v) })
}

// journalColumns are the columns of the table; they are stable.
var journalColumns = []string{"node", "seq", "time", "actor", "event", "subject", "data", "prev", "hash"}

func (a *app) exportCSV(w io.Writer, each func(func(journalRecord) error) error) error {
	table := csv.NewWriter(w)
	if err := table.Write(journalColumns); err != nil {
		return err
	}
	err := each(func(v journalRecord) error {
		row := []string{
			v.Node, strconv.FormatUint(v.Seq, 10), v.Time, v.Actor, v.Event, a.shown(v, journal.FieldSubject, v.Subject),
			strings.Join(a.facts(v), "; "), v.Prev.String(), v.Hash.String(),
		}
		for i := range row {
			row[i] = csvCell(row[i])
		}
		return table.Write(row)
	})
	if err != nil {
		return err
	}
	table.Flush()
	return table.Error()
}

func (a *app) exportPDF(w io.Writer, f journalFlags, heads map[string]journal.Head, each func(func(journalRecord) error) error) error {
	in := report.JournalInput{Lang: a.lang, Program: "gosklyuch", Version: Version, At: a.now(), Masked: !f.personal}
	if f.dir != "" {
		cert, err := a.authorityOf(f.dir)
		if err != nil {
			return err
		}
		in.Owner = cert.Subject.String()
	}
	for node, h := range heads {
		in.Heads = append(in.Heads, report.JournalHead{Node: node, Seq: h.Seq, Hash: h.Hash.String()})
	}
	err := each(func(v journalRecord) error {
		if len(in.Rows) == limits.JournalPDF {
			return failedf(text{"для PDF слишком много записей: больше %d", "too many records for a PDF: more than %d"}, limits.JournalPDF).
				withHint(text{"сузьте выборку (--after, --last, --event) или выгрузите --csv", "narrow the choice (--after, --last, --event), or export --csv"})
		}
		in.Rows = append(in.Rows, report.JournalRow{
			Place: fmt.Sprintf("%s/%d", v.Node, v.Seq), Time: v.Time, Actor: v.Actor, Event: v.Event,
			Subject: a.shown(v, journal.FieldSubject, v.Subject), Data: a.facts(v),
		})
		return nil
	})
	if err != nil {
		return err
	}
	return report.Journal(w, in)
}
