package cli

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

func (a *app) journalSignCommand() *cobra.Command {
	var f journalFlags
	var key string
	var out output
	c := &cobra.Command{
		Use:   "sign --dir D [-o F] | sign --key K -o F",
		Short: a.t(text{"подписать вершины журнала", "sign the heads of the journal"}),
		Long: a.t(text{
			"Подпись удостоверяет всё, что записано до этого момента. С --dir журнал УЦ подписывается его ключом, с --key журнал из домашней " +
				"папки вашим. Копию (-o F) храните отдельно: по ней находится и журнал, переписанный целиком (journal verify --heads F).",
			"The signature vouches for everything on record up to now. With --dir an authority's journal is signed with its key, with --key the " +
				"journal in the home with yours. Keep a copy (-o F) elsewhere: by it even a journal that was rewritten as a whole is found " +
				"(journal verify --heads F).",
		}),
		Example: "  gosklyuch journal sign --dir issuing -o heads.json\n  gosklyuch journal sign --key citizen -o heads.json",
		Args:    args(0, 0, text{}),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.orKey(key); err != nil {
				return err
			}
			if key != "" && out.path == "" {
				return usageError(text{"нужен -o: подписанные вершины домашнего журнала хранятся только в этом файле", "-o is needed: the signed heads of the home's journal are kept in that file alone"})
			}
			if out.path != "" {
				if err := out.checkFree(); err != nil {
					return err
				}
			}
			h, err := a.signHeads(cmd.Context(), f.dir, key)
			if err != nil {
				return journalError(err)
			}
			return a.writeHeads(h, out)
		},
	}
	a.journalDirFlag(c, &f)
	c.Flags().StringVar(&key, "key", "", a.t(keyHelp))
	a.outputFlags(c, &out, false)
	return c
}

// orKey says that an authority's journal is signed by its own key and the one in
// the home by that of a person.
func (f journalFlags) orKey(key string) error {
	if (f.dir == "") == (key == "") {
		return usageError(text{"нужно одно из двух: --dir для журнала УЦ или --key для журнала из домашней папки", "one of two is needed: --dir for an authority's journal, or --key for the journal in the home"})
	}
	return nil
}

func (a *app) signHeads(ctx context.Context, dir, key string) (journal.SignedHeads, error) {
	if key != "" {
		h, _, err := a.signHomeHeads(ctx, key)
		return h, err
	}
	au, err := a.openAuthority(ctx, dir)
	if err != nil {
		return journal.SignedHeads{}, err
	}
	defer au.close()
	return au.SignHeads(ctx, actor())
}

// headsEvery is how often a serving authority signs the heads of its journal:
// so much of it can be rewritten unseen by one who has the ledger and not the
// key.
const headsEvery = time.Hour

// keepHeadsSigned signs the heads now and every hour until ctx is done. A
// failure is logged and tried again an hour later: the service goes on.
func keepHeadsSigned(ctx context.Context, i *ca.Issuer, log *slog.Logger) {
	tick := time.NewTicker(headsEvery)
	defer tick.Stop()
	for {
		h, err := i.SignHeads(ctx, actor())
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			log.ErrorContext(ctx, "journal heads not signed", "error", err)
		default:
			log.InfoContext(ctx, "journal heads signed", "number", h.Number)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// signDueHeads signs the heads of an authority that is not being served, at the
// end of a command that had its key open anyway. What the command did is done: a
// failure is a warning.
func (a *app) signDueHeads(ctx context.Context, i *ca.Issuer) {
	if ctx.Err() != nil {
		return
	}
	if _, err := i.SignDueHeads(ctx, actor(), headsEvery); err != nil {
		a.warnf(text{"вершины журнала не подписаны: %s", "the heads of the journal were not signed: %s"}, safe(a.t(a.sentence(journalError(err)).message)))
	}
}

func (a *app) writeHeads(h journal.SignedHeads, out output) error {
	b, err := json.MarshalIndent(h, "", " ")
	if err != nil {
		return err
	}
	if out.path != "" {
		if err := a.writeBytes(out, append(b, '\n')); err != nil {
			return err
		}
	}
	if a.json && out.path != "-" {
		return a.printJSON(h)
	}
	if out.path != "-" {
		a.sayf(text{"вершины журнала подписаны: № %d, %s, цепочек %d", "the heads of the journal are signed: No. %d, %s, chains: %d"}, h.Number, stamp(h.Time), len(h.Chains))
	}
	return nil
}

func (a *app) journalEraseCommand() *cobra.Command {
	var f journalFlags
	var fields []string
	var reason string
	c := &cobra.Command{
		Use:   "erase SEQ [--dir D] [--node N] [--field F]… --reason R",
		Short: a.t(text{"стереть персональные данные из записи", "erase personal data from a record"}),
		Long: a.t(text{
			"Стираются значения, а не запись: цепочка, подписанные вершины и доказательства остаются верны, и о стирании делается новая " +
				"запись. Без --field стирается всё, что показывается скрытым. Вернуть стёртое нельзя; копии и доказательства, сделанные " +
				"раньше, не меняются.",
			"Values are erased, not the record: the chain, signed heads and proofs stay valid, and the erasure is put on record. Without " +
				"--field everything is erased that is shown masked. What was erased cannot be brought back; copies and proofs made before " +
				"are not changed.",
		}),
		Example: "  gosklyuch journal erase 7 --dir issuing --field data.name --reason \"application 12\"",
		Args:    args(1, 1, text{"номер записи", "the number of the record"}),
		RunE: func(cmd *cobra.Command, arg []string) error {
			j, node, seq, err := a.openAt(cmd.Context(), f, arg[0])
			if err != nil {
				return err
			}
			defer j.close()
			e := journal.Erasure{Node: node, Seq: seq, Fields: fields, Actor: actor(), Reason: reason, Time: a.now()}
			return a.erase(cmd.Context(), j, e)
		},
	}
	a.journalDirFlag(c, &f)
	a.journalNodeFlag(c, &f)
	c.Flags().StringSliceVar(&fields, "field", nil, a.t(text{"поле: subject или data.КЛЮЧ", "a field: subject or data.KEY"}))
	c.Flags().StringVar(&reason, "reason", "", a.t(text{"основание; остаётся в журнале", "why; it stays in the journal"}))
	a.required(c, "reason")
	return c
}

func (a *app) erase(ctx context.Context, j journalSource, e journal.Erasure) error {
	r, err := recordAt(ctx, j, e.Node, e.Seq)
	if err != nil {
		return journalError(err)
	}
	if len(e.Fields) == 0 {
		if _, e.Fields = r.Masked(); len(e.Fields) == 0 {
			return failedf(text{"в записи не видно персональных данных", "no personal data is seen in the record"}).
				withHint(text{"назовите поля: --field subject или --field data.КЛЮЧ", "name the fields: --field subject or --field data.KEY"})
		}
	}
	if r, err = j.erase(ctx, e); err != nil {
		return journalError(err)
	}
	v := viewRecord(r, false)
	if a.json {
		return a.printJSON(v)
	}
	a.printWhole(v)
	return nil
}
