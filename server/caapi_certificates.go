package server

import (
	"errors"
	"net/http"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// certificateBody is a certificate in the API: the entry as the ledger has it,
// with the reason as RFC 5280 spells it. Certificate is its DER, in the answer
// about one certificate alone and where personal data are shown.
type certificateBody struct {
	Serial         ca.Serial `json:"serial"`
	Profile        string    `json:"profile"`
	Subject        string    `json:"subject"`
	KeyID          []byte    `json:"keyId"`
	NotBefore      time.Time `json:"notBefore"`
	NotAfter       time.Time `json:"notAfter"`
	IssuedAt       time.Time `json:"issuedAt"`
	Status         ca.Status `json:"status"`
	Expired        bool      `json:"expired"`
	RevokedAt      time.Time `json:"revokedAt,omitzero"` // of a hold: since when
	Reason         string    `json:"reason,omitempty"`
	InvalidityDate time.Time `json:"invalidityDate,omitzero"`
	Masked         bool      `json:"masked,omitempty"`
	Certificate    []byte    `json:"certificate,omitempty"`
}

func (s *CAService) certificateOf(e ca.Entry, personal bool) certificateBody {
	b := certificateBody{
		Serial: e.Serial, Profile: e.Profile, Subject: e.Subject, KeyID: e.KeyID, NotBefore: e.NotBefore, NotAfter: e.NotAfter,
		IssuedAt: e.IssuedAt, Status: e.Status, Expired: s.o.Now().After(e.NotAfter), RevokedAt: e.RevokedAt, InvalidityDate: e.InvalidityDate,
	}
	if e.Status != ca.Valid {
		b.Reason = e.Reason.String()
	}
	if !personal {
		b.Subject, b.Masked = journal.Mask(b.Subject), true
	}
	return b
}

// certificatesBody is a page of certificates.
type certificatesBody struct {
	Certificates []certificateBody `json:"certificates"`
	Next         string            `json:"next,omitempty"`
}

// sendPage writes a page. next is where to go on, zero at the end.
func (s *CAService) sendPage(w http.ResponseWriter, list []ca.Entry, next ca.Serial, personal bool) {
	out := certificatesBody{Certificates: []certificateBody{}}
	for _, e := range list {
		out.Certificates = append(out.Certificates, s.certificateOf(e, personal))
	}
	if next != (ca.Serial{}) {
		out.Next = next.String()
	}
	writeJSON(w, http.StatusOK, out)
}

// cutPage cuts what is beyond n entries off and returns where to go on.
func cutPage(list []ca.Entry, n int) ([]ca.Entry, ca.Serial) {
	if len(list) <= n {
		return list, ca.Serial{}
	}
	return list[:n], list[n-1].Serial
}

// getCertificates returns a page of the certificates in the order of their
// serial numbers: all, those of a status, or those that a text describes.
func (s *CAService) getCertificates(w http.ResponseWriter, req *http.Request, o ca.Operator) error {
	n, err := pageSize(req)
	if err != nil {
		return err
	}
	after, err := serialAfter(req)
	if err != nil {
		return err
	}
	q := req.URL.Query()
	status, text := ca.Status(q.Get("status")), q.Get("search")
	switch {
	case status != "" && status != ca.Valid && status != ca.OnHold && status != ca.Revoked:
		return badQuery("status")
	case status != "" && text != "":
		return badQuery("search")
	}
	personal, err := s.personal(req, o)
	if err != nil {
		return err
	}
	// Who sees masked names must not guess them letter by letter.
	if text != "" && !personal {
		return personalNeeded()
	}
	var list []ca.Entry
	var next ca.Serial
	if text != "" {
		list, err = s.o.Issuer.Search(req.Context(), text, after, n+1)
		list, next = cutPage(list, n)
	} else {
		list, next, err = s.byStatus(req, status, after, n)
	}
	if err != nil {
		return err
	}
	s.sendPage(w, list, next, personal)
	return nil
}

// byStatus looks at a bounded number of certificates; a page may have fewer
// entries than were asked for, or none, and still name where to go on.
func (s *CAService) byStatus(req *http.Request, status ca.Status, after ca.Serial, n int) (list []ca.Entry, next ca.Serial, err error) {
	err = s.view(req.Context(), func(tx ca.ReadTx) error {
		list, next = nil, ca.Serial{}
		seen := 0
		last := after
		for e, err := range tx.Entries(after) {
			if err != nil {
				return err
			}
			if seen++; len(list) == n || seen > limits.CAServerScan {
				next = last
				return nil
			}
			last = e.Serial
			if status == "" || e.Status == status {
				list = append(list, e)
			}
		}
		return nil
	})
	return list, next, err
}

func (s *CAService) getCertificate(w http.ResponseWriter, req *http.Request, o ca.Operator) error {
	personal, err := s.personal(req, o)
	if err != nil {
		return err
	}
	serial, err := ca.ParseSerial(req.PathValue("serial"))
	if err != nil {
		return ca.ErrNotFound
	}
	var e ca.Entry
	var der []byte
	err = s.view(req.Context(), func(tx ca.ReadTx) error {
		if e, err = tx.Entry(serial); err != nil || !personal {
			return err
		}
		der, err = tx.Certificate(serial)
		return err
	})
	if err != nil {
		return err
	}
	b := s.certificateOf(e, personal)
	b.Certificate = der
	writeJSON(w, http.StatusOK, b)
	return nil
}

func (s *CAService) getCertificateFile(w http.ResponseWriter, req *http.Request, o ca.Operator) error {
	serial, err := ca.ParseSerial(req.PathValue("serial"))
	if err != nil {
		return ca.ErrNotFound
	}
	return s.sendCertificate(w, req, o, serial)
}

// sendCertificate writes a certificate in DER. It names its holder, so who
// works on requests gets it, and others where they ask for personal data.
func (s *CAService) sendCertificate(w http.ResponseWriter, req *http.Request, o ca.Operator, serial ca.Serial) error {
	personal, err := s.personal(req, o)
	if err != nil {
		return err
	}
	if !personal {
		return personalNeeded()
	}
	var der []byte
	err = s.view(req.Context(), func(tx ca.ReadTx) (err error) { der, err = tx.Certificate(serial); return err })
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/pkix-cert") // RFC 2585, section 4.1
	h.Set("Content-Disposition", `attachment; filename="`+serial.String()+`.cer"`)
	w.Write(der) //nolint:errcheck,gosec // the client may be gone
	return nil
}

// A revoker is one of the issuer's methods that change a certificate's state.
type revoker func(ca.Revocation) (ca.Entry, error)

func (s *CAService) postRevoke(w http.ResponseWriter, req *http.Request, o ca.Operator) error {
	var in struct {
		Reason         string    `json:"reason"`
		InvalidityDate time.Time `json:"invalidityDate"`
	}
	if err := readJSON(req, &in); err != nil {
		return err
	}
	reason, err := ca.ParseReason(in.Reason)
	if err != nil {
		return badJSON(err)
	}
	r := ca.Revocation{Reason: reason, InvalidityDate: in.InvalidityDate}
	return s.change(w, req, o, r, func(r ca.Revocation) (ca.Entry, error) { return s.o.Issuer.Revoke(req.Context(), r) })
}

func (s *CAService) postHold(w http.ResponseWriter, req *http.Request, o ca.Operator) error {
	if err := readJSON(req, &struct{}{}); err != nil {
		return err
	}
	return s.change(w, req, o, ca.Revocation{}, func(r ca.Revocation) (ca.Entry, error) { return s.o.Issuer.Hold(req.Context(), r) })
}

func (s *CAService) postRelease(w http.ResponseWriter, req *http.Request, o ca.Operator) error {
	if err := readJSON(req, &struct{}{}); err != nil {
		return err
	}
	return s.change(w, req, o, ca.Revocation{}, func(r ca.Revocation) (ca.Entry, error) { return s.o.Issuer.Release(req.Context(), r) })
}

// change changes the state of a certificate; a refusal is put on record.
func (s *CAService) change(w http.ResponseWriter, req *http.Request, o ca.Operator, r ca.Revocation, f revoker) error {
	var err error
	if r.Serial, err = ca.ParseSerial(req.PathValue("serial")); err != nil {
		return ca.ErrNotFound
	}
	r.Actor = o.Name
	e, err := f(r)
	for _, known := range []struct {
		err  error
		word string
	}{
		{ca.ErrNotFound, "not-found"},
		{ca.ErrRevoked, "revoked"},
		{ca.ErrOnHold, "on-hold"},
		{ca.ErrNotOnHold, "not-on-hold"},
		{ca.ErrReason, "reason"},
		{ca.ErrInvalidityDate, "invalidity-date"},
	} {
		if errors.Is(err, known.err) {
			s.recordRefusal(req.Context(), req.Pattern, r.Serial.String(), o.Name, known.word)
			break
		}
	}
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, s.certificateOf(e, true))
	return nil
}

