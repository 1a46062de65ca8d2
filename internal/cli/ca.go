package cli

import (
	"context"
	"crypto"
	"errors"
	"io/fs"
	"iter"
	"os/user"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/internal/casock"
	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/profile/sets"
)

// caCommand is the noun for an authority in a directory.
func (a *app) caCommand() *cobra.Command {
	return a.group("ca", text{"удостоверяющий центр", "certification authority"},
		a.caInitCommand(), a.caIssueCommand(), a.caRevokeCommand(), a.caHoldCommand(), a.caReleaseCommand(),
		a.caRequestCommand(), a.caOperatorCommand(), a.caProfileCommand(),
		a.caCRLCommand(), a.caPublishCommand(), a.caListCommand(), a.caServeCommand(),
		a.caBackupCommand(), a.caRestoreCommand(), a.caMigrateCommand(), a.caCeremonyCommand())
}

func (a *app) dirFlag(c *cobra.Command, dir *string) {
	c.Flags().StringVar(dir, "dir", "", a.t(text{"папка удостоверяющего центра", "the authority's folder"}))
	a.required(c, "dir")
}

// actor is who asks, for the journal: the user of the operating system.
func actor() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}

// A caAuthority is all that commands ask of an authority.
type caAuthority interface {
	ca.Authority
	deskAuthority
	Bulk(ctx context.Context, items iter.Seq[ca.BulkItem], actor string, done func(ca.BulkResult) error) error
	Expiring(ctx context.Context, from, to time.Time, after ca.Serial, n int) ([]ca.Entry, error)
	SignHeads(ctx context.Context, actor string) (journal.SignedHeads, error)
}

// An authority is an opened CA: in this process, or behind the socket of one
// that serves.
type authority struct {
	caAuthority
	close func()
}

// openAuthority goes through the socket where `ca serve` runs, else opens the
// ledger. The password is asked for only where this process needs the key.
func (a *app) openAuthority(ctx context.Context, dir string) (*authority, error) {
	return a.servedOrOpened(ctx, dir, issuerOptions{secret: secretPassword})
}

// openKeyless is openAuthority for what needs no key, and no password: to hand
// in, look at and decide about requests nobody needs the authority's.
func (a *app) openKeyless(ctx context.Context, dir string) (*authority, error) {
	return a.servedOrOpened(ctx, dir, issuerOptions{keyless: true})
}

func (a *app) servedOrOpened(ctx context.Context, dir string, o issuerOptions) (*authority, error) {
	client, err := casock.Dial(ctx, filepath.Join(dir, ca.SocketFile))
	switch {
	case err == nil:
		return &authority{client, func() { client.Close() }}, nil //nolint:errcheck,gosec // nothing is lost
	case !errors.Is(err, casock.ErrNotServing):
		return nil, err
	}
	local, err := a.openIssuer(ctx, dir, o)
	if err != nil {
		return nil, err
	}
	return &authority{local.issuer, local.close}, nil
}

// A localIssuer is an authority that was opened in this process.
type localIssuer struct {
	issuer *ca.Issuer
	dir    *ca.Dir
	key    crypto.Signer // nil: opened without it
	close  func()        // gives the ledger back and wipes the key
}

// issuerOptions say how an authority is opened.
type issuerOptions struct {
	secret  secretKind
	keyless bool            // without the authority's key
	changed func(ca.Serial) // ca.Config.StatusChanged
}

// issuer opens directory, key and ledger of an authority.
func (a *app) issuer(ctx context.Context, dir string, kind secretKind) (*localIssuer, error) {
	return a.openIssuer(ctx, dir, issuerOptions{secret: kind})
}

