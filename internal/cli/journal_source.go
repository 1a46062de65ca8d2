package cli

import (
	"context"
	"errors"
	"iter"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/internal/casock"
	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// homeJournal is the file in the home that keeps what the program itself did.
const homeJournal = "journal.jsonl"

// A journalSource is an opened journal: the one of an authority, or the one in
// the home.
type journalSource interface {
	heads(ctx context.Context) (map[string]journal.Head, error)
	records(ctx context.Context, node string, after uint64) iter.Seq2[journal.Record, error]
	verify(ctx context.Context) (map[string]journal.Head, error)
	// verifyState verifies and compares what the journal says with the state of
	// the ledger, where there is one.
	verifyState(ctx context.Context) (ca.StateReport, error)
	prove(ctx context.Context, node string, seq uint64) (journal.Proof, error)
	erase(ctx context.Context, e journal.Erasure) (journal.Record, error)
	close()
}

// A journalFlags value says which journal a command is about.
type journalFlags struct {
	dir      string
	node     string
	personal bool
}

func (a *app) journalDirFlag(c *cobra.Command, f *journalFlags) {
	c.Flags().StringVar(&f.dir, "dir", "", a.t(text{"папка удостоверяющего центра (без неё журнал из домашней папки)", "the authority's folder (without it the journal in the home)"}))
}

func (a *app) journalNodeFlag(c *cobra.Command, f *journalFlags) {
	c.Flags().StringVar(&f.node, "node", "", a.t(text{"узел, которому принадлежит цепочка (если цепочек несколько)", "the node whose chain is meant (where there are several)"}))
}

// chain returns the name of the chain that is meant: the one that was named, or
// the only one there is.
func (f journalFlags) chain(ctx context.Context, j journalSource) (string, error) {
	if f.node != "" {
		return f.node, nil
	}
	heads, err := j.heads(ctx)
	if err != nil {
		return "", err
	}
	names := slices.Sorted(maps.Keys(heads))
	switch len(names) {
	case 0:
		return journal.DefaultNode, nil
	case 1:
		return names[0], nil
	}
	return "", usageErrorf(text{"цепочек несколько, укажите --node: %s", "there are several chains, give --node: %s"}, safe(strings.Join(names, ", ")))
}

func (a *app) showPersonalFlag(c *cobra.Command, f *journalFlags) {
	c.Flags().BoolVar(&f.personal, "show-personal", false, a.t(text{"не скрывать персональные данные", "do not mask personal data"}))
}

// openJournal opens the journal that the flags name. Where `ca serve` runs, it
// goes through the socket.
func (a *app) openJournal(ctx context.Context, f journalFlags) (journalSource, error) {
	if f.dir == "" {
		home, err := a.homeDir()
		if err != nil {
			return nil, err
		}
		return fileJournal{journal.NewFile(filepath.Join(home, homeJournal))}, nil
	}
	d, err := ca.ReadDir(f.dir)
	if err != nil {
		return nil, caDir(f.dir, err)
	}
	client, err := casock.Dial(ctx, filepath.Join(f.dir, ca.SocketFile))
	switch {
	case err == nil:
		return socketJournal{client}, nil
	case !errors.Is(err, casock.ErrNotServing):
		return nil, err
	}
	l, err := a.openLedger(ctx, f.dir, d.Settings)
	if err != nil {
		return nil, badLedger(f.dir, err)
	}
	return ledgerJournal{l}, nil
}

// authorityOf returns the certificate of the authority in a folder.
func (a *app) authorityOf(dir string) (*pki.Certificate, error) {
	d, err := ca.ReadDir(dir)
	if err != nil {
		return nil, caDir(dir, err)
	}
	return d.Certificate, nil
}

// fileJournal is the journal in the home.
type fileJournal struct{ f *journal.File }

func (j fileJournal) heads(ctx context.Context) (map[string]journal.Head, error) {
	h, err := j.f.Head()
	if err != nil || ctx.Err() != nil {
		return nil, errors.Join(err, ctx.Err())
	}
	return map[string]journal.Head{h.Node: h}, nil
}

func (j fileJournal) records(ctx context.Context, node string, after uint64) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		for r, err := range j.f.Records() {
			if err == nil {
				err = ctx.Err()
			}
			if err == nil && (r.Seq <= after || r.Node != node) {
				continue
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

func (j fileJournal) verify(ctx context.Context) (map[string]journal.Head, error) {
	h, err := j.f.Verify(ctx)
	return map[string]journal.Head{h.Node: h}, err
}

// verifyState: beside its records the home has no state.
func (j fileJournal) verifyState(ctx context.Context) (ca.StateReport, error) {
	heads, err := j.verify(ctx)
	return ca.StateReport{Chains: heads}, err
}

// prove needs a head that is signed: see chainOfFile.
func (j fileJournal) prove(context.Context, string, uint64) (journal.Proof, error) {
	return journal.Proof{}, journal.ErrNotCovered
}

func (j fileJournal) erase(ctx context.Context, e journal.Erasure) (journal.Record, error) {
	return j.f.Erase(ctx, e)
}

func (j fileJournal) close() {}

// ledgerJournal is the journal of an authority.
type ledgerJournal struct{ l ca.Ledger }

func (j ledgerJournal) heads(ctx context.Context) (h map[string]journal.Head, err error) {
	err = j.l.View(ctx, func(tx ca.ReadTx) (err error) { h, err = tx.Heads(); return err })
	return h, err
}

func (j ledgerJournal) records(ctx context.Context, node string, after uint64) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		more := true
		err := j.l.View(ctx, func(tx ca.ReadTx) error {
			for r, err := range tx.Journal(node, after) {
				if err == nil {
					err = ctx.Err()
				}
				if more = yield(r, err); !more || err != nil {
					more = false
					return nil
				}
			}
			return nil
		})
		if err != nil && more {
			yield(journal.Record{}, err)
		}
	}
}

func (j ledgerJournal) verify(ctx context.Context) (map[string]journal.Head, error) {
	return ca.VerifyJournal(ctx, j.l)
}

func (j ledgerJournal) verifyState(ctx context.Context) (ca.StateReport, error) {
	return ca.VerifyState(ctx, j.l)
}

func (j ledgerJournal) prove(ctx context.Context, node string, seq uint64) (journal.Proof, error) {
	return ca.Prove(ctx, j.l, node, seq)
}

func (j ledgerJournal) erase(ctx context.Context, e journal.Erasure) (journal.Record, error) {
	r, err := ca.EraseRecord(ctx, j.l, e)
	if errors.Is(err, ca.ErrNotFound) {
		err = journal.ErrNoRecord
	}
	return r, err
}

func (j ledgerJournal) close() { j.l.Close() } //nolint:errcheck,gosec // every change is on the disk before it is acknowledged

// socketJournal is the journal of an authority that is being served.
type socketJournal struct{ c *casock.Client }

func (j socketJournal) heads(ctx context.Context) (map[string]journal.Head, error) {
	return j.c.JournalHeads(ctx)
}

func (j socketJournal) records(ctx context.Context, node string, after uint64) iter.Seq2[journal.Record, error] {
	return j.c.Journal(ctx, node, after)
}

func (j socketJournal) verify(ctx context.Context) (map[string]journal.Head, error) {
	return j.c.VerifyJournal(ctx)
}

func (j socketJournal) verifyState(ctx context.Context) (ca.StateReport, error) {
	return j.c.VerifyState(ctx)
}

func (j socketJournal) prove(ctx context.Context, node string, seq uint64) (journal.Proof, error) {
	return j.c.Prove(ctx, node, seq)
}

func (j socketJournal) erase(ctx context.Context, e journal.Erasure) (journal.Record, error) {
	r, err := j.c.EraseRecord(ctx, e)
	if errors.Is(err, ca.ErrNotFound) {
		err = journal.ErrNoRecord
	}
	return r, err
}

func (j socketJournal) close() { j.c.Close() } //nolint:errcheck,gosec // nothing is lost
