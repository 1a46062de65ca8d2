package server

import (
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// lastHeads are the last signed heads, nil where there are none.
func lastHeads(tx ca.ReadTx) (*journal.SignedHeads, error) {
	s, err := tx.LastSignedHeads()
	if errors.Is(err, ca.ErrNotFound) {
		return nil, nil //nolint:nilnil // none is no error here
	}
	return &s, err
}

// lastList is the last revocation list without its octets, and whether the next
// one is due; nil where there is none.
func (v *visit) lastList() (*ca.CRLEntry, bool, error) {
	e, err := v.issuer().LastCRL(v.req.Context())
	if errors.Is(err, ca.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil && !errors.Is(err, ca.ErrListInFolder) {
		return nil, false, err
	}
	e.DER = nil
	return &e, v.now().After(e.NextUpdate), nil
}

// nodeRow is a chain of the journal.
type nodeRow struct {
	Node       string
	Seq        uint64
	Last       time.Time
	Signed     uint64 // how far the signed heads reach
	HashPrefix string
}

type statusView struct {
	Ailment   string
	Subject   string
	Serial    string
	From, To  time.Time
	KeyTo     time.Time
	Key       string
	Print     string
	Days      int // that are left
	List      *ca.CRLEntry
	ListLate  bool
	Nodes     []nodeRow
	Heads     *journal.SignedHeads
	Profiles  []profileRow
	Operators []operatorRow
	Version   string
}

type profileRow struct {
	Ref, Digest string
	Approvals   int
}

type operatorRow struct {
	Name    string
	Roles   []ca.Role
	Until   time.Time
	Removed time.Time
}

// status shows the authority, its lists, its profiles, people and nodes.
func (p *operatorPage) status(v *visit) error {
	c := v.issuer().Certificate()
	_, _, streebog := c.Thumbprints()
	view := statusView{
		Subject: c.Subject.String(), Serial: c.SerialHex(), From: c.NotBefore, To: c.NotAfter, KeyTo: c.PrivateKeyNotAfter,
		Key: alg.KeyName(c.PublicKey), Print: hex.EncodeToString(streebog), Days: int(c.NotAfter.Sub(v.now()).Hours() / 24), Version: p.s.o.Version,
	}
	if why := p.s.notReady(v.req.Context()); why != "" {
		view.Ailment = "not-ready-" + why
	}
	var err error
	if view.List, view.ListLate, err = v.lastList(); err != nil {
		return err
	}
	for _, prof := range v.issuer().Profiles().All() {
		view.Profiles = append(view.Profiles, profileRow{prof.Ref(), prof.Digest(), prof.Approvals.Count})
	}
	list, err := v.issuer().Operators(v.req.Context())
	if err != nil {
		return err
	}
	for _, o := range list {
		row := operatorRow{Name: o.Name, Roles: o.Roles, Removed: o.Removed}
		if cert, err := pki.ParseCertificate(o.Certificate); err == nil {
			row.Until = cert.NotAfter
		}
		view.Operators = append(view.Operators, row)
	}
	if err := v.nodes(&view); err != nil {
		return err
	}
	return v.show("status", "status", view)
}

// nodes reads the ends of the journal's chains.
func (v *visit) nodes(view *statusView) error {
	return v.read(func(tx ca.ReadTx) error {
		view.Nodes = nil
		heads, err := tx.Heads()
		if err != nil {
			return err
		}
		if view.Heads, err = lastHeads(tx); err != nil {
			return err
		}
		names := slices.Sorted(maps.Keys(heads))
		for _, node := range names[:min(len(names), limits.PageNodes)] {
			row := nodeRow{Node: node, Seq: heads[node].Seq, HashPrefix: heads[node].Hash.String()[:16]}
			r, ok, err := recordAt(tx, node, row.Seq)
			if err != nil {
				return err
			}
			if ok {
				row.Last = r.Time
			}
			if view.Heads != nil {
				if c, ok := view.Heads.Chain(node); ok {
					row.Signed = c.Seq
				}
			}
			view.Nodes = append(view.Nodes, row)
		}
		return nil
	})
}
