package cli

import (
	"context"
	"crypto"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/pfx"
	"github.com/gosklyuch/gosklyuch/token/cryptopro"
	"github.com/gosklyuch/gosklyuch/token/pkcs11"
	"github.com/gosklyuch/gosklyuch/token/soft"
)

// An openedKey is a private key ready for use, with what came with it.
type openedKey struct {
	signer crypto.Signer
	cert   *pki.Certificate
	chain  []*pki.Certificate
	// private is the key itself, for export; it is wiped by close. A key whose
	// owner marked it as not exportable gives an error.
	private func() (crypto.Signer, error)
	close   func() // wipes the key
	// notBefore and notAfter bound the use of the private key where its
	// container says so; zero is open.
	notBefore, notAfter time.Time
}

// keyStore opens the containers of the home.
func (a *app) keyStore() (*soft.Store, error) {
	home, err := a.homeDir()
	if err != nil {
		return nil, err
	}
	return soft.Open(filepath.Join(home, "keys"))
}

// openKey opens what --key names: a container of the home by its name, or a
// file. A name that is both is the container; ./NAME is the file.
func (a *app) openKey(ctx context.Context, name string, kind secretKind) (*openedKey, error) {
	switch {
	case name == "":
		return nil, usageError(text{"--key: имя ключа пустое", "--key: the key's name is empty"})
	case pkcs11.IsURI(name):
		return a.openTokenKey(ctx, name, kind)
	}
	if !strings.ContainsAny(name, `/\`) {
		k, err := a.openContainer(ctx, name, kind)
		if !errors.Is(err, soft.ErrNotFound) {
			return k, err
		}
	}
	return a.openKeyFile(name, kind)
}

func (a *app) openContainer(ctx context.Context, name string, kind secretKind) (*openedKey, error) {
	store, err := a.keyStore()
	if err != nil {
		return nil, err
	}
	if _, err := store.Show(name); err != nil {
		return nil, err
	}
	pw, err := a.secret(kind, text{"контейнер " + name, "container " + name})
	if err != nil {
		return nil, err
	}
	defer wipe(pw)
	k, err := store.Unlock(ctx, name, pw)
	if err != nil {
		return nil, inKey(name, err)
	}
	return &openedKey{
		signer: k, private: k.Private, cert: k.Certificate(), chain: k.Info().Chain,
		notBefore: k.Info().NotBefore, notAfter: k.Info().NotAfter, close: func() { k.Close() }, //nolint:errcheck,gosec // wiping cannot fail
	}, nil
}

func (a *app) openKeyFile(path string, kind secretKind) (*openedKey, error) {
	if st, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(path, `/\.`) {
		return nil, failedf(text{"нет ни контейнера, ни файла с именем %s", "there is neither a container nor a file named %s"}, path).
			withHint(text{"список контейнеров: gosklyuch key list", "the list of containers: gosklyuch key list"})
	} else if err == nil && st.IsDir() {
		return a.openFolder(path, kind)
	}
	c, err := a.readKeyFile(path, kind)
	if err != nil {
		return nil, err
	}
	k := &openedKey{signer: c.Key, cert: c.Certificate, chain: c.Chain, close: func() { destroy(c.Key) }}
	k.private = exportable(c.Key, !c.NotExportable, path)
	k.notBefore, k.notAfter = c.Period.NotBefore, c.Period.NotAfter
	return k, nil
}

// destroy wipes a key, whichever package holds it.
func destroy(key crypto.Signer) {
	if held, ok := key.(*pfx.HeldKey); ok {
		held.Destroy()
		return
	}
	alg.Destroy(key)
}

// canSign refuses a key whose algorithm signs no more.
func canSign(k *openedKey) error {
	if !alg.IsLegacy(k.signer.Public()) {
		return nil
	}
	return refusedf(text{
		"ключом ГОСТ Р 34.10-2001 подписать нельзя: этот стандарт сменил ГОСТ Р 34.10-2012", "a key of GOST R 34.10-2001 does not sign: GOST R 34.10-2012 has replaced that standard",
	}).withHint(text{
		"получите новый ключ и сертификат по ГОСТ Р 34.10-2012; старые подписи проверяются как прежде",
		"get a new key and certificate of GOST R 34.10-2012; old signatures verify as before",
	})
}

// exportable returns what hands out a key for export, or refuses.
func exportable(key crypto.Signer, allowed bool, name string) func() (crypto.Signer, error) {
	return func() (crypto.Signer, error) {
		if !allowed {
			return nil, notExportable(name)
		}
		return key, nil
	}
}

func notExportable(name string) *userError {
	return refusedf(text{"%s: владелец запретил выгружать этот ключ", "%s: its owner has forbidden to export this key"}, name).
		withHint(text{"подписывать им можно: --key " + name, "it can sign: --key " + name})
}

// openFolder opens a CryptoPro container. The password is asked for only if
// the container has one.
func (a *app) openFolder(dir string, kind secretKind) (*openedKey, error) {
	if !cryptopro.IsContainer(dir) {
		return nil, failedf(text{"%s: это папка, а не ключ", "%s: this is a folder, not a key"}, dir)
	}
	c, err := cryptopro.Load(dir)
	if err != nil {
		return nil, inKey(dir, err)
	}
	var pw []byte
	if c.HasPassword {
		if pw, err = a.secret(kind, text{"контейнер " + dir, "container " + dir}); err != nil {
			return nil, err
		}
		defer wipe(pw)
	}
	if err := c.Unlock(pw); err != nil {
		return nil, inKey(dir, err)
	}
	if len(c.Warnings) > 0 {
		a.warnf(text{"часть файлов контейнера %s повреждена: сделайте новую копию, пока он открывается", "some files of the container %s are damaged: copy it anew while it still opens"}, dir)
	}
	if c.CertificateErr != nil {
		a.warnf(text{"сертификат в контейнере %s не годится: укажите его через --cert", "the certificate in the container %s is of no use: give one with --cert"}, dir)
	}
	return &openedKey{
		signer: c.Key, cert: c.Certificate, chain: c.Chain, close: c.Destroy,
		private: exportable(c.Key, c.Exportable, dir), notBefore: c.NotBefore, notAfter: c.NotAfter,
	}, nil
}

// readKeyFile reads any file with a private key; the password is asked for only
// if the file is encrypted.
func (a *app) readKeyFile(path string, kind secretKind) (*pfx.Contents, error) {
	data, err := a.readFile(path)
	if err != nil {
		return nil, err
	}
	defer wipe(data)
	c, err := pfx.ReadKeyFile(data, func() ([]byte, error) { return a.secret(kind, text{"файл " + path, "file " + path}) })
	if err != nil {
		return nil, inKey(path, err)
	}
	return c, nil
}
