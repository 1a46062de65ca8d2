package cli

import (
	"context"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/pfx"
	"github.com/gosklyuch/gosklyuch/token/soft"
)

func (a *app) keyImportCommand() *cobra.Command {
	var name string
	var where storeFlags
	c := &cobra.Command{
		Use:   "import FILE --name N",
		Short: a.t(text{"взять ключ из файла .pfx .p12 .p8 .pem или папки КриптоПро", "take a key from a .pfx .p12 .p8 .pem file or a CryptoPro folder"}),
		Args:  args(1, 1, text{"файл с ключом", "the file with the key"}),
		RunE: func(cmd *cobra.Command, arg []string) error {
			if where.store != "" {
				return a.importToToken(cmd.Context(), arg[0], name, &where)
			}
			ks, err := a.keyStore()
			if err != nil {
				return err
			}
			k, err := a.openKeyFile(arg[0], secretPassword)
			if err != nil {
				return err
			}
			defer k.close()
			own, err := k.private() // a copy is an export
			if err != nil {
				return err
			}
			pw, err := a.newPassword(secretNewPassword, text{"контейнер " + name, "container " + name})
			if err != nil {
				return err
			}
			defer wipe(pw)
			from, until := a.wholePeriod(k)
			if err := ks.Create(cmd.Context(), name, own, pw, soft.Meta{
				NotBefore: from, NotAfter: until, Certificate: k.cert, Chain: k.chain,
			}); err != nil {
				return inKey(name, err)
			}
			return a.showKey(cmd.Context(), ks, name, text{"ключ принят: %s (%s)", "the key is imported: %s (%s)"})
		},
	}
	c.Flags().StringVar(&name, "name", "", a.t(text{"имя нового контейнера или метка ключа на токене", "the new container's name, or the key's label on the token"}))
	a.addStoreFlags(c, &where)
	a.addExportableFlag(c, &where)
	a.required(c, "name")
	return c
}

// wholePeriod returns both ends of a key's usage period, which a container wants.
// Many keys say only when it ends: it then began with the certificate, or no
// later than now. One that never ends is no period.
func (a *app) wholePeriod(k *openedKey) (from, until time.Time) {
	from, until = k.notBefore, k.notAfter
	if until.IsZero() {
		return time.Time{}, time.Time{}
	}
	if from.IsZero() && k.cert != nil {
		from = k.cert.NotBefore
	}
	if from.IsZero() {
		from = a.now()
	}
	if from.After(until) {
		from = until
	}
	return from, until
}

// importToToken stores a key of a file on a token, with its certificate and
// chain.
func (a *app) importToToken(ctx context.Context, file, name string, where *storeFlags) error {
	k, err := a.openKeyFile(file, secretPassword)
	if err != nil {
		return err
	}
	defer k.close()
	if err := canSign(k); err != nil { // no token takes such a key, and nobody could use it there
		return err
	}
	own, err := k.private() // a copy is an export
	if err != nil {
		return err
	}
	n := &newTokenKey{label: name, software: own, secret: secretNewPassword}
	return a.keyOnToken(ctx, where, n, text{"ключ записан на токен (%s): %s", "the key is on the token (%s): %s"}, func(t *tokenSession) error {
		certs := k.chain
		if k.cert != nil {
			certs = append([]*pki.Certificate{k.cert}, certs...)
		}
		for i, c := range certs {
			label := c.Subject.String()
			if i == 0 && k.cert != nil {
				label = "" // that of the key
			}
			if err := t.store.StoreCertificate(ctx, c, label); err != nil {
				return inToken(t.uri, err)
			}
		}
		return nil
	})
}

// exportFlags choose the form of an exported key: exactly one path is set.
type exportFlags struct {
	pfx, p8, pem, cipher string
	iterations           int
	force                bool
}

