package cli

import (
	"context"
	"crypto"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/internal/casock"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/boltstore"
	"github.com/gosklyuch/gosklyuch/pki/profile/sets"
)

// caCommand is the noun for an authority in a directory.
func (a *app) caCommand() *cobra.Command {
	return a.group("ca", text{"удостоверяющий центр", "certification authority"},
		a.caInitCommand(), a.caIssueCommand(), a.caRevokeCommand(), a.caHoldCommand(), a.caReleaseCommand(),
		a.caCRLCommand(), a.caListCommand(), a.caServeCommand())
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

// An authority is an opened CA: in this process, or behind the socket of one
// that serves.
type authority struct {
	ca.Authority
	close func()
}

// openAuthority goes through the socket where `ca serve` runs, else opens the
// ledger. The password is asked for only where this process needs the key.
func (a *app) openAuthority(ctx context.Context, dir string) (*authority, error) {
	client, err := casock.Dial(ctx, filepath.Join(dir, ca.SocketFile))
	switch {
	case err == nil:
		return &authority{client, func() { client.Close() }}, nil //nolint:errcheck,gosec // nothing is lost
	case !errors.Is(err, casock.ErrNotServing):
		return nil, err
	}
	local, err := a.issuer(ctx, dir, secretPassword)
	if err != nil {
		return nil, err
	}
	return &authority{local.issuer, local.close}, nil
}

// A localIssuer is an authority that was opened in this process.
type localIssuer struct {
	issuer *ca.Issuer
	dir    *ca.Dir
	key    crypto.Signer
	close  func() // gives the ledger back and wipes the key
}

// issuer opens directory, key and ledger of an authority.
func (a *app) issuer(ctx context.Context, dir string, kind secretKind) (*localIssuer, error) {
	d, err := ca.ReadDir(dir)
	if err != nil {
		return nil, caDir(dir, err)
	}
	key, err := a.caKey(dir, kind)
	if err != nil {
		return nil, err
	}
	ledger, err := boltstore.Open(ctx, filepath.Join(dir, ca.LedgerFile))
	if err != nil {
		alg.Destroy(key)
		return nil, badLedger(dir, err)
	}
	closeAll := func() {
		ledger.Close() //nolint:errcheck,gosec // every change is on the disk before it is acknowledged
		alg.Destroy(key)
	}
	i, err := ca.New(ctx, ca.Config{
		Certificate: d.Certificate, Key: key, Ledger: ledger, Rules: sets.All(), Settings: d.Settings, Now: a.now,
	})
	if err != nil {
		closeAll()
		return nil, badLedger(dir, err)
	}
	return &localIssuer{i, d, key, closeAll}, nil
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

// caKey opens D/ca.key.
func (a *app) caKey(dir string, kind secretKind) (crypto.Signer, error) {
	c, err := a.readKeyFile(filepath.Join(dir, ca.KeyFile), kind)
	if err != nil {
		return nil, err
	}
	return c.Key, nil
}

// initFlags are the flags of `ca init`.
type initFlags struct {
	dir, parent, subject, store, ledger string
	algorithmFlags
	days                   int
	crlURLs, ocspURLs, aia []string
}

func (a *app) caInitCommand() *cobra.Command {
	var f initFlags
	c := &cobra.Command{
		Use:     "init --dir D --subject DN",
		Short:   a.t(text{"создать удостоверяющий центр", "make a certification authority"}),
		Example: "  gosklyuch ca init --dir root --subject \"CN=Root CA,C=RU\"\n  gosklyuch ca init --dir issuing --parent root --subject \"CN=Issuing CA,C=RU\"",
		Args:    args(0, 0, text{}),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.store != "" {
				return noTokens()
			}
			if f.ledger != "" {
				return failedf(text{"другие хранилища, кроме встроенного, пока не поддерживаются", "no ledger but the embedded one is supported yet"})
			}
			return a.caInit(cmd.Context(), &f)
		},
	}
	fl := c.Flags()
	a.dirFlag(c, &f.dir)
	fl.StringVar(&f.subject, "subject", "", a.t(text{"имя удостоверяющего центра (RFC 4514)", "the authority's name (RFC 4514)"}))
	fl.StringVar(&f.parent, "parent", "", a.t(text{"папка вышестоящего УЦ; без неё создаётся корневой", "folder of the parent authority; without it a root is made"}))
	fl.IntVar(&f.days, "days", 0, a.t(text{"срок действия в днях (0: как принято)", "validity in days (0: the default)"}))
	fl.StringVar(&f.store, "store", "", a.t(text{"где хранить ключ (pkcs11:… пока не поддерживается)", "where to keep the key (pkcs11:… is not supported yet)"}))
	fl.StringVar(&f.ledger, "ledger", "", a.t(text{"хранилище (postgres://… пока не поддерживается)", "the ledger (postgres://… is not supported yet)"}))
	fl.Var((*urlList)(&f.crlURLs), "crl-url", a.t(text{"адрес списка отзыва для выпускаемых сертификатов", "address of the revocation list, for issued certificates"}))
	fl.Var((*urlList)(&f.ocspURLs), "ocsp-url", a.t(text{"адрес службы OCSP", "address of the OCSP service"}))
	fl.Var((*urlList)(&f.aia), "issuer-url", a.t(text{"адрес сертификата УЦ", "address of the authority's certificate"}))
	a.addAlgorithmFlags(c, &f.algorithmFlags, "cryptopro-a")
	a.required(c, "subject")
	return c
}

func (a *app) caInit(ctx context.Context, f *initFlags) error {
	name, err := parseSubject("subject", f.subject)
	if err != nil {
		return err
	}
	for _, file := range []string{ca.CertificateFile, ca.KeyFile, ca.LedgerFile} {
		if err := (output{path: filepath.Join(f.dir, file)}).checkFree(); err != nil {
			return failedf(text{"%s: удостоверяющий центр здесь уже есть", "%s: there is an authority here already"}, f.dir).withCause(err)
		}
	}
	key, err := alg.GenerateKey(f.alg, f.set("cryptopro-a"))
	if err != nil {
		return usageErrorf(text{"такого ключа не бывает: %s", "there is no such key: %s"}, strings.TrimSpace(f.alg+" "+f.paramset)).withCause(err)
	}
	defer alg.Destroy(key)
	pw, err := a.newPassword(a.initPassword(f.parent), text{"ключ УЦ " + f.dir, "key of the CA " + f.dir})
	if err != nil {
		return err
	}
	defer wipe(pw)
	d := &ca.Dir{Settings: ca.Settings{CRLURLs: f.crlURLs, OCSPURLs: f.ocspURLs, IssuerURLs: f.aia}}
	if err := d.Settings.Check(); err != nil {
		return usageError(text{"адреса --crl-url, --ocsp-url и --issuer-url должны начинаться с http://, https:// или ldap://", "the addresses of --crl-url, --ocsp-url and --issuer-url must begin with http://, https:// or ldap://"}).withCause(err)
	}
	if f.parent == "" {
		d.Certificate, err = ca.NewRoot(key, ca.RootOptions{Subject: name, Days: f.days, MaxPathLen: -1, Rules: sets.All(), Now: a.now})
	} else {
		d.Certificate, d.Chain, err = a.subordinate(ctx, f, key, name)
	}
	if err != nil {
		return err
	}
	return a.writeAuthority(ctx, f.dir, d, key, pw)
}

// initPassword says which secret protects a new authority's key. Where nothing
// exists yet it is --password-file. Beside a parent it is --new-password-file;
// --password-file is taken too, as long as the new one is not given: a flag
// goes before a variable.
func (a *app) initPassword(parent string) secretKind {
	if parent == "" {
		return secretPassword
	}
	for _, given := range []func(secretKind) bool{
		func(k secretKind) bool { return *a.secretFiles[k] != "" },
		func(k secretKind) bool { _, ok := a.lookupEnv(secretKinds[k-1].env); return ok },
	} {
		for _, k := range []secretKind{secretNewPassword, secretPassword} {
			if given(k) {
				return k
			}
		}
	}
	return secretNewPassword
}

// subordinate lets the parent authority issue the certificate.
func (a *app) subordinate(ctx context.Context, f *initFlags, key crypto.Signer, name pki.Name) (*pki.Certificate, []*pki.Certificate, error) {
	parent, err := a.issuer(ctx, f.parent, secretParentPassword)
	if err != nil {
		return nil, nil, err
	}
	defer parent.close()
	cert, err := parent.issuer.NewSubordinate(ctx, key, name, f.days, actor())
	return cert, append([]*pki.Certificate{parent.dir.Certificate}, parent.dir.Chain...), err
}

// writeAuthority writes the folder: key first, so that no certificate exists
// without its key, then certificate and settings, then the ledger.
func (a *app) writeAuthority(ctx context.Context, dir string, d *ca.Dir, key crypto.Signer, pw []byte) (err error) {
	plain, err := alg.MarshalPKCS8(key)
	if err != nil {
		return err
	}
	defer wipe(plain)
	enc, err := alg.EncryptPKCS8(rand.Reader, plain, pw, alg.PBES2{})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := a.writeBytes(output{path: filepath.Join(dir, ca.KeyFile), mode: 0o600}, enc); err != nil {
		os.Remove(dir) //nolint:errcheck,gosec // a folder that was there before and is not empty stays
		return err
	}
	defer func() { // the key above is ours: half an authority helps nobody
		if err != nil {
			for _, name := range []string{ca.KeyFile, ca.CertificateFile, ca.ChainFile, ca.SettingsFile, ca.LedgerFile} {
				os.Remove(filepath.Join(dir, name)) //nolint:errcheck,gosec // the first error counts
			}
			os.Remove(dir) //nolint:errcheck,gosec // as above
		}
	}()
	if err := ca.WriteDir(dir, d); err != nil {
		return err
	}
	ledger, err := boltstore.Open(ctx, filepath.Join(dir, ca.LedgerFile))
	if err != nil {
		return err
	}
	defer ledger.Close() //nolint:errcheck // Found has committed
	if err := ca.Found(ctx, ledger, d.Certificate, actor(), a.now()); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(viewCertificate(d.Certificate))
	}
	a.sayf(text{"удостоверяющий центр создан: %s (%s), действует до %s", "the authority is made: %s (%s), valid until %s"},
		d.Certificate.Subject, alg.KeyName(key.Public()), stamp(d.Certificate.NotAfter))
	return nil
}

