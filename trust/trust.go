// Package trust keeps trust anchors: the certificates from which a person
// decided that chains may start (RFC 5280, section 6.1.1 (d)). They live in one
// directory, one DER file each, named by the Streebog-256 digest of the
// certificate, so that a damaged or exchanged file is noticed.
//
// Nothing is trusted by default and nothing is fetched.
package trust

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/files"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
)

// Errors that callers branch on.
var (
	ErrNotFound  = errors.New("trust: no such anchor")
	ErrAmbiguous = errors.New("trust: several anchors begin with this id")
	ErrDamaged   = errors.New("trust: the anchor's file is damaged")
	ErrUnusable  = errors.New("trust: the certificate cannot be an anchor")
)

// suffix of an anchor's file.
const suffix = ".cer"

// minPrefix is the shortest beginning of an id that names an anchor.
const minPrefix = 4

// Store is a directory of anchors. It may be used by several processes at once:
// files appear and disappear whole.
type Store struct{ dir string }

// Open returns the store in dir. The directory is created by the first Add; one
// that does not exist has no anchors.
func Open(dir string) *Store { return &Store{dir: dir} }

// Anchor is one trusted certificate.
type Anchor struct {
	ID          string // Streebog-256 of the DER certificate, lower-case hexadecimal
	SHA256      string // the same with SHA-256
	SHA1        string // the thumbprint that CryptoPro and the portals print
	Certificate *pki.Certificate
	Added       time.Time
}

func newAnchor(c *pki.Certificate, added time.Time) Anchor {
	sha1, sha256, streebog := c.Thumbprints()
	return Anchor{
		ID: hex.EncodeToString(streebog), SHA256: hex.EncodeToString(sha256), SHA1: hex.EncodeToString(sha1),
		Certificate: c, Added: added,
	}
}

// Add stores a certificate as an anchor. Adding one that is there changes
// nothing; added is false then. A certificate with a finding of severity Error
// or without a usable public key is refused with ErrUnusable.
func (s *Store) Add(c *pki.Certificate) (a Anchor, added bool, err error) {
	if err := usable(c); err != nil {
		return Anchor{}, false, err
	}
	a = newAnchor(c, time.Now().UTC())
	name := filepath.Join(s.dir, a.ID+suffix)
	if old, err := s.read(name); err == nil {
		return old, false, nil
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return Anchor{}, false, fmt.Errorf("trust: %w", err)
	}
	if err := files.Replace(name, ".anchor-", c.Raw); err != nil {
		return Anchor{}, false, fmt.Errorf("trust: %w", err)
	}
	return a, true, nil
}

// usable says why a certificate cannot be an anchor.
func usable(c *pki.Certificate) error {
	if c == nil {
		return ErrUnusable
	}
	if f, bad := pki.FirstError(c.Findings); bad {
		return fmt.Errorf("%w: %s: %s", ErrUnusable, f.Field, f.Detail)
	}
	if c.PublicKey == nil {
		return fmt.Errorf("%w: %w", ErrUnusable, c.PublicKeyError)
	}
	return nil
}

// List returns the anchors ordered by ID. Where a file is damaged the others
// are returned beside an error that wraps ErrDamaged and names it.
func (s *Store) List() ([]Anchor, error) {
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("trust: %w", err)
	}
	var out []Anchor
	var failed error
	for _, e := range entries {
		if e.IsDir() || !strings.HasSuffix(e.Name(), suffix) || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if len(out) == limits.TrustAnchors {
			return out, fmt.Errorf("trust: more than %d anchors in %s", limits.TrustAnchors, s.dir)
		}
		a, err := s.read(filepath.Join(s.dir, e.Name()))
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b Anchor) int { return strings.Compare(a.ID, b.ID) })
	return out, failed
}

// read reads one file and checks that it is what its name says.
func (s *Store) read(name string) (Anchor, error) {
	info, err := os.Stat(name)
	if err != nil {
		return Anchor{}, fmt.Errorf("trust: %w", err)
	}
	if info.Size() > limits.CertificateBytes {
		return Anchor{}, fmt.Errorf("%w: %s: more than %d octets", ErrDamaged, name, limits.CertificateBytes)
	}
	der, err := os.ReadFile(name)
	if err != nil {
		return Anchor{}, fmt.Errorf("trust: %w", err)
	}
	c, err := pki.ParseCertificate(der)
	if err != nil {
		return Anchor{}, fmt.Errorf("%w: %s: %w", ErrDamaged, name, err)
	}
	a := newAnchor(c, info.ModTime().UTC())
	if a.ID+suffix != filepath.Base(name) {
		return Anchor{}, fmt.Errorf("%w: %s: the name is not the digest of the content", ErrDamaged, name)
	}
	return a, nil
}

// Find returns the anchor with the id: the Streebog-256, SHA-256 or SHA-1
// digest in hexadecimal, or a beginning of at least four digits that is
// unambiguous. Colons and spaces are ignored.
func (s *Store) Find(id string) (Anchor, error) {
	id = strings.ToLower(strings.NewReplacer(":", "", " ", "").Replace(id))
	if len(id) < minPrefix {
		return Anchor{}, fmt.Errorf("%w: %q: give at least %d hexadecimal digits", ErrNotFound, id, minPrefix)
	}
	list, err := s.List()
	var found []Anchor
	for _, a := range list {
		if strings.HasPrefix(a.ID, id) || strings.HasPrefix(a.SHA256, id) || strings.HasPrefix(a.SHA1, id) {
			found = append(found, a)
		}
	}
	switch len(found) {
	case 0:
		return Anchor{}, errors.Join(fmt.Errorf("%w: %s", ErrNotFound, id), err)
	case 1:
		return found[0], nil
	}
	return Anchor{}, fmt.Errorf("%w: %s", ErrAmbiguous, id)
}

// Remove deletes the anchor that Find returns for id.
func (s *Store) Remove(id string) (Anchor, error) {
	a, err := s.Find(id)
	if err != nil {
		return Anchor{}, err
	}
	if err := os.Remove(filepath.Join(s.dir, a.ID+suffix)); err != nil {
		return Anchor{}, fmt.Errorf("trust: %w", err)
	}
	return a, nil
}

// Pool returns all anchors as a pool. A damaged file is an error: a person
// believes in that anchor, and its absence would be silent.
func (s *Store) Pool() (*pki.Pool, error) { return s.pool(nil) }

// OwnPool is Pool without the anchors that are there because of bundles: only
// those that a person added one by one. One that a person had added before a
// bundle brought it stays a person's own.
func (s *Store) OwnPool() (*pki.Pool, error) {
	bundles, err := s.Bundles()
	if err != nil {
		return nil, err
	}
	return s.pool(bundles)
}

// pool returns the anchors that none of the bundles brought.
func (s *Store) pool(bundles []BundleState) (*pki.Pool, error) {
	list, err := s.List()
	if err != nil {
		return nil, err
	}
	pool := pki.NewPool()
	for _, a := range list {
		if !slices.ContainsFunc(bundles, func(b BundleState) bool { return slices.Contains(b.Anchors, a.ID) }) {
			pool.Add(a.Certificate)
		}
	}
	return pool, nil
}
