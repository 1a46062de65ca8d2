package trust

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/files"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
)

// The store's files beside the anchors. They are written to a temporary name and
// renamed. Whoever can write them can add anchors as well: they are believed.
const (
	listFile    = "list.json"
	originsFile = "origins.json"
)

var (
	// ErrNoList says that the store has no trust-service list.
	ErrNoList = errors.New("trust: no trust-service list was imported")
	// ErrState says that a file of the store beside the anchors is damaged.
	ErrState = errors.New("trust: a file of the store is damaged")
)

// origins is what the store remembers of where lists and bundles came from.
type origins struct {
	List    [][]byte      `json:"list,omitempty"` // pinned certificates, DER
	Bundle  [][]byte      `json:"bundle,omitempty"`
	Bundles []BundleState `json:"bundles,omitempty"`
}

// BundleState is what the store knows of the last bundle of an origin.
type BundleState struct {
	Pinned   string    `json:"pinned"` // Streebog-256 of the pinned certificate
	Serial   int64     `json:"serial"`
	Date     time.Time `json:"date"`
	Digest   string    `json:"digest"`
	Imported time.Time `json:"imported"`
	Anchors  []string  `json:"anchors"` // ids of the anchors that are here because of it
}

// Outdated reports whether the bundle is older than MaxAge.
func (b *BundleState) Outdated(now time.Time) bool { return now.Sub(b.Date) > MaxAge }

// load reads one file of the store into v; false where there is none.
func (s *Store) load(name string, v any) (bool, error) {
	name = filepath.Join(s.dir, name)
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("trust: %w", err)
	}
	if info.Size() > limits.TrustState {
		return false, fmt.Errorf("%w: %s: more than %d octets", ErrState, name, limits.TrustState)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return false, fmt.Errorf("trust: %w", err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return false, fmt.Errorf("%w: %s: %w", ErrState, name, err)
	}
	return true, nil
}

func (s *Store) save(name string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("trust: %w", err)
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("trust: %w", err)
	}
	if err := files.Replace(filepath.Join(s.dir, name), ".anchor-", data); err != nil {
		return fmt.Errorf("trust: %w", err)
	}
	return nil
}

// TrustList returns the list of the last import, ErrNoList where there was none.
func (s *Store) TrustList() (*List, error) {
	l := new(List)
	ok, err := s.load(listFile, l)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, ErrNoList
	}
	l.index()
	return l, nil
}

// SaveList keeps a list that ReadList accepted, in place of the one before, and
// pins the certificate that vouched for it. A list that is older than the one
// that is kept is refused with ErrRollback.
func (s *Store) SaveList(l *List) error {
	old, err := s.TrustList()
	switch {
	case errors.Is(err, ErrNoList):
	case err != nil:
		return err
	case l.Date.Before(old.Date), l.Date.Equal(old.Date) && l.Version < old.Version:
		return fmt.Errorf("%w: version %d of %s, the store has version %d of %s", ErrRollback,
			l.Version, l.Date.Format(time.RFC3339), old.Version, old.Date.Format(time.RFC3339))
	}
	var o origins
	if _, err := s.load(originsFile, &o); err != nil {
		return err
	}
	if err := s.save(listFile, l); err != nil {
		return err
	}
	o.List = remember(o.List, l.pin)
	return s.save(originsFile, o)
}

// remember adds a pinned certificate to those of earlier imports.
func remember(list [][]byte, pin *pki.Certificate) [][]byte {
	if pin == nil || slices.ContainsFunc(list, func(der []byte) bool { return bytes.Equal(der, pin.Raw) }) {
		return list
	}
	return append(list, pin.Raw)
}

// Bundles returns what the store knows of the bundles that were imported.
func (s *Store) Bundles() ([]BundleState, error) {
	var o origins
	_, err := s.load(originsFile, &o)
	return o.Bundles, err
}

