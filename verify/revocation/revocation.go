// Package revocation decides whether a certificate was revoked at a moment and
// on what evidence: certificate revocation lists ([RFC 5280], section 6.3) and
// OCSP responses ([RFC 6960]).
//
// It opens no connection: evidence comes from a [Source]. What cannot be
// decided is [Unknown], never [Good]; where evidence disagrees, a revocation
// wins. A list is usable if the key that issued the certificate signed it. A
// list of another key under the same name says nothing, because authorities
// that renewed their key keep one list for each, unless that key is there for
// lists alone ([Options.Chain]).
//
// Delta lists and indirect lists are not used to call a certificate good; they
// are named as unusable.
//
// [RFC 5280]: https://www.rfc-editor.org/rfc/rfc5280
// [RFC 6960]: https://www.rfc-editor.org/rfc/rfc6960
package revocation

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
)

// Source supplies evidence about one certificate. It need not judge it: what
// is about another certificate, stale or forged is sorted out by [Check]. An
// error says that evidence could not be had; evidence returned beside an error
// is used.
type Source interface {
	CRLs(ctx context.Context, cert, issuer *pki.Certificate) ([]*pki.RevocationList, error)
	OCSP(ctx context.Context, cert, issuer *pki.Certificate) ([]*ocsp.Response, error)
}

// Static is evidence that was given: files of the user, or what a signature
// carries. All of it is looked at.
type Static struct {
	Lists     []*pki.RevocationList
	Responses []*ocsp.Response
}

// CRLs returns Lists.
func (s *Static) CRLs(context.Context, *pki.Certificate, *pki.Certificate) ([]*pki.RevocationList, error) {
	return s.Lists, nil
}

// OCSP returns Responses.
func (s *Static) OCSP(context.Context, *pki.Certificate, *pki.Certificate) ([]*ocsp.Response, error) {
	return s.Responses, nil
}

// Sources asks what was given, all of it, and then one source after the other
// until one decides.
type Sources []Source

// CRLs returns the lists of all sources.
func (s Sources) CRLs(ctx context.Context, cert, issuer *pki.Certificate) (out []*pki.RevocationList, err error) {
	for _, src := range s {
		l, e := src.CRLs(ctx, cert, issuer)
		out, err = append(out, l...), errors.Join(err, e)
	}
	return out, err
}

// OCSP returns the responses of all sources.
func (s Sources) OCSP(ctx context.Context, cert, issuer *pki.Certificate) (out []*ocsp.Response, err error) {
	for _, src := range s {
		r, e := src.OCSP(ctx, cert, issuer)
		out, err = append(out, r...), errors.Join(err, e)
	}
	return out, err
}

// Status is what is known. The zero value is Unknown.
type Status uint8

// The values of Status.
const (
	Unknown Status = iota // no usable evidence: this is not good
	Good                  // not revoked at the moment that counts
	Revoked               // revoked at or before the moment that counts
	Hold                  // on hold (certificateHold): it may be released later
)

// String returns "unknown", "good", "revoked" or "hold".
func (s Status) String() string {
	switch s {
	case Unknown:
		return "unknown"
	case Good:
		return "good"
	case Revoked:
		return "revoked"
	case Hold:
		return "hold"
	}
	return fmt.Sprintf("Status(%d)", uint8(s))
}

// Options says when. At is required.
type Options struct {
	// At is the moment of the check: evidence must be fresh then.
	At time.Time
	// Moment is the moment that counts: the proven time of the signature. A
	// certificate revoked after it was good for the signature. Zero means At.
	Moment time.Time
	// Skew is how far clocks may be apart; zero means ocsp.DefaultSkew,
	// negative none.
	Skew time.Duration
	// MaxAge bounds the age of evidence without nextUpdate; zero means
	// ocsp.DefaultMaxAge. Where it is set it binds beside nextUpdate too.
	MaxAge time.Duration
	// Responders are certificates among which that of a delegated OCSP
	// responder, or of a separate key that signs lists, may be; none of them is
	// trusted by being here.
	Responders []*pki.Certificate
	// Chain is the validated path above the certificate, its issuer first and
	// the trust anchor last. With it, lists of a key that the authority has for
	// lists alone are used; nil: only lists of the key that signed the
	// certificate.
	Chain []*pki.Certificate
	// Memo, if not nil, remembers the signature checks of lists from one Check
	// to the next.
	Memo *Memo
	// AllowLegacy uses evidence that is signed with a withdrawn digest.
	AllowLegacy bool
	// AllowTest uses lists of a separate key on a parameter set for tests.
	AllowTest bool
}

