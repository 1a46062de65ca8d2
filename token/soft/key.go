package soft

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/token"
)

// ErrClosed is returned by a key after Close.
var ErrClosed = errors.New("soft: the key was closed")

// Key is the key of a container: unlocked, or one that asks for its password
// at the first signature. It implements [token.Key]; its methods may be called
// from several goroutines.
type Key struct {
	info  Info
	store *Store          // for keys that ask; nil otherwise
	ctx   context.Context //nolint:containedctx // crypto.Signer has no room for one

	mu     sync.Mutex
	key    crypto.Signer // nil while locked and after Close
	closed bool
}

// Public returns the public key.
func (k *Key) Public() crypto.PublicKey { return k.info.PublicKey }

// ID returns the key identifier, 20 octets.
func (k *Key) ID() []byte { return append([]byte(nil), k.info.KeyID...) }

// Label returns the label of the container.
func (k *Key) Label() string { return k.info.Label }

// Certificate returns the key's certificate, nil if the container has none.
func (k *Key) Certificate() *pki.Certificate { return k.info.Certificate }

// Info returns the public part of the container.
func (k *Key) Info() Info { return k.info }

// Sign signs a digest as the key's own type does.
func (k *Key) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.unlock(); err != nil {
		return nil, err
	}
	return k.key.Sign(rand, digest, opts)
}

// Private returns the key itself, for export. It is wiped when k is closed and
// must not be used after that.
func (k *Key) Private() (crypto.Signer, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.unlock(); err != nil {
		return nil, err
	}
	return k.key, nil
}

// Close wipes the private key.
func (k *Key) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.key != nil {
		alg.Destroy(k.key)
	}
	k.key, k.closed = nil, true
	return nil
}

// unlock asks for the password until one fits or the person gives up.
func (k *Key) unlock() error {
	switch {
	case k.closed:
		return ErrClosed
	case k.key != nil:
		return nil
	case k.store == nil || k.store.pin == nil:
		return &token.PINError{Retries: -1}
	}
	for again := false; ; again = true {
		password, err := k.store.pin(k.ctx, token.Prompt{
			Secret: token.SecretPassword, Store: k.store.dir, Key: k.info.Label, Retries: -1, Again: again,
		})
		if err != nil {
			return fmt.Errorf("soft: password: %w", err)
		}
		opened, err := k.store.Unlock(k.ctx, k.info.Name, password)
		clear(password)
		if errors.Is(err, ErrPassword) {
			continue
		}
		if err != nil {
			return err
		}
		k.key = opened.key
		return nil
	}
}
