//go:build timing

package gost3410

import (
	"crypto/rand"
	"crypto/sha512"
	"flag"
	"math"
	mrand "math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/gost/internal/field"
)

// The statistics follow dudect (O. Reparaz, J. Balasch, I. Verbauwhede, Dude,
// is my code constant time?, 2017): Welch's t between the times for one fixed
// secret and for random ones, for all samples and for samples cropped at
// several percentiles. |t| above 10 means that the times differ.
const tLimit = 10

var timingSamples = flag.Int("samples", 20000, "measurements of each operation on a 256-bit curve; a quarter on a 512-bit one")

var timingCurve = flag.String("curve", "", "measure only curves whose names contain this")

// TestTiming measures whatever computes with a private key or a nonce on one
// curve of each arithmetic, in each implementation. With the tag purego the inversion
// is portable, too.
//
//	go test -tags timing -run TestTiming -v ./gost/gost3410
func TestTiming(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	EachImplementation(t, testTiming)
}

func testTiming(t *testing.T) {
	for _, c := range distinctCurves() {
		if !strings.Contains(c.Name(), *timingCurve) {
			continue
		}
		n := *timingSamples
		if c.Size() == 64 {
			n /= 4
		}
		var max field.Scalar // q - 1
		one := field.Scalar{1}
		c.group().order().Neg(&max, &one)
		for name, fixed := range map[string]field.Scalar{"1": one, "q-1": max, "random": randomScalar(t, c)} {
			for op, f := range timedOperations(t, c) {
				tv := welch(t, c, n, &fixed, f)
				t.Logf("%-15s %-9s fixed secret %-6s  max |t| = %5.2f", c.Name(), op, name, tv)
				if tv > tLimit {
					t.Errorf("%s: %s takes a time that depends on the secret", c.Name(), op)
				}
			}
		}
	}
}

// TestTimingControl measures verification, which may take its time, the same
// way: the statistics must tell a short multiplier from a long one.
func TestTimingControl(t *testing.T) {
	c := CryptoProA()
	pub := mustGenerate(t, c).PublicKey()
	v := c.group().prepare(&pub.x, &pub.y)
	z2 := randomScalar(t, c)
	z2[2], z2[3] = 0, 0
	tv := welch(t, c, 4000, &field.Scalar{1}, func(d *field.Scalar) time.Duration {
		start := time.Now()
		v.verify(d, &z2, &field.Scalar{1})
		return time.Since(start)
	})
	t.Logf("control: max |t| = %.1f", tv)
	if tv < tLimit {
		t.Error("the measurement does not see a variable time")
	}
}

// timedOperations returns operations of one secret. Each copies it to the same
// place first, so that the caches see no difference between the classes.
func timedOperations(t *testing.T, c Curve) map[string]func(d *field.Scalar) time.Duration {
	t.Helper()
	key, peer := mustGenerate(t, c), mustGenerate(t, c)
	digest, ukm := make([]byte, c.Size()), []byte{1, 2, 3, 4, 5, 6, 7, 8}
	raw, masked, sig := make([]byte, c.Size()), key.Bytes(), make([]byte, 2*c.Size())
	e := digestScalar(c, digest)
	fail := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	return map[string]func(d *field.Scalar) time.Duration{
		"generate": func(d *field.Scalar) time.Duration {
			putLE(raw, d)
			start := time.Now()
			_, err := NewPrivateKey(c, raw)
			took := time.Since(start)
			fail(err)
			return took
		},
		"sign": func(d *field.Scalar) time.Duration {
			key.d = *d
			start := time.Now()
			_, err := key.Sign(nil, digest, nil)
			took := time.Since(start)
			fail(err)
			return took
		},
		// The nonce itself, which sign derives from the key: twice the secret,
		// for the nonces 1 and q-1 give r = 0 on a curve with x = 0 in G.
		"nonce": func(d *field.Scalar) time.Duration {
			var kk field.Scalar
			c.group().order().Add(&kk, d, d)
			start := time.Now()
			ok := signWith(key, &e, &kk, sig)
			took := time.Since(start)
			if !ok {
				t.Fatal("no signature")
			}
			return took
		},
		// The secret is the mask, which is inverted.
		"unmask": func(d *field.Scalar) time.Duration {
			putLE(raw, d)
			start := time.Now()
			_, err := NewPrivateKeyQuotient(c, masked, raw)
			took := time.Since(start)
			fail(err)
			return took
		},
		"agree": func(d *field.Scalar) time.Duration {
			key.d = *d
			start := time.Now()
			_, err := key.VKO(peer.PublicKey(), ukm, sha512.New)
			took := time.Since(start)
			fail(err)
			return took
		},
	}
}

func randomScalar(t *testing.T, c Curve) field.Scalar {
	t.Helper()
	wide := make([]byte, 2*c.Size())
	if _, err := rand.Read(wide); err != nil {
		t.Fatal(err)
	}
	var d field.Scalar
	reduceWide(c, &d, wide)
	return d
}

// welch returns the greatest |t| over the croppings.
func welch(t *testing.T, c Curve, n int, fixed *field.Scalar, f func(*field.Scalar) time.Duration) float64 {
	t.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	secrets := make([]field.Scalar, 1024)
	times := [2][]float64{}
	const warmUp = 200
	for i := range n + warmUp {
		j := i % len(secrets)
		if j == 0 {
			runtime.GC()
			for k := range secrets {
				secrets[k] = randomScalar(t, c)
			}
		}
		class := mrand.IntN(2)
		d := secrets[j]
		if class == 0 {
			d = *fixed
		}
		if took := f(&d); i >= warmUp {
			times[class] = append(times[class], float64(took))
		}
	}
	all := slices.Concat(times[0], times[1])
	slices.Sort(all)
	worst := math.Abs(tValue(times[0], times[1], math.Inf(1)))
	for i := 1; i <= 20; i++ {
		p := 1 - math.Pow(0.5, 10*float64(i)/20)
		worst = max(worst, math.Abs(tValue(times[0], times[1], all[int(p*float64(len(all)-1))])))
	}
	return worst
}

// tValue is Welch's t of the values up to limit.
func tValue(a, b []float64, limit float64) float64 {
	ma, va, na := moments(a, limit)
	mb, vb, nb := moments(b, limit)
	if na < 100 || nb < 100 {
		return 0
	}
	return (ma - mb) / math.Sqrt(va/na+vb/nb)
}

func moments(x []float64, limit float64) (mean, variance, n float64) {
	var m2 float64
	for _, v := range x {
		if v > limit {
			continue
		}
		n++
		d := v - mean
		mean += d / n
		m2 += d * (v - mean)
	}
	return mean, m2 / max(n-1, 1), n
}
