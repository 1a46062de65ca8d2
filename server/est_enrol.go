package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// enrol takes a request for a certificate.
func (s *CAService) enrol(w http.ResponseWriter, req *http.Request, again bool) {
	who, err := s.estAuthenticate(req, again)
	if err != nil {
		s.estFail(w, req, who, err)
		return
	}
	req.Body = http.MaxBytesReader(w, req.Body, limits.ESTBody)
	csr, err := s.estRequest(req)
	if err != nil {
		s.estFail(w, req, who, err)
		return
	}
	plan, err := s.estAllowed(req, who, csr, again)
	if err != nil {
		s.estFail(w, req, who, err)
		return
	}
	for range 3 { // another node or a second connection may be in the way
		var cert *pki.Certificate
		cert, err = s.estIssue(req.Context(), who, csr, plan)
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
		switch {
		case a.Type == oid.ChallengePassword && !isUnique(a, req.TLS):
			return nil, &estError{http.StatusBadRequest, "challengePassword: not the tls-unique of this connection (TLS 1.3 has none)", "challenge-password"}
		case a.Type == oid.ChangeSubjectName:
			// RFC 7030, section 4.2.2, lets a client ask for another name by
			// it. A certificate speaks for its own subject alone here.
			return nil, &estError{http.StatusForbidden, "changeSubjectName: a new name is enrolled anew, with a password", "change-subject-name"}
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

// An estPlan is what is done with a request.
type estPlan struct {
	profile ca.Profile
	direct  bool // nobody looks at it, unless the profile asks for approvals
	sameKey bool // it renews the client's certificate with its key
}

// estAllowed decides what a client may ask for.
func (s *CAService) estAllowed(req *http.Request, who estClient, csr *pki.CertificateRequest, again bool) (estPlan, error) {
	p, err := s.estProfile(req)
	if err != nil {
		return estPlan{}, err
	}
	if who.account != nil {
		if !slices.Contains(who.account.Profiles, p.Name) {
			return estPlan{}, &estError{http.StatusForbidden, "the account may not enrol for " + p.Name, "profile"}
		}
		return estPlan{profile: p, direct: who.account.Automatic}, nil
	}
	plan := estPlan{profile: p, direct: true, sameKey: alg.EqualKeys(csr.PublicKey, who.cert.PublicKey)}
	// RFC 7030, section 4.2.2: "The request Subject field and SubjectAltName
	// extension MUST be identical to the corresponding fields in the
	// certificate being renewed/rekeyed." A certificate speaks for its own
	// subject at a first enrolment too.
	switch {
	case !bytes.Equal(csr.RawSubject, who.cert.RawSubject):
		return plan, &estError{http.StatusForbidden, "the subject is not that of the client's certificate", "subject"}
	case !sameAltNames(csr, who.cert):
		return plan, &estError{http.StatusForbidden, "the subjectAltName is not that of the client's certificate", "subject-alt-name"}
	case !profileOf(who.entry, p.Name):
		return plan, &estError{http.StatusForbidden, "the client's certificate is of another profile than " + p.Name, "profile"}
	case plan.sameKey && !again:
		return plan, &estError{http.StatusForbidden, "a new key is needed; simplereenroll renews a certificate with its key", "same-key"}
	case plan.sameKey && !p.RenewSameKey:
		return plan, &estError{http.StatusForbidden, "the profile " + p.Name + " asks for a new key", "same-key"}
	}
	return plan, nil
}

func sameAltNames(csr *pki.CertificateRequest, cert *pki.Certificate) bool {
	a, inRequest := csr.Extension(oid.SubjectAltName)
	b, inCertificate := cert.Extension(oid.SubjectAltName)
	return inRequest == inCertificate && bytes.Equal(a.Value, b.Value)
}

// estIssue moves a request on. A nil certificate without an error means that
// people have to look at it first. The same request again gives the same
// certificate: an answer may be lost.
func (s *CAService) estIssue(ctx context.Context, who estClient, csr *pki.CertificateRequest, plan estPlan) (*pki.Certificate, error) {
	sub := s.estSubmission(who, csr, plan.profile)
	var renews ca.Serial
	if plan.sameKey {
		var err error
		if sub.Renewal, err = s.o.Issuer.SameKeyRenewal(ctx, csr, who.entry.Serial); err != nil {
			if errors.Is(err, ca.ErrRenewal) {
				return nil, &estError{http.StatusForbidden, err.Error(), "renewal"}
			}
			return nil, err
		}
		renews = who.entry.Serial
	}
	e, err := s.o.Issuer.Request(ctx, ca.RequestID(csr))
	if errors.Is(err, ca.ErrNotFound) {
		e, err = s.o.Issuer.Submit(ctx, sub)
	}
	if err != nil {
		return nil, err
	}
	if plan.sameKey && e.Renews != renews {
		return s.estUsedBefore(ctx, e, sub)
	}
	if e.Submitter != who.submitter {
		return nil, &estError{http.StatusForbidden, "somebody else handed this request in", "submitter"}
	}
	switch {
	case e.State == ca.Issued:
		return s.issued(ctx, e.Serial)
	case e.State == ca.Rejected:
		return nil, &estError{http.StatusForbidden, "the request was rejected", "rejected"}
	case e.State == ca.Approved, plan.direct && plan.profile.Approvals.Count == 0 && e.State == ca.Submitted:
		return s.o.Issuer.IssueApproved(ctx, e.ID, who.actor())
	}
	return nil, nil
}

// estUsedBefore renews with the very request by which an earlier certificate
// came about: a client that keeps its key may make the same octets again, since
// RSA signatures (PKCS #1 v1.5) do not change. A request is on record once, so
// this one is issued without an entry of its own; people cannot decide about it
// again.
func (s *CAService) estUsedBefore(ctx context.Context, e ca.RequestEntry, sub ca.Submission) (*pki.Certificate, error) {
	if e.State != ca.Issued {
		return nil, &estError{http.StatusForbidden, "this request is " + string(e.State) + " as one for another certificate", "used-before"}
	}
	cert, err := s.o.Issuer.IssueRequest(ctx, sub.Profile, sub.Request)
	if errors.Is(err, ca.ErrApprovalNeeded) {
		return nil, &estError{http.StatusForbidden, "this request was used before; make another one, which people can decide about", "used-before"}
	}
	return cert, err
}

func (s *CAService) estSubmission(who estClient, csr *pki.CertificateRequest, p ca.Profile) ca.Submission {
	// RFC 9215, section 5.1: who comes with a certificate was identified by it,
	// remote-cert(1); an account stands for people who saw the applicant.
	kind := 0
	if who.account == nil {
		kind = 1
	}
	return ca.Submission{
		Request: ca.Request{CSR: csr, IdentificationKind: kind, Actor: who.actor()}, Profile: p.Ref(),
		Submitter: who.submitter, Authenticated: true, Note: "EST",
	}
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