// SaveBundle makes the anchors of a bundle that ReadBundle accepted those of the
// store, and removes the ones that are there because of an earlier bundle of
// the same origin and not in this one. Anchors that were added in another way
// stay. A bundle with a lower serial than the last, or with the same serial and
// another content, is refused with ErrRollback. A bundle with an anchor that
// cannot be one is refused whole, with ErrUnusable; what a failing disk leaves
// half done the next import finishes.
func (s *Store) SaveBundle(b *Bundle, now time.Time) (added, removed []Anchor, err error) {
	var o origins
	if _, err := s.load(originsFile, &o); err != nil {
		return nil, nil, err
	}
	i := slices.IndexFunc(o.Bundles, func(x BundleState) bool { return x.Pinned == b.Pinned })
	if i < 0 {
		if len(o.Bundles) == limits.TrustBundles {
			return nil, nil, fmt.Errorf("trust: bundles of more than %d origins", limits.TrustBundles)
		}
		i, o.Bundles = len(o.Bundles), append(o.Bundles, BundleState{Pinned: b.Pinned})
	}
	state := &o.Bundles[i]
	if b.Serial < state.Serial || b.Serial == state.Serial && b.Digest != state.Digest {
		return nil, nil, fmt.Errorf("%w: serial %d, the store has %d", ErrRollback, b.Serial, state.Serial)
	}
	for k, c := range b.Anchors {
		if err := usable(c); err != nil {
			return nil, nil, fmt.Errorf("%w (anchors[%d] of the bundle)", err, k)
		}
	}
	keep, fresh := s.claims(b, o.Bundles, i)
	// The claim is on disk before the first anchor: after a crash the next bundle
	// of the origin must still be able to take back what this one brought.
	before := state.Anchors
	state.Anchors = union(before, fresh)
	if err := s.save(originsFile, o); err != nil {
		return nil, nil, err
	}
	for _, c := range b.Anchors {
		a, isNew, err := s.Add(c)
		if err != nil {
			return added, nil, err
		}
		if isNew {
			added = append(added, a)
		}
	}
	for _, id := range before {
		if slices.Contains(keep, id) || heldByOther(o.Bundles, i, id) {
			continue
		}
		a, err := s.Remove(id)
		if errors.Is(err, ErrNotFound) {
			continue // a person has removed it
		}
		if err != nil {
			return added, removed, err
		}
		removed = append(removed, a)
	}
	*state = BundleState{Pinned: b.Pinned, Serial: b.Serial, Date: b.Date, Digest: b.Digest, Imported: now.UTC(), Anchors: fresh}
	o.Bundle = remember(o.Bundle, b.pin)
	return added, removed, s.save(originsFile, o)
}

// claims returns the ids of the bundle's anchors, and those among them that are in
// the store because of bundles: a person's own anchors are not claimed.
func (s *Store) claims(b *Bundle, states []BundleState, self int) (keep, fresh []string) {
	for _, c := range b.Anchors {
		id := newAnchor(c, time.Time{}).ID
		keep = append(keep, id)
		_, err := s.read(filepath.Join(s.dir, id+suffix))
		if err != nil || slices.Contains(states[self].Anchors, id) || heldByOther(states, self, id) {
			fresh = append(fresh, id)
		}
	}
	return keep, fresh
}

// union returns the ids of both lists, each once.
func union(a, b []string) []string {
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.Compact(out)
}

// heldByOther reports whether the bundle of another origin brought the anchor too.
func heldByOther(list []BundleState, self int, id string) bool {
	for i, x := range list {
		if i != self && slices.Contains(x.Anchors, id) {
			return true
		}
	}
	return false
}

// ListPins returns the certificates that were pinned when a list was imported.
func (s *Store) ListPins() (*Pins, error) {
	return s.pins(func(o *origins) [][]byte { return o.List })
}

// BundlePins is ListPins for bundles.
func (s *Store) BundlePins() (*Pins, error) {
	return s.pins(func(o *origins) [][]byte { return o.Bundle })
}

func (s *Store) pins(which func(*origins) [][]byte) (*Pins, error) {
	var o origins
	if _, err := s.load(originsFile, &o); err != nil {
		return nil, err
	}
	p := new(Pins)
	for _, der := range which(&o) {
		c, err := pki.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrState, originsFile, err)
		}
		p.Add(c)
	}
	return p, nil
}
