package gost3410

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"math/big"
	mathrand "math/rand/v2"
	"testing"
	"time"
)

// eachLanes runs f with and without the lanes of the processor, if it has any.
func eachLanes(t *testing.T, f func(t *testing.T)) {
	for _, name := range laneImplementations() {
		t.Run(name, func(t *testing.T) {
			defer forceLanes(forceLanes(name))
			f(t)
		})
	}
}

// batchOf returns n checks with valid signatures under fresh keys.
func batchOf(tb testing.TB, c Curve, n int) []Check {
	tb.Helper()
	checks := make([]Check, n)
	for i := range checks {
		key, err := GenerateKey(c)
		if err != nil {
			tb.Fatal(err)
		}
		digest := make([]byte, c.Size())
		rand.Read(digest)
		sig, err := key.Sign(rand.Reader, digest, nil)
		if err != nil {
			tb.Fatal(err)
		}
		checks[i] = Check{Key: key.PublicKey(), Digest: digest, Signature: sig}
	}
	return checks
}

// compareBatch compares VerifyBatch with Verify and returns how many checks
// are valid.
func compareBatch(t *testing.T, checks []Check) (valid int) {
	t.Helper()
	got := make([]bool, len(checks))
	for i := range got {
		got[i] = i%2 == 0 // what was there does not count
	}
	VerifyBatch(checks, got)
	for i, c := range checks {
		want := Verify(c.Key, c.Digest, c.Signature)
		if got[i] != want {
			t.Errorf("check %d of %d: VerifyBatch says %v, Verify %v", i, len(checks), got[i], want)
		}
		if want {
			valid++
		}
	}
	return valid
}

func TestVerifyBatchValid(t *testing.T) {
	eachLanes(t, func(t *testing.T) {
		for _, c := range Curves() {
			checks := batchOf(t, c, 17)
			for n := range checks {
				if valid := compareBatch(t, checks[:n]); valid != n {
					t.Errorf("%s: %d of %d signatures are valid", c, valid, n)
				}
			}
		}
	})
}

// spoil changes a check in one of several ways, most of which make it invalid.
func spoil(c *Check, how int) {
	n := len(c.Digest)
	sig, digest := bytes.Clone(c.Signature), bytes.Clone(c.Digest)
	q := c.Key.curve.group().order().Value()
	switch how {
	case 0:
		sig[0] ^= 1
	case 1:
		sig[len(sig)-1] ^= 0x80
	case 2:
		digest[0] ^= 1
	case 3:
		clear(sig[:n]) // s = 0
	case 4:
		clear(sig[n:]) // r = 0
	case 5:
		putBE(sig[:n], &q)
	case 6:
		putBE(sig[n:], &q)
	case 7:
		sig = sig[1:]
	case 8:
		sig = append(sig, 0)
	case 9:
		digest = digest[1:]
	case 10:
		digest, sig = nil, nil
	case 11:
		c.Key = nil
	case 12:
		c.Key = new(PublicKey)
	case 13:
		clear(digest) // e = 0 counts as 1
	case 14:
		copy(sig[:n], sig[n:]) // s = r
	case 15:
		q[0]--
		putBE(sig[:n], &q)
		putBE(sig[n:], &q)
	case 16: // 1 is r of the base point on some curves
		clear(sig)
		sig[n-1], sig[2*n-1] = 1, 1
	}
	c.Digest, c.Signature = digest, sig
}

const waysToSpoil = 17

func TestVerifyBatchInvalid(t *testing.T) {
	eachLanes(t, func(t *testing.T) {
		for _, c := range Curves() {
			base := batchOf(t, c, lanes+1)
			for how := range waysToSpoil {
				checks := append([]Check(nil), base...)
				bad := how % len(checks)
				spoil(&checks[bad], how)
				if valid := compareBatch(t, checks); valid != len(checks)-1 {
					t.Errorf("%s: %d of %d checks are valid with spoiled check %d", c, valid, len(checks), how)
				}
			}
			checks := append([]Check(nil), base...)
			for i := range checks {
				spoil(&checks[i], i)
			}
			compareBatch(t, checks)
			// Signatures of each other, and twice the same.
			checks[0], checks[1] = base[0], base[0]
			checks[2] = Check{Key: base[0].Key, Digest: base[1].Digest, Signature: base[1].Signature}
			if valid := compareBatch(t, checks); valid < 2 {
				t.Errorf("%s: a signature given twice is refused", c)
			}
		}
	})
}

