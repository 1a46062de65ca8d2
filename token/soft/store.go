package soft

import (
	"context"
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/gosklyuch/gosklyuch/internal/files"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/token"
)

// Iterations is the number of PBKDF2 iterations of a new container, about 0.3 s
// on one server core in portable Go: a person does not notice it at each
// signature, and a guess costs as much.
const Iterations = 80_000

// Store is a directory of containers. Make one with Open. Its methods may be
// called from several goroutines and several processes.
type Store struct {
	dir        string
	pin        token.PINFunc
	now        func() time.Time
	iterations int
}

// Open opens the directory of containers, and makes it with mode 0700 where it
// does not exist. A directory that others may read is closed to them.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("soft: %w", err)
	}
	st, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("soft: %w", err)
	}
	if st.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(dir, 0o700); err != nil { //nolint:gosec // a directory needs the x bit
			return nil, fmt.Errorf("soft: others may read %s: %w", dir, err)
		}
	}
	return &Store{dir: dir, now: time.Now, iterations: Iterations}, nil
}

// WithPIN returns the same store with a function that gives passwords, which
// the keys of [Store.Keys] need to sign.
func (s *Store) WithPIN(pin token.PINFunc) *Store {
	c := *s
	c.pin = pin
	return &c
}

// Close releases nothing: the store keeps no file open.
func (s *Store) Close() error { return nil }

// read returns a container's file, parsed.
func (s *Store) read(name string) (*container, error) {
	file, err := fileName(name)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(filepath.Join(s.dir, file))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %q", ErrNotFound, name)
	}
	if err != nil {
		return nil, fmt.Errorf("soft: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limits.KeyFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("soft: %w", err)
	}
	return parseContainer(data)
}

// Create stores a new key under name. The error is a [*NameError], a
// [*PasswordError], [ErrExists], or [ErrMismatch] for a certificate of another
// key.
func (s *Store) Create(ctx context.Context, name string, key crypto.Signer, password []byte, meta Meta) error {
	file, err := fileName(name)
	if err != nil {
		return err
	}
	if err := CheckPassword(password); err != nil {
		return err
	}
	c, err := s.newContainer(name, key, meta)
	if err != nil {
		return err
	}
	if err := c.seal(rand.Reader, key, password, s.iterations); err != nil {
		return err
	}
	data, err := c.marshal()
	if err != nil {
		return err
	}
	return s.locked(ctx, func() error {
		_, err := os.Lstat(filepath.Join(s.dir, file))
		if err == nil {
			return fmt.Errorf("%w: %q", ErrExists, name)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("soft: %w", err)
		}
		return s.writeFile(file, data)
	})
}

// newContainer fills the public part.
func (s *Store) newContainer(name string, key crypto.Signer, meta Meta) (*container, error) {
	spki, err := alg.MarshalPublicKey(key.Public())
	if err != nil {
		return nil, fmt.Errorf("soft: %w", err)
	}
	c := &container{
		label: meta.Label, created: s.now().UTC().Truncate(time.Second), spki: spki,
		notBefore: meta.NotBefore.UTC().Truncate(time.Second), notAfter: meta.NotAfter.UTC().Truncate(time.Second),
	}
	if c.label == "" {
		c.label = name
	}
	if len(c.label) > maxLabel {
		return nil, fmt.Errorf("soft: the label has more than %d octets", maxLabel)
	}
	if meta.NotBefore.IsZero() != meta.NotAfter.IsZero() || meta.NotAfter.Before(meta.NotBefore) {
		return nil, errors.New("soft: the usage period has one end, or ends before it starts")
	}
	if err := c.setCertificates(meta.Certificate, meta.Chain); err != nil {
		return nil, err
	}
	return c, nil
}

// locked runs f under the lock of the store.
func (s *Store) locked(ctx context.Context, f func() error) error {
	release, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer release()
	if err := s.sweep(); err != nil {
		return err
	}
	return f()
}

// update reads a container, lets change alter it and writes it back, under the
// lock, so that two processes never undo each other.
func (s *Store) update(ctx context.Context, name string, change func(*container) error) error {
	file, err := fileName(name)
	if err != nil {
		return err
	}
	return s.locked(ctx, func() error {
		c, err := s.read(name)
		if err != nil {
			return err
		}
		if err := change(c); err != nil {
			return err
		}
		data, err := c.marshal()
		if err != nil {
			return err
		}
		return s.writeFile(file, data)
	})
}

// Show returns the public part of a container, without its password. Label,
// times and public key are confirmed only by [Store.Unlock].
func (s *Store) Show(name string) (*Info, error) {
	c, err := s.read(name)
	if err != nil {
		return nil, err
	}
	return c.info(name)
}

// List returns the public parts of all containers, ordered by name. A file that
// cannot be read gives an Info with Name and Err.
func (s *Store) List(ctx context.Context) ([]Info, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("soft: %w", err)
	}
	var out []Info
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		name, ok := strings.CutSuffix(e.Name(), suffix)
		if !ok || strings.HasPrefix(name, ".") {
			continue
		}
		i, err := s.Show(norm.NFC.String(name))
		if errors.Is(err, ErrNotFound) {
			continue // deleted meanwhile
		}
		if err != nil {
			i = &Info{Name: name, Err: err}
		}
		out = append(out, *i)
	}
	return out, nil
}

// Delete removes a container for good.
func (s *Store) Delete(ctx context.Context, name string) error {
	file, err := fileName(name)
	if err != nil {
		return err
	}
	return s.locked(ctx, func() error {
		err := os.Remove(filepath.Join(s.dir, file))
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w: %q", ErrNotFound, name)
		}
		if err != nil {
			return fmt.Errorf("soft: %w", err)
		}
		if err := files.SyncDir(s.dir); err != nil {
			return fmt.Errorf("soft: %w", err)
		}
		return nil
	})
}

// InstallCertificate replaces the certificate and the chain of a container. No
// password is needed. The error is [ErrMismatch] if the certificate has another
// public key.
func (s *Store) InstallCertificate(ctx context.Context, name string, cert *pki.Certificate, chain []*pki.Certificate) error {
	return s.update(ctx, name, func(c *container) error { return c.setCertificates(cert, chain) })
}

// ChangePassword encrypts the key anew.
func (s *Store) ChangePassword(ctx context.Context, name string, old, password []byte) error {
	if err := CheckPassword(password); err != nil {
		return err
	}
	return s.update(ctx, name, func(c *container) error {
		key, err := c.open(old)
		if err != nil {
			return err
		}
		defer alg.Destroy(key)
		return c.seal(rand.Reader, key, password, s.iterations)
	})
}

// Unlock opens a container. The error is [ErrPassword] or [ErrDamaged]; the
// password is not wiped. Close the key after use.
func (s *Store) Unlock(ctx context.Context, name string, password []byte) (*Key, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c, err := s.read(name)
	if err != nil {
		return nil, err
	}
	info, err := c.info(name)
	if err != nil {
		return nil, err
	}
	key, err := c.open(password)
	if err != nil {
		return nil, err
	}
	return &Key{info: *info, key: key}, nil
}

// Keys goes through the containers. Their keys ask for the password at the
// first signature, through the function given to [Store.WithPIN].
func (s *Store) Keys(ctx context.Context) iter.Seq2[token.Key, error] {
	return func(yield func(token.Key, error) bool) {
		list, err := s.List(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, i := range list {
			if i.Err != nil {
				if !yield(nil, fmt.Errorf("soft: container %q: %w", i.Name, i.Err)) {
					return
				}
				continue
			}
			if !yield(&Key{info: i, store: s, ctx: ctx}, nil) {
				return
			}
		}
	}
}
