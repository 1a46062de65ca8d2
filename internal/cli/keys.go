package cli

import (
	"context"
	"crypto"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/pfx"
	"github.com/gosklyuch/gosklyuch/token/soft"
)

// An openedKey is a private key ready for use, with what came with it.
type openedKey struct {
	signer crypto.Signer
	cert   *pki.Certificate
	chain  []*pki.Certificate
	// private is the key itself, for export; it is wiped by close.
	private func() (crypto.Signer, error)
	close   func() // wipes the key
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
	case strings.HasPrefix(name, "pkcs11:"):
		return nil, noTokens()
	}
	if !strings.ContainsAny(name, `/\`) {
		k, err := a.openContainer(ctx, name, kind)
		if !errors.Is(err, soft.ErrNotFound) {
			return k, err
		}
	}
	return a.openKeyFile(name, kind)
}

func noTokens() *userError {
	return failedf(text{"токены PKCS #11 пока не поддерживаются", "PKCS #11 tokens are not supported yet"}).
		withHint(text{"используйте контейнер или файл .pfx", "use a container or a .pfx file"})
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
	return &openedKey{signer: k, private: k.Private, cert: k.Certificate(), chain: k.Info().Chain, close: func() { k.Close() }}, nil //nolint:errcheck,gosec // wiping cannot fail
}

func (a *app) openKeyFile(path string, kind secretKind) (*openedKey, error) {
	if st, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(path, `/\.`) {
		return nil, failedf(text{"нет ни контейнера, ни файла с именем %s", "there is neither a container nor a file named %s"}, path).
			withHint(text{"список контейнеров: gosklyuch key list", "the list of containers: gosklyuch key list"})
	} else if err == nil && st.IsDir() {
		return nil, notContainerFolder(path)
	}
	c, err := a.readKeyFile(path, kind)
	if err != nil {
		return nil, err
	}
	own := func() (crypto.Signer, error) { return c.Key, nil }
	return &openedKey{signer: c.Key, private: own, cert: c.Certificate, chain: c.Chain, close: func() { alg.Destroy(c.Key) }}, nil
}

// notContainerFolder says what a folder is that was given as a key.
func notContainerFolder(path string) error {
	if _, err := os.Stat(filepath.Join(path, "header.key")); err == nil {
		return failedf(text{"%s: контейнеры КриптоПро пока не поддерживаются", "%s: CryptoPro containers are not supported yet"}, path).
			withHint(text{"выгрузите ключ в .pfx по RFC 9548", "export the key to a .pfx by RFC 9548"})
	}
	return failedf(text{"%s: это папка, а не ключ", "%s: this is a folder, not a key"}, path)
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
