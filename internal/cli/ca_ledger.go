package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/internal/casock"
	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/boltstore"
	"github.com/gosklyuch/gosklyuch/pki/ca/pgstore"
)

// nodeEnv goes before the node in config.json, so that one folder can be given
// to several machines as it is.
const nodeEnv = "GOSKLYUCH_NODE"

// ledgerNode is the name of this node's chain in the journal.
func (a *app) ledgerNode(s ca.Settings) (string, error) {
	node, ok := a.lookupEnv(nodeEnv)
	if !ok {
		return s.Node, nil
	}
	if err := journal.CheckNode(node); err != nil {
		return "", usageErrorf(text{"%s: имя узла состоит из строчных латинских букв, цифр и знаков .-_", "%s: the name of a node has lower-case Latin letters, digits and .-_"}, nodeEnv).withCause(err)
	}
	return node, nil
}

// openLedger opens the ledger of an authority: the database that its settings
// name, or the file in its folder.
func (a *app) openLedger(ctx context.Context, dir string, s ca.Settings) (ca.Ledger, error) {
	node, err := a.ledgerNode(s)
	if err != nil {
		return nil, err
	}
	if s.Ledger != "" {
		return pgstore.Open(ctx, s.Ledger, pgstore.Options{Node: node})
	}
	return boltstore.OpenWith(ctx, filepath.Join(dir, ca.LedgerFile), boltstore.Options{Node: node})
}

