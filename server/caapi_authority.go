package server

import (
	"errors"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// profileBody is a profile in the API.
type profileBody struct {
	Profile   string    `json:"profile"` // name@version
	Digest    string    `json:"digest"`  // Streebog-256 of text
	Approvals int       `json:"approvals"`
	Roles     []ca.Role `json:"roles"`
	Text      string    `json:"text,omitempty"` // the canonical YAML, of one profile alone
}

func profileOfAPI(p ca.Profile) profileBody {
	roles := p.Approvals.Roles
	if roles == nil {
		roles = []ca.Role{}
	}
	return profileBody{Profile: p.Ref(), Digest: p.Digest(), Approvals: p.Approvals.Count, Roles: roles}
}

func (s *CAService) getProfiles(w http.ResponseWriter, _ *http.Request, _ ca.Operator) error {
	list := []profileBody{}
	for _, p := range s.o.Issuer.Profiles().All() {
		list = append(list, profileOfAPI(p))
	}
	writeJSON(w, http.StatusOK, map[string]any{"profiles": list})
	return nil
}

func (s *CAService) getProfile(w http.ResponseWriter, req *http.Request, _ ca.Operator) error {
	p, err := s.o.Issuer.Profiles().Find(req.PathValue("ref"))
	if err != nil {
		return ca.ErrNotFound
	}
	text, err := p.YAML()
	if err != nil {
		return err
	}
	b := profileOfAPI(p)
	b.Text = string(text)
	writeJSON(w, http.StatusOK, b)
	return nil
}

// operatorBody is an operator in the API. The certificate names the person.
type operatorBody struct {
	Name        string    `json:"name"`
	Roles       []ca.Role `json:"roles"`
	Added       time.Time `json:"added"`
	Removed     time.Time `json:"removed,omitzero"`
	Masked      bool      `json:"masked,omitempty"`
	Certificate []byte    `json:"certificate,omitempty"`
}

func (s *CAService) getOperators(w http.ResponseWriter, req *http.Request, o ca.Operator) error {
	personal, err := s.personal(req, o)
	if err != nil {
		return err
	}
	list, err := s.o.Issuer.Operators(req.Context()) // at most limits.Operators
	if err != nil {
		return err
	}
	out := []operatorBody{}
	for _, one := range list {
		b := operatorBody{Name: one.Name, Roles: one.Roles, Added: one.Added, Removed: one.Removed, Masked: !personal}
		if personal {
			b.Certificate = one.Certificate
		}
		out = append(out, b)
	}
	writeJSON(w, http.StatusOK, map[string]any{"operators": out})
	return nil
}

// listBody is a revocation list in the API.
type listBody struct {
	Number     uint64    `json:"number"`
	Base       uint64    `json:"base,omitempty"` // of delta lists: the number of the complete ones
	ThisUpdate time.Time `json:"thisUpdate"`
	NextUpdate time.Time `json:"nextUpdate"`
	Entries    int       `json:"entries"`
	Files      []string  `json:"files,omitempty"` // in the folder of publication
}

func (s *CAService) lastList(req *http.Request) (e ca.CRLEntry, err error) {
	err = s.view(req.Context(), func(tx ca.ReadTx) error { e, err = tx.LastCRL(); return err })
	return e, err
}

func bodyOfList(e ca.CRLEntry) listBody {
	return listBody{Number: e.Number, Base: e.Base, ThisUpdate: e.ThisUpdate, NextUpdate: e.NextUpdate, Entries: e.Entries}
}

func (s *CAService) getList(w http.ResponseWriter, req *http.Request, _ ca.Operator) error {
	e, err := s.lastList(req)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, bodyOfList(e))
	return nil
}

// getListFile returns the complete list that was signed last. One that is too
// large for the ledger is fetched where lists are published.
func (s *CAService) getListFile(w http.ResponseWriter, req *http.Request, _ ca.Operator) error {
	e, err := s.o.Issuer.LastCRL(req.Context())
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/pkix-crl") // RFC 2585, section 4.2
	w.Write(e.DER)                                         //nolint:errcheck,gosec // the client may be gone
	return nil
}

