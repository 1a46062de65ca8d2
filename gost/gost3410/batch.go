package gost3410

import "github.com/gosklyuch/gosklyuch/gost/internal/field"

// A Check is one signature to be verified.
type Check struct {
	// Key is the signer's public key.
	Key *PublicKey
	// Digest has Curve.Size octets, Signature, s || r with both big-endian,
	// twice as many.
	Digest, Signature []byte
}

// lanes is how many checks of one curve are computed side by side.
const lanes = 8

// VerifyBatch sets valid[i] to what Verify reports for checks[i]; len(valid)
// must be len(checks): a shorter one panics before anything is written. The
// checks are independent (RFC 7091, Section 6.2, for each): an invalid one,
// with a nil key or octets of a wrong length say, changes no other's result.
// Keys of several curves may be mixed.
// Where the processor has AVX-512 IFMA, eight checks of one curve take a
// fraction of the time of eight calls of Verify.
func VerifyBatch(checks []Check, valid []bool) {
	if len(checks) == 0 {
		return
	}
	_ = valid[len(checks)-1]
	var open [domainCount]*laneBatch
	for i := range checks {
		c := &checks[i]
		valid[i] = false
		if !c.Key.ok() {
			continue
		}
		if !hasLanes(c.Key.curve) {
			valid[i] = Verify(c.Key, c.Digest, c.Signature)
			continue
		}
		d := c.Key.curve.set().domain
		b := open[d]
		if b == nil {
			b = new(laneBatch)
			open[d] = b
		}
		b.add(c, i)
		if b.n == lanes {
			b.run(checks, valid)
		}
	}
	for _, b := range open {
		if b != nil && b.n > 0 {
			b.run(checks, valid)
		}
	}
}

// domainCount is the number of domains.
const domainCount = domainC512 + 1

// A laneBatch is up to eight checks of one curve that have passed Step 1.
type laneBatch struct {
	n     int
	index [lanes]int // in the caller's checks
	key   [lanes]*PublicKey
	r, s  [lanes]field.Scalar
	e     [lanes]field.Scalar
}

// add puts the check in, unless it is invalid by its form or by Step 1.
func (b *laneBatch) add(c *Check, index int) {
	r, s, e, ok := signatureNumbers(c.Key, c.Digest, c.Signature)
	if !ok {
		return
	}
	k := b.n
	b.r[k], b.s[k], b.e[k] = r, s, e
	b.key[k], b.index[k] = c.Key, index
	b.n++
}

// run computes the results and empties the batch.
func (b *laneBatch) run(checks []Check, valid []bool) {
	defer func() { b.n = 0 }()
	if !b.worthwhile() {
		for _, i := range b.index[:b.n] {
			valid[i] = Verify(checks[i].Key, checks[i].Digest, checks[i].Signature)
		}
		return
	}
	var z1, z2 [lanes]field.Scalar
	b.multipliers(&z1, &z2)
	yes, sure := lanesVerify(b, &z1, &z2)
	for k, i := range b.index[:b.n] {
		valid[i] = yes>>k&1 == 1
		if sure>>k&1 == 0 {
			valid[i] = Verify(checks[i].Key, checks[i].Digest, checks[i].Signature)
		}
	}
}

// What Verify takes for a key that has a table (see hotCache) and for one that
// has none, and what the lanes take, however many are filled. Measured: 10 to
// about 31, and to 50 (the curves of 256 bits in Weierstrass form) to 65.
const (
	costHot   = 10
	costCold  = 31
	costLanes = 60
	// fewest is the number of checks that goroutines leave to the lanes: two are
	// done sooner by Verify on two processors.
	fewest = 3
)

// worthwhile reports whether the lanes are faster than Verify for each.
func (b *laneBatch) worthwhile() bool {
	cost, tables := 0, *hot.tables.Load()
	for _, k := range b.key[:b.n] {
		cost += costCold
		if tables[hotKeyOf(k)] != nil {
			cost += costHot - costCold
		}
	}
	return cost >= costLanes
}

// multipliers computes z1 = s v and z2 = -r v with v = 1/e, Steps 4 and 5, for
// all checks with one inversion: e is never 0.
func (b *laneBatch) multipliers(z1, z2 *[lanes]field.Scalar) {
	q := b.key[0].curve.group().order()
	v := b.e
	invertAll(q, v[:b.n])
	for k := range b.n {
		q.Mul(&z1[k], &b.s[k], &v[k])
		q.Mul(&z2[k], &b.r[k], &v[k])
		q.Neg(&z2[k], &z2[k])
	}
}

// invertAll inverts numbers that are not 0 modulo q, with one inversion. Its
// time depends on them.
func invertAll(q *field.Modulus, v []field.Scalar) {
	var prefix [lanes]field.Scalar
	acc := v[0]
	for i := 1; i < len(v); i++ {
		prefix[i] = acc
		q.Mul(&acc, &acc, &v[i])
	}
	q.InvertVartime(&acc, &acc)
	for i := len(v) - 1; i > 0; i-- {
		inverse := acc
		q.Mul(&acc, &acc, &v[i])
		q.Mul(&v[i], &inverse, &prefix[i])
	}
	v[0] = acc
}
