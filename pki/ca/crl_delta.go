package ca

import (
	"bytes"
	"fmt"
	"iter"
	"math/big"
	"os"
	"path/filepath"
	"slices"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
)

func bigNumber(n uint64) *big.Int { return new(big.Int).SetUint64(n) }

// revokedEntry is how a list has an entry of the ledger.
func revokedEntry(e Entry) pki.RevokedEntry {
	return pki.RevokedEntry{Serial: e.Serial.Big(), At: e.RevokedAt, Reason: int(e.Reason), InvalidityDate: e.InvalidityDate}
}

// base is what a delta list of one scope builds on: the complete list in the
// folder, and what delta lists after it said.
type base struct {
	list   *pki.RevocationList
	number uint64
	since  map[Serial]bool // on the last delta list to the same base
}

// openList opens a list in the folder if it is one of this authority: nil where
// it is not there, damaged, or somebody else's.
func (i *Issuer) openList(path string) *pki.RevocationList {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	st, err := f.Stat()
	if err == nil && st.Mode().IsRegular() && st.Size() <= limits.CRLFileBytes {
		list, lerr := pki.OpenRevocationList(f, st.Size())
		if lerr == nil && list.Number != nil && list.Number.IsUint64() && list.CheckSignatureFrom(i.cert) == nil {
			return list // the file is closed when the list is garbage: os.File does that
		}
	}
	f.Close() //nolint:errcheck,gosec // opened for reading
	return nil
}

// openBases opens the complete lists of all scopes, which must be of one
// publication.
func (p *publication) openBases() error {
	lists := p.i.settings.Lists
	for _, s := range lists.scopes() {
		list := p.i.openList(filepath.Join(p.dir, s.file(false)))
		if list == nil || list.BaseNumber != nil || !sameScope(list.IDP, lists.idp(s)) {
			return fmt.Errorf("%w: %s", ErrNoBase, s.file(false))
		}
		b := &base{list: list, number: list.Number.Uint64()}
		if len(p.bases) > 0 && b.number != p.bases[0].number {
			return fmt.Errorf("%w: %s has another number than %s", ErrNoBase, s.file(false), CompleteList)
		}
		// RFC 5280, section 5.2.4 (b): "or any subsequent CRL".
		d := p.i.openList(filepath.Join(p.dir, s.file(true)))
		if d != nil && d.BaseNumber != nil && d.BaseNumber.Cmp(list.Number) == 0 {
			b.since = make(map[Serial]bool)
			for e, err := range d.Entries() {
				if err != nil {
					return fmt.Errorf("ca: publish: %s: %w", s.file(true), err)
				}
				serial, err := SerialFrom(e.Serial)
				if err != nil {
					return fmt.Errorf("ca: publish: %s: %w", s.file(true), err)
				}
				b.since[serial] = true
			}
		}
		p.bases = append(p.bases, b)
	}
	return nil
}

// sameScope: RFC 5280, section 5.2.4: a delta and its base have "the same scope",
// so a partition whose addresses were changed needs a complete list first.
func sameScope(have, want *pki.IssuingDistributionPoint) bool {
	if have == nil || want == nil {
		return have == want
	}
	if len(have.FullName) != len(want.FullName) || have.OnlyUserCerts || have.OnlyCACerts || have.IndirectCRL || have.OnlySomeReasons != 0 {
		return false
	}
	for n := range have.FullName {
		if have.FullName[n].Text != want.FullName[n].Text {
			return false
		}
	}
	return true
}

// differ goes through the entries of a base list along with those of the
// ledger, both in the order of serial numbers, and tells what changed.
type differ struct {
	next  func() (pki.RevokedEntry, error, bool)
	stop  func()
	entry pki.RevokedEntry
	at    Serial // of entry
	more  bool
	begun bool
	since map[Serial]bool // on a former delta list, and not met yet
	gone  []Serial        // on the base, and no longer on the ledger's list
}

func newDiffer(b *base) *differ {
	d := &differ{since: make(map[Serial]bool, len(b.since))}
	for s := range b.since {
		d.since[s] = true
	}
	d.next, d.stop = iter.Pull2(b.list.Entries())
	return d
}

// advance reads the next entry of the base.
func (d *differ) advance() error {
	e, err, more := d.next()
	if err != nil {
		return fmt.Errorf("ca: publish: the base list: %w", err)
	}
	before := d.at
	d.entry, d.more = e, more
	if !more {
		return nil
	}
	if d.at, err = SerialFrom(e.Serial); err != nil {
		return fmt.Errorf("ca: publish: the base list: %w", err)
	}
	if d.begun && bytes.Compare(d.at[:], before[:]) <= 0 {
		return fmt.Errorf("%w: it is not in the order of serial numbers", ErrNoBase)
	}
	d.begun = true
	return nil
}

// changed says whether an entry of the ledger's list is not on the base, or is
// there with another reason or date. Serial numbers must rise.
func (d *differ) changed(s Serial, e pki.RevokedEntry) (bool, error) {
	delete(d.since, s)
	if !d.begun {
		if err := d.advance(); err != nil {
			return false, err
		}
	}
	for d.more && bytes.Compare(d.at[:], s[:]) < 0 {
		d.gone = append(d.gone, d.at)
		delete(d.since, d.at)
		if err := d.advance(); err != nil {
			return false, err
		}
	}
	if !d.more || d.at != s {
		return true, nil
	}
	same := d.entry.At.Equal(e.At) && max(d.entry.Reason, 0) == e.Reason && d.entry.InvalidityDate.Equal(e.InvalidityDate)
	return !same, d.advance()
}

// end returns what was on the base, or on a delta list to it, and is on the
// ledger's list no more.
func (d *differ) end() ([]Serial, error) {
	defer d.stop()
	if !d.begun {
		if err := d.advance(); err != nil {
			return nil, err
		}
	}
	for d.more {
		d.gone = append(d.gone, d.at)
		delete(d.since, d.at)
		if err := d.advance(); err != nil {
			return nil, err
		}
	}
	for s := range d.since {
		d.gone = append(d.gone, s)
	}
	slices.SortFunc(d.gone, func(a, b Serial) int { return bytes.Compare(a[:], b[:]) })
	return d.gone, nil
}