func (a *app) openIssuer(ctx context.Context, dir string, o issuerOptions) (*localIssuer, error) {
	d, err := ca.ReadDir(dir)
	if err != nil {
		return nil, caDir(dir, err)
	}
	key := &openedKey{close: func() {}}
	open := ca.NewKeyless
	if !o.keyless {
		if key, err = a.caKey(ctx, dir, o.secret); err != nil {
			return nil, err
		}
		open = ca.New
	}
	ledger, err := a.openLedger(ctx, dir, d.Settings)
	if err != nil {
		key.close()
		return nil, badLedger(dir, err)
	}
	closeAll := func() {
		ledger.Close() //nolint:errcheck,gosec // every change is on the disk before it is acknowledged
		key.close()
	}
	i, err := open(ctx, ca.Config{
		Certificate: d.Certificate, Key: key.signer, Ledger: ledger, Rules: sets.All(), Profiles: d.Profiles, Settings: d.Settings, Now: a.now,
		StatusChanged: o.changed,
	})
	if err != nil {
		closeAll()
		return nil, badLedger(dir, err)
	}
	closeSigned := func() {
		if !o.keyless {
			a.signDueHeads(ctx, i)
		}
		closeAll()
	}
	return &localIssuer{i, d, key.signer, closeSigned}, nil
}

// caDir says that a folder is no authority.
func caDir(dir string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return failedf(text{"%s: здесь нет удостоверяющего центра", "%s: there is no certification authority here"}, dir).withCause(err).
			withHint(text{"создать: gosklyuch ca init --dir " + dir, "to make one: gosklyuch ca init --dir " + dir})
	}
	if systemError(err) != nil {
		return err
	}
	return newError(exitFailed, text{
		dir + ": папка УЦ повреждена: не читается сертификат или настройки", dir + ": the authority's folder is damaged: " + withoutPackages(err.Error()),
	}).withCause(err).withHint(text{"возьмите резервную копию", "use a backup copy"})
}

// badLedger says what is wrong with an authority's ledger; errors that have a
// sentence of their own keep it.
func badLedger(dir string, err error) error {
	if libraryError(err) != nil || systemError(err) != nil {
		return err
	}
	ru := "не открывается, возможно, повреждено"
	switch s := err.Error(); {
	case strings.Contains(s, "another authority"):
		ru = "принадлежит другому УЦ"
	case strings.Contains(s, "no authority yet"), strings.Contains(s, "new ledger"):
		ru = "пустое"
	}
	return newError(exitFailed, text{
		dir + ": хранилище УЦ " + ru, dir + ": the authority's ledger: " + withoutPackages(err.Error()),
	}).withCause(err).withHint(text{"возьмите резервную копию", "use a backup copy"})
}

// caKey opens D/ca.key, or the key on a token that D/ca.key.uri names.
func (a *app) caKey(ctx context.Context, dir string, kind secretKind) (*openedKey, error) {
	uri, err := readKeyURI(dir)
	if err != nil {
		return nil, err
	}
	if uri != "" {
		return a.openTokenKey(ctx, uri, kind)
	}
	c, err := a.readKeyFile(filepath.Join(dir, ca.KeyFile), kind)
	if err != nil {
		return nil, err
	}
	return &openedKey{signer: c.Key, close: func() { destroy(c.Key) }}, nil
}

// issuedButNotWritten says that the certificate exists although its file does not.
func (a *app) issuedButNotWritten(cert *pki.Certificate, err error) error {
	u := a.sentence(err)
	serial := cert.SerialHex()
	return newError(u.code, text{
		u.message.ru + "; сертификат " + serial + " при этом выпущен и записан в журнал УЦ",
		u.message.en + "; the certificate " + serial + " is issued all the same and on the ledger",
	}).withCause(err).withHint(u.hint)
}

func (a *app) caCRLCommand() *cobra.Command {
	var dir string
	var out output
	c := &cobra.Command{
		Use:   "crl --dir D -o F",
		Short: a.t(text{"выпустить список отзыва", "sign a revocation list"}),
		Args:  args(0, 0, text{}),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.checkFree(); err != nil {
				return err
			}
			au, err := a.openAuthority(cmd.Context(), dir)
			if err != nil {
				return err
			}
			defer au.close()
			list, err := au.CRL(cmd.Context(), actor())
			if err != nil {
				return err
			}
			if err := a.writeBytes(out, list.DER); err != nil {
				return err
			}
			if a.json && out.path != "-" {
				return a.printJSON(list)
			}
			if out.path != "-" {
				a.sayf(text{"список отзыва № %d записан: %s (отозвано: %d, следующий до %s)", "revocation list No. %d is written: %s (revoked: %d, next by %s)"},
					list.Number, out.path, list.Entries, stamp(list.NextUpdate))
			}
			return nil
		},
	}
	a.dirFlag(c, &dir)
	a.outputFlags(c, &out, true)
	return c
}
