package path_test

import (
	"crypto"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/path"
)

// Policies of the tests.
const (
	gold   oid.OID = "1.2.3.1"
	silver oid.OID = "1.2.3.2"
	red    oid.OID = "1.2.3.3"
)

// line is a chain root, sub, sub2, leaf whose extensions a test chooses.
type line struct {
	root, leaf *pki.Certificate
	subs       *pki.Pool
	key        crypto.Signer // of the lowest authority
}

// newLine makes a chain below a root. Each entry is the extensions of one
// certificate, the last is the leaf; rollover makes that authority self-issued.
func newLine(t testing.TB, rollover int, exts ...[][]byte) line {
	t.Helper()
	key := testpki.Key(t, "gost2012-256", "cryptopro-a")
	rt := newShape(t, "CN=Root", "CN=Root", key.Public())
	with(isCA, signs)(rt)
	l := line{root: parse(t, rt.raw(t, key)), subs: pki.NewPool()}
	issuer := "CN=Root"
	for i, e := range exts {
		subject := fmt.Sprintf("CN=Certificate %d", i)
		if i == rollover {
			subject = issuer
		}
		next := testpki.Key(t, "gost2012-256", "cryptopro-a")
		s := newShape(t, issuer, subject, next.Public())
		if i < len(exts)-1 {
			with(isCA, signs)(s)
		}
		with(e...)(s)
		c := parse(t, s.raw(t, key))
		if i == len(exts)-1 {
			l.leaf, l.key = c, key
		} else {
			l.subs.Add(c)
		}
		issuer, key = subject, next
	}
	return l
}

func (l line) options() path.Options {
	return path.Options{Roots: pki.NewPool(l.root), Intermediates: l.subs, At: testpki.Now}
}

func constraintsExt(explicit, mapping int) []byte {
	var parts [][]byte
	if explicit >= 0 {
		parts = append(parts, der.Wrap(0x80, []byte{byte(explicit)})) // below 128
	}
	if mapping >= 0 {
		parts = append(parts, der.Wrap(0x81, []byte{byte(mapping)})) // below 128
	}
	return ext(oid.PolicyConstraints, true, der.Wrap(0x30, parts...))
}

func inhibitAnyExt(n int) []byte {
	return ext(oid.InhibitAnyPolicy, true, der.Wrap(2, []byte{byte(n)})) // below 128
}

