package ca

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki"
)

// What Publish refuses.
var (
	// ErrNoLists: the settings have no lists to publish.
	ErrNoLists = errors.New("ca: the settings name no published lists")
	// ErrNoBase: there is no complete list in the folder on which delta lists
	// could build: a complete one is to be published first.
	ErrNoBase = errors.New("ca: no complete list to build a delta list on")
)

// Published is what one publication put into the folder.
type Published struct {
	Number     uint64    `json:"number"`
	Base       uint64    `json:"base,omitempty"` // of delta lists: the number of the complete ones
	ThisUpdate time.Time `json:"thisUpdate"`
	NextUpdate time.Time `json:"nextUpdate"`
	Entries    int       `json:"entries"` // of the list for all certificates
	Files      []string  `json:"files"`   // their names in the folder
}

// Publish signs the complete list and the list of each partition, or with delta
// the delta list of each, and puts them into a folder, which is made if it is
// not there. All lists of a publication have one number, which is on the ledger
// before they are in the folder; each file is replaced in one step. Entries go
// from the ledger to the files in a stream.
//
// RFC 5280, section 5.2.3: complete and delta lists "MUST share one numbering
// sequence". A ledger that was restored from an old backup may know a lower
// number than the authority's own lists in the folder have: the next number is
// behind theirs too, and what they had is on record ("folder").
func (i *Issuer) Publish(ctx context.Context, dir string, delta bool, actor string) (Published, error) {
	var out Published
	if i.settings.Lists == nil || delta && i.settings.Lists.DeltaMinutes == 0 {
		return out, ErrNoLists
	}
	i.publishing.Lock()
	defer i.publishing.Unlock()
	now := i.seconds()
	if err := i.checkValidity(now); err != nil {
		return out, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // the folder is for everybody
		return out, fmt.Errorf("ca: publish: %w", err)
	}
	p := &publication{i: i, dir: dir, delta: delta, now: now}
	defer p.close()
	if err := p.findHigher(ctx); err != nil {
		return out, err
	}
	if delta {
		if err := p.openBases(); err != nil {
			return out, err
		}
	}
	err := i.ledger.Update(ctx, func(tx Tx) error {
		p.close() // what a former attempt left
		return p.run(tx, actor)
	})
	if err != nil {
		return Published{}, err
	}
	return p.done, p.move()
}

// publication is one run of Publish.
type publication struct {
	i     *Issuer
	dir   string
	delta bool
	now   time.Time
	bases []*base // of delta lists, as the scopes
	// higher is the highest number of the authority's lists in the folder, where
	// the ledger does not know one as high.
	higher uint64
	lists  []*scopeList
	done   Published
}

// scopeList is a list that is being made.
type scopeList struct {
	scope  listScope
	name   string
	spool  *os.File
	out    *os.File
	writer *pki.CRLWriter
	differ *differ // of a delta list
}

func (p *publication) run(tx Tx, actor string) error {
	last, err := tx.LastCRL()
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	// RFC 5280, section 5.2.3: "a monotonically increasing sequence number".
	validity := p.i.settings.crlValidity()
	if p.delta {
		validity = p.i.settings.Lists.deltaValidity()
	}
	p.done = Published{Number: max(last.Number, p.higher) + 1, ThisUpdate: p.now, NextUpdate: p.now.Add(validity)}
	if p.delta {
		if errors.Is(err, ErrNotFound) || p.bases[0].number > last.Number {
			return ErrNoBase // the folder is another ledger's
		}
		p.done.Base = p.bases[0].number
	}
	if err := p.begin(); err != nil {
		return err
	}
	expired, err := p.collect(tx)
	if err != nil {
		return err
	}
	for _, l := range p.lists {
		if err := p.finish(l); err != nil {
			return err
		}
	}
	p.done.Entries = p.lists[0].writer.Len()
	if err := p.record(tx, last, expired); err != nil {
		return err
	}
	data := map[string]string{
		"entries": strconv.Itoa(p.done.Entries), "thisUpdate": p.done.ThisUpdate.Format(time.RFC3339), "lists": strconv.Itoa(len(p.lists)),
	}
	if p.higher > last.Number {
		data["folder"] = strconv.FormatUint(p.higher, 10)
	}
	if p.delta {
		data["base"] = strconv.FormatUint(p.done.Base, 10)
	}
	_, err = tx.Append(journal.Entry{Time: p.i.now(), Actor: actor, Event: "crl", Subject: strconv.FormatUint(p.done.Number, 10), Data: data})
	return err
}

// begin opens the files of all lists.
func (p *publication) begin() error {
	lists := p.i.settings.Lists
	for n, s := range lists.scopes() {
		l := &scopeList{scope: s, name: s.file(p.delta)}
		p.lists = append(p.lists, l)
		p.done.Files = append(p.done.Files, l.name)
		tmpl := &pki.CRLTemplate{Number: bigNumber(p.done.Number), ThisUpdate: p.done.ThisUpdate, NextUpdate: p.done.NextUpdate, IDP: lists.idp(s)}
		if p.delta {
			tmpl.BaseNumber = bigNumber(p.done.Base)
			l.differ = newDiffer(p.bases[n])
		} else if lists.DeltaMinutes > 0 {
			tmpl.FreshestCRL = lists.addresses(s, true)
		}
		var err error
		if l.spool, err = os.CreateTemp(p.dir, ".spool-*"); err != nil {
			return fmt.Errorf("ca: publish: %w", err)
		}
		if l.writer, err = pki.NewCRLWriter(tmpl, p.i.cert, p.i.key, l.spool); err != nil {
			return fmt.Errorf("ca: %w", err)
		}
	}
	return nil
}

