package server

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki"
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

const estRealm = `Basic realm="est", charset="UTF-8"`

// errNoCredentials: the client has neither a certificate nor a password.
var errNoCredentials = errors.New("server: EST: a certificate of this authority or a password is needed")

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
	case errors.Is(err, errNoCredentials):
		// Clients ask without a password first, to find out how to send it: no
		// refusal for the journal. Bouncy Castle cannot do with a body here.
		s.metrics.refusals.WithLabelValues("unauthorized").Inc()
		w.Header().Set("WWW-Authenticate", estRealm)
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusUnauthorized)
		return
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
			if s.ledgerAway(req.Context()) {
				away := ledgerAway()
				w.Header().Set("Retry-After", strconv.Itoa(away.retry))
				own = &estError{status: away.status, text: away.en}
			}
		} else {
			own.text += " " + err.Error()
		}
	}
	s.metrics.enrolments.WithLabelValues("refused").Inc()
	if own.status == http.StatusUnauthorized {
		// RFC 7030, section 3.2.3: Basic and Digest are what clients know.
		w.Header().Set("WWW-Authenticate", estRealm)
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
// those (RFC 7030, section 4.5.2, as RFC 8951, section 4, writes it):
//
//	CsrAttrs ::= SEQUENCE SIZE (0..MAX) OF AttrOrOID
//	AttrOrOID ::= CHOICE {
//	  oid        OBJECT IDENTIFIER,
//	  attribute  Attribute }
//
// The curves of ECDSA keys are the values of an attribute id-ecPublicKey, as in
// the example of RFC 7030.
func (s *CAService) estAttributes(w http.ResponseWriter, req *http.Request) {
	p, err := s.estProfile(req)
	if err != nil {
		s.estFail(w, req, estClient{}, err)
		return
	}
	list := requestAttributes(p)
	if len(list) == 0 {
		// RFC 7030, section 4.5.2: 204 says that no attributes are asked for.
		w.WriteHeader(http.StatusNoContent)
		return
	}
	writeBase64(w, "application/csrattrs", der.Wrap(0x30, list...))
}

func requestAttributes(p ca.Profile) (list [][]byte) {
	for _, id := range p.Required {
		list = append(list, id.DER())
	}
	var curves [][]byte
	for _, name := range p.Keys {
		if curve, ok := curveIdentifiers[name]; ok {
			curves = append(curves, curve.DER())
		} else if id, ok := keyIdentifiers[name]; ok {
			list = append(list, id.DER())
		}
	}
	if len(curves) > 0 {
		slices.SortFunc(curves, bytes.Compare) // a SET OF in DER
		list = append(list, der.Wrap(0x30, oid.ECPublicKey.DER(), der.Wrap(0x31, curves...)))
	}
	return list
}