func (a *app) keyExportCommand() *cobra.Command {
	var f exportFlags
	c := &cobra.Command{
		Use:   "export N --pfx F",
		Short: a.t(text{"выгрузить ключ в файл под паролем", "write a key to a file under a password"}),
		Args:  args(1, 1, text{"имя контейнера", "the container's name"}),
		RunE: func(cmd *cobra.Command, arg []string) error {
			return a.keyExport(cmd.Context(), arg[0], f)
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.pfx, "pfx", "", a.t(text{"PFX по RFC 9548 с сертификатом и цепочкой", "PFX by RFC 9548 with certificate and chain"}))
	fl.StringVar(&f.p8, "p8", "", a.t(text{"PKCS #8 под паролем, DER", "encrypted PKCS #8, DER"}))
	fl.StringVar(&f.pem, "pem", "", a.t(text{"PKCS #8 под паролем и сертификаты, PEM", "encrypted PKCS #8 and certificates, PEM"}))
	fl.StringVar(&f.cipher, "cipher", "", a.t(text{"gost28147 (по умолчанию, читают OpenSSL и GnuTLS), kuznyechik или magma", "gost28147 (the default, which OpenSSL and GnuTLS read), kuznyechik or magma"}))
	fl.IntVar(&f.iterations, "iterations", 0, a.t(text{"число итераций PBKDF2 (0: как принято)", "iterations of PBKDF2 (0: the default)"}))
	fl.BoolVar(&f.force, "force", false, a.t(text{"заменить существующий файл", "replace an existing file"}))
	c.MarkFlagsOneRequired("pfx", "p8", "pem")
	c.MarkFlagsMutuallyExclusive("pfx", "p8", "pem")
	return c
}

// maxIterations is the most that `key export --iterations` takes: more than
// any reader accepts.
const maxIterations = 10_000_000

func (a *app) keyExport(ctx context.Context, name string, f exportFlags) error {
	switch f.cipher {
	case "", "gost28147", "kuznyechik", "magma":
	default:
		return usageErrorf(text{"неизвестный шифр «%s»: gost28147, kuznyechik, magma", "unknown cipher %q: gost28147, kuznyechik, magma"}, f.cipher)
	}
	if f.iterations < 0 || f.iterations > maxIterations || f.iterations > 0 && f.iterations < 1000 {
		return usageErrorf(text{"--iterations: от 1000 до %d", "--iterations: from 1000 to %d"}, maxIterations)
	}
	out := output{path: f.pfx + f.p8 + f.pem, force: f.force, mode: 0o600}
	if err := out.checkFree(); err != nil {
		return err
	}
	k, err := a.openKey(ctx, name, secretPassword)
	if err != nil {
		return err
	}
	defer k.close()
	pw, err := a.newPassword(secretNewPassword, text{"файл " + out.path, "file " + out.path})
	if err != nil {
		return err
	}
	defer wipe(pw)
	raw, err := encodeKey(k, name, pw, f)
	if err != nil {
		return inKey(name, err)
	}
	defer wipe(raw)
	if err := a.writeBytes(out, raw); err != nil {
		return err
	}
	return a.done(out.path, text{"ключ выгружен: %s", "the key is exported: %s"})
}

// encodeKey writes a key in the form that the flags name.
func encodeKey(k *openedKey, name string, pw []byte, f exportFlags) ([]byte, error) {
	key, err := k.private()
	if err != nil {
		return nil, err
	}
	if f.pfx != "" {
		return pfx.Encode(rand.Reader, &pfx.Contents{Key: key, Certificate: k.cert, Chain: k.chain, FriendlyName: name}, pw,
			pfx.Options{Cipher: f.cipher, Iterations: f.iterations})
	}
	plain, err := alg.MarshalPKCS8(key)
	if err != nil {
		return nil, err
	}
	defer wipe(plain)
	raw, err := alg.EncryptPKCS8(rand.Reader, plain, pw, alg.PBES2{Cipher: f.cipher, Iterations: f.iterations})
	if err != nil || f.p8 != "" {
		return raw, err
	}
	out := pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: raw})
	certs := k.chain
	if k.cert != nil {
		certs = append([]*pki.Certificate{k.cert}, certs...)
	}
	for _, c := range certs {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return out, nil
}

// A keyCheck is the answer of `key check --json`.
type keyCheck struct {
	Status string    `json:"status"`
	Key    string    `json:"key"`
	Checks []keyTest `json:"checks"`
	failed *userError
}

// A keyTest is one thing that was checked about a key.
type keyTest struct {
	ID     string `json:"id"`
	Result string `json:"result"`
	Detail string `json:"detail"`
}

func (a *app) keyCheckCommand() *cobra.Command {
	var cert string
	var at moment
	c := &cobra.Command{
		Use:   "check K [--cert F]",
		Short: a.t(text{"годен ли ключ: подписывает ли, подходит ли сертификат, не истёк ли срок", "can the key sign, does its certificate match, is it within its dates"}),
		Args:  args(1, 1, text{"ключ", "the key"}),
		RunE: func(cmd *cobra.Command, arg []string) error {
			k, err := a.openKey(cmd.Context(), arg[0], secretPassword)
			if err != nil {
				return err
			}
			defer k.close()
			subject := k.cert
			if cert != "" {
				if subject, err = a.readCertificate(cert); err != nil {
					return err
				}
			}
			return a.printKeyCheck(a.checkKey(k, subject, at.or(a.now)))
		},
	}
	c.Flags().StringVar(&cert, "cert", "", a.t(text{"сертификат, с которым сверить ключ", "the certificate to compare the key with"}))
	a.atFlag(c, &at)
	return c
}

