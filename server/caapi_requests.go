package server

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// apiRoutes are the addresses of the API, with who may use them.
func (s *CAService) apiRoutes() {
	s.routes.HandleFunc("POST /api/v1/challenge", s.postChallenge)
	s.routes.HandleFunc("POST /api/v1/session", s.postSession)
	s.routes.HandleFunc("DELETE /api/v1/session", s.deleteSession)
	anyone := []ca.Role{ca.RoleOperator, ca.RoleApprover, ca.RoleAuditor}
	deciders := []ca.Role{ca.RoleOperator, ca.RoleApprover}
	clerks := []ca.Role{ca.RoleOperator}
	for _, r := range []struct {
		pattern string
		roles   []ca.Role
		handle  apiHandler
	}{
		{"GET /api/v1/session", anyone, s.getSession},
		{"GET /api/v1/profiles", anyone, s.getProfiles},
		{"GET /api/v1/operators", anyone, s.getOperators},
		{"GET /api/v1/requests", anyone, s.getRequests},
		{"GET /api/v1/requests/{id}", anyone, s.getRequest},
		{"GET /api/v1/requests/{id}/certificate", anyone, s.getCertificate},
		{"POST /api/v1/requests", clerks, s.postRequest},
		{"POST /api/v1/requests/{id}/review", clerks, s.postReview},
		{"POST /api/v1/requests/{id}/reject", clerks, s.postReject},
		{"POST /api/v1/requests/{id}/issue", clerks, s.postIssue},
		{"GET /api/v1/requests/{id}/statement", deciders, s.getStatement},
		{"POST /api/v1/requests/{id}/decision", deciders, s.postDecision},
	} {
		s.routes.HandleFunc(r.pattern, s.authorized(r.roles, r.handle))
	}
}

// An apiHandler answers an operator; an error becomes a problem.
type apiHandler func(w http.ResponseWriter, req *http.Request, o ca.Operator) error

// authorized lets operators with one of some roles in.
func (s *CAService) authorized(roles []ca.Role, h apiHandler) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		// What is no identifier is looked up nowhere and put on record nowhere.
		if id := req.PathValue("id"); strings.Contains(req.Pattern, "{id}") && !requestName.MatchString(id) {
			s.fail(w, req, ca.ErrNotFound)
			return
		}
		o, err := s.identify(req)
		switch {
		case errors.Is(err, errNobody):
			s.recordRefusal(req.Context(), req.Pattern, req.PathValue("id"), "client", "unauthorized")
			w.Header().Set("WWW-Authenticate", `Bearer realm="gosklyuch"`)
			s.problem(w, req, notLoggedIn())
			return
		case err != nil:
			s.fail(w, req, err)
			return
		}
		if !slices.ContainsFunc(roles, o.Has) {
			s.recordRefusal(req.Context(), req.Pattern, req.PathValue("id"), o.Name, "role")
			s.fail(w, req, ca.ErrRole)
			return
		}
		// A page of another site cannot send this without being asked first; a
		// client certificate goes with whatever a browser sends.
		if req.Method == http.MethodPost && mediaType(req) != "application/json" {
			s.problem(w, req, notJSON())
			return
		}
		if err := h(w, req, o); err != nil {
			s.fail(w, req, err)
		}
	}
}

// requestName is the form of [ca.RequestID].
var requestName = regexp.MustCompile(`^[0-9a-f]{64}$`)

func mediaType(req *http.Request) string {
	t, _, err := mime.ParseMediaType(req.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return t
}

// readJSON reads one object with known members.
func readJSON(req *http.Request, v any) error {
	dec := json.NewDecoder(req.Body)
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	if err == nil {
		if _, err = dec.Token(); errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = errors.New("server: more than one value")
		}
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return err
	}
	return badJSON(err)
}