// TestPolicies: RFC 5280, section 6.1, policy by policy.
func TestPolicies(t *testing.T) {
	type exts = [][]byte
	none := exts{}
	for name, tc := range map[string]struct {
		chain    []exts
		rollover int // 0: none
		opts     func(*path.Options)
		want     path.Reason
		user     []oid.OID
	}{
		"none, none required": {chain: []exts{none, none}},
		"none, one required":  {chain: []exts{none, none}, opts: func(o *path.Options) { o.ExplicitPolicy = true }, want: path.ReasonPolicy},
		"gold all along":      {chain: []exts{{policyExt(gold)}, {policyExt(gold)}}, opts: func(o *path.Options) { o.ExplicitPolicy = true }, user: []oid.OID{gold}},
		"gold, silver wanted": {chain: []exts{{policyExt(gold)}, {policyExt(gold)}}, opts: func(o *path.Options) {
			o.ExplicitPolicy, o.InitialPolicies = true, []oid.OID{silver}
		}, want: path.ReasonPolicy},
		"gold, silver wanted, none required": {chain: []exts{{policyExt(gold)}, {policyExt(gold)}}, opts: func(o *path.Options) { o.InitialPolicies = []oid.OID{silver} }},
		"anyPolicy stands for silver": {chain: []exts{{policyExt(oid.AnyPolicy)}, {policyExt(oid.AnyPolicy)}}, opts: func(o *path.Options) {
			o.ExplicitPolicy, o.InitialPolicies = true, []oid.OID{silver}
		}, user: []oid.OID{silver}},
		"anyPolicy inhibited by the caller": {chain: []exts{{policyExt(oid.AnyPolicy)}, {policyExt(gold)}}, opts: func(o *path.Options) {
			o.ExplicitPolicy, o.InhibitAnyPolicy = true, true
		}, want: path.ReasonPolicy},
		"anyPolicy inhibited by an authority": {
			chain: []exts{{policyExt(gold), inhibitAnyExt(0)}, {policyExt(oid.AnyPolicy)}},
			opts:  func(o *path.Options) { o.ExplicitPolicy = true }, want: path.ReasonPolicy,
		},
		"anyPolicy inhibited, key roll-over": { // 6.1.3 (d)(2)(b)
			chain: []exts{{policyExt(gold), inhibitAnyExt(0)}, {policyExt(oid.AnyPolicy)}, {policyExt(gold)}}, rollover: 1,
			opts: func(o *path.Options) { o.ExplicitPolicy = true }, user: []oid.OID{gold},
		},
		"required by an authority": {chain: []exts{{policyExt(gold), constraintsExt(0, -1)}, none}, want: path.ReasonPolicy},
		"required after one":       {chain: []exts{{policyExt(gold), constraintsExt(1, -1)}, none, none}, want: path.ReasonPolicy},
		"required after two":       {chain: []exts{{policyExt(gold), constraintsExt(3, -1)}, none, none}},
		"required by the leaf":     {chain: []exts{none, {constraintsExt(0, -1)}}, want: path.ReasonPolicy}, // 6.1.5 (b)
		"mapped": {
			chain: []exts{{policyExt(gold), mapExt(gold, silver)}, {policyExt(silver)}},
			opts:  func(o *path.Options) { o.ExplicitPolicy, o.InitialPolicies = true, []oid.OID{gold} }, user: []oid.OID{gold},
		},
		"mapped, the subject's name wanted": {
			chain: []exts{{policyExt(gold), mapExt(gold, silver)}, {policyExt(silver)}},
			opts:  func(o *path.Options) { o.ExplicitPolicy, o.InitialPolicies = true, []oid.OID{silver} }, want: path.ReasonPolicy,
		},
		"mapped below anyPolicy": {
			chain: []exts{{policyExt(oid.AnyPolicy), mapExt(gold, silver)}, {policyExt(silver)}},
			opts:  func(o *path.Options) { o.ExplicitPolicy, o.InitialPolicies = true, []oid.OID{gold} }, user: []oid.OID{gold},
		},
		"mapping inhibited by the caller": {
			chain: []exts{{policyExt(gold), mapExt(gold, silver)}, {policyExt(silver)}},
			opts:  func(o *path.Options) { o.ExplicitPolicy, o.InhibitMapping = true, true }, want: path.ReasonPolicy,
		},
		"mapping inhibited by an authority": {
			chain: []exts{{policyExt(gold), constraintsExt(-1, 0)}, {policyExt(gold), mapExt(gold, silver)}, {policyExt(silver)}},
			opts:  func(o *path.Options) { o.ExplicitPolicy = true }, want: path.ReasonPolicy,
		},
	} {
		t.Run(name, func(t *testing.T) {
			rollover := tc.rollover
			if rollover == 0 {
				rollover = -1
			}
			l := newLine(t, rollover, tc.chain...)
			o := l.options()
			if tc.opts != nil {
				tc.opts(&o)
			}
			expect(t, l.leaf, o, tc.want)
			res, _ := path.Validate(t.Context(), l.leaf, o)
			if tc.want == "" && !slices.Equal(res.Policies, tc.user) {
				t.Errorf("valid policies %v, want %v", res.Policies, tc.user)
			}
		})
	}
}

// node is a node of the tree of RFC 5280, section 6.1.2 (a), as the text has it.
type node struct {
	parent   *node
	valid    oid.OID
	expected []oid.OID
	depth    int
}