// checkKey signs and verifies a probe, then looks at the certificate.
func (a *app) checkKey(k *openedKey, cert *pki.Certificate, at time.Time) *keyCheck {
	r := &keyCheck{Status: "valid", Key: alg.KeyName(k.signer.Public())}
	r.add("can-sign", trySigning(k), text{"ключ подписывает", "the key signs"}, a)
	if !k.notBefore.IsZero() || !k.notAfter.IsZero() {
		r.add("container-usage-period", within(at, k.notBefore, k.notAfter, true), usagePeriod(k.notBefore, k.notAfter), a)
	}
	if cert == nil {
		r.Checks = append(r.Checks, keyTest{"certificate", "skipped", a.t(text{"сертификата при ключе нет", "the key carries no certificate"})})
		return r
	}
	var err error
	if cert.PublicKey == nil || !alg.EqualKeys(cert.PublicKey, k.signer.Public()) {
		err = refusedf(text{"ключ не подходит к сертификату «%s»", "the key does not belong to the certificate %q"}, cert.Subject.String())
	}
	r.add("matches-certificate", err, text{"ключ подходит к сертификату", "the key belongs to the certificate"}, a)
	r.add("certificate-validity", within(at, cert.NotBefore, cert.NotAfter, false),
		text{"сертификат действует до " + stamp(cert.NotAfter), "the certificate is valid until " + stamp(cert.NotAfter)}, a)
	if !cert.PrivateKeyNotBefore.IsZero() || !cert.PrivateKeyNotAfter.IsZero() {
		r.add("private-key-usage-period", within(at, cert.PrivateKeyNotBefore, cert.PrivateKeyNotAfter, true),
			usagePeriod(cert.PrivateKeyNotBefore, cert.PrivateKeyNotAfter), a)
	}
	return r
}

func (r *keyCheck) add(id string, err error, good text, a *app) {
	if err == nil {
		r.Checks = append(r.Checks, keyTest{id, "passed", a.t(good)})
		return
	}
	u := a.sentence(err)
	r.Checks = append(r.Checks, keyTest{id, "failed", a.t(u.message)})
	r.Status = "invalid"
	if r.failed == nil {
		r.failed = u
	}
}

// usagePeriod says for how long a private key may sign; either end may be open.
func usagePeriod(from, until time.Time) text {
	if until.IsZero() {
		return text{"ключом можно подписывать с " + stamp(from), "the key may sign from " + stamp(from)}
	}
	return text{"ключом можно подписывать до " + stamp(until), "the key may sign until " + stamp(until)}
}

// within checks a period whose ends may be open, and names the missed date.
func within(at, from, until time.Time, private bool) error {
	if !from.IsZero() && at.Before(from) || !until.IsZero() && at.After(until) {
		return periodOf(private, from, until, at)
	}
	return nil
}

// trySigning signs a random probe and verifies it.
func trySigning(k *openedKey) error {
	if err := canSign(k); err != nil {
		return err
	}
	probe := make([]byte, 32)
	if _, err := io.ReadFull(rand.Reader, probe); err != nil {
		return err
	}
	pub := k.signer.Public()
	id := alg.SignatureForKey(pub)
	sig, err := alg.SignMessage(rand.Reader, k.signer, id, probe)
	if err != nil {
		return err
	}
	if err := alg.VerifyMessage(pub, id, alg.Identifier{}, probe, sig); err != nil {
		return errors.Join(errors.New("the key's own signature does not verify"), err)
	}
	return nil
}

// printKeyCheck prints the answer; what failed decides the exit code.
func (a *app) printKeyCheck(r *keyCheck) error {
	if a.json {
		if err := a.printJSON(r); err != nil {
			return err
		}
	} else {
		a.sayf(text{"Ключ: %s", "Key: %s"}, r.Key)
		for _, c := range r.Checks {
			fmt.Fprintf(a.out, "  %s %s: %s\n", marks[c.Result], c.ID, safe(c.Detail))
		}
	}
	if r.failed == nil {
		return nil
	}
	if a.json {
		return verdict{exitRefused}
	}
	r.failed.code = exitRefused
	return r.failed
}
