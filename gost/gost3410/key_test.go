package gost3410

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha512"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/internal/field"
)

var (
	_ crypto.Signer = (*PrivateKey)(nil)
	_ KeyAgreer     = (*PrivateKey)(nil)
)

func mustGenerate(t testing.TB, c Curve) *PrivateKey {
	t.Helper()
	k, err := GenerateKey(c)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestPrivateKeyRange(t *testing.T) {
	refs := readReferences(t)
	for _, c := range Curves() {
		q, n := refs[c.Name()].q, c.Size()
		one := big.NewInt(1)
		for _, d := range []*big.Int{one, new(big.Int).Sub(q, one), new(big.Int).Rsh(q, 1)} {
			k, err := NewPrivateKey(c, leBytes(d, n))
			if err != nil {
				t.Fatalf("%s: d = %x: %v", c.Name(), d, err)
			}
			if !bytes.Equal(k.Bytes(), leBytes(d, n)) {
				t.Errorf("%s: Bytes = %x", c.Name(), k.Bytes())
			}
		}
		top := new(big.Int).Lsh(one, uint(8*n))
		for _, d := range []*big.Int{new(big.Int), q, new(big.Int).Add(q, one), top.Sub(top, one)} {
			if _, err := NewPrivateKey(c, leBytes(d, n)); !errors.Is(err, ErrPrivateKey) {
				t.Errorf("%s: d = %x: %v", c.Name(), d, err)
			}
		}
		var length *LengthError
		if _, err := NewPrivateKey(c, make([]byte, n+1)); !errors.As(err, &length) || length.Want != n {
			t.Errorf("%s: a key of %d octets: %v", c.Name(), n+1, err)
		}
	}
}

func TestMaskedPrivateKey(t *testing.T) {
	refs := readReferences(t)
	for _, c := range Curves() {
		q, n := refs[c.Name()].q, c.Size()
		d := new(big.Int).Sub(q, big.NewInt(1234567))
		for masks := 1; masks <= 3; masks++ {
			masked, tail := new(big.Int).Set(d), []byte(nil)
			for range masks {
				m, err := rand.Int(rand.Reader, q)
				if err != nil {
					t.Fatal(err)
				}
				masked.Mul(masked, new(big.Int).ModInverse(m, q)).Mod(masked, q)
				tail = append(tail, leBytes(m, n)...)
			}
			k, err := NewMaskedPrivateKey(c, append(leBytes(masked, n), tail...))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(k.Bytes(), leBytes(d, n)) {
				t.Errorf("%s, %d masks: %x, want %x", c.Name(), masks, k.Bytes(), leBytes(d, n))
			}
		}
		if _, err := NewMaskedPrivateKey(c, append(leBytes(d, n), make([]byte, n)...)); !errors.Is(err, ErrPrivateKey) {
			t.Errorf("%s: mask 0: %v", c.Name(), err)
		}
		var length *LengthError
		for _, l := range []int{0, n, 2*n - 1, 18 * n} {
			if _, err := NewMaskedPrivateKey(c, bytes.Repeat([]byte{1}, l)); !errors.As(err, &length) {
				t.Errorf("%s: %d octets: %v", c.Name(), l, err)
			}
		}
	}
}

func TestPrivateKeyQuotient(t *testing.T) {
	refs := readReferences(t)
	for _, c := range Curves() {
		q, n := refs[c.Name()].q, c.Size()
		d := new(big.Int).Sub(q, big.NewInt(7654321))
		m, err := rand.Int(rand.Reader, q)
		if err != nil {
			t.Fatal(err)
		}
		masked := new(big.Int).Mul(d, m)
		k, err := NewPrivateKeyQuotient(c, leBytes(masked.Mod(masked, q), n), leBytes(m, n))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(k.Bytes(), leBytes(d, n)) {
			t.Errorf("%s: %x, want %x", c.Name(), k.Bytes(), leBytes(d, n))
		}
		for _, zero := range [][2][]byte{{make([]byte, n), leBytes(m, n)}, {leBytes(m, n), make([]byte, n)}} {
			if _, err := NewPrivateKeyQuotient(c, zero[0], zero[1]); !errors.Is(err, ErrPrivateKey) {
				t.Errorf("%s: %v", c.Name(), err)
			}
		}
		var length *LengthError
		if _, err := NewPrivateKeyQuotient(c, leBytes(m, n), nil); !errors.As(err, &length) {
			t.Errorf("%s: no mask: %v", c.Name(), err)
		}
	}
}

func TestPublicKeyChecks(t *testing.T) {
	refs := readReferences(t)
	for _, c := range Curves() {
		t.Run(c.Name(), func(t *testing.T) {
			r, n := refs[c.Name()], c.Size()
			key := mustGenerate(t, c)
			raw := key.PublicKey().Bytes()
			pub, err := NewPublicKey(c, raw)
			if err != nil || !pub.Equal(key.Public()) || pub.Curve() != c {
				t.Fatalf("own key: %v", err)
			}
			bad := map[string][]byte{
				"zeros":     make([]byte, 2*n),
				"off curve": append(bytes.Clone(raw[:2*n-1]), raw[2*n-1]^1),
				"x = p":     append(leBytes(r.p, n), raw[n:]...),
				"y = p":     append(bytes.Clone(raw[:n]), leBytes(r.p, n)...),
				"ones":      bytes.Repeat([]byte{255}, 2*n),
			}
			// A coordinate above p that is right modulo p, where it fits.
			limit := new(big.Int).Lsh(big.NewInt(1), uint(8*n))
			if big := new(big.Int).Add(r.x, r.p); big.Cmp(limit) < 0 {
				bad["x + p"] = append(leBytes(big, n), leBytes(r.y, n)...)
			}
			if c.Cofactor() != 1 {
				addSmallOrder(t, r, n, bad)
			}
			for name, b := range bad {
				if _, err := NewPublicKey(c, b); !errors.Is(err, ErrPublicKey) {
					t.Errorf("%s: %v", name, err)
				}
			}
			var length *LengthError
			if _, err := NewPublicKey(c, raw[1:]); !errors.As(err, &length) {
				t.Errorf("short: %v", err)
			}
		})
	}
}

// addSmallOrder adds points of the curve outside the subgroup: those of
// order 2 and 4, and their sums with the base point.
func addSmallOrder(t *testing.T, r *reference, n int, bad map[string][]byte) {
	t.Helper()
	encode := func(p *refPoint) []byte { return append(leBytes(p.x, n), leBytes(p.y, n)...) }
	for x := int64(1); len(bad) < 10; x++ {
		if x > 200 {
			t.Fatal("no point outside the subgroup found")
		}
		// A random point times q has an order that divides the cofactor.
		rhs := big.NewInt(x)
		rhs.Mul(rhs, rhs).Add(rhs, r.a).Mul(rhs, big.NewInt(x)).Add(rhs, r.b)
		y := new(big.Int).ModSqrt(rhs.Mod(rhs, r.p), r.p)
		if y == nil {
			continue
		}
		small := r.mult(r.q, &refPoint{big.NewInt(x), y})
		if small == nil {
			continue
		}
		bad[fmt.Sprintf("small order, from x = %d", x)] = encode(small)
		bad[fmt.Sprintf("composite order, from x = %d", x)] = encode(r.add(small, r.base()))
		if two := r.add(small, small); two != nil {
			bad["order 2"] = encode(two)
			bad["order 2q"] = encode(r.add(two, r.base()))
		}
	}
}

func TestEqual(t *testing.T) {
	key := mustGenerate(t, CryptoProA())
	alias, err := NewPrivateKey(TC26B256(), key.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	other := mustGenerate(t, CryptoProA())
	if !key.Equal(alias) || !key.PublicKey().Equal(alias.Public()) {
		t.Error("a key differs from itself under another name of the curve")
	}
	if key.Equal(other) || key.PublicKey().Equal(other.Public()) || key.Equal(key.PublicKey()) || key.PublicKey().Equal(key) {
		t.Error("different keys are equal")
	}
	// One number, two curves.
	d := make([]byte, 32)
	d[0] = 5
	a, err := NewPrivateKey(CryptoProB(), d)
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewPrivateKey(CryptoProC(), d)
	if err != nil {
		t.Fatal(err)
	}
	if a.Equal(b) {
		t.Error("keys on different curves are equal")
	}
	// The signature of one verifies under the other name.
	digest := make([]byte, 32)
	sig, err := key.Sign(rand.Reader, digest, nil)
	if err != nil || !Verify(alias.PublicKey(), digest, sig) {
		t.Error("a signature depends on the curve's name")
	}
}

// TestInvalidReceivers uses everything wrongly: errors, never a panic.
func TestInvalidReceivers(t *testing.T) {
	good := mustGenerate(t, CryptoProA())
	gone := mustGenerate(t, CryptoProA())
	gone.Destroy()
	var nilKey *PrivateKey
	nilKey.Destroy()
	for name, k := range map[string]*PrivateKey{"nil": nilKey, "zero": {}, "destroyed": gone} {
		if _, err := k.Sign(rand.Reader, make([]byte, 32), nil); !errors.Is(err, ErrPrivateKey) {
			t.Errorf("%s: Sign: %v", name, err)
		}
		if _, err := k.VKO(good.PublicKey(), []byte{1}, sha512.New); !errors.Is(err, ErrPrivateKey) {
			t.Errorf("%s: VKO: %v", name, err)
		}
		if k.Public() != nil || k.PublicKey() != nil || k.Bytes() != nil || k.Curve() != (Curve{}) || k.Equal(good) || good.Equal(k) {
			t.Errorf("%s: not invalid", name)
		}
	}
	for name, p := range map[string]*PublicKey{"nil": nil, "zero": {}} {
		if Verify(p, make([]byte, 32), make([]byte, 64)) || p.Bytes() != nil || p.Curve() != (Curve{}) || p.Equal(good.Public()) || good.PublicKey().Equal(p) {
			t.Errorf("%s: not invalid", name)
		}
		if _, err := good.VKO(p, []byte{1}, sha512.New); !errors.Is(err, ErrPublicKey) {
			t.Errorf("%s: VKO: %v", name, err)
		}
	}
	var c Curve
	for name, err := range map[string]error{
		"GenerateKey":         second(GenerateKey(c)),
		"NewPrivateKey":       second(NewPrivateKey(c, nil)),
		"NewMaskedPrivateKey": second(NewMaskedPrivateKey(c, nil)),
		"NewPublicKey":        second(NewPublicKey(c, nil)),
	} {
		if !errors.Is(err, ErrCurve) {
			t.Errorf("%s without a curve: %v", name, err)
		}
	}
	if _, err := GenerateKeyFrom(nil, CryptoProA()); err == nil {
		t.Error("a key without a generator")
	}
	if _, err := GenerateKeyFrom(zeros{}, CryptoProA()); err == nil {
		t.Error("a key from zeros")
	}
	if _, err := GenerateKeyFrom(strings.NewReader("short"), CryptoProA()); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a generator that ends: %v", err)
	}
	var length *LengthError
	if _, err := good.Sign(nil, make([]byte, 64), nil); !errors.As(err, &length) || length.Want != 32 {
		t.Errorf("digest of 64 octets: %v", err)
	}
	if _, err := good.Sign(strings.NewReader("short"), make([]byte, 32), nil); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a generator that ends: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestDestroyAndPrint(t *testing.T) {
	k := mustGenerate(t, TC26A512())
	secret := bigOf(&k.d)
	for _, f := range []string{"%v", "%s", "%+v", "%#v", "%x"} {
		if s := fmt.Sprintf(f, k); strings.Contains(s, secret.Text(16)) || strings.Contains(s, secret.Text(10)) {
			t.Errorf("%s prints the private key", f)
		}
	}
	k.Destroy()
	if k.d != (field.Scalar{}) {
		t.Error("Destroy leaves the number")
	}
}

func TestNonces(t *testing.T) {
	for _, c := range distinctCurves() {
		t.Run(c.Name(), func(t *testing.T) {
			k, n := mustGenerate(t, c), c.Size()
			digest := make([]byte, n)
			sign := func(r io.Reader, d []byte) string {
				t.Helper()
				sig, err := k.Sign(r, d, nil)
				if err != nil {
					t.Fatal(err)
				}
				if !Verify(k.PublicKey(), d, sig) {
					t.Fatal("own signature refused")
				}
				return string(sig[n:]) // r, which shows the nonce
			}
			if a, b := sign(nil, digest), sign(nil, digest); a != b {
				t.Error("not deterministic without a generator")
			}
			if a, b := sign(zeros{}, digest), sign(zeros{}, digest); a != b {
				t.Error("not a function of the random octets")
			}
			seen := map[string]bool{sign(nil, digest): true, sign(zeros{}, digest): true}
			for range 4 {
				seen[sign(rand.Reader, digest)] = true
			}
			for i := range 8 { // a broken generator and different digests
				digest[i] ^= 0x80
				seen[sign(zeros{}, digest)] = true
			}
			if len(seen) != 14 {
				t.Errorf("%d different nonces of 14", len(seen))
			}
		})
	}
}

// TestNonceIsHMAC compares the nonces with crypto/hmac.
func TestNonceIsHMAC(t *testing.T) {
	for _, c := range distinctCurves() {
		k, n := mustGenerate(t, c), c.Size()
		digest, noise := make([]byte, n), make([]byte, 32)
		rand.Read(digest)
		rand.Read(noise)
		for _, noise := range [][]byte{nil, noise} {
			var ns nonces
			ns.init(k, digest, noise)
			counter := byte(0)
			for range 3 {
				var wide []byte
				for len(wide) < 2*n {
					mac := hmac.New(sha512.New, k.Bytes())
					fmt.Fprintf(mac, "%c%s%c%c%c", counter, nonceLabel, c.set().domain, n, len(noise))
					mac.Write(noise)
					mac.Write(digest)
					wide = mac.Sum(wide)
					counter++
				}
				var want field.Scalar
				reduceWide(c, &want, wide)
				var got field.Scalar
				if ns.next(&got); got != want {
					t.Fatalf("%s: nonce %x, want %x", c.Name(), got, want)
				}
			}
			ns.wipe()
			if ns.inner != [len(ns.inner)]byte{} || ns.wide != [len(ns.wide)]byte{} {
				t.Error("wipe leaves something")
			}
		}
	}
}

// TestNonceSpread looks at the highest and lowest bits of many nonces. It
// finds a nonce that is cut or not reduced; it cannot find a small bias.
func TestNonceSpread(t *testing.T) {
	refs := readReferences(t)
	for _, c := range distinctCurves() {
		k := mustGenerate(t, c)
		digest := make([]byte, c.Size())
		q := refs[c.Name()].q
		var low, high int
		const rounds = 4000
		half := new(big.Int).Rsh(q, 1)
		for i := range rounds {
			digest[0], digest[1] = byte(i), byte(i>>8)
			var ns nonces
			ns.init(k, digest, nil)
			var kk field.Scalar
			ns.next(&kk)
			if k.curve.group().order().InRange(&kk) == 0 || kk.IsZero() == 1 {
				t.Fatalf("%s: nonce out of range", c.Name())
			}
			low += int(kk[0] & 1)
			if bigOf(&kk).Cmp(half) > 0 {
				high++
			}
		}
		for _, n := range []int{low, high} { // six standard deviations
			if n < rounds/2-190 || n > rounds/2+190 {
				t.Errorf("%s: %d of %d nonces", c.Name(), n, rounds)
			}
		}
	}
}

func TestVKOSymmetry(t *testing.T) {
	refs := readReferences(t)
	for _, c := range Curves() {
		t.Run(c.Name(), func(t *testing.T) {
			r, n := refs[c.Name()], c.Size()
			a, b := mustGenerate(t, c), mustGenerate(t, c)
			for _, ukm := range [][]byte{{1}, {1, 2, 3, 4, 5, 6, 7, 8}, bytes.Repeat([]byte{0xff}, n)} {
				x, err := a.VKO(b.PublicKey(), ukm, sha512.New)
				if err != nil {
					t.Fatal(err)
				}
				y, err := b.VKO(a.PublicKey(), ukm, sha512.New)
				if err != nil {
					t.Fatal(err)
				}
				// The same with math/big.
				be := bytes.Clone(ukm)
				for i := range be {
					be[i] = ukm[len(ukm)-1-i]
				}
				k := new(big.Int).SetBytes(be)
				k.Mul(k, bigOf(&a.d)).Mul(k, big.NewInt(int64(c.Cofactor()))).Mod(k, r.q)
				p := r.mult(k, &refPoint{bigOf(&b.pub.x), bigOf(&b.pub.y)})
				want := sha512.Sum512(append(leBytes(p.x, n), leBytes(p.y, n)...))
				if !bytes.Equal(x, want[:]) || !bytes.Equal(y, want[:]) {
					t.Errorf("ukm %x: %x and %x, want %x", ukm, x, y, want)
				}
			}
			for _, ukm := range [][]byte{nil, {0}, make([]byte, n), leBytes(r.q, n), make([]byte, n+1)} {
				if _, err := a.VKO(b.PublicKey(), ukm, sha512.New); !errors.Is(err, ErrUKM) {
					t.Errorf("ukm %x: %v", ukm, err)
				}
			}
		})
	}
	a, b := mustGenerate(t, CryptoProA()), mustGenerate(t, CryptoProB())
	if _, err := a.VKO(b.PublicKey(), []byte{1}, sha512.New); !errors.Is(err, ErrDomain) {
		t.Errorf("keys of different curves: %v", err)
	}
}