// collect hands every entry to the lists on which it belongs, and returns those
// that need no further list: see [Issuer.CRL].
func (p *publication) collect(tx Tx) (expired []Entry, err error) {
	for e, err := range tx.Listed() {
		if err != nil {
			return nil, err
		}
		one := revokedEntry(e)
		for _, l := range p.lists {
			if !l.scope.has(e.Serial) {
				continue
			}
			if l.differ != nil {
				if changed, err := l.differ.changed(e.Serial, one); err != nil {
					return nil, err
				} else if !changed {
					continue
				}
			}
			if err := l.writer.Add(one); err != nil {
				return nil, fmt.Errorf("ca: %w", err)
			}
		}
		if e.Status == Revoked && p.now.After(e.NotAfter) {
			expired = append(expired, e)
		}
	}
	for _, l := range p.lists {
		if l.differ == nil {
			continue
		}
		gone, err := l.differ.end()
		if err != nil {
			return nil, err
		}
		if err := p.released(tx, l, gone); err != nil {
			return nil, err
		}
	}
	return expired, nil
}

// released lists the certificates that were on hold and are valid again. RFC
// 5280, section 5.2.4 (b): "If the certificate is valid and was listed on the
// referenced base CRL or any subsequent CRL with reason code certificateHold
// […], list the certificate with the reason code removeFromCRL." What left the
// list because it expired is not named.
func (p *publication) released(tx Tx, l *scopeList, gone []Serial) error {
	for _, s := range gone {
		e, err := tx.Entry(s)
		if err != nil {
			return fmt.Errorf("ca: publish: %s names %s: %w", l.name, s, err)
		}
		if e.Status != Valid {
			continue
		}
		if err := l.writer.Add(pki.RevokedEntry{Serial: s.Big(), At: p.now, Reason: pki.ReasonRemoveFromCRL}); err != nil {
			return fmt.Errorf("ca: %w", err)
		}
	}
	return nil
}

// finish signs a list into a file that is on the disk, and looks at it with the
// parser's eyes before anybody else does.
func (p *publication) finish(l *scopeList) error {
	var err error
	if l.out, err = os.CreateTemp(p.dir, ".list-*"); err != nil {
		return fmt.Errorf("ca: publish: %w", err)
	}
	size, err := l.writer.Finish(p.i.rand, l.out)
	if err != nil {
		return fmt.Errorf("ca: %w", err)
	}
	discard(l.spool)
	l.spool = nil
	err = errors.Join(l.out.Chmod(0o644), l.out.Sync())
	if err != nil {
		return fmt.Errorf("ca: publish: %w", err)
	}
	list, err := pki.OpenRevocationList(l.out, size)
	if err != nil {
		return fmt.Errorf("ca: the new CRL does not parse: %w", err)
	}
	if err := list.CheckSignatureFrom(p.i.cert); err != nil {
		return fmt.Errorf("ca: the new signature does not verify: %w", err)
	}
	if list.Len() != l.writer.Len() {
		return fmt.Errorf("ca: the new CRL has %d entries, not %d", list.Len(), l.writer.Len())
	}
	return nil
}

// record puts the publication on the ledger.
func (p *publication) record(tx Tx, last CRLEntry, expired []Entry) error {
	e := CRLEntry{Number: p.done.Number, ThisUpdate: p.done.ThisUpdate, NextUpdate: p.done.NextUpdate, Entries: p.done.Entries}
	if p.delta {
		complete := last.Number
		if last.Base > 0 {
			complete = last.Base
		}
		e = last
		e.Number, e.Base = p.done.Number, complete
		return tx.AddCRL(e)
	}
	for _, x := range expired {
		x.DroppedAfter = e.Number
		if err := tx.SetStatus(x); err != nil {
			return err
		}
	}
	st, err := p.lists[0].out.Stat()
	if err != nil {
		return fmt.Errorf("ca: publish: %w", err)
	}
	if st.Size() <= limits.ListInLedger {
		e.DER = make([]byte, st.Size())
		if _, err := p.lists[0].out.ReadAt(e.DER, 0); err != nil {
			return fmt.Errorf("ca: publish: %w", err)
		}
	}
	return tx.AddCRL(e)
}

// move gives the lists their names, partitions first: who reads the complete
// list finds the others no older.
func (p *publication) move() error {
	for n := len(p.lists) - 1; n >= 0; n-- {
		l := p.lists[n]
		if err := os.Rename(l.out.Name(), filepath.Join(p.dir, l.name)); err != nil {
			return fmt.Errorf("ca: publish: %w", err)
		}
	}
	syncDir(p.dir)
	return nil
}

// close removes what is unfinished.
func (p *publication) close() {
	for _, l := range p.lists {
		if l.differ != nil {
			l.differ.stop()
		}
		discard(l.spool)
		discard(l.out)
	}
	p.lists = nil
	p.done = Published{}
}

// discard removes a temporary file; nil is none.
func discard(f *os.File) {
	if f != nil {
		f.Close()           //nolint:errcheck,gosec // a published file was synced
		os.Remove(f.Name()) //nolint:errcheck,gosec // a published file has another name
	}
}
