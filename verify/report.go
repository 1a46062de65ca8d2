package verify

import (
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// Check is one thing that was checked. The IDs are stable.
type Check struct {
	ID, Cite string
	OK       bool
	Action   Action // what it means that the check is not OK
	Detail   string
	Reason   Reason // of a failure; empty otherwise

	stage stage
}

// Result returns "passed", "failed", "warning" or "skipped". What the policy
// only wants to be told of (Inform) is skipped where it does not hold: its
// detail says what was found, and it neither warns nor decides.
func (c Check) Result() string {
	switch {
	case c.OK:
		return "passed"
	case c.Action == Inform:
		return "skipped"
	case c.Action == Warn:
		return "warning"
	case c.Action == Skip:
		return "skipped"
	}
	return "failed"
}

// stage is the place of a check in the order of EN 319 102-1, section 5.3.4.
type stage uint8

const (
	stageFormat     stage = iota // 5.2.2 format checking
	stageIdentify                // 5.2.3 identification of the signing certificate
	stageChain                   // 5.2.6 X.509 certificate validation
	stageCrypto                  // 5.2.7 cryptographic verification
	stageAcceptance              // 5.2.8 signature acceptance validation
	stageTime                    // 5.4, 5.5 time stamps and what else is attached
)

// Outcome is a status with the checks that it rests on.
type Outcome struct {
	Status Status
	Reason Reason // empty if and only if Passed
	Checks []Check

	advice text // better texts than those of the Reason; empty: none
}

// Verdict returns what the outcome means for a person.
func (o *Outcome) Verdict() Verdict {
	if o.Status == Passed {
		return VerdictValid
	}
	return o.Reason.Verdict()
}

// Deciding returns the check that gave the Reason; false if there is none.
func (o *Outcome) Deciding() (Check, bool) {
	for _, c := range o.Checks {
		if !c.OK && c.Action == Fail && c.Reason == o.Reason {
			return c, true
		}
	}
	return Check{}, false
}

// Warnings returns the details of all warnings.
func (o *Outcome) Warnings() []string {
	var out []string
	for _, c := range o.Checks {
		if c.Result() == "warning" {
			out = append(out, c.Detail)
		}
	}
	return out
}

func (o *Outcome) pass(s stage, id, cite, detail string) {
	o.Checks = append(o.Checks, Check{ID: id, Cite: cite, OK: true, Detail: detail, stage: s})
}

func (o *Outcome) warn(s stage, id, cite, detail string) {
	o.Checks = append(o.Checks, Check{ID: id, Cite: cite, Action: Warn, Detail: detail, stage: s})
}

func (o *Outcome) skip(s stage, id, cite, detail string) {
	o.Checks = append(o.Checks, Check{ID: id, Cite: cite, Action: Skip, Detail: detail, stage: s})
}

func (o *Outcome) fail(s stage, id, cite string, r Reason, detail string) {
	o.Checks = append(o.Checks, Check{ID: id, Cite: cite, Reason: r, Detail: detail, stage: s})
}

// require adds a check whose strictness the policy decides.
func (o *Outcome) require(a Action, s stage, id, cite string, r Reason, detail string) {
	c := Check{ID: id, Cite: cite, Action: a, Detail: detail, stage: s}
	if a == Fail {
		c.Reason = r
	}
	o.Checks = append(o.Checks, c)
}

// decide sets Status and Reason. Of several failures the one with the worst
// verdict decides: that a certificate's issuer is unknown must not hide that
// the document was changed. Among those a TOTAL-FAILED goes before an
// INDETERMINATE, as EN 319 102-1, section 5.3.4 keeps the latter back until
// the rest has passed; then the order of the standard counts.
func (o *Outcome) decide() {
	for i := range o.Checks { // joined errors have a line each
		o.Checks[i].Detail = strings.ReplaceAll(o.Checks[i].Detail, "\n", "; ")
	}
	slices.SortStableFunc(o.Checks, func(a, b Check) int { return int(a.stage) - int(b.stage) })
	o.Status, o.Reason = Passed, ""
	best := -1
	for _, c := range o.Checks {
		if c.OK || c.Action != Fail {
			continue
		}
		weight := 2 * c.Reason.Verdict().rank()
		if c.Reason.Status() == Failed {
			weight++
		}
		if weight > best {
			best, o.Status, o.Reason = weight, c.Reason.Status(), c.Reason
		}
	}
}

// Report is the answer about one document or object. Its JSON form is that of
// the command line's --json.
type Report struct {
	Kind   Kind
	At     time.Time // the moment of verification
	Policy *Policy
	Lang   Lang

	// Outcome is that of the whole: for a document with signatures the worst of
	// them. Its Checks are those that belong to no single signature.
	Outcome

	Signatures []*Signature // KindSignature only

	// The fields below are for objects other than signatures.

	Certificate *pki.Certificate // what was checked, or whom the object is about
	Chain       []*pki.Certificate
	Evidence    cms.Evidence // what decided about revocation
	GenTime     time.Time    // KindTimeStamp: the stamped time
}

// Signature is the answer about one signature.
type Signature struct {
	Outcome

	Signer      *pki.Certificate // nil if it was not found
	SignerName  string           // issuer and serial number or key identifier, as the signature names them
	ClaimedTime time.Time        // signing-time attribute: what the signer says; zero: absent
	BestTime    time.Time        // proven by a trusted time stamp, plus its accuracy where that is worse than the skew; zero: not proven
	// Level is the highest level whose material is complete and whose checks
	// passed: "cms", "bes", "t", "xl" or "a" (EN 319 122-1; XL is CAdES-X Long
	// Type 1 of RFC 5126).
	Level string
	// ClaimedLevel is the level that the signature's attributes announce, with
	// "c", "x1" and "x2" (CAdES-C and -X without the values, RFC 5126) beside those
	// of Level. Where it announces more than Level, the check "higher-level" says why.
	ClaimedLevel string
	Kind         string // "qualified-form", "enhanced", "simple" or "unknown"

	Chain      []*pki.Certificate // signer first
	Evidence   cms.Evidence       // exactly what decided
	TimeStamps []*TimeStamp
	Counter    []*Signature // countersignatures: cryptographic checks and chain
}

// TimeStamp is the answer about one time stamp of a signature.
type TimeStamp struct {
	Outcome
	// Kind is the attribute that held the token: "content-time-stamp" or a name
	// of cms.StampKind such as "signature-time-stamp" and
	// "archive-time-stamp-v3"; empty for a token by itself.
	Kind     string
	GenTime  time.Time
	Serial   *big.Int         // serialNumber of the token (RFC 3161, section 2.4.2); nil if it was not read
	Policy   oid.OID          // the authority's policy under which it was issued; empty if it was not read
	TSA      *pki.Certificate // nil if it was not found
	Chain    []*pki.Certificate
	Evidence cms.Evidence
}

// finish sets the document's outcome to the worst of its parts and returns the
// error of the method: nil if and only if the status is Passed.
func (r *Report) finish() error {
	r.decide()
	r.advise()
	for _, s := range r.Signatures {
		if s.Verdict().rank() > r.Verdict().rank() {
			r.Status, r.Reason, r.advice = s.Status, s.Reason, s.advice
		}
	}
	if r.Status == Passed {
		return nil
	}
	e := &Error{Kind: r.Kind, Status: r.Status, Reason: r.Reason, Verdict: r.Verdict()}
	if c, ok := r.Deciding(); ok {
		e.Detail = c.Detail
		return e
	}
	for _, s := range r.Signatures {
		if c, ok := s.Deciding(); ok && s.Reason == r.Reason {
			e.Detail = c.Detail
			break
		}
	}
	return e
}

// StatusText is the headline for a person in the report's language.
func (r *Report) StatusText() string { return StatusText(r.Kind, r.Verdict(), r.Lang) }
