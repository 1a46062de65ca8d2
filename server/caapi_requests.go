package server

import (
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/http"
	"strings"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// requestBody is a request in the API: the entry as the ledger has it, with the
// subject for people. Where personal data are masked, the request itself and
// the renewal are left out: they cannot be masked without breaking them.
type requestBody struct {
	ca.RequestEntry
	CSR     []byte `json:"csr,omitempty"`
	Subject string `json:"subject"`
	Masked  bool   `json:"masked,omitempty"`
}

func bodyOf(e ca.RequestEntry, personal bool) requestBody {
	b := requestBody{RequestEntry: e, CSR: e.CSR}
	if r, err := pki.ParseRequest(e.CSR); err == nil {
		b.Subject = r.Subject.String()
	}
	if !personal {
		b.Subject, b.Note, b.CSR, b.Renewal, b.Masked = journal.Mask(b.Subject), journal.Mask(b.Note), nil, nil, true
	}
	return b
}

func (s *CAService) getRequests(w http.ResponseWriter, req *http.Request, o ca.Operator) error {
	n, err := pageSize(req)
	if err != nil {
		return err
	}
	q := req.URL.Query()
	f := ca.RequestFilter{State: ca.RequestState(q.Get("state")), Submitter: q.Get("submitter")}
	if f.State != "" && !f.State.Known() {
		return badQuery("state")
	}
	if after := q.Get("after"); after != "" && !requestName.MatchString(after) {
		return badQuery("after")
	}
	personal, err := s.personal(req, o)
	if err != nil {
		return err
	}
	list, next, err := s.o.Issuer.RequestPage(req.Context(), f, q.Get("after"), n)
	if err != nil {
		return err
	}
	out := struct {
		Requests []requestBody `json:"requests"`
		Next     string        `json:"next,omitempty"`
	}{Requests: []requestBody{}, Next: next}
	for _, e := range list {
		out.Requests = append(out.Requests, bodyOf(e, personal))
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

func (s *CAService) getRequest(w http.ResponseWriter, req *http.Request, o ca.Operator) error {
	personal, err := s.personal(req, o)
	if err != nil {
		return err
	}
	e, err := s.o.Issuer.Request(req.Context(), req.PathValue("id"))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, bodyOf(e, personal))
	return nil
}

// answer writes a request that an operator or an approver has changed, unless
// there is an error.
func (s *CAService) answer(w http.ResponseWriter, status int, e ca.RequestEntry, err error) error {
	if err != nil {
		return err
	}
	writeJSON(w, status, bodyOf(e, true))
	return nil
}

func (s *CAService) getRequestCertificate(w http.ResponseWriter, req *http.Request, o ca.Operator) error {
	e, err := s.o.Issuer.Request(req.Context(), req.PathValue("id"))
	if err != nil {
		return err
	}
	if e.State != ca.Issued {
		return ca.ErrState
	}
	return s.sendCertificate(w, req, o, e.Serial)
}

// submissionBody is what an operator hands in. CSR is PEM, or DER in Base64.
type submissionBody struct {
	CSR            string `json:"csr"`
	Renewal        []byte `json:"renewal"` // in place of csr: the CMS of a renewal, DER
	Profile        string `json:"profile"`
	Days           int    `json:"days"`
	Identification int    `json:"identification"`
	Note           string `json:"note"`
	Draft          bool   `json:"draft"`
	Statement      string `json:"statement"` // the submitter's own, where they sign one
	Signature      []byte `json:"signature"`
}

func (s *CAService) postRequest(w http.ResponseWriter, req *http.Request, o ca.Operator) error {
	sub, err := readSubmission(req, o)
	if err != nil {
		return err
	}
	e, err := s.o.Issuer.Submit(req.Context(), sub)
	return s.answer(w, http.StatusCreated, e, err)
}

func readSubmission(req *http.Request, o ca.Operator) (ca.Submission, error) {
	var in submissionBody
	if err := readJSON(req, &in); err != nil {
		return ca.Submission{}, err
	}
	if (in.CSR == "") == (len(in.Renewal) == 0) {
		return ca.Submission{}, badJSON(errors.New("server: either csr or renewal"))
	}
	sub := ca.Submission{
		Request: ca.Request{Days: in.Days, IdentificationKind: in.Identification, Actor: o.Name},
		Profile: in.Profile, Note: in.Note, Draft: in.Draft, RenewalMessage: in.Renewal,
		Submitter: o.Name, Authenticated: true, Statement: []byte(in.Statement), Signature: in.Signature,
	}
	if in.CSR != "" {
		csr, err := readCSR(in.CSR)
		if err != nil {
			return sub, &ca.RequestError{Field: "csr", Detail: "not readable", Err: err}
		}
		sub.CSR = csr
	}
	return sub, nil
}

// postSubmissionStatement returns the text that the operator signs to hand a
// request in; nothing is kept.
func (s *CAService) postSubmissionStatement(w http.ResponseWriter, req *http.Request, o ca.Operator) error {
	sub, err := readSubmission(req, o)
	if err != nil {
		return err
	}
	st, err := s.o.Issuer.SubmissionStatement(req.Context(), sub, o.Name)
	if err != nil {
		return err
	}
	writeText(w, st.Text())
	return nil
}

func writeText(w http.ResponseWriter, text []byte) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Write(text) //nolint:errcheck,gosec // the client may be gone
}

// readCSR reads a request in PEM or Base64.
func readCSR(text string) (*pki.CertificateRequest, error) {
	var der []byte
	if b, rest := pem.Decode([]byte(text)); b != nil {
		if !strings.HasSuffix(b.Type, "CERTIFICATE REQUEST") || len(strings.TrimSpace(string(rest))) > 0 {
			return nil, errors.New("server: one PEM certificate request is expected")
		}
		der = b.Bytes
	} else {
		var err error
		if der, err = decodeBase64(text); err != nil {
			return nil, err
		}
	}
	return pki.ParseRequest(der)
}

func (s *CAService) postReview(w http.ResponseWriter, req *http.Request, o ca.Operator) error {
	e, err := s.o.Issuer.ReviewBy(req.Context(), req.PathValue("id"), o.Name)
	return s.answer(w, http.StatusOK, e, err)
}

func (s *CAService) postReject(w http.ResponseWriter, req *http.Request, o ca.Operator) error {
	var in struct {
		Note string `json:"note"`
	}
	if err := readJSON(req, &in); err != nil {
		return err
	}
	if len(in.Note) > limits.RequestNote {
		return &ca.RequestError{Field: "note", Detail: "too long"}
	}
	e, err := s.o.Issuer.RejectBy(req.Context(), req.PathValue("id"), in.Note, o.Name)
	return s.answer(w, http.StatusOK, e, err)
}

func (s *CAService) postIssue(w http.ResponseWriter, req *http.Request, o ca.Operator) error {
	cert, err := s.o.Issuer.IssueApproved(req.Context(), req.PathValue("id"), o.Name)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusCreated, map[string]string{
		"serial": cert.SerialHex(), "certificate": base64.StdEncoding.EncodeToString(cert.Raw),
	})
	return nil
}