// postList signs a list now, or all lists where the authority publishes into a
// folder. One is signed at a time.
func (s *CAService) postList(w http.ResponseWriter, req *http.Request, o ca.Operator) error {
	var in struct {
		Delta bool `json:"delta"`
	}
	if err := readJSON(req, &in); err != nil {
		return err
	}
	select {
	case s.signing <- struct{}{}:
		defer func() { <-s.signing }()
	default:
		return busy()
	}
	if s.o.Lists == "" {
		if in.Delta {
			return ca.ErrNoLists
		}
		e, err := s.o.Issuer.CRL(req.Context(), o.Name)
		if err != nil {
			return err
		}
		writeJSON(w, http.StatusCreated, bodyOfList(e))
		return nil
	}
	p, err := s.o.Issuer.Publish(req.Context(), s.o.Lists, in.Delta, o.Name)
	if isFileError(err) {
		s.o.Log.Error("lists not published", "request", w.Header().Get(requestIDHeader), "error", err.Error())
		return notPublished()
	}
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusCreated, listBody{p.Number, p.Base, p.ThisUpdate, p.NextUpdate, p.Entries, p.Files})
	return nil
}

// isFileError reports whether the folder of publication is the cause: it is full,
// read-only or gone.
func isFileError(err error) bool {
	return errors.As(err, new(*fs.PathError)) || errors.As(err, new(*os.LinkError))
}

func notPublished() *problem {
	return &problem{
		status: http.StatusServiceUnavailable, kind: "publication", retry: 60,
		ru: "В папку публикации не удалось записать: проверьте место на диске и права. Прежние списки действуют.",
		en: "The folder of publication cannot be written: look at the space on the disk and the permissions. The former lists stand.",
	}
}

// authorityBody is the authority's own certificate in the API.
type authorityBody struct {
	Subject     string    `json:"subject"`
	Serial      string    `json:"serial"`
	Key         string    `json:"key"`
	NotBefore   time.Time `json:"notBefore"`
	NotAfter    time.Time `json:"notAfter"`
	KeyNotAfter time.Time `json:"keyNotAfter,omitzero"`
	Certificate []byte    `json:"certificate"`
}

// signedBody says when the ends of the journal's chains were signed last.
type signedBody struct {
	Number uint64    `json:"number"`
	Time   time.Time `json:"time"`
}

// statusBody says how the authority stands.
type statusBody struct {
	Ready       bool           `json:"ready"`
	Reason      string         `json:"reason,omitempty"` // why not: validity, ledger or list
	Version     string         `json:"version"`
	Authority   authorityBody  `json:"authority"`
	List        *listBody      `json:"list"`
	Nodes       []journal.Head `json:"nodes"`
	SignedHeads *signedBody    `json:"signedHeads"`
}

func (s *CAService) getStatus(w http.ResponseWriter, req *http.Request, _ ca.Operator) error {
	c := s.o.Issuer.Certificate()
	b := statusBody{
		Reason: s.notReady(req.Context()), Version: s.o.Version, Nodes: []journal.Head{},
		Authority: authorityBody{
			Subject: c.Subject.String(), Serial: c.SerialHex(), Key: alg.KeyName(c.PublicKey), NotBefore: c.NotBefore, NotAfter: c.NotAfter,
			KeyNotAfter: c.PrivateKeyNotAfter, Certificate: c.Raw,
		},
	}
	b.Ready = b.Reason == ""
	err := s.view(req.Context(), func(tx ca.ReadTx) error {
		b.Nodes, b.List, b.SignedHeads = []journal.Head{}, nil, nil
		heads, err := tx.Heads()
		if err != nil {
			return err
		}
		for _, node := range slices.Sorted(maps.Keys(heads)) {
			b.Nodes = append(b.Nodes, heads[node])
		}
		switch e, err := tx.LastCRL(); {
		case err == nil:
			one := bodyOfList(e)
			b.List = &one
		case !errors.Is(err, ca.ErrNotFound):
			return err
		}
		switch h, err := tx.LastSignedHeads(); {
		case err == nil:
			b.SignedHeads = &signedBody{h.Number, h.Time}
		case !errors.Is(err, ca.ErrNotFound):
			return err
		}
		return nil
	})
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, b)
	return nil
}