// Memo remembers which lists were signed by which issuers, and who may sign them. The zero value is
// empty and ready; it is not safe for concurrent use.
type Memo struct {
	outcomes map[memoKey]error
	serving  map[serveKey]bool
	judged   int // OCSP responses
}

type memoKey struct {
	list   *pki.RevocationList
	issuer *pki.Certificate
}

// mayJudge counts one more OCSP response and says whether it may be judged.
func (m *Memo) mayJudge() bool {
	if m == nil {
		return true
	}
	m.judged++
	return m.judged <= limits.OCSPJudged
}

// serveKey: whether a certificate may sign the lists of an authority.
type serveKey struct{ cert, authority *pki.Certificate }

func (m *Memo) check(l *pki.RevocationList, issuer *pki.Certificate) error {
	if m == nil {
		return CheckList(l, issuer)
	}
	k := memoKey{l, issuer}
	err, ok := m.outcomes[k]
	if !ok {
		err = CheckList(l, issuer)
		if m.outcomes == nil {
			m.outcomes = map[memoKey]error{}
		}
		m.outcomes[k] = err
	}
	return err
}

// Answer is the decision about one certificate and the evidence for it.
type Answer struct {
	Status         Status
	At             time.Time // revocation date; zero unless revoked or on hold
	Reason         int       // CRLReason (RFC 5280, section 5.3.1); -1 if absent
	InvalidityDate time.Time // zero: absent
	RevokedLater   bool      // Good at the moment that counts, revoked At afterwards
	ThisUpdate     time.Time
	NextUpdate     time.Time // zero: absent
	Source         string    // "crl", "ocsp", or "" where nothing decided
	Evidence       []byte    // DER of the list or of the BasicOCSPResponse
	List           *pki.RevocationList
	Response       *ocsp.Response
	Responder      *pki.Certificate // who signed Response
	Why            string           // why Unknown; English
	Invalid        bool             // Unknown, and some evidence was forged
	Absent         bool             // Unknown, and there was no evidence to judge
	Notes          []string         // deviations that do not change the decision
}

// ErrNoTime is returned by Check as the reason of an unknown answer when
// Options.At is zero.
var ErrNoTime = errors.New("revocation: the moment of the check is not set")

// Check decides about cert, which issuer issued. It never fails: what goes
// wrong is in Answer.Why.
func Check(ctx context.Context, cert, issuer *pki.Certificate, src Source, o Options) Answer {
	if o.At.IsZero() {
		return unknown("%v", ErrNoTime)
	}
	if o.Moment.IsZero() || o.Moment.After(o.At) {
		o.Moment = o.At
	}
	switch {
	case o.Skew == 0:
		o.Skew = ocsp.DefaultSkew
	case o.Skew < 0:
		o.Skew = 0
	}
	given, others := split(src)
	k := &asker{Options: o, ctx: ctx, src: src, matcher: ocsp.NewMatcher(cert, issuer)}
	answers := k.ask(cert, issuer, given)
	for _, s := range others {
		if a := decide(answers); a.Status != Unknown {
			return a
		}
		answers = append(answers, k.ask(cert, issuer, s)...)
	}
	return decide(answers)
}

// asker is one Check: the options with their defaults and where evidence comes
// from.
type asker struct {
	Options
	ctx     context.Context
	src     Source
	matcher *ocsp.Matcher
}

// split puts everything that was given into one Static, so that a revocation
// anywhere in it wins, and lists the sources that must fetch in order.
func split(src Source) (*Static, []Source) {
	given := &Static{}
	var others []Source
	for _, s := range flatten(src) {
		if st, ok := s.(*Static); ok {
			given.Lists = append(given.Lists, st.Lists...)
			given.Responses = append(given.Responses, st.Responses...)
			continue
		}
		others = append(others, s)
	}
	return given, others
}