func TestVerifyBatchMixed(t *testing.T) {
	eachLanes(t, func(t *testing.T) {
		var checks []Check
		for _, c := range Curves() {
			checks = append(checks, batchOf(t, c, 5)...)
		}
		mathrand.Shuffle(len(checks), func(i, j int) { checks[i], checks[j] = checks[j], checks[i] })
		for i := range checks {
			if i%5 == 0 {
				spoil(&checks[i], i%waysToSpoil)
			}
		}
		compareBatch(t, checks)
	})
}

func TestVerifyBatchLengths(t *testing.T) {
	VerifyBatch(nil, nil)
	defer func() {
		if recover() == nil {
			t.Error("no panic for too few results")
		}
	}()
	VerifyBatch(make([]Check, 2), make([]bool, 1))
}

// signatureFor returns a valid check under the key d for which verification
// computes z1 G + z2 Q, and false if there is none.
func signatureFor(t *testing.T, c Curve, r *reference, d, z1, z2 *big.Int) (Check, bool) {
	t.Helper()
	n := c.Size()
	d = new(big.Int).Mod(d, r.q)
	z2 = new(big.Int).Mod(z2, r.q)
	sum := new(big.Int).Mul(z2, d)
	sum.Add(sum, z1).Mod(sum, r.q)
	if d.Sign() == 0 || z2.Sign() == 0 {
		return Check{}, false
	}
	rr := big.NewInt(1) // infinity: no r is right
	if sum.Sign() != 0 {
		rr = new(big.Int).Mod(r.mult(sum, r.base()).x, r.q)
	}
	if rr.Sign() == 0 {
		return Check{}, false
	}
	// z2 = -r/e, z1 = s/e.
	e := new(big.Int).Neg(rr)
	e.Mul(e, new(big.Int).ModInverse(z2, r.q)).Mod(e, r.q)
	s := new(big.Int).Mul(z1, e)
	s.Mod(s, r.q)
	if s.Sign() == 0 {
		return Check{}, false
	}
	key, err := NewPrivateKey(c, leBytes(d, n))
	if err != nil {
		t.Fatal(err)
	}
	sig := append(s.FillBytes(make([]byte, n)), rr.FillBytes(make([]byte, n))...)
	return Check{Key: key.PublicKey(), Digest: leBytes(e, n), Signature: sig}, true
}

// TestVerifyBatchRelated verifies under keys that are small multiples of the
// base point, with multiples that cancel.
func TestVerifyBatchRelated(t *testing.T) {
	refs := readReferences(t)
	eachLanes(t, func(t *testing.T) {
		for _, c := range Curves() {
			if c.set().size == 64 && testing.Short() {
				continue
			}
			r := refs[c.Name()]
			var checks []Check
			valid := 0
			add := func(d, z1, z2 *big.Int) {
				check, ok := signatureFor(t, c, r, d, z1, z2)
				if !ok {
					return
				}
				checks = append(checks, check)
				if Verify(check.Key, check.Digest, check.Signature) {
					valid++
				}
			}
			for _, d := range []int64{1, -1, 2, -2, 3, 16, 255} {
				dd := big.NewInt(d)
				z, _ := rand.Int(rand.Reader, r.q)
				zd := new(big.Int).Mul(z, dd)
				zd.Mod(zd, r.q)
				add(dd, zd, z)                        // z1 G = z2 Q
				add(dd, zd, new(big.Int).Neg(z))      // z1 G = -z2 Q: infinity
				add(dd, big.NewInt(1), big.NewInt(1)) // the smallest
				add(dd, big.NewInt(2), big.NewInt(1))
				add(dd, new(big.Int).Sub(r.q, big.NewInt(1)), big.NewInt(-1))
				zd.Add(zd, big.NewInt(d)).Mod(zd, r.q)
				add(dd, zd, new(big.Int).Neg(z)) // d G is left
			}
			if got := compareBatch(t, checks); got != valid || valid < len(checks)/2 {
				t.Errorf("%s: %d of %d constructed signatures are valid, Verify says %d", c, got, len(checks), valid)
			}
		}
	})
}

