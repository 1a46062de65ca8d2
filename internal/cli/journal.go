package cli

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/journal"
)

// journalCommand is the noun for the record of what was done.
func (a *app) journalCommand() *cobra.Command {
	return a.group("journal", text{"журнал: что, когда и кем сделано", "the journal: what was done, when and by whom"},
		a.journalListCommand(), a.journalShowCommand(), a.journalExportCommand(), a.journalVerifyCommand(),
		a.journalProveCommand(), a.journalSignCommand(), a.journalEraseCommand())
}

// A journalRecord is a record as it is shown and exported.
type journalRecord struct {
	journal.View
	inProof bool
}

func viewRecord(r journal.Record, personal bool) journalRecord {
	return journalRecord{View: r.View(personal)}
}

// What stands in the place of a value that is gone, and of one that is not in a
// proof: there nobody can tell whether it was erased.
var (
	erasedText   = text{"(стёрто)", "(erased)"}
	withheldText = text{"(не раскрыто)", "(withheld)"}
)

// shown returns the value of a field for a person.
func (a *app) shown(v journalRecord, field, value string) string {
	switch {
	case !slices.Contains(v.Erased, field):
		return value
	case v.inProof:
		return a.t(withheldText)
	}
	return a.t(erasedText)
}

// facts are the data of a record as key=value in the order of keys.
func (a *app) facts(v journalRecord) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(v.Data)) {
		out = append(out, k+"="+a.shown(v, journal.FieldData(k), v.Data[k]))
	}
	return out
}

// A journalFilter says which records are wanted.
type journalFilter struct {
	node  string // "" is every node
	after uint64
	last  int // of each chain; 0 is all
	event string
}

func (a *app) filterFlags(c *cobra.Command, f *journalFilter, last int) {
	fl := c.Flags()
	fl.StringVar(&f.node, "node", "", a.t(text{"только цепочка этого узла", "the chain of this node alone"}))
	fl.Uint64Var(&f.after, "after", 0, a.t(text{"только записи после этого номера", "only records behind this number"}))
	fl.IntVar(&f.last, "last", last, a.t(text{"столько последних записей каждой цепочки (0: все)", "that many records from the end of each chain (0: all)"}))
	fl.StringVar(&f.event, "event", "", a.t(text{"только события с этим именем", "only events of this name"}))
}

// wanted iterates over the records that pass a filter, chain by chain.
func wanted(ctx context.Context, j journalSource, f journalFilter) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		heads, err := j.heads(ctx)
		if err != nil {
			yield(journal.Record{}, err)
			return
		}
		for _, node := range slices.Sorted(maps.Keys(heads)) {
			if f.node != "" && node != f.node {
				continue
			}
			after := f.after
			if n := uint64(max(f.last, 0)); n > 0 && heads[node].Seq > n {
				after = max(after, heads[node].Seq-n)
			}
			for r, err := range j.records(ctx, node, after) {
				if err == nil && f.event != "" && r.Event != f.event {
					continue
				}
				if !yield(r, err) || err != nil {
					return
				}
			}
		}
	}
}

func (a *app) journalListCommand() *cobra.Command {
	var f journalFlags
	var filter journalFilter
	c := &cobra.Command{
		Use:     "list [--dir D] [--last N]",
		Short:   a.t(text{"показать последние записи", "list the last records"}),
		Example: "  gosklyuch journal list --dir issuing --event revoke --last 0",
		Args:    args(0, 0, text{}),
		RunE: func(cmd *cobra.Command, _ []string) error {
			j, err := a.openJournal(cmd.Context(), f)
			if err != nil {
				return err
			}
			defer j.close()
			list := []journalRecord{}
			for r, err := range wanted(cmd.Context(), j, filter) {
				if err != nil {
					return journalError(err)
				}
				v := viewRecord(r, f.personal)
				if a.json {
					list = append(list, v)
					continue
				}
				a.printRecord(v)
			}
			if a.json {
				return a.printJSON(struct {
					Records []journalRecord `json:"records"`
				}{list})
			}
			return nil
		},
	}
	a.journalDirFlag(c, &f)
	a.filterFlags(c, &filter, 50)
	a.showPersonalFlag(c, &f)
	return c
}