func (s *CAService) postChallenge(w http.ResponseWriter, req *http.Request) {
	var in struct {
		Operator string `json:"operator"`
	}
	if mediaType(req) != "application/json" {
		s.problem(w, req, notJSON())
		return
	}
	if err := readJSON(req, &in); err != nil {
		s.fail(w, req, err)
		return
	}
	if len(in.Operator) > 64 || in.Operator == "" || strings.ContainsFunc(in.Operator, func(r rune) bool { return r <= ' ' || r > '~' || r == ':' }) {
		s.problem(w, req, badJSON(nil))
		return
	}
	text, expires := s.challenge(in.Operator)
	writeJSON(w, http.StatusOK, struct {
		Challenge string    `json:"challenge"`
		Expires   time.Time `json:"expires"`
	}{text, expires})
}

// sessionBody is an operator who is logged in.
type sessionBody struct {
	Token    string    `json:"token,omitempty"`
	Expires  time.Time `json:"expires,omitzero"`
	Operator string    `json:"operator"`
	Roles    []ca.Role `json:"roles"`
}

func (s *CAService) postSession(w http.ResponseWriter, req *http.Request) {
	var in struct {
		Challenge string `json:"challenge"`
		Signature []byte `json:"signature"`
	}
	if mediaType(req) != "application/json" {
		s.problem(w, req, notJSON())
		return
	}
	if err := readJSON(req, &in); err != nil {
		s.fail(w, req, err)
		return
	}
	token, o, expires, err := s.logIn(req.Context(), in.Challenge, in.Signature)
	for _, known := range []struct {
		err  error
		word string
	}{
		{errForged, "challenge-forged"},
		{errExpired, "challenge-expired"},
		{errAnswered, "challenge-replayed"},
		{errSignature, "challenge-signature"},
		{errNobody, "challenge-nobody"},
	} {
		if errors.Is(err, known.err) {
			// Which of them it was is for the journal: the client learns nothing.
			s.recordRefusal(req.Context(), "session", o.Name, "client", known.word)
			s.problem(w, req, notLoggedIn())
			return
		}
	}
	if err != nil {
		s.fail(w, req, err)
		return
	}
	writeJSON(w, http.StatusCreated, sessionBody{token, expires, o.Name, o.Roles})
}

func (s *CAService) deleteSession(w http.ResponseWriter, req *http.Request) {
	s.logOut(req)
	w.WriteHeader(http.StatusNoContent)
}

func (s *CAService) getSession(w http.ResponseWriter, _ *http.Request, o ca.Operator) error {
	writeJSON(w, http.StatusOK, sessionBody{Operator: o.Name, Roles: o.Roles})
	return nil
}

func (s *CAService) getProfiles(w http.ResponseWriter, _ *http.Request, _ ca.Operator) error {
	type body struct {
		Profile   string    `json:"profile"`
		Digest    string    `json:"digest"`
		Approvals int       `json:"approvals"`
		Roles     []ca.Role `json:"roles"`
	}
	list := []body{}
	for _, p := range s.o.Issuer.Profiles().All() {
		list = append(list, body{p.Ref(), p.Digest(), p.Approvals.Count, p.Approvals.Roles})
	}
	writeJSON(w, http.StatusOK, map[string]any{"profiles": list})
	return nil
}

func (s *CAService) getOperators(w http.ResponseWriter, req *http.Request, _ ca.Operator) error {
	list, err := s.o.Issuer.Operators(req.Context())
	if err != nil {
		return err
	}
	if list == nil {
		list = []ca.Operator{}
	}
	writeJSON(w, http.StatusOK, map[string]any{"operators": list})
	return nil
}

// requestBody is a request in the API: the entry as the ledger has it, with the
// subject for people.
type requestBody struct {
	ca.RequestEntry
	Subject string `json:"subject"`
}

func bodyOf(e ca.RequestEntry) requestBody {
	b := requestBody{RequestEntry: e}
	if r, err := pki.ParseRequest(e.CSR); err == nil {
		b.Subject = r.Subject.String()
	}
	return b
}