// tree is section 6.1 with a tree, written from its text: what the graph must
// agree with. It returns whether the path is valid and for which policies.
func tree(certs []*pki.Certificate, o path.Options) (bool, []oid.OID) {
	n := len(certs)
	nodes := []*node{{valid: oid.AnyPolicy, expected: []oid.OID{oid.AnyPolicy}}}
	explicit, mapping, inhibit := n+1, n+1, n+1
	if o.ExplicitPolicy {
		explicit = 0
	}
	if o.InhibitMapping {
		mapping = 0
	}
	if o.InhibitAnyPolicy {
		inhibit = 0
	}
	for i := 1; i <= n; i++ {
		c := certs[i-1]
		if c.Policies == nil {
			nodes = nil
		}
		nodes = grow(nodes, c, i, inhibit > 0 || i < n && c.IsSelfIssued())
		if explicit == 0 && len(nodes) == 0 {
			return false, nil
		}
		if i == n {
			break
		}
		nodes = mapTree(nodes, c, i, mapping)
		if !c.IsSelfIssued() {
			explicit, mapping, inhibit = max(0, explicit-1), max(0, mapping-1), max(0, inhibit-1)
		}
		if pc := c.PolicyConstraints; pc != nil && pc.RequireExplicitPolicy >= 0 {
			explicit = min(explicit, pc.RequireExplicitPolicy)
		}
		if pc := c.PolicyConstraints; pc != nil && pc.InhibitPolicyMapping >= 0 {
			mapping = min(mapping, pc.InhibitPolicyMapping)
		}
		if c.InhibitAnyPolicy >= 0 {
			inhibit = min(inhibit, c.InhibitAnyPolicy)
		}
	}
	explicit = max(0, explicit-1)
	if pc := certs[n-1].PolicyConstraints; pc != nil && pc.RequireExplicitPolicy == 0 {
		explicit = 0
	}
	var user []oid.OID
	for _, x := range nodes {
		for y := x; x.depth == n && y != nil; y = y.parent {
			switch {
			case x.valid == oid.AnyPolicy && o.InitialPolicies != nil:
				user = append(user, o.InitialPolicies...)
			case x.valid == oid.AnyPolicy:
				user = append(user, oid.AnyPolicy)
			case y.parent != nil && y.parent.valid == oid.AnyPolicy && y.valid != oid.AnyPolicy &&
				(o.InitialPolicies == nil || slices.Contains(o.InitialPolicies, y.valid)):
				user = append(user, y.valid)
			}
		}
	}
	slices.Sort(user)
	user = slices.Compact(user)
	return explicit > 0 || len(user) > 0, user
}

func grow(nodes []*node, c *pki.Certificate, i int, anyCounts bool) []*node {
	if len(nodes) == 0 {
		return nil
	}
	var fresh []*node
	for _, p := range c.Policies {
		matched := false
		for _, x := range nodes {
			if p != oid.AnyPolicy && x.depth == i-1 && slices.Contains(x.expected, p) {
				fresh, matched = append(fresh, &node{x, p, []oid.OID{p}, i}), true
			}
		}
		for _, x := range nodes {
			if p != oid.AnyPolicy && !matched && x.depth == i-1 && x.valid == oid.AnyPolicy {
				fresh = append(fresh, &node{x, p, []oid.OID{p}, i})
			}
		}
	}
	if anyCounts && slices.Contains(c.Policies, oid.AnyPolicy) {
		for _, x := range nodes {
			for _, p := range x.expected {
				child := slices.ContainsFunc(fresh, func(y *node) bool { return y.parent == x && y.valid == p })
				if x.depth == i-1 && !child {
					fresh = append(fresh, &node{x, p, []oid.OID{p}, i})
				}
			}
		}
	}
	return cut(append(nodes, fresh...), i)
}

func mapTree(nodes []*node, c *pki.Certificate, i, mapping int) []*node {
	for _, m := range c.PolicyMappings {
		var subjects []oid.OID
		for _, x := range c.PolicyMappings {
			if x.Issuer == m.Issuer {
				subjects = append(subjects, x.Subject)
			}
		}
		if mapping == 0 {
			nodes = slices.DeleteFunc(nodes, func(x *node) bool { return x.depth == i && x.valid == m.Issuer })
			continue
		}
		found := false
		for _, x := range nodes {
			if x.depth == i && x.valid == m.Issuer {
				x.expected, found = subjects, true
			}
		}
		for _, x := range slices.Clone(nodes) {
			if !found && x.depth == i && x.valid == oid.AnyPolicy {
				nodes = append(nodes, &node{x.parent, m.Issuer, subjects, i})
			}
		}
	}
	return cut(nodes, i)
}