// flatten lists the sources in order.
func flatten(src Source) []Source {
	switch s := src.(type) {
	case nil:
		return nil
	case *Static:
		if s == nil {
			return nil
		}
	case Sources:
		var out []Source
		for _, x := range s {
			out = append(out, flatten(x)...)
		}
		return out
	}
	return []Source{src}
}

// ask judges what one source has. A source that must fetch is asked for a list
// only if no response decided; what was given is all looked at.
func (o *asker) ask(cert, issuer *pki.Certificate, src Source) []Answer {
	ctx := o.ctx
	_, given := src.(*Static)
	var out []Answer
	responses, err := src.OCSP(ctx, cert, issuer)
	if err != nil {
		out = append(out, failed("OCSP", err))
	}
	var lists []*pki.RevocationList
	if given {
		lists, err = src.CRLs(ctx, cert, issuer)
		out = appendErr(out, err)
	}
	out = append(out, each(responses, func(r *ocsp.Response) []Answer { return o.response(cert, issuer, r, lists) })...)
	if !given {
		if decide(out).Status != Unknown {
			return out
		}
		lists, err = src.CRLs(ctx, cert, issuer)
		out = appendErr(out, err)
	}
	return append(out, each(lists, func(l *pki.RevocationList) []Answer { return o.list(cert, issuer, l) })...)
}

// each judges evidence up to limits.RevocationEvidence; what is about others
// does not count.
func each[T any](list []*T, judge func(*T) []Answer) []Answer {
	var out []Answer
	for _, e := range list {
		if e == nil {
			continue
		}
		if len(out) >= limits.RevocationEvidence {
			return append(out, unknown("more evidence about one certificate than is examined (%d)", limits.RevocationEvidence))
		}
		out = append(out, judge(e)...)
	}
	return out
}

func appendErr(out []Answer, err error) []Answer {
	if err != nil {
		out = append(out, failed("CRL", err))
	}
	return out
}

func unknown(format string, args ...any) Answer {
	return Answer{Reason: pki.ReasonAbsent, Why: fmt.Sprintf(format, args...)}
}

// failed is the answer of a source that could not be asked.
func failed(what string, err error) Answer {
	return Answer{Reason: pki.ReasonAbsent, Absent: true, Why: what + ": " + err.Error()}
}

// decide joins answers: a revocation wins, the earliest first. Between good
// and on hold the newer evidence wins, because a hold may be released, and at
// the same moment the hold.
func decide(answers []Answer) Answer {
	best := Answer{Reason: pki.ReasonAbsent, Absent: true}
	var why []string
	for _, a := range answers {
		switch {
		case a.Status == Unknown:
			why = append(why, a.Why)
			if best.Status == Unknown {
				best.Invalid, best.Absent = best.Invalid || a.Invalid, best.Absent && a.Absent
			}
		case better(a, best):
			best = a
		}
	}
	if best.Status == Unknown {
		best.Why = summary(why)
	}
	return best
}

// better says whether a decided answer displaces b.
func better(a, b Answer) bool {
	switch {
	case b.Status == Unknown:
		return true
	case a.Status == Revoked && b.Status == Revoked:
		return a.At.Before(b.At)
	case a.Status == Revoked || b.Status == Revoked:
		return a.Status == Revoked
	case a.ThisUpdate.Equal(b.ThisUpdate):
		return a.Status == Hold && b.Status != Hold
	}
	return a.ThisUpdate.After(b.ThisUpdate)
}

// summary joins reasons, each once and not too many.
func summary(why []string) string {
	const most = 4
	if len(why) == 0 {
		return "no CRL and no OCSP response for this certificate"
	}
	seen, out := map[string]bool{}, []string{}
	for _, w := range why {
		if !seen[w] && len(out) < most {
			out = append(out, w)
		}
		seen[w] = true
	}
	return strings.Join(out, "; ")
}