func (a *app) caIssueCommand() *cobra.Command {
	var dir, profile string
	var days, identification int
	var out output
	c := &cobra.Command{
		Use:   "issue REQUEST --dir D -o F.cer",
		Short: a.t(text{"выпустить сертификат по запросу", "issue a certificate for a request"}),
		Args:  args(1, 1, text{"файл запроса", "the request's file"}),
		RunE: func(cmd *cobra.Command, arg []string) error {
			if err := out.checkFree(); err != nil {
				return err
			}
			req, err := a.readRequest(arg[0])
			if err != nil {
				return err
			}
			au, err := a.openAuthority(cmd.Context(), dir)
			if err != nil {
				return err
			}
			defer au.close()
			cert, err := au.IssueRequest(cmd.Context(), profile, ca.Request{CSR: req, Days: days, IdentificationKind: identification, Actor: actor()})
			if err != nil {
				return err
			}
			if err := a.writeBytes(out, cert.Raw); err != nil {
				return a.issuedButNotWritten(cert, err)
			}
			if a.json && out.path != "-" {
				return a.printJSON(viewCertificate(cert))
			}
			return a.done(out.path, text{"сертификат выпущен: %s", "the certificate is issued: %s"})
		},
	}
	f := c.Flags()
	a.dirFlag(c, &dir)
	f.StringVar(&profile, "profile", "", a.t(text{"профиль; без него определяется по имени владельца", "profile; without it the subject's name decides"}))
	f.IntVar(&days, "days", 0, a.t(text{"срок действия в днях (0: по профилю)", "validity in days (0: the profile's)"}))
	f.IntVar(&identification, "identification", 0, a.t(text{"как установлена личность: 0 лично, 1 сертификат, 2 загранпаспорт, 3 ЕБС", "how the applicant was identified: 0 in person, 1 certificate, 2 passport, 3 biometrics"}))
	a.outputFlags(c, &out, true)
	return c
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