// signatureOf returns a check that is computed from z1 G + z2 Q = p and claims
// r: there is such a key for each point p, and nobody knows its private key.
func signatureOf(t *testing.T, c Curve, ref *reference, p *refPoint, r *big.Int) Check {
	t.Helper()
	n := c.Size()
	z1, z2 := big.NewInt(mathrand.Int64N(1<<62)+1), big.NewInt(mathrand.Int64N(1<<62)+1)
	// Q = (p - z1 G) / z2.
	less := ref.mult(new(big.Int).Sub(ref.q, z1), ref.base())
	q := ref.mult(new(big.Int).ModInverse(z2, ref.q), ref.add(p, less))
	key, err := NewPublicKey(c, append(leBytes(q.x, n), leBytes(q.y, n)...))
	if err != nil {
		t.Fatal(err)
	}
	// z2 = -r/e, z1 = s/e.
	e := new(big.Int).Neg(r)
	e.Mul(e, new(big.Int).ModInverse(z2, ref.q)).Mod(e, ref.q)
	s := new(big.Int).Mul(z1, e)
	s.Mod(s, ref.q)
	sig := append(s.FillBytes(make([]byte, n)), r.FillBytes(make([]byte, n))...)
	return Check{Key: key, Digest: leBytes(e, n), Signature: sig}
}

// pointFrom returns a point of the subgroup with the least x from the given one
// on.
func (r *reference) pointFrom(x *big.Int) *refPoint {
	for x = new(big.Int).Set(x); ; x.Add(x, big.NewInt(1)) {
		yy := new(big.Int).Mul(x, x)
		yy.Add(yy, r.a).Mul(yy, x).Add(yy, r.b).Mod(yy, r.p)
		y := new(big.Int).ModSqrt(yy, r.p)
		if y == nil || y.Sign() == 0 {
			continue
		}
		if p := (&refPoint{x, y}); r.mult(r.q, p) == nil {
			return p
		}
	}
}

// TestVerifyComparesModuloQ makes the sum a point whose x is small, and one
// whose x is q or more: r is x modulo q, and not x + p modulo q, although x + p
// is x modulo p.
func TestVerifyComparesModuloQ(t *testing.T) {
	refs := readReferences(t)
	eachLanes(t, func(t *testing.T) {
		for _, c := range distinctCurves() {
			r := refs[c.Name()]
			one := big.NewInt(1)
			small, large := one, one
			if r.q.Cmp(r.p) < 0 {
				large = new(big.Int).Add(r.q, one)
			}
			var checks []Check
			var want []bool
			for range lanes / 4 {
				for _, from := range []**big.Int{&small, &large} {
					p := r.pointFrom(*from)
					*from = new(big.Int).Add(p.x, one)
					right, wrong := new(big.Int).Mod(p.x, r.q), new(big.Int).Add(p.x, r.p)
					checks = append(checks, signatureOf(t, c, r, p, right), signatureOf(t, c, r, p, wrong.Mod(wrong, r.q)))
					want = append(want, true, false)
				}
			}
			for round := range 3 * hotUses { // from then on with tables
				got := make([]bool, len(checks))
				VerifyBatch(checks, got)
				for i := range checks {
					if alone := Verify(checks[i].Key, checks[i].Digest, checks[i].Signature); got[i] != want[i] || alone != want[i] {
						t.Fatalf("%s, round %d: check %d: VerifyBatch says %v, Verify %v, want %v", c, round, i, got[i], alone, want[i])
					}
				}
			}
		}
	})
}