func (s *CAService) getRequests(w http.ResponseWriter, req *http.Request, _ ca.Operator) error {
	q := req.URL.Query()
	n := 100
	if text := q.Get("limit"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil || n < 1 || n > limits.CAServerPage {
			return badQuery("limit")
		}
	}
	f := ca.RequestFilter{State: ca.RequestState(q.Get("state")), Submitter: q.Get("submitter")}
	if f.State != "" && !f.State.Known() {
		return badQuery("state")
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
		out.Requests = append(out.Requests, bodyOf(e))
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

func badQuery(name string) *problem {
	return &problem{
		status: http.StatusBadRequest, kind: "bad-query",
		ru: "Недопустимое значение параметра " + name + ".", en: "The parameter " + name + " has a value that it cannot have.",
	}
}

func (s *CAService) getRequest(w http.ResponseWriter, req *http.Request, _ ca.Operator) error {
	e, err := s.o.Issuer.Request(req.Context(), req.PathValue("id"))
	return s.answer(w, http.StatusOK, e, err)
}

// answer writes a request unless there is an error.
func (s *CAService) answer(w http.ResponseWriter, status int, e ca.RequestEntry, err error) error {
	if err != nil {
		return err
	}
	writeJSON(w, status, bodyOf(e))
	return nil
}

func (s *CAService) getCertificate(w http.ResponseWriter, req *http.Request, _ ca.Operator) error {
	e, err := s.o.Issuer.Request(req.Context(), req.PathValue("id"))
	if err != nil {
		return err
	}
	if e.State != ca.Issued {
		return ca.ErrState
	}
	der, err := s.certificate(req, e.Serial)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/pkix-cert") // RFC 2585, section 4.1
	w.Write(der)                                            //nolint:errcheck,gosec // the client may be gone
	return nil
}

func (s *CAService) certificate(req *http.Request, serial ca.Serial) (der []byte, err error) {
	err = s.o.Issuer.Ledger().View(req.Context(), func(tx ca.ReadTx) error { der, err = tx.Certificate(serial); return err })
	return der, err
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
	var in submissionBody
	if err := readJSON(req, &in); err != nil {
		return err
	}
	if (in.CSR == "") == (len(in.Renewal) == 0) {
		return badJSON(errors.New("server: either csr or renewal"))
	}
	sub := ca.Submission{
		Request: ca.Request{Days: in.Days, IdentificationKind: in.Identification, Actor: o.Name},
		Profile: in.Profile, Note: in.Note, Draft: in.Draft, RenewalMessage: in.Renewal,
		Submitter: o.Name, Authenticated: true, Statement: []byte(in.Statement), Signature: in.Signature,
	}
	if in.CSR != "" {
		csr, err := readCSR(in.CSR)
		if err != nil {
			return &ca.RequestError{Field: "csr", Detail: "not readable", Err: err}
		}
		sub.CSR = csr
	}
	e, err := s.o.Issuer.Submit(req.Context(), sub)
	return s.answer(w, http.StatusCreated, e, err)
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
	e, err := s.o.Issuer.Review(req.Context(), req.PathValue("id"), o.Name)
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
	e, err := s.o.Issuer.Reject(req.Context(), req.PathValue("id"), in.Note, o.Name)
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
	if d != ca.DecisionApprove && d != ca.DecisionReject {
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
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Write(st.Text()) //nolint:errcheck,gosec // the client may be gone
	return nil
}

func (s *CAService) postDecision(w http.ResponseWriter, req *http.Request, o ca.Operator) error {
	var in struct {
		Statement string `json:"statement"`
		Signature []byte `json:"signature"`
	}
	if err := readJSON(req, &in); err != nil {
		return err
	}
	// Nobody brings another's decision: who is logged in is who signed.
	if st, err := ca.ParseStatement([]byte(in.Statement)); err == nil && st.Operator != o.Name {
		s.recordRefusal(req.Context(), req.Pattern, req.PathValue("id"), o.Name, "another-operator")
		return ca.ErrRole
	}
	e, err := s.o.Issuer.Decide(req.Context(), req.PathValue("id"), []byte(in.Statement), in.Signature, o.Name)
	return s.answer(w, http.StatusOK, e, err)
}
