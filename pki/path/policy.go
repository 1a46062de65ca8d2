package path

import (
	"slices"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// policyNode stands for all nodes of the valid_policy_tree (RFC 5280, section
// 6.1.2 (a)) that have one depth and one valid_policy. Their subtrees are the
// same, so that a graph with one node for them gives the same answer; it grows
// by the policies of each certificate, where the tree multiplies (RFC 9618).
type policyNode struct {
	expected []oid.OID
	parents  []*policyNode
	any      bool // valid_policy is anyPolicy
}

// policies is the state of policy processing: the graph, a level for each
// depth, and the three counters of RFC 5280, section 6.1.2 (d) to (f).
type policies struct {
	levels                        []map[oid.OID]*policyNode // nil: the tree is NULL
	explicit, mapping, inhibitAny int
	initial                       []oid.OID // user-initial-policy-set; nil: any-policy
	work                          *int
}

// newPolicies is RFC 5280, section 6.1.2 (a), (d), (e) and (f). Constraints of
// the trust anchor's own certificate hold from the start (RFC 5937, section 3).
func (b *builder) newPolicies(chain []*pki.Certificate) *policies {
	n := len(chain) - 1
	p := &policies{
		levels:   []map[oid.OID]*policyNode{{oid.AnyPolicy: {expected: []oid.OID{oid.AnyPolicy}, any: true}}},
		explicit: n + 1, mapping: n + 1, inhibitAny: n + 1, work: &b.work, initial: b.o.InitialPolicies,
	}
	if slices.Contains(p.initial, oid.AnyPolicy) {
		p.initial = nil
	}
	if b.o.ExplicitPolicy {
		p.explicit = 0
	}
	if b.o.InhibitMapping {
		p.mapping = 0
	}
	if b.o.InhibitAnyPolicy {
		p.inhibitAny = 0
	}
	p.constrain(chain[n])
	return p
}

// policy runs the policy part of RFC 5280, sections 6.1.3 to 6.1.5 over a chain
// that ends in an anchor and returns the policies for which it is valid: the
// user-constrained and the authority-constrained set. Only the first failure is
// reported: what follows it has no meaning.
func (b *builder) policy(chain []*pki.Certificate) (user, authority []oid.OID, failures []Failure) {
	last := len(chain) - 1
	p := b.newPolicies(chain)
	for i := last - 1; i >= 0; i-- {
		c := chain[i]
		p.certificate(c, i == 0)
		// (f): "Verify that either explicit_policy is greater than 0 or the
		// valid_policy_tree is not equal to NULL".
		if p.explicit == 0 && p.levels == nil {
			return nil, nil, []Failure{policyFailure(c, i, "RFC 5280, section 6.1.3 (f)")}
		}
		if i > 0 {
			p.prepare(c)
		}
		if b.exhausted() {
			return nil, nil, []Failure{workFailure(c, i)}
		}
	}
	if last == 0 {
		return p.initial, nil, nil // the anchor itself: there is no certificate to process
	}
	p.wrapUp(chain[0])
	authority = p.authority()
	if user = p.user(authority); len(user) == 0 && p.explicit == 0 {
		return nil, authority, []Failure{policyFailure(chain[0], 0, "RFC 5280, section 6.1.5 (g)")}
	}
	return user, authority, nil
}

func policyFailure(c *pki.Certificate, i int, cite string) Failure {
	return Failure{Reason: ReasonPolicy, Certificate: c, Index: i, Cite: cite, Detail: "a certificate policy is required and none is valid for the path"}
}

// certificate is RFC 5280, section 6.1.3 (d) and (e).
func (p *policies) certificate(c *pki.Certificate, final bool) {
	if c.Policies == nil {
		p.levels = nil // (e)
	}
	if p.levels == nil {
		return
	}
	before := p.levels[len(p.levels)-1]
	expects := map[oid.OID][]*policyNode{}
	for _, n := range before {
		for _, id := range n.expected {
			expects[id] = append(expects[id], n)
			*p.work++
		}
	}
	level := map[oid.OID]*policyNode{}
	for _, id := range c.Policies {
		*p.work++
		parents := expects[id] // (d)(1)(i)
		if id == oid.AnyPolicy {
			continue
		}
		if root, ok := before[oid.AnyPolicy]; ok && len(parents) == 0 {
			parents = []*policyNode{root} // (d)(1)(ii)
		}
		if len(parents) > 0 {
			level[id] = &policyNode{expected: []oid.OID{id}, parents: parents}
		}
	}
	// (d)(2): "either (a) inhibit_anyPolicy is greater than 0 or (b) i<n and the
	// certificate is self-issued".
	if slices.Contains(c.Policies, oid.AnyPolicy) && (p.inhibitAny > 0 || !final && c.IsSelfIssued()) {
		for id, parents := range expects {
			if level[id] == nil {
				level[id] = &policyNode{expected: []oid.OID{id}, parents: parents, any: id == oid.AnyPolicy}
			}
		}
	}
	p.levels = append(p.levels, level)
	p.prune()
}

// prune is (d)(3): nodes above the last level without children go.
func (p *policies) prune() {
	for d := len(p.levels) - 1; d > 0; d-- {
		used := map[*policyNode]bool{}
		for _, n := range p.levels[d] {
			for _, up := range n.parents {
				used[up] = true
				*p.work++
			}
		}
		for id, n := range p.levels[d-1] {
			if !used[n] {
				delete(p.levels[d-1], id)
			}
		}
	}
	if len(p.levels[len(p.levels)-1]) == 0 {
		p.levels = nil
	}
}

// prepare is RFC 5280, section 6.1.4 (b), (h), (i) and (j); (a) is among the
// checks of the certificate.
func (p *policies) prepare(c *pki.Certificate) {
	if p.levels != nil && len(c.PolicyMappings) > 0 {
		p.remap(c)
	}
	// (h): "If certificate i is not self-issued".
	if !c.IsSelfIssued() {
		p.explicit = max(0, p.explicit-1)
		p.mapping = max(0, p.mapping-1)
		p.inhibitAny = max(0, p.inhibitAny-1)
	}
	p.constrain(c)
}

// remap is RFC 5280, section 6.1.4 (b).
func (p *policies) remap(c *pki.Certificate) {
	equivalent := map[oid.OID][]oid.OID{}
	for _, m := range c.PolicyMappings {
		if !slices.Contains(equivalent[m.Issuer], m.Subject) {
			equivalent[m.Issuer] = append(equivalent[m.Issuer], m.Subject)
		}
	}
	depth := len(p.levels) - 1
	level := p.levels[depth]
	for issuer, subjects := range equivalent {
		*p.work += len(subjects)
		n, ok := level[issuer]
		switch {
		case p.mapping == 0: // (b)(2)
			delete(level, issuer)
		case ok:
			n.expected = subjects
		case level[oid.AnyPolicy] != nil:
			level[issuer] = &policyNode{expected: subjects, parents: level[oid.AnyPolicy].parents}
		}
	}
	p.prune()
}

// constrain is RFC 5280, section 6.1.4 (i) and (j).
func (p *policies) constrain(c *pki.Certificate) {
	if pc := c.PolicyConstraints; pc != nil {
		if pc.RequireExplicitPolicy >= 0 {
			p.explicit = min(p.explicit, pc.RequireExplicitPolicy)
		}
		if pc.InhibitPolicyMapping >= 0 {
			p.mapping = min(p.mapping, pc.InhibitPolicyMapping)
		}
	}
	if c.InhibitAnyPolicy >= 0 {
		p.inhibitAny = min(p.inhibitAny, c.InhibitAnyPolicy)
	}
}

// wrapUp is RFC 5280, section 6.1.5 (a) and (b).
func (p *policies) wrapUp(c *pki.Certificate) {
	p.explicit = max(0, p.explicit-1)
	if c.PolicyConstraints != nil && c.PolicyConstraints.RequireExplicitPolicy == 0 {
		p.explicit = 0
	}
}

// authority returns the authority-constrained policies in the domain of the
// anchor, sorted: those of the valid_policy_node_set, "policy nodes whose
// parent nodes have a valid_policy of anyPolicy" (RFC 5280, section 6.1.5 (g)
// (iii) 1), and anyPolicy if it reaches the last certificate.
func (p *policies) authority() []oid.OID {
	var out []oid.OID
	for d, level := range p.levels {
		for id, n := range level {
			top := d > 0 && n.parents[0].any && !n.any
			if top || n.any && d == len(p.levels)-1 {
				out = append(out, id)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// user is the intersection with the user-initial-policy-set, RFC 5280, section
// 6.1.5 (g): where anyPolicy is left, each policy of the set is valid.
func (p *policies) user(authority []oid.OID) []oid.OID {
	switch {
	case p.initial == nil:
		return authority
	case slices.Contains(authority, oid.AnyPolicy):
		return slices.Clone(p.initial)
	}
	return slices.DeleteFunc(slices.Clone(authority), func(id oid.OID) bool { return !slices.Contains(p.initial, id) })
}

// exhausted says whether the bound on comparisons of names and policies was
// reached.
func (b *builder) exhausted() bool {
	if b.work > limits.PathWork {
		b.limited = true
		return true
	}
	return false
}

func workFailure(c *pki.Certificate, i int) Failure {
	return Failure{
		Reason: ReasonLimit, Certificate: c, Index: i, Cite: "RFC 5280, section 8",
		Detail: "the bound on comparisons of names and policies was reached",
	}
}