// newLedger makes the ledger of a new authority. The one in a database must
// not hold anything yet.
func (a *app) newLedger(ctx context.Context, dir string, s ca.Settings) (ca.Ledger, error) {
	if s.Ledger == "" {
		return a.openLedger(ctx, dir, s)
	}
	node, err := a.ledgerNode(s)
	if err != nil {
		return nil, err
	}
	l, err := pgstore.Open(ctx, s.Ledger, pgstore.Options{Node: node, Create: true})
	if err != nil {
		return nil, err
	}
	err = l.View(ctx, func(tx ca.ReadTx) error {
		_, err := tx.Issuer()
		if err == nil {
			return ca.ErrLedgerExists
		}
		if errors.Is(err, ca.ErrNotFound) {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// checkLedgerFlag refuses an address of a ledger that cannot be kept.
func checkLedgerFlag(uri string) error {
	if err := ca.CheckLedgerURI(uri); err != nil {
		return usageError(text{
			"--ledger: нужен адрес postgres://… без пароля", "--ledger: an address postgres://… without a password is needed",
		}).withCause(err).withHint(text{
			"пароль берётся из файла, который назван в PGPASSFILE, или из ~/.pgpass", "the password is taken from the file that PGPASSFILE names, or from ~/.pgpass",
		})
	}
	return nil
}

// ledgerSentences are what a database or a copy of a ledger answers.
var ledgerSentences = []struct {
	err     error
	message text
	hint    text
}{
	{pgstore.ErrUnknown, text{"ответ базы данных потерян: неизвестно, записано ли изменение", "the database's answer was lost: it is unknown whether the change was made"}, text{"когда база заработает, проверьте: gosklyuch ca list", "when the database works again, look: gosklyuch ca list"}},
	{pgstore.ErrStepBack, text{"в базе данных нет записей, которые она уже подтвердила: её откатили назад", "the database lacks records that it had acknowledged: it was set back"}, text{"не продолжайте работу: найдите копию базы, где эти записи есть", "do not go on: find the copy of the database that has these records"}},
	{pgstore.ErrUnavailable, text{"база данных УЦ недоступна", "the authority's database cannot be reached"}, text{"проверьте адрес в config.json, сеть и сервер", "check the address in config.json, the network and the server"}},
	{pgstore.ErrNoLedger, text{"в базе данных нет хранилища УЦ", "the database holds no ledger"}, text{"создать: gosklyuch ca init --ledger … или gosklyuch ca migrate", "to make one: gosklyuch ca init --ledger … or gosklyuch ca migrate"}},
	{pgstore.ErrImporting, text{"копирование хранилища в базу данных не закончено", "the copy of the ledger into the database is not complete"}, text{"повторите команду, которая была прервана", "run the interrupted command again"}},
	{pgstore.ErrChanged, text{"пока хранилище копировалось, в него писал другой узел", "another node wrote to the ledger while it was copied"}, text{"остановите узлы, очистите новое хранилище и повторите", "stop the nodes, empty the new ledger and run it again"}},
	{ca.ErrMoved, text{"хранилище УЦ перенесено в другое место", "the authority's ledger was moved elsewhere"}, text{"возьмите config.json с нового места", "take config.json from the new place"}},
	{ca.ErrLedgerExists, text{"там уже есть хранилище УЦ", "there is a ledger already"}, text{"укажите другую базу данных или папку", "give another database or folder"}},
	{ca.ErrDirExists, text{"папка уже есть, и она не пуста", "the folder exists and is not empty"}, text{"укажите другую папку в --dir", "give another folder with --dir"}},
	{ca.ErrBackup, text{"файл не является целой резервной копией УЦ", "the file is not a whole backup of an authority"}, text{"возьмите другую копию", "use another copy"}},
}

// ledgerError translates what the database and the copying say.
func ledgerError(err error) *userError {
	for _, s := range ledgerSentences {
		if errors.Is(err, s.err) {
			return newError(exitFailed, s.message).withHint(s.hint)
		}
	}
	return nil
}

func (a *app) caMigrateCommand() *cobra.Command {
	var dir, to string
	c := &cobra.Command{
		Use:   "migrate --dir D --ledger URI",
		Short: a.t(text{"перенести хранилище УЦ в PostgreSQL или обратно в файл", "move the authority's ledger to PostgreSQL, or back into a file"}),
		Long: a.t(text{
			"Копирует хранилище, сравнивает хэши, закрывает старое для записи и меняет config.json. Прерванный перенос можно повторить.",
			"Copies the ledger, compares the digests, closes the old one for writing and changes config.json. An interrupted move can be run again.",
		}),
		Example: "  gosklyuch ca migrate --dir issuing --ledger \"postgres://ca@db1,db2/ledger?target_session_attrs=read-write\"\n  gosklyuch ca migrate --dir issuing --ledger bbolt",
		Args:    args(0, 0, text{}),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.caMigrate(cmd.Context(), dir, to) },
	}
	a.dirFlag(c, &dir)
	c.Flags().StringVar(&to, "ledger", "", a.t(text{"куда: postgres://… без пароля или bbolt", "where to: postgres://… without a password, or bbolt"}))
	a.required(c, "ledger")
	return c
}

// notServing refuses while `ca serve` runs on the folder.
func notServing(ctx context.Context, dir string) error {
	running, err := casock.Dial(ctx, filepath.Join(dir, ca.SocketFile))
	if err != nil {
		return nil //nolint:nilerr // nobody serves, or nobody who could be asked
	}
	running.Close() //nolint:errcheck,gosec // nothing was asked
	return failedf(text{"%s: служба этого УЦ работает", "%s: this authority is being served"}, dir).
		withHint(text{"остановите ca serve и повторите", "stop ca serve and run it again"})
}

func (a *app) caMigrate(ctx context.Context, dir, to string) error {
	next, err := migrateTarget(to)
	if err != nil {
		return err
	}
	d, err := ca.ReadDir(dir)
	if err != nil {
		return caDir(dir, err)
	}
	if err := notServing(ctx, dir); err != nil {
		return err
	}
	m := &migration{app: a, dir: dir, from: d.Settings, to: d.Settings}
	m.to.Ledger = next
	var sum ca.Summary
	switch {
	case d.Settings.Ledger != next:
		sum, err = m.run(ctx)
	case next != "" && m.fileLeft(): // interrupted at the last step
		if sum, err = m.check(ctx); err == nil {
			err = m.putAside()
		}
	default:
		return failedf(text{"%s: хранилище уже там", "%s: the ledger is there already"}, dir)
	}
	if err != nil {
		return badLedger(dir, err)
	}
	return a.printSummary(dir, text{"хранилище перенесено: %s", "the ledger is moved: %s"}, sum)
}

// migrateTarget reads --ledger of `ca migrate`.
func migrateTarget(to string) (string, error) {
	if to == "bbolt" {
		return "", nil
	}
	if to == "" {
		return "", usageError(text{"--ledger: нужен адрес postgres://… или слово bbolt", "--ledger: an address postgres://… or the word bbolt is needed"})
	}
	return to, checkLedgerFlag(to)
}

// A migration moves a ledger. Whenever it is interrupted, the folder leads to
// a whole ledger, and the same command goes on.
type migration struct {
	app      *app
	dir      string
	from, to ca.Settings
}

func (m *migration) run(ctx context.Context) (ca.Summary, error) {
	var none ca.Summary
	old, err := m.open(ctx, m.from, true)
	if err != nil {
		return none, err
	}
	defer old.Close() //nolint:errcheck // nothing is written to it but the last word
	want, heads, err := m.state(ctx, old)
	if err != nil {
		return none, err
	}
	_, err = ca.Copy(ctx, old, func() (ca.Importer, error) { return m.importer(ctx) })
	if err != nil && !errors.Is(err, ca.ErrLedgerExists) {
		return none, err
	}
	exists := err != nil // perhaps of a migration that was interrupted later
	got, err := m.check(ctx)
	switch {
	case err != nil:
		return none, err
	case got != want && exists:
		return none, ca.ErrLedgerExists
	case got != want:
		return none, pgstore.ErrChanged
	}
	if s, ok := old.(*pgstore.Store); ok {
		if err := s.Retire(ctx, heads); err != nil {
			return none, err
		}
	}
	if err := ca.ReplaceSettings(m.dir, m.to); err != nil {
		return none, err
	}
	if m.from.Ledger == "" {
		return got, m.putAside()
	}
	return got, nil
}

// fileLeft reports whether the file is still in its place.
func (m *migration) fileLeft() bool {
	_, err := os.Lstat(filepath.Join(m.dir, ca.LedgerFile))
	return err == nil
}

// putAside renames the file: the folder leads elsewhere now.
func (m *migration) putAside() error {
	path := filepath.Join(m.dir, ca.LedgerFile)
	return os.Rename(path, path+".moved")
}

// open opens one of the two; moved allows one that was retired already.
func (m *migration) open(ctx context.Context, s ca.Settings, moved bool) (ca.Ledger, error) {
	if s.Ledger == "" {
		return m.app.openLedger(ctx, m.dir, s)
	}
	node, err := m.app.ledgerNode(s)
	if err != nil {
		return nil, err
	}
	return pgstore.Open(ctx, s.Ledger, pgstore.Options{Node: node, Moved: moved})
}

func (m *migration) importer(ctx context.Context) (ca.Importer, error) {
	if m.to.Ledger == "" {
		return boltstore.Import(ctx, filepath.Join(m.dir, ca.LedgerFile))
	}
	return pgstore.Import(ctx, m.to.Ledger, pgstore.Options{})
}

// state returns the digest of a ledger and where its chains end.
func (m *migration) state(ctx context.Context, l ca.Ledger) (sum ca.Summary, heads map[string]journal.Head, err error) {
	err = l.View(ctx, func(tx ca.ReadTx) (err error) { heads, err = tx.Heads(); return err })
	if err == nil {
		sum, err = ca.LedgerDigest(ctx, l)
	}
	return sum, heads, err
}

// check reads the new ledger from the beginning.
func (m *migration) check(ctx context.Context) (ca.Summary, error) {
	return m.app.ledgerSummary(ctx, m.dir, m.to)
}

// printSummary says what a ledger holds.
func (a *app) printSummary(what string, done text, sum ca.Summary) error {
	if a.json {
		return a.printJSON(sum)
	}
	a.sayf(done, what)
	a.printLines([]line{
		{text{"Сертификаты", "Certificates"}, fmt.Sprint(sum.Certificates)},
		{text{"Запросы", "Requests"}, fmt.Sprint(sum.Requests)},
		{text{"Записи журнала", "Journal records"}, fmt.Sprint(sum.Records)},
		{text{"Хэш хранилища (Стрибог-256)", "Digest of the ledger (Streebog-256)"}, sum.Digest.String()},
	})
	return nil
}
