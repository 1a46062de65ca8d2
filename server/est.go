package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// ESTOptions describe enrolment over secure transport (RFC 7030).
type ESTOptions struct {
	// Profiles are the names of the profiles that clients may enrol for. The
	// first is that of the addresses without a label; each is a label too:
	// /.well-known/est/NAME/simpleenroll.
	Profiles []string
	// Accounts are the clients with passwords; without any, only clients with a
	// certificate of this authority enrol.
	Accounts []ESTAccount
	// Retry is when a client whose request waits for people comes back; 0 is
	// one minute.
	Retry time.Duration
}

// estPath is where RFC 7030, section 3.2.2, puts the operations.
const estPath = "/.well-known/est/"

// estRoutes adds the operations, with a label and without.
func (s *CAService) estRoutes() error {
	if len(s.o.EST.Profiles) == 0 {
		return errors.New("server: EST: no profile")
	}
	if s.o.EST.Retry <= 0 {
		s.o.EST.Retry = time.Minute
	}
	for _, name := range s.o.EST.Profiles {
		p, err := s.o.Issuer.Profiles().Find(name)
		if err != nil {
			return fmt.Errorf("server: EST: %q: %w", name, err)
		}
		if p.CA {
			return fmt.Errorf("server: EST: %q makes authorities, which do not enrol by themselves", name)
		}
	}
	for _, a := range s.o.EST.Accounts {
		for _, name := range a.Profiles {
			if !slices.Contains(s.o.EST.Profiles, name) {
				return fmt.Errorf("server: EST: account %s: the profile %q is not offered", a.Name, name)
			}
		}
	}
	for _, label := range []string{"", "{label}/"} {
		s.routes.HandleFunc("GET "+estPath+label+"cacerts", s.estCACerts)
		s.routes.HandleFunc("GET "+estPath+label+"csrattrs", s.estAttributes)
		s.routes.HandleFunc("POST "+estPath+label+"simpleenroll", func(w http.ResponseWriter, req *http.Request) { s.enrol(w, req, false) })
		s.routes.HandleFunc("POST "+estPath+label+"simplereenroll", func(w http.ResponseWriter, req *http.Request) { s.enrol(w, req, true) })
	}
	return nil
}

// estError is why an enrolment is not granted, as a text for people: RFC 7030,
// section 4.2.3, lets the server explain itself in text/plain.
type estError struct {
	status int
	text   string
	word   string // for the journal
}

func (e *estError) Error() string { return "server: EST: " + e.text }

// estFail answers with an error.
func (s *CAService) estFail(w http.ResponseWriter, req *http.Request, who estClient, err error) {
	var own *estError
	var large *http.MaxBytesError
	var p *problem
	switch {
	case errors.As(err, &own):
		s.recordRefusal(req.Context(), req.Pattern, "", who.actor(), own.word)
	case errors.As(err, &large):
		s.recordRefusal(req.Context(), req.Pattern, "", who.actor(), "oversized")
		own = &estError{status: http.StatusRequestEntityTooLarge, text: "the request is too large"}
	case errors.As(err, &p):
		own = &estError{status: p.status, text: p.en}
		if p.retry > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(p.retry))
		}
	default:
		p := caProblem(err) // on record already
		own = &estError{status: p.status, text: p.en}
		if p.status == http.StatusInternalServerError {
			s.o.Log.Error("failed", "request", w.Header().Get(requestIDHeader), "error", err.Error())
		} else {
			own.text += " " + err.Error()
		}
	}
	s.metrics.enrolments.WithLabelValues("refused").Inc()
	if own.status == http.StatusUnauthorized {
		// RFC 7030, section 3.2.3: Basic and Digest are what clients know.
		w.Header().Set("WWW-Authenticate", `Basic realm="est", charset="UTF-8"`)
	}
	http.Error(w, own.text, own.status)
}

// estProfile is the profile that the label of a request names.
func (s *CAService) estProfile(req *http.Request) (ca.Profile, error) {
	label := req.PathValue("label")
	if label == "" {
		label = s.o.EST.Profiles[0]
	}
	if !slices.Contains(s.o.EST.Profiles, label) {
		return ca.Profile{}, &estError{http.StatusNotFound, "there is no such label", "label"}
	}
	return s.o.Issuer.Profiles().Find(label)
}

// estCACerts returns the authority's certificate and those above it.
func (s *CAService) estCACerts(w http.ResponseWriter, req *http.Request) {
	if _, err := s.estProfile(req); err != nil {
		s.estFail(w, req, estClient{}, err)
		return
	}
	s.writeCertsOnly(w, append([]*pki.Certificate{s.o.Issuer.Certificate()}, s.o.Chain...)...)
}