// getStatement returns the text that the operator signs to decide.
func (s *CAService) getStatement(w http.ResponseWriter, req *http.Request, o ca.Operator) error {
	q := req.URL.Query()
	d, role := ca.Decision(q.Get("decision")), ca.Role(q.Get("role"))
	if d != ca.DecisionApprove && d != ca.DecisionReject && d != ca.DecisionReview {
		return badQuery("decision")
	}
	if role == "" {
		role = ca.RoleApprover
	}
	if !o.Has(role) {
		return ca.ErrRole
	}
	st, err := s.o.Issuer.DecisionStatement(req.Context(), req.PathValue("id"), d, o.Name, role)
	if err != nil {
		return err
	}
	writeText(w, st.Text())
	return nil
}

func (s *CAService) postDecision(w http.ResponseWriter, req *http.Request, o ca.Operator) error {
	var in struct {
		Statement string `json:"statement"`
		Signature []byte `json:"signature"`
		Note      string `json:"note"`
	}
	if err := readJSON(req, &in); err != nil {
		return err
	}
	if len(in.Note) > limits.RequestNote {
		return &ca.RequestError{Field: "note", Detail: "too long"}
	}
	// Nobody brings another's decision: who is logged in is who signed.
	if st, err := ca.ParseStatement([]byte(in.Statement)); err == nil && st.Operator != o.Name {
		s.recordRefusal(req.Context(), req.Pattern, req.PathValue("id"), o.Name, "another-operator")
		return ca.ErrRole
	}
	e, err := s.o.Issuer.DecideNote(req.Context(), req.PathValue("id"), []byte(in.Statement), in.Signature, in.Note, o.Name)
	return s.answer(w, http.StatusOK, e, err)
}
