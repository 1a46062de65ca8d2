package path

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// attempt is a path that was tried.
type attempt struct {
	chain           []*pki.Certificate
	anchored        bool
	failures        []Failure
	user, authority []oid.OID // valid policies
}

// builder searches depth first, anchors before intermediates and key
// identifiers before names, and remembers the best attempt.
type builder struct {
	ctx     context.Context
	o       Options
	seen    map[edge]error // outcomes of signature checks, each once
	checked int            // signature checks
	steps   int            // candidates that were looked at
	paths   int            // paths to an anchor that were examined
	work    int            // comparisons of names and policies
	limited bool           // a bound was reached
	best    *attempt
	done    bool
}

// extend tries every issuer of the last certificate of chain.
func (b *builder) extend(chain []*pki.Certificate) {
	if b.stop() {
		return
	}
	last := chain[len(chain)-1]
	if b.o.Roots.Contains(last) {
		b.keep(b.examine(chain))
		return // RFC 5280, 6.1: the path ends at the trust anchor
	}
	if len(chain) >= limits.PathLength {
		b.limited = true
		b.keep(&attempt{chain: chain, failures: []Failure{b.noChain(chain)}})
		return
	}
	if !b.climb(chain) && !b.done {
		b.keep(&attempt{chain: chain, failures: []Failure{b.noChain(chain)}})
	}
}

// climb goes one step up to every candidate and reports whether one did sign.
func (b *builder) climb(chain []*pki.Certificate) (extended bool) {
	last := chain[len(chain)-1]
	looked := 0
	for pool := range b.pools() {
		for _, parent := range pool.FindIssuers(last) {
			if b.o.Avoid != nil && b.o.Avoid(parent) && !b.o.Roots.Contains(parent) {
				continue
			}
			if looked++; looked > limits.PathCandidates {
				b.limited = true
				return extended
			}
			if b.follow(chain, parent) {
				extended = true
			}
			if b.stop() {
				return extended
			}
		}
	}
	return extended
}

// examine applies every rule to a chain that ends in an anchor.
func (b *builder) examine(chain []*pki.Certificate) *attempt {
	b.paths++
	a := &attempt{anchored: true}
	a.chain, a.failures = b.complete(chain)
	a.failures = append(a.failures, b.inspect(a.chain)...)
	var failures []Failure
	a.user, a.authority, failures = b.policy(a.chain)
	a.failures = append(a.failures, failures...)
	slices.SortStableFunc(a.failures, func(x, y Failure) int { return x.Index - y.Index })
	return a
}

// follow goes one step up to parent and reports whether parent did sign.
func (b *builder) follow(chain []*pki.Certificate, parent *pki.Certificate) bool {
	if repeats(chain, parent) {
		return false
	}
	child := chain[len(chain)-1]
	switch err := b.signed(child, parent); {
	case errors.Is(err, errLimit):
		return false
	case err != nil:
		b.refuse(chain, parent, err)
		return false
	}
	b.extend(append(chain[:len(chain):len(chain)], parent))
	return true
}

// repeats says whether parent is in the chain already. RFC 5280, section 6.1:
// "A certificate MUST NOT appear more than once in a prospective certification
// path"; the same name with the same key is the same step again.
func repeats(chain []*pki.Certificate, parent *pki.Certificate) bool {
	for _, c := range chain[1:] {
		if c.Equal(parent) || bytes.Equal(c.RawSubject, parent.RawSubject) &&
			bytes.Equal(c.RawSubjectPublicKeyInfo, parent.RawSubjectPublicKeyInfo) {
			return true
		}
	}
	return chain[0].Equal(parent)
}

// pools yields where issuers are looked for, anchors first.
func (b *builder) pools() iter.Seq[*pki.Pool] {
	return func(yield func(*pki.Pool) bool) {
		if !yield(b.o.Roots) || !yield(b.o.Intermediates) {
			return
		}
		for _, p := range b.o.Extra {
			if !yield(p) {
				return
			}
		}
	}
}

var errLimit = errors.New("path: the bound on signature checks was reached")

// signed checks child's signature with parent's key. Where the key has to
// inherit its parameters the answer is put off: see complete.
func (b *builder) signed(child, parent *pki.Certificate) error {
	parent, deferred, err := b.issuerKey(parent)
	if deferred || err != nil {
		return err
	}
	return b.verify(child, parent)
}

// verify checks child's signature with parent's key, once per pair.
func (b *builder) verify(child, parent *pki.Certificate) error {
	e := edgeOf(child, parent)
	if err, ok := b.seen[e]; ok {
		return err
	}
	if b.checked >= b.o.MaxChecks {
		b.limited = true
		return errLimit
	}
	ok, err := b.o.Memo.check(e, child, parent)
	if !ok {
		b.limited = true
		return errLimit
	}
	b.checked++
	b.seen[e] = err
	return err
}

// check returns the outcome of a signature check, remembered or computed; ok is
// false where the bound on what is computed in all was reached.
func (m *Memo) check(e edge, child, parent *pki.Certificate) (ok bool, err error) {
	if err, ok := m.edges[e]; ok {
		return true, err
	}
	if len(m.edges) >= limits.PathTotalChecks {
		return false, nil
	}
	if m.edges == nil {
		m.edges = map[edge]error{}
	}
	err = m.Facts.check(e, child, parent)
	m.edges[e] = err
	return true, err
}