// writeCertsOnly answers with a certs-only SignedData in Base64 (RFC 7030,
// sections 4.1.3 and 4.2.3).
func (s *CAService) writeCertsOnly(w http.ResponseWriter, list ...*pki.Certificate) {
	var m cms.Message
	m.AddCertificates(list...)
	var out bytes.Buffer
	if err := cms.WriteDetached(&out, m, nil); err != nil {
		s.o.Log.Error("failed", "request", w.Header().Get(requestIDHeader), "error", err.Error())
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	writeBase64(w, "application/pkcs7-mime; smime-type=certs-only", out.Bytes())
}

func writeBase64(w http.ResponseWriter, contentType string, b []byte) {
	w.Header().Set("Content-Type", contentType)
	// RFC 8951 takes the header's meaning away; clients of RFC 7030 look for it.
	w.Header().Set("Content-Transfer-Encoding", "base64")
	text := base64.StdEncoding.EncodeToString(b)
	for len(text) > 0 {
		n := min(64, len(text))
		io.WriteString(w, text[:n]+"\n") //nolint:errcheck,gosec // the client may be gone
		text = text[n:]
	}
}

// estAttributes says what requests for a profile should hold: the attributes of
// the subject that it asks for and, where it takes some kinds of keys only,
// those (RFC 7030, section 4.5.2: a sequence of attributes and identifiers).
func (s *CAService) estAttributes(w http.ResponseWriter, req *http.Request) {
	p, err := s.estProfile(req)
	if err != nil {
		s.estFail(w, req, estClient{}, err)
		return
	}
	ids := slices.Clone(p.Required)
	for _, name := range p.Keys {
		if id, ok := keyIdentifiers[name]; ok && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		// RFC 7030, section 4.5.2: 204 says that no attributes are asked for.
		w.WriteHeader(http.StatusNoContent)
		return
	}
	var list [][]byte
	for _, id := range ids {
		list = append(list, id.DER())
	}
	writeBase64(w, "application/csrattrs", der.Wrap(0x30, list...))
}

// enrol takes a request for a certificate.
func (s *CAService) enrol(w http.ResponseWriter, req *http.Request, again bool) {
	who, err := s.estAuthenticate(req, again)
	if err != nil {
		s.estFail(w, req, who, err)
		return
	}
	csr, err := s.estRequest(req)
	if err != nil {
		s.estFail(w, req, who, err)
		return
	}
	p, direct, err := s.estAllowed(req, who, csr)
	if err != nil {
		s.estFail(w, req, who, err)
		return
	}
	for range 3 { // another node or a second connection may be in the way
		var cert *pki.Certificate
		cert, err = s.estIssue(req.Context(), who, csr, p, direct)
		switch {
		case err == nil && cert == nil:
			s.metrics.enrolments.WithLabelValues("waiting").Inc()
			w.Header().Set("Retry-After", strconv.Itoa(max(1, int(s.o.EST.Retry.Seconds()))))
			w.WriteHeader(http.StatusAccepted)
			return
		case err == nil:
			s.metrics.enrolments.WithLabelValues("issued").Inc()
			s.writeCertsOnly(w, cert)
			return
		case !errors.Is(err, ca.ErrVersion) && !errors.Is(err, ca.ErrRequestExists) && !errors.Is(err, ca.ErrState):
			s.estFail(w, req, who, err)
			return
		}
	}
	s.estFail(w, req, who, err)
}

// estRequest reads the body: PKCS #10 in Base64.
func (s *CAService) estRequest(req *http.Request) (*pki.CertificateRequest, error) {
	if mediaType(req) != "application/pkcs10" {
		return nil, &estError{http.StatusUnsupportedMediaType, "Content-Type: application/pkcs10 is expected", "content-type"}
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	// RFC 8951, section 3.1: Base64, in which white space may stand anywhere.
	raw, err := decodeBase64(string(body))
	if err != nil {
		return nil, &estError{http.StatusBadRequest, "the body is not Base64", "base64"}
	}
	csr, err := pki.ParseRequest(raw)
	if err != nil {
		return nil, &estError{http.StatusBadRequest, "the body is no certification request: " + err.Error(), "request"}
	}
	for _, a := range csr.Attributes {
		if a.Type == oid.ChallengePassword && !isUnique(a, req.TLS) {
			return nil, &estError{http.StatusBadRequest, "challengePassword: not the tls-unique of this connection (TLS 1.3 has none)", "challenge-password"}
		}
	}
	return csr, nil
}

// isUnique reports whether a challengePassword is the tls-unique value of the
// connection in Base64 (RFC 7030, section 3.5), by which who made the request is
// who sends it. TLS 1.3 has no such value.
func isUnique(a pki.RequestAttribute, c *tls.ConnectionState) bool {
	if len(c.TLSUnique) == 0 || len(a.Values) != 1 {
		return false
	}
	value, tag := cryptobyte.String(a.Values[0]), asn1.Tag(0)
	return value.ReadAnyASN1(&value, &tag) && string(value) == base64.StdEncoding.EncodeToString(c.TLSUnique)
}

// estAllowed decides what a client may ask for: the profile, and whether it is
// issued without anybody looking at it.
func (s *CAService) estAllowed(req *http.Request, who estClient, csr *pki.CertificateRequest) (p ca.Profile, direct bool, err error) {
	if p, err = s.estProfile(req); err != nil {
		return p, false, err
	}
	if who.account != nil {
		if !slices.Contains(who.account.Profiles, p.Name) {
			return p, false, &estError{http.StatusForbidden, "the account may not enrol for " + p.Name, "profile"}
		}
		return p, who.account.Automatic, nil
	}
	// RFC 7030, section 4.2.2: "The request Subject field and SubjectAltName
	// extension MUST be identical to the corresponding fields in the
	// certificate being renewed/rekeyed." A certificate speaks for its own
	// subject at a first enrolment too.
	if !bytes.Equal(csr.RawSubject, who.cert.RawSubject) {
		return p, false, &estError{http.StatusForbidden, "the subject is not that of the client's certificate", "subject"}
	}
	if !sameAltNames(csr, who.cert) {
		return p, false, &estError{http.StatusForbidden, "the subjectAltName is not that of the client's certificate", "subject-alt-name"}
	}
	if !profileOf(who.entry, p.Name) {
		return p, false, &estError{http.StatusForbidden, "the client's certificate is of another profile than " + p.Name, "profile"}
	}
	if alg.EqualKeys(csr.PublicKey, who.cert.PublicKey) {
		// The period of a key is bounded over all its certificates, for which
		// the authority asks for a renewal that the key signs and that stays on
		// record (`ca request submit --renewal`).
		return p, false, &estError{http.StatusForbidden, "a new key is needed", "same-key"}
	}
	return p, true, nil
}

func sameAltNames(csr *pki.CertificateRequest, cert *pki.Certificate) bool {
	a, inRequest := csr.Extension(oid.SubjectAltName)
	b, inCertificate := cert.Extension(oid.SubjectAltName)
	return inRequest == inCertificate && bytes.Equal(a.Value, b.Value)
}

// estIssue moves a request on. A nil certificate without an error means that
// people have to look at it first. The same request again gives the same
// certificate: an answer may be lost.
func (s *CAService) estIssue(ctx context.Context, who estClient, csr *pki.CertificateRequest, p ca.Profile, direct bool) (*pki.Certificate, error) {
	id := ca.RequestID(csr)
	e, err := s.o.Issuer.Request(ctx, id)
	if errors.Is(err, ca.ErrNotFound) {
		// RFC 9215, section 5.1: who comes with a certificate was identified by
		// it, remote-cert(1); an account stands for people who saw the applicant.
		kind := 0
		if who.account == nil {
			kind = 1
		}
		e, err = s.o.Issuer.Submit(ctx, ca.Submission{
			Request: ca.Request{CSR: csr, IdentificationKind: kind, Actor: who.actor()}, Profile: p.Ref(),
			Submitter: who.submitter, Authenticated: true, Note: "EST",
		})
	}
	if err != nil {
		return nil, err
	}
	if e.Submitter != who.submitter {
		return nil, &estError{http.StatusForbidden, "somebody else handed this request in", "submitter"}
	}
	switch {
	case e.State == ca.Issued:
		return s.issued(ctx, e.Serial)
	case e.State == ca.Rejected:
		return nil, &estError{http.StatusForbidden, "the request was rejected", "rejected"}
	case e.State == ca.Approved, direct && p.Approvals.Count == 0 && e.State == ca.Submitted:
		return s.o.Issuer.IssueApproved(ctx, id, who.actor())
	}
	return nil, nil
}

// issued reads a certificate back.
func (s *CAService) issued(ctx context.Context, serial ca.Serial) (cert *pki.Certificate, err error) {
	err = s.o.Issuer.Ledger().View(ctx, func(tx ca.ReadTx) error {
		raw, err := tx.Certificate(serial)
		if err != nil {
			return err
		}
		cert, err = pki.ParseCertificate(raw)
		return err
	})
	return cert, err
}
