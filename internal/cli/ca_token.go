package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gosklyuch/gosklyuch/token/pkcs11"
)

// keyURIFile stands in an authority's folder in place of ca.key where the key
// lives on a token: one line with its URI. It holds no secret; pin-source in it
// names the file of the PIN, so that a service can start without a person.
const keyURIFile = "ca.key.uri"

// maxKeyURI bounds that file: a URI has at most 4096 octets.
const maxKeyURI = 8192

// readKeyURI returns the URI of an authority's key, "" if it has none.
func readKeyURI(dir string) (string, error) {
	path := filepath.Join(dir, keyURIFile)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // opened for reading
	b, err := io.ReadAll(io.LimitReader(f, maxKeyURI+1))
	if err != nil {
		return "", err
	}
	uri := string(bytes.TrimSpace(b))
	if len(b) > maxKeyURI || !pkcs11.IsURI(uri) {
		return "", failedf(text{"%s: здесь должен быть один URI pkcs11:…", "%s: one URI pkcs11:… is expected here"}, path).
			withHint(text{"возьмите резервную копию", "use a backup copy"})
	}
	return uri, nil
}

// newAuthorityTokenKey makes the key of an authority on a token.
func (a *app) newAuthorityTokenKey(ctx context.Context, f *initFlags) (*authorityKey, error) {
	if err := storeURI(f.store); err != nil {
		return nil, err
	}
	u, err := pkcs11.ParseURI(f.store)
	if err != nil {
		return nil, err
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	n := &newTokenKey{label: u.Object, algorithmFlags: f.algorithmFlags, set256: "cryptopro-a", secret: a.initPassword(f.parent)}
	if n.label == "" {
		abs, err := filepath.Abs(f.dir)
		if err != nil {
			return nil, err
		}
		n.label = filepath.Base(abs)
	}
	source, err := absoluteSource(u.PINSource)
	if err != nil {
		return nil, err
	}
	t, err := a.openNewKeyStore(ctx, &f.storeFlags, n)
	if err != nil {
		return nil, err
	}
	key, err := a.createOnToken(ctx, t, n)
	if err != nil {
		t.close()
		return nil, err
	}
	full := key.URI()
	full.PINSource = source
	return &authorityKey{
		signer: key, file: keyURIFile, text: []byte(full.String() + "\n"), close: t.close,
		undo: func() error {
			if _, err := t.destroyKey(ctx, key); err != nil {
				return fmt.Errorf("the new key stays on the token: %w", err)
			}
			return nil
		},
	}, nil
}

// absoluteSource makes the file of pin-source independent of where the service
// is started.
func absoluteSource(source string) (string, error) {
	if source == "" || strings.HasPrefix(source, "file:") {
		return source, nil
	}
	return filepath.Abs(source)
}