// FuzzVerifyBatch compares VerifyBatch with Verify for nine checks of one curve
// that the fuzzer changes.
func FuzzVerifyBatch(f *testing.F) {
	curves := Curves()
	base := make([][]Check, len(curves))
	for i, c := range curves {
		base[i] = batchOf(f, c, 9)
		f.Add(byte(i), []byte{})
		f.Add(byte(i), []byte{0, 1, 0, 1, 8, 0, 40, 0xff})
	}
	f.Fuzz(func(t *testing.T, id byte, changes []byte) {
		c := int(id) % len(curves)
		checks := append([]Check(nil), base[c]...)
		// Four octets a change: which check, what, where, with what.
		for ; len(changes) >= 4; changes = changes[4:] {
			k := &checks[int(changes[0])%len(checks)]
			at, with := int(changes[2]), changes[3]
			switch changes[1] % 6 {
			case 0:
				if n := k.Key.Curve().Size(); n > 0 && len(k.Digest) == n && len(k.Signature) == 2*n {
					spoil(k, at%waysToSpoil)
				}
			case 1:
				k.Signature = bytes.Clone(k.Signature)
				if len(k.Signature) > 0 {
					k.Signature[at%len(k.Signature)] ^= with
				}
			case 2:
				k.Digest = bytes.Clone(k.Digest)
				if len(k.Digest) > 0 {
					k.Digest[at%len(k.Digest)] ^= with
				}
			case 3:
				*k = checks[at%len(checks)]
			case 4:
				k.Key = checks[at%len(checks)].Key
			case 5:
				k.Key = base[at%len(curves)][0].Key
			}
		}
		compareBatch(t, checks)
	})
}

// BenchmarkVerifyBatch prints how many times faster than Verify it is in the
// same run, for keys that are used once, and for one key that is used often and
// has its table. Each time is the shortest of many, for n signatures.
func BenchmarkVerifyBatch(b *testing.B) {
	for _, c := range []Curve{CryptoProA(), TC26A256(), CryptoProB(), CryptoProC(), TC26A512(), TC26B512(), TC26C512()} {
		many := batchOf(b, c, 512)
		for _, n := range []int{2, 3, 4, 6, 8, 64} {
			b.Run(fmt.Sprintf("%s/%d", c, n), func(b *testing.B) {
				valid := make([]bool, n)
				batch, alone := time.Hour, time.Hour
				for i := 0; b.Loop(); i = (i + n) % (len(many) - n) {
					// Keys that are new, as they come out of a certificate.
					checks := append([]Check(nil), many[i:i+n]...)
					renew(checks)
					batch = min(batch, timeOf(func() { VerifyBatch(checks, valid) }))
					renew(checks)
					hot = newHotCache() // forgets the keys that it has seen
					alone = min(alone, timeOf(func() { verifyEach(checks, valid) }))
				}
				one := make([]Check, n)
				for i := range one {
					one[i] = many[0]
				}
				same := time.Hour
				for range 50 {
					same = min(same, timeOf(func() { verifyEach(one, valid) }))
				}
				b.ReportMetric(float64(batch.Nanoseconds())/float64(n), "ns/signature")
				b.ReportMetric(float64(alone)/float64(batch), "times/Verify")
				b.ReportMetric(float64(same)/float64(batch), "times/Verify-same-key")
			})
		}
	}
}

// renew replaces the keys, which have prepared what Verify needs, by new ones.
func renew(checks []Check) {
	for i, c := range checks {
		checks[i].Key = newPublicKey(c.Key.curve, &c.Key.x, &c.Key.y)
	}
}

func timeOf(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

func verifyEach(checks []Check, valid []bool) {
	for i, k := range checks {
		valid[i] = Verify(k.Key, k.Digest, k.Signature)
	}
}