// period reads the parameters from and to, RFC 3339 or a date: it begins with
// the one and ends before the other.
func (s *CAService) period(req *http.Request, days int) (from, to time.Time, err error) {
	q := req.URL.Query()
	from = s.o.Now().UTC().Truncate(time.Second)
	if from, err = moment(q.Get("from"), from); err != nil {
		return from, to, badQuery("from")
	}
	if to, err = moment(q.Get("to"), from.AddDate(0, 0, days)); err != nil || !from.Before(to) {
		return from, to, badQuery("to")
	}
	if to.Sub(from) > limits.CAServerPeriod {
		return from, to, badQuery("to")
	}
	return from, to, nil
}

func moment(text string, otherwise time.Time) (time.Time, error) {
	if text == "" {
		return otherwise, nil
	}
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return t, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	return t.UTC(), err
}

// getExpiring returns a page of the certificates whose validity ends in a
// period, 30 days from now unless it is named, in the order of their ends.
func (s *CAService) getExpiring(w http.ResponseWriter, req *http.Request, o ca.Operator) error {
	n, err := pageSize(req)
	if err != nil {
		return err
	}
	after, err := serialAfter(req)
	if err != nil {
		return err
	}
	from, to, err := s.period(req, 30)
	if err != nil {
		return err
	}
	personal, err := s.personal(req, o)
	if err != nil {
		return err
	}
	list, err := s.o.Issuer.Expiring(req.Context(), from, to, after, n+1)
	if err != nil {
		return err
	}
	list, next := cutPage(list, n)
	s.sendPage(w, list, next, personal)
	return nil
}

// getDays returns how many certificates were issued and revoked, and how many
// end, on each day of a period.
func (s *CAService) getDays(w http.ResponseWriter, req *http.Request, _ ca.Operator) error {
	from, to, err := s.period(req, 90)
	if err != nil {
		return err
	}
	list, err := s.o.Issuer.Days(req.Context(), from, to)
	if err != nil {
		return err
	}
	if list == nil {
		list = []ca.DayCount{}
	}
	writeJSON(w, http.StatusOK, map[string]any{"days": list})
	return nil
}
