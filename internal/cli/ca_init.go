package cli

import (
	"context"
	"crypto"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/profile/sets"
)

// initFlags are the flags of `ca init`.
type initFlags struct {
	dir, parent, subject, ledger, node string
	algorithmFlags
	storeFlags
	days                   int
	crlURLs, ocspURLs, aia []string
}

func (a *app) caInitCommand() *cobra.Command {
	var f initFlags
	c := &cobra.Command{
		Use:     "init --dir D --subject DN",
		Short:   a.t(text{"создать удостоверяющий центр", "make a certification authority"}),
		Example: "  gosklyuch ca init --dir root --subject \"CN=Root CA,C=RU\"\n  gosklyuch ca init --dir issuing --parent root --subject \"CN=Issuing CA,C=RU\"\n  gosklyuch ca init --dir hsm --subject \"CN=HSM CA,C=RU\" --store \"pkcs11:token=HSM;object=ca-2026\"",
		Args:    args(0, 0, text{}),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkLedgerFlag(f.ledger); err != nil {
				return err
			}
			return a.caInit(cmd.Context(), &f)
		},
	}
	fl := c.Flags()
	a.dirFlag(c, &f.dir)
	fl.StringVar(&f.subject, "subject", "", a.t(text{"имя удостоверяющего центра (RFC 4514)", "the authority's name (RFC 4514)"}))
	fl.StringVar(&f.parent, "parent", "", a.t(text{"папка вышестоящего УЦ; без неё создаётся корневой", "folder of the parent authority; without it a root is made"}))
	fl.IntVar(&f.days, "days", 0, a.t(text{"срок действия в днях (0: как принято)", "validity in days (0: the default)"}))
	a.addStoreFlags(c, &f.storeFlags)
	fl.StringVar(&f.ledger, "ledger", "", a.t(text{"хранилище: postgres://… без пароля (по умолчанию файл в папке)", "the ledger: postgres://… without a password (by default a file in the folder)"}))
	fl.StringVar(&f.node, "node", "", a.t(text{"имя этого узла в журнале (по умолчанию main)", "name of this node in the journal (main by default)"}))
	fl.Var((*urlList)(&f.crlURLs), "crl-url", a.t(text{"адрес списка отзыва для выпускаемых сертификатов", "address of the revocation list, for issued certificates"}))
	fl.Var((*urlList)(&f.ocspURLs), "ocsp-url", a.t(text{"адрес службы OCSP", "address of the OCSP service"}))
	fl.Var((*urlList)(&f.aia), "issuer-url", a.t(text{"адрес сертификата УЦ", "address of the authority's certificate"}))
	a.addAlgorithmFlags(c, &f.algorithmFlags, "cryptopro-a")
	a.required(c, "subject")
	return c
}

// maxDays is the longest validity that can be asked for: a hundred years.
const maxDays = 36525

func checkDays(n int) error {
	if n < 0 || n > maxDays {
		return usageErrorf(text{"--days бывает от 1 до %d, а не %d", "--days is 1 to %d, not %d"}, maxDays, n)
	}
	return nil
}

func (a *app) caInit(ctx context.Context, f *initFlags) error {
	name, err := parseSubject("subject", f.subject)
	if err != nil {
		return err
	}
	if err := checkDays(f.days); err != nil {
		return err
	}
	for _, file := range []string{ca.CertificateFile, ca.KeyFile, keyURIFile, ca.LedgerFile} {
		if err := (output{path: filepath.Join(f.dir, file)}).checkFree(); err != nil {
			return failedf(text{"%s: удостоверяющий центр здесь уже есть", "%s: there is an authority here already"}, f.dir).withCause(err)
		}
	}
	if f.node != "" && journal.CheckNode(f.node) != nil {
		return usageError(text{"--node: имя узла состоит из строчных латинских букв, цифр и знаков .-_", "--node: the name of a node has lower-case Latin letters, digits and .-_"})
	}
	d := &ca.Dir{Settings: ca.Settings{CRLURLs: f.crlURLs, OCSPURLs: f.ocspURLs, IssuerURLs: f.aia, Ledger: f.ledger, Node: f.node}}
	if err := d.Settings.Check(); err != nil {
		return usageError(text{"адреса --crl-url, --ocsp-url и --issuer-url должны начинаться с http://, https:// или ldap://", "the addresses of --crl-url, --ocsp-url and --issuer-url must begin with http://, https:// or ldap://"}).withCause(err)
	}
	key, err := a.newAuthorityKey(ctx, f)
	if err != nil {
		return err
	}
	defer key.close()
	if f.parent == "" {
		d.Certificate, err = ca.NewRoot(key.signer, ca.RootOptions{Subject: name, Days: f.days, MaxPathLen: -1, Rules: sets.All(), Now: a.now})
	} else {
		d.Certificate, d.Chain, err = a.subordinate(ctx, f, key.signer, name)
	}
	if err == nil {
		err = a.writeAuthority(ctx, f.dir, d, key)
	}
	if err != nil && key.undo != nil { // half an authority helps nobody
		return errors.Join(err, key.undo())
	}
	return err
}

// An authorityKey is the key of an authority that is being made.
type authorityKey struct {
	signer crypto.Signer
	file   string // of the authority's folder, with the content that opens the key
	text   []byte
	undo   func() error // takes the key back; nil if nothing was stored
	close  func()
}

// newAuthorityKey makes the key: in D/ca.key under a password, or on a token,
// which D/ca.key.uri then names.
func (a *app) newAuthorityKey(ctx context.Context, f *initFlags) (*authorityKey, error) {
	if f.store != "" {
		return a.newAuthorityTokenKey(ctx, f)
	}
	key, err := alg.GenerateKey(f.alg, f.set("cryptopro-a"))
	if err != nil {
		return nil, f.noSuchKey(err)
	}
	pw, err := a.newPassword(a.initPassword(f.parent), text{"ключ УЦ " + f.dir, "key of the CA " + f.dir})
	if err != nil {
		alg.Destroy(key)
		return nil, err
	}
	defer wipe(pw)
	plain, err := alg.MarshalPKCS8(key)
	if err != nil {
		alg.Destroy(key)
		return nil, err
	}
	defer wipe(plain)
	enc, err := alg.EncryptPKCS8(rand.Reader, plain, pw, alg.PBES2{})
	if err != nil {
		alg.Destroy(key)
		return nil, err
	}
	return &authorityKey{signer: key, file: ca.KeyFile, text: enc, close: func() { alg.Destroy(key) }}, nil
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
func (a *app) writeAuthority(ctx context.Context, dir string, d *ca.Dir, key *authorityKey) (err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := a.writeBytes(output{path: filepath.Join(dir, key.file), mode: 0o600}, key.text); err != nil {
		os.Remove(dir) //nolint:errcheck,gosec // a folder that was there before and is not empty stays
		return err
	}
	defer func() { // the key above is ours: half an authority helps nobody
		if err != nil {
			for _, name := range []string{key.file, ca.CertificateFile, ca.ChainFile, ca.SettingsFile, ca.LedgerFile} {
				os.Remove(filepath.Join(dir, name)) //nolint:errcheck,gosec // the first error counts
			}
			os.RemoveAll(filepath.Join(dir, ca.ProfilesDir)) //nolint:errcheck,gosec // as above
			os.Remove(dir)                                   //nolint:errcheck,gosec // as above
		}
	}()
	if err := ca.WriteDir(dir, d); err != nil {
		return err
	}
	ledger, err := a.newLedger(ctx, dir, d.Settings)
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
		d.Certificate.Subject, alg.KeyName(key.signer.Public()), stamp(d.Certificate.NotAfter))
	return nil
}