// printRecord prints one line a record.
func (a *app) printRecord(v journalRecord) {
	fmt.Fprintf(a.out, "%s/%d  %s  %s  %s  %s  %s\n", v.Node, v.Seq, v.Time, safe(v.Actor), safe(v.Event),
		safe(a.shown(v, journal.FieldSubject, v.Subject)), safe(strings.Join(a.facts(v), " ")))
}

// recordNumber reads SEQ.
func recordNumber(arg string) (uint64, error) {
	n, err := strconv.ParseUint(arg, 10, 64)
	if err != nil || n == 0 {
		return 0, usageErrorf(text{"«%s» не номер записи", "%q is no number of a record"}, arg)
	}
	return n, nil
}

// recordAt reads one record.
func recordAt(ctx context.Context, j journalSource, node string, seq uint64) (journal.Record, error) {
	for r, err := range j.records(ctx, node, seq-1) {
		if err == nil && r.Seq != seq {
			break
		}
		return r, err
	}
	return journal.Record{}, journal.ErrNoRecord
}

// openAt opens the journal for a command about one record, whose number and
// chain it returns. The caller closes the journal where there is no error.
func (a *app) openAt(ctx context.Context, f journalFlags, arg string) (j journalSource, node string, seq uint64, err error) {
	if seq, err = recordNumber(arg); err != nil {
		return nil, "", 0, err
	}
	if j, err = a.openJournal(ctx, f); err != nil {
		return nil, "", 0, err
	}
	if node, err = f.chain(ctx, j); err != nil {
		j.close()
		return nil, "", 0, err
	}
	return j, node, seq, nil
}

func (a *app) journalShowCommand() *cobra.Command {
	var f journalFlags
	c := &cobra.Command{
		Use:   "show SEQ [--dir D] [--node N]",
		Short: a.t(text{"показать одну запись целиком", "show one record in full"}),
		Args:  args(1, 1, text{"номер записи", "the number of the record"}),
		RunE: func(cmd *cobra.Command, arg []string) error {
			j, node, seq, err := a.openAt(cmd.Context(), f, arg[0])
			if err != nil {
				return err
			}
			defer j.close()
			r, err := recordAt(cmd.Context(), j, node, seq)
			if err != nil {
				return journalError(err)
			}
			v := viewRecord(r, f.personal)
			if a.json {
				return a.printJSON(v)
			}
			a.printWhole(v)
			return nil
		},
	}
	a.journalDirFlag(c, &f)
	a.journalNodeFlag(c, &f)
	a.showPersonalFlag(c, &f)
	return c
}

func (a *app) printWhole(v journalRecord) {
	rows := [][2]string{
		{a.t(text{"запись", "record"}), fmt.Sprintf("%s/%d", v.Node, v.Seq)},
		{a.t(text{"время", "time"}), v.Time},
		{a.t(text{"кто", "actor"}), v.Actor},
		{a.t(text{"событие", "event"}), v.Event},
		{a.t(text{"предмет", "subject"}), a.shown(v, journal.FieldSubject, v.Subject)},
	}
	for _, fact := range a.facts(v) {
		k, value, _ := strings.Cut(fact, "=")
		rows = append(rows, [2]string{"  " + k, value})
	}
	rows = append(rows,
		[2]string{a.t(text{"хэш", "digest"}), v.Hash.String()},
		[2]string{a.t(text{"хэш предыдущей", "digest before"}), v.Prev.String()})
	for _, r := range rows {
		fmt.Fprintf(a.out, "%s: %s\n", safe(r[0]), safe(r[1]))
	}
	if len(v.Masked) > 0 {
		a.sayf(text{"персональные данные скрыты; показать: --show-personal", "personal data is masked; to see it: --show-personal"})
	}
}