// refuse records that parent did not sign the last certificate of chain. It is
// a failure of the certificate only where parent should have signed: the key
// identifiers agree, or parent is a trust anchor with the issuer's name and the
// certificate does not name another one of that name. Any other certificate
// with the same name is just not the issuer.
func (b *builder) refuse(chain []*pki.Certificate, parent *pki.Certificate, err error) {
	child := chain[len(chain)-1]
	byKey := len(child.AuthorityKeyID) > 0 && bytes.Equal(child.AuthorityKeyID, parent.SubjectKeyID)
	f := Failure{
		Reason: ReasonSignature, Certificate: child, Index: len(chain) - 1,
		Detail: "the signature does not verify with the issuer's key: " + err.Error(), Cite: "RFC 5280, section 6.1.3 (a)(1)",
	}
	switch {
	case UnknownAlgorithm(err):
		f.Reason, f.Detail = ReasonAlgorithm, err.Error()
	case !byKey && (!b.o.Roots.Contains(parent) || !parent.Subject.Equal(child.Issuer) || namesAnother(child, parent)):
		return
	}
	b.keep(&attempt{chain: chain, failures: []Failure{f}})
}

// namesAnother says whether child names the certificate of its issuer by serial
// number (RFC 5280, section 4.2.1.1), and that is not parent. The Russian
// authorities do so, and their root renewed its key several times under one
// name: the anchor at hand is then merely not the one that is needed.
func namesAnother(child, parent *pki.Certificate) bool {
	return child.AuthorityCertSerial != nil && child.AuthorityCertSerial.Cmp(parent.SerialNumber) != 0
}

func (b *builder) noChain(chain []*pki.Certificate) Failure {
	last := chain[len(chain)-1]
	f := Failure{
		Reason: ReasonNoChain, Certificate: last, Index: len(chain) - 1, Cite: "RFC 5280, section 6.1",
		Detail: "no trusted certificate of the issuer " + last.Issuer.String(),
	}
	if b.o.Roots.Len() == 0 {
		f.Detail = "no trust anchors were given"
	}
	return f
}

// stop says whether the search is over.
func (b *builder) stop() bool {
	b.steps++
	if !b.done && (b.steps > limits.PathCandidates*limits.PathLength || b.paths >= limits.PathInspected || b.work > limits.PathWork) {
		b.limited = true
		return true
	}
	return b.done || b.ctx.Err() != nil
}

// keep remembers a if it is better than what was found before.
func (b *builder) keep(a *attempt) {
	if b.best == nil || a.rank() < b.best.rank() {
		b.best = a
	}
	if a.anchored && len(a.failures) == 0 {
		b.done = true
	}
}

// rank orders attempts: a path that passes, then a path to an anchor with few
// faults, then a definite fault below, then an open end.
func (a *attempt) rank() int {
	const anchoredStep, below = 1000, 1_000_000
	if a.anchored {
		definite := 0
		for _, f := range a.failures {
			if !f.Reason.Indeterminate() {
				definite++
			}
		}
		return len(a.failures) + anchoredStep*definite
	}
	r := below
	for _, f := range a.failures {
		switch f.Reason {
		case ReasonSignature:
			return r
		case ReasonAlgorithm:
			return r + 1
		}
	}
	return r + 2
}

// result turns the best attempt into the answer.
func (b *builder) result(leaf *pki.Certificate) *Result {
	if b.best == nil {
		b.best = &attempt{chain: []*pki.Certificate{leaf}, failures: []Failure{b.noChain([]*pki.Certificate{leaf})}}
	}
	a := b.best
	res := &Result{Chain: a.chain, Anchored: a.anchored, Failures: a.failures, Checked: b.checked}
	if len(a.failures) == 0 {
		res.Policies, res.AuthorityPolicies = a.user, a.authority
	}
	if len(a.failures) > 0 && b.limited && (!a.anchored || !hopeless(a.failures)) {
		// What was not searched may hold the path: the answer is open.
		last := len(a.chain) - 1
		limit := Failure{
			Reason: ReasonLimit, Certificate: a.chain[last], Index: last, Cite: "RFC 5280, section 8",
			Detail: "the bound on path building was reached before a path was found",
		}
		if !a.anchored {
			res.Failures = nil
		}
		res.Failures = append([]Failure{limit}, res.Failures...)
	}
	if !a.anchored {
		// Checks that need no anchor are reported all the same.
		res.Failures = append(res.Failures, b.inspect(a.chain)...)
	}
	return res
}

// hopeless says whether no other path can be better: the certificate itself is
// at fault, whoever issued it.
func hopeless(failures []Failure) bool {
	for _, f := range failures {
		switch f.Reason {
		case ReasonExpired, ReasonNotYetValid, ReasonKeyUsage, ReasonExtKeyUsage, ReasonCriticalExtension, ReasonMalformed, ReasonTestParameters:
			if f.Index == 0 {
				return true
			}
		}
	}
	return false
}
