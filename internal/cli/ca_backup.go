package cli

import (
	"context"
	"errors"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/boltstore"
	"github.com/gosklyuch/gosklyuch/pki/ca/pgstore"
)

func (a *app) caBackupCommand() *cobra.Command {
	var out output
	c := &cobra.Command{
		Use:   "backup D -o F",
		Short: a.t(text{"записать резервную копию УЦ в один файл", "write a backup of an authority into one file"}),
		Long: a.t(text{
			"В копии вся папка УЦ (ключ — в том же зашифрованном виде) и всё хранилище. Запишите хэш хранилища: при восстановлении он должен быть тем же.",
			"The copy holds the authority's whole folder (the key as it lies there, encrypted) and the whole ledger. Note the digest: it must be the same when the copy is restored.",
		}),
		Args: args(1, 1, text{"папка удостоверяющего центра", "the authority's folder"}),
		RunE: func(cmd *cobra.Command, arg []string) error { return a.caBackup(cmd.Context(), arg[0], out) },
	}
	a.outputFlags(c, &out, true)
	return c
}

func (a *app) caBackup(ctx context.Context, dir string, out output) error {
	out.mode = 0o600 // it holds the key, though encrypted, and personal data
	if err := out.checkFree(); err != nil {
		return err
	}
	d, err := ca.ReadDir(dir)
	if err != nil {
		return caDir(dir, err)
	}
	ledger, err := a.openLedger(ctx, dir, d.Settings)
	if err != nil {
		return badLedger(dir, err)
	}
	defer ledger.Close() //nolint:errcheck // nothing was written
	files, err := ca.BackupFiles(dir)
	if err != nil {
		return err
	}
	var sum ca.Summary
	err = a.write(out, func(w io.Writer) (err error) {
		sum, err = ca.WriteBackup(ctx, files, ledger, w)
		return err
	})
	if err != nil || out.path == "-" {
		return err
	}
	return a.printSummary(out.path, text{"резервная копия записана: %s", "the backup is written: %s"}, sum)
}

func (a *app) caRestoreCommand() *cobra.Command {
	var dir, ledger string
	c := &cobra.Command{
		Use:   "restore F --dir D",
		Short: a.t(text{"восстановить УЦ из резервной копии", "restore an authority from a backup"}),
		Long: a.t(text{
			"Папки D ещё не должно быть. Копия УЦ с базой данных восстанавливается в ту же базу (она должна быть пустой), если в --ledger не указано другое.",
			"The folder D must not exist yet. The copy of an authority with a database is restored into the same database, which must be empty, unless --ledger says otherwise.",
		}),
		Args: args(1, 1, text{"файл резервной копии", "the backup's file"}),
		RunE: func(cmd *cobra.Command, arg []string) error {
			return a.caRestore(cmd.Context(), arg[0], dir, ledger, cmd.Flags().Changed("ledger"))
		},
	}
	a.dirFlag(c, &dir)
	c.Flags().StringVar(&ledger, "ledger", "", a.t(text{"куда положить хранилище: postgres://… без пароля или bbolt", "where the ledger goes: postgres://… without a password, or bbolt"}))
	return c
}

func (a *app) caRestore(ctx context.Context, path, dir, ledger string, elsewhere bool) error {
	to := ""
	if elsewhere {
		var err error
		if to, err = migrateTarget(ledger); err != nil {
			return err
		}
	}
	in, err := a.open(path)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // opened for reading
	sum, err := ca.RestoreDir(ctx, in, dir, func(tmp string, s ca.Settings) (ca.Importer, error) {
		if elsewhere && s.Ledger != to {
			s.Ledger = to
			if err := ca.ReplaceSettings(tmp, s); err != nil {
				return nil, err
			}
		}
		if s.Ledger == "" {
			return boltstore.Import(ctx, filepath.Join(tmp, ca.LedgerFile))
		}
		return pgstore.Import(ctx, s.Ledger, pgstore.Options{})
	}, func(tmp string, s ca.Settings) (ca.Summary, error) { return a.ledgerSummary(ctx, tmp, s) })
	if err != nil {
		return err
	}
	// Once more from the disk, by the way that every command takes.
	d, err := ca.ReadDir(dir)
	if err != nil {
		return caDir(dir, err)
	}
	got, err := a.ledgerSummary(ctx, dir, d.Settings)
	if err != nil {
		return badLedger(dir, err)
	}
	if got != sum {
		return failedf(text{"%s: содержимое хранилища не совпадает с резервной копией", "%s: the ledger does not hold what the backup holds"}, dir).
			withHint(text{"удалите папку и повторите", "remove the folder and run it again"})
	}
	return a.printSummary(dir, text{"удостоверяющий центр восстановлен: %s", "the authority is restored: %s"}, sum)
}

// ledgerSummary opens a ledger and reads all of it, the journal's chains too.
func (a *app) ledgerSummary(ctx context.Context, dir string, s ca.Settings) (ca.Summary, error) {
	l, err := a.openLedger(ctx, dir, s)
	if err != nil {
		return ca.Summary{}, err
	}
	sum, err := ca.LedgerDigest(ctx, l)
	if err == nil {
		_, err = ca.VerifyJournal(ctx, l)
	}
	return sum, errors.Join(err, l.Close())
}
