// Package revocation decides whether a certificate was revoked at a moment and
// on what evidence: certificate revocation lists ([RFC 5280], section 6.3) and
// OCSP responses ([RFC 6960]).
//
// It opens no connection: evidence comes from a [Source]. What cannot be
// decided is [Unknown], never [Good]; where evidence disagrees, a revocation
// wins.
//
// Lists are read as RFC 5280, section 6.3 has it: complete, delta and indirect
// ones, distribution points and reasons. Who may have signed a list: the key that
// issued the certificate; a key that the authority has for lists alone; another
// key of the authority that a self-issued certificate links with the first; and
// the authority that a distribution point names, if its path leads to the same
// trust anchor ([Options.Chain]). A list of another key under the same name
// says nothing, because authorities that renewed their key keep one list for each.
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
	"github.com/gosklyuch/gosklyuch/pki/alg"
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

// Kind is a kind of evidence.
type Kind string

// The kinds of evidence.
const (
	OCSP Kind = "ocsp"
	CRL  Kind = "crl"
)

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
	// MaxAgeOf has it for single kinds.
	MaxAge   time.Duration
	MaxAgeOf map[Kind]time.Duration
	// Order is which kinds of evidence are used, and in which order a source that
	// must fetch is asked; nil means OCSP, then CRL. What was given is all looked
	// at, in so far as its kind is used.
	Order []Kind
	// AllowStale answers from evidence that has run out too, with Answer.Stale
	// set: what a control time slides back to (EN 319 102-1, section 5.6.2.2).
	AllowStale bool
	// AllowLater uses evidence that was issued after At as well: it says what was
	// known later about a moment in the past. Whether it exists yet, and since
	// when, is then for the caller to judge.
	AllowLater bool
	// ResponderStatus demands to know that a delegated OCSP responder without
	// id-pkix-ocsp-nocheck is not revoked; false: not knowing it is a note.
	ResponderStatus bool
	// Responders are certificates among which that of a delegated OCSP
	// responder, or of whoever signs lists, may be, and those of their paths; none
	// of them is trusted by being here.
	Responders []*pki.Certificate
	// Chain is the validated path above the certificate, its issuer first and
	// the trust anchor last. With it, lists of other keys than that of the issuer
	// are used; nil: only lists of the key that signed the certificate.
	Chain []*pki.Certificate
	// Memo, if not nil, remembers the signature checks of lists from one Check
	// to the next and bounds them in all.
	Memo *Memo
	// AllowLegacy uses evidence that is signed with a withdrawn digest.
	AllowLegacy bool
	// AllowTest uses lists of a separate key, and answers of a delegated OCSP
	// responder, on a parameter set for tests.
	AllowTest bool
	// Withdrawn and AllowDSA are as in path.Options, for the signers of evidence.
	Withdrawn func(algorithm string) bool
	AllowDSA  bool
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
	ProducedAt     time.Time // when the OCSP response was signed; zero for a list
	Source         Kind      // "" where nothing decided
	// Evidence is the DER of the list or of the BasicOCSPResponse; nil for a list
	// that stays in its file: List.Reader has its octets.
	Evidence  []byte
	List      *pki.RevocationList
	More      []*pki.RevocationList // with List: the delta, lists for other reasons
	Response  *ocsp.Response
	Responder *pki.Certificate // who signed Response
	// Chain is the path of whoever signed the evidence, the trust anchor last;
	// the signer alone where Options.Chain is nil.
	Chain   []*pki.Certificate
	Stale   bool     // the evidence has run out: Options.AllowStale
	Why     string   // why Unknown; English
	Invalid bool     // Unknown, and some evidence was forged
	Absent  bool     // Unknown, and there was no evidence to judge
	Notes   []string // deviations that do not change the decision
}

// ErrNoTime is returned by Check as the reason of an unknown answer when
// Options.At is zero.
var ErrNoTime = errors.New("revocation: the moment of the check is not set")

// Age is how old the evidence is at the moment.
func (a Answer) Age(at time.Time) time.Duration { return at.Sub(a.ThisUpdate) }

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
	if o.Memo == nil {
		o.Memo = &Memo{}
	}
	if o.Order == nil {
		o.Order = []Kind{OCSP, CRL}
	}
	return check(ctx, cert, issuer, src, o, 0)
}

// check is Check with the defaults of o in place; depth says how many
// certificates of signers of evidence stand above this one.
func check(ctx context.Context, cert, issuer *pki.Certificate, src Source, o Options, depth int) Answer {
	given, others := split(src)
	k := &asker{
		Options: o, ctx: ctx, src: src, cert: cert, issuer: issuer, depth: depth,
		matcher: ocsp.NewMatcher(cert, issuer), scope: newScoper(cert),
	}
	answers := k.given(given)
	for _, s := range others {
		if a := decide(answers); a.Status != Unknown {
			return a
		}
		answers = append(answers, k.fetch(s)...)
	}
	return decide(answers)
}

// asker is one Check: the options with their defaults and where evidence comes
// from.
type asker struct {
	Options
	ctx          context.Context
	src          Source
	cert, issuer *pki.Certificate
	matcher      *ocsp.Matcher
	scope        *scoper
	depth        int
}

// maxAge is the bound on the age of evidence of the kind.
func (o *asker) maxAge(k Kind) time.Duration {
	if age, ok := o.MaxAgeOf[k]; ok {
		return age
	}
	return o.MaxAge
}

// withdrawn says whether a signature algorithm is no longer to be used.
func (o *asker) withdrawn(id alg.Identifier) bool { return o.withdrawnName(alg.DigestName(id)) }

// withdrawnName is withdrawn by the name of an algorithm.
func (o *asker) withdrawnName(name string) bool {
	switch {
	case o.AllowLegacy:
		return false
	case o.Withdrawn != nil:
		return o.Withdrawn(name)
	}
	return alg.Withdrawn(name)
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

// given judges everything that was given: a revocation anywhere in it wins.
func (o *asker) given(src *Static) []Answer {
	var out []Answer
	for _, k := range o.Order {
		switch k {
		case OCSP:
			out = append(out, each(src.Responses, func(r *ocsp.Response) []Answer { return o.response(r, src.Lists) })...)
		case CRL:
			out = append(out, o.lists(src.Lists)...)
		}
	}
	return out
}

// fetch asks a source that must fetch, for the next kind of evidence only if
// what came before did not decide.
func (o *asker) fetch(src Source) []Answer {
	var out []Answer
	for _, k := range o.Order {
		switch k {
		case OCSP:
			responses, err := src.OCSP(o.ctx, o.cert, o.issuer)
			out = appendErr(out, "OCSP", err)
			out = append(out, each(responses, func(r *ocsp.Response) []Answer { return o.response(r, nil) })...)
		case CRL:
			lists, err := src.CRLs(o.ctx, o.cert, o.issuer)
			out = appendErr(out, "CRL", err)
			out = append(out, o.lists(lists)...)
		}
		if decide(out).Status != Unknown {
			return out
		}
	}
	return out
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
			return append(out, tooMuch())
		}
		out = append(out, judge(e)...)
	}
	return out
}

func appendErr(out []Answer, what string, err error) []Answer {
	if err != nil {
		out = append(out, failed(what, err))
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
		return a.Since().Before(b.Since())
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
