package ocsp

import (
	"context"
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/big"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
)

// Answer is what a ledger knows of one serial number.
type Answer struct {
	Status    CertStatus // Unknown for a serial number that was never issued
	RevokedAt time.Time  // required if Revoked
	Reason    int        // CRLReason (RFC 5280, section 5.3.1), or NoReason
	// ThisUpdate is the moment at which this was known to be right; zero means
	// now. NextUpdate overrides the responder's Validity; zero does not.
	ThisUpdate, NextUpdate time.Time
}

// StatusSource answers for the certificates of one issuer. An error means that
// the state is not known now: the client is told to try later.
type StatusSource interface {
	Status(ctx context.Context, serial *big.Int) (Answer, error)
}

// DefaultValidity is thisUpdate to nextUpdate where Responder.Validity is zero.
const DefaultValidity = time.Hour

// Responder answers requests about the certificates of one issuer. Its fields
// are not changed after the first request; it may be used concurrently if its
// Source and Signer may.
type Responder struct {
	Issuer      *pki.Certificate // for whose certificates it answers; required
	Certificate *pki.Certificate // of Signer: a delegate, or nil where the issuer itself signs
	Signer      crypto.Signer    // required
	Source      StatusSource     // required
	Validity    time.Duration    // nextUpdate after thisUpdate; zero means DefaultValidity
	ByName      bool             // responderID byName; byKey otherwise
	Chain       []*pki.Certificate
	Now         func() time.Time // nil: time.Now
	Rand        io.Reader        // nil: crypto/rand

	fixed fixed
}

// Answered is a response together with what a server needs to know of it.
type Answered struct {
	DER        []byte // never empty
	Status     ResponseStatus
	ThisUpdate time.Time // the latest of the answers; zero for an error status
	NextUpdate time.Time // the earliest of the answers; zero for an error status
	ProducedAt time.Time // when it was signed, in whole seconds; zero for an error status
	HasNonce   bool      // the response answers one request and must not be cached
}

// Respond answers one OCSPRequest with one OCSPResponse, of whatever status.
func (r *Responder) Respond(ctx context.Context, request []byte) []byte {
	out, _ := r.Answer(ctx, request) // the status inside tells the client; see Answer
	return out.DER
}

// Answer does what Respond does and also returns what a server needs to log
// and to cache. The error explains an error status: an [*Error] where the
// request is at fault, any other error where the responder failed.
func (r *Responder) Answer(ctx context.Context, request []byte) (Answered, error) {
	req, err := ParseRequest(request)
	if err != nil {
		return failure(MalformedRequest), err
	}
	return r.AnswerRequest(ctx, req)
}

// AnswerRequest is Answer for a request that [ParseRequest] returned.
func (r *Responder) AnswerRequest(ctx context.Context, req *Request) (Answered, error) {
	if req.Nonce != nil && (len(req.Nonce) == 0 || len(req.Nonce) > MaxNonce) {
		// RFC 8954, section 2.1: a server must answer malformedRequest to a
		// nonce of no octets or of more than 32.
		return failure(MalformedRequest), malformed("the nonce has %d octets", len(req.Nonce))
	}
	if r.Issuer == nil || r.Signer == nil || r.Source == nil {
		return failure(InternalError), errors.New("ocsp: the responder lacks its issuer, signer or source")
	}
	t := &ResponseTemplate{ByName: r.ByName, nonceValue: req.nonceValue}
	now := time.Now
	if r.Now != nil {
		now = r.Now
	}
	t.ProducedAt = now().UTC().Truncate(time.Second)
	mine := 0
	for _, id := range req.IDs {
		one := Single{ID: id, Reason: NoReason, ThisUpdate: t.ProducedAt, NextUpdate: t.ProducedAt.Add(r.validity())}
		if r.fixed.names(r.Issuer, id) {
			mine++
			if err := r.ask(ctx, &one); err != nil {
				return failure(TryLater), err
			}
		}
		t.Singles = append(t.Singles, one)
	}
	// RFC 6960, section 2.3: unauthorized where "the server is not capable of
	// responding authoritatively"; in a batch the foreign ones are unknown
	// (section 2.2).
	if mine == 0 {
		return failure(Unauthorized), &Error{
			Kind: KindErrorStatus, Status: Unauthorized,
			Detail: "the request names another issuer, or a digest that is not known", Cite: "RFC 6960, section 2.3",
		}
	}
	return r.sign(t)
}

func (r *Responder) validity() time.Duration {
	if r.Validity > 0 {
		return r.Validity
	}
	return DefaultValidity
}

// ask fills in one answer from the source.
func (r *Responder) ask(ctx context.Context, one *Single) error {
	a, err := r.Source.Status(ctx, one.ID.Serial)
	if err != nil {
		return fmt.Errorf("ocsp: status: %w", err)
	}
	one.Status = a.Status
	if a.Status == Revoked {
		one.RevokedAt, one.Reason = a.RevokedAt, a.Reason
	}
	if !a.ThisUpdate.IsZero() {
		one.ThisUpdate = a.ThisUpdate
		one.NextUpdate = a.ThisUpdate.Add(r.validity())
	}
	if !a.NextUpdate.IsZero() {
		one.NextUpdate = a.NextUpdate
	}
	return nil
}

func (r *Responder) sign(t *ResponseTemplate) (Answered, error) {
	cert := r.Issuer
	if r.Certificate != nil && !r.Certificate.Equal(r.Issuer) {
		cert = r.Certificate
		t.Certificates = append([]*pki.Certificate{cert}, r.Chain...)
	}
	if t.ProducedAt.Before(cert.NotBefore) || t.ProducedAt.After(cert.NotAfter) {
		return failure(InternalError), errors.New("ocsp: the responder's certificate is outside its validity")
	}
	for i := range t.Singles {
		// Nobody accepts the answer after the responder's certificate ends.
		if one := &t.Singles[i]; one.NextUpdate.After(cert.NotAfter) {
			one.NextUpdate = cert.NotAfter
		}
	}
	rnd := r.Rand
	if rnd == nil {
		rnd = rand.Reader
	}
	t.keyHash = r.fixed.keyHash(cert)
	der, err := CreateResponse(rnd, t, cert, r.Signer)
	if err != nil {
		return failure(InternalError), err
	}
	out := Answered{DER: der, Status: Successful, ProducedAt: t.ProducedAt, HasNonce: t.nonceValue != nil}
	for _, one := range t.Singles {
		if out.ThisUpdate.IsZero() || one.ThisUpdate.After(out.ThisUpdate) {
			out.ThisUpdate = one.ThisUpdate
		}
		if out.NextUpdate.IsZero() || one.NextUpdate.Before(out.NextUpdate) {
			out.NextUpdate = one.NextUpdate
		}
	}
	return out, nil
}

func failure(s ResponseStatus) Answered {
	return Answered{DER: CreateErrorResponse(s), Status: s}
}