// cut deletes nodes above depth that have no children, until none is left.
func cut(nodes []*node, depth int) []*node {
	for {
		before := len(nodes)
		parents := map[*node]bool{}
		for _, x := range nodes {
			parents[x.parent] = true
		}
		nodes = slices.DeleteFunc(nodes, func(x *node) bool { return x.depth < depth && !parents[x] })
		if len(nodes) == before {
			return nodes
		}
	}
}

// TestPolicyGraph: on random chains the graph gives the tree's answer.
func TestPolicyGraph(t *testing.T) {
	r := rand.New(rand.NewPCG(5280, 9618))
	all := []oid.OID{gold, silver, red, oid.AnyPolicy}
	some := func(from []oid.OID) []oid.OID {
		return slices.DeleteFunc(slices.Clone(from), func(oid.OID) bool { return r.IntN(2) == 0 })
	}
	valid := 0
	const rounds = 250
	for range rounds {
		var exts [][][]byte
		for range 4 {
			var e [][]byte
			if r.IntN(8) > 0 {
				ids := append(some(all), all[r.IntN(4)])
				slices.Sort(ids) // a repetition would be malformed
				e = append(e, policyExt(slices.Compact(ids)...))
			}
			if r.IntN(2) == 0 {
				e = append(e, mapExt(all[r.IntN(3)], all[r.IntN(3)], all[r.IntN(3)], all[r.IntN(3)]))
			}
			if r.IntN(4) == 0 {
				e = append(e, constraintsExt(r.IntN(4)-1, r.IntN(3)))
			}
			if r.IntN(4) == 0 {
				e = append(e, inhibitAnyExt(r.IntN(3)))
			}
			exts = append(exts, e)
		}
		l := newLine(t, r.IntN(5)-1, exts...)
		o := l.options()
		o.ExplicitPolicy, o.InhibitMapping, o.InhibitAnyPolicy = r.IntN(2) == 0, r.IntN(5) == 0, r.IntN(5) == 0
		if r.IntN(2) == 0 {
			o.InitialPolicies = []oid.OID{all[r.IntN(3)]}
		}
		certs := append(l.subs.All(), l.leaf)
		want, user := tree(certs, o)
		res, err := path.Validate(t.Context(), l.leaf, o)
		if (err == nil) != want {
			t.Fatalf("%v, the tree says %v: %+v", err, want, res.Failures)
		}
		if err == nil && !slices.Equal(res.Policies, user) {
			t.Fatalf("policies %v, the tree has %v", res.Policies, user)
		}
		if want {
			valid++
		}
	}
	if valid < rounds/10 || valid > rounds*9/10 {
		t.Errorf("%d of %d are valid: the chains do not try much", valid, rounds)
	}
}

// TestPolicyBlowUp: mappings that double a tree with every certificate (2^n
// nodes for each of many policies) cost a graph next to nothing.
func TestPolicyBlowUp(t *testing.T) {
	var ids, pairs []oid.OID
	for i := range 16 {
		ids = append(ids, oid.OID(fmt.Sprintf("1.2.3.%d", i)))
	}
	for _, a := range ids {
		for _, b := range ids {
			pairs = append(pairs, a, b)
		}
	}
	var exts [][][]byte
	for range 9 {
		exts = append(exts, [][]byte{policyExt(ids...), mapExt(pairs...)})
	}
	l := newLine(t, -1, append(exts, [][]byte{policyExt(ids...)})...)
	o := l.options()
	o.ExplicitPolicy = true
	start := time.Now()
	res, err := path.Validate(t.Context(), l.leaf, o)
	if err != nil || len(res.Policies) != len(ids) {
		t.Fatal(err)
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("%v for a tree of 16^9 nodes", took)
	}
}
