package gost3410

import (
	"crypto"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"io"
	"runtime"
	"sync"

	"github.com/gosklyuch/gosklyuch/gost/internal/field"
)

// maxMasks bounds the masks of a masked private key. Implementations write
// one; the format sets no limit.
const maxMasks = 16

// PublicKey is a point of the subgroup of prime order. Make one with
// NewPublicKey; the zero value is invalid and verifies nothing.
type PublicKey struct {
	curve    Curve
	x, y     field.Scalar
	prepared func() verifier
}

// NewPublicKey reads a public key from X || Y, both little-endian and
// Curve.Size octets long, as SubjectPublicKeyInfo holds it (RFC 9215,
// Section 4.3). The coordinates must be below p, satisfy the curve's equation,
// and lie in the subgroup of order q.
func NewPublicKey(c Curve, b []byte) (*PublicKey, error) {
	if !c.IsValid() {
		return nil, ErrCurve
	}
	n := c.Size()
	if len(b) != 2*n {
		return nil, &LengthError{What: "public key", Got: len(b), Want: 2 * n}
	}
	var x, y field.Scalar
	setLE(&x, b[:n])
	setLE(&y, b[n:])
	if !c.group().valid(&x, &y) {
		return nil, ErrPublicKey
	}
	return newPublicKey(c, &x, &y), nil
}

func newPublicKey(c Curve, x, y *field.Scalar) *PublicKey {
	k := &PublicKey{curve: c, x: *x, y: *y}
	k.prepared = sync.OnceValue(func() verifier { return c.group().prepare(&k.x, &k.y) })
	return k
}

// ok reports whether the key came from a constructor.
func (k *PublicKey) ok() bool { return k != nil && k.prepared != nil }

// Curve returns the parameter set, the zero Curve for an invalid key.
func (k *PublicKey) Curve() Curve {
	if !k.ok() {
		return Curve{}
	}
	return k.curve
}

// Bytes returns X || Y, both little-endian: 64 or 128 octets, nil for an
// invalid key.
func (k *PublicKey) Bytes() []byte {
	if !k.ok() {
		return nil
	}
	n := k.curve.Size()
	b := make([]byte, 2*n)
	putLE(b[:n], &k.x)
	putLE(b[n:], &k.y)
	return b
}

// Equal reports whether x is a *PublicKey with the same point on the same
// curve, whatever identifier the curve goes by.
func (k *PublicKey) Equal(x crypto.PublicKey) bool {
	o, isKey := x.(*PublicKey)
	return isKey && k.ok() && o.ok() && k.curve.SameDomain(o.curve) && k.x == o.x && k.y == o.y
}

// PrivateKey is an integer d with 0 < d < q. It implements crypto.Signer and
// KeyAgreer. The zero value is invalid: its methods return errors.
type PrivateKey struct {
	curve Curve
	d     field.Scalar
	pub   *PublicKey
}

// GenerateKey returns a new key from the system's random generator.
func GenerateKey(c Curve) (*PrivateKey, error) { return GenerateKeyFrom(rand.Reader, c) }

// GenerateKeyFrom returns a new key from the given generator, which must be
// cryptographically secure. It reads twice Curve.Size octets, or a multiple.
func GenerateKeyFrom(random io.Reader, c Curve) (*PrivateKey, error) {
	if !c.IsValid() {
		return nil, ErrCurve
	}
	if random == nil {
		return nil, fmt.Errorf("gost3410: no random generator given")
	}
	wide := make([]byte, 2*c.Size())
	defer wipe(wide)
	for range 8 { // d = 0 once in 2^254 tries: a second time is a broken generator
		if _, err := io.ReadFull(random, wide); err != nil {
			return nil, fmt.Errorf("gost3410: reading random octets: %w", err)
		}
		var d field.Scalar
		reduceWide(c, &d, wide)
		if d.IsZero() == 0 {
			return newPrivateKey(c, &d), nil
		}
	}
	return nil, fmt.Errorf("gost3410: the random generator returns zeros")
}

// reduceWide sets d to the little-endian integer b of twice the size of q,
// modulo q. The bias is below 2^-254.
func reduceWide(c Curve, d *field.Scalar, b []byte) {
	var lo, hi field.Scalar
	setLE(&lo, b[:len(b)/2])
	setLE(&hi, b[len(b)/2:])
	c.group().order().ReduceWide(d, &lo, &hi)
	wipeScalar(&lo)
	wipeScalar(&hi)
}

// NewPrivateKey reads a private key from a little-endian integer of exactly
// Curve.Size octets, 0 < d < q (RFC 7091, Section 5.2).
func NewPrivateKey(c Curve, b []byte) (*PrivateKey, error) {
	if !c.IsValid() {
		return nil, ErrCurve
	}
	if len(b) != c.Size() {
		return nil, &LengthError{What: "private key", Got: len(b), Want: c.Size()}
	}
	var d field.Scalar
	setLE(&d, b)
	if c.group().order().InRange(&d)&^d.IsZero() == 0 {
		return nil, ErrPrivateKey
	}
	return newPrivateKey(c, &d), nil
}

// NewMaskedPrivateKey reads a private key that is stored as the masked key
// followed by its masks: K·M1⁻¹·…·Mk⁻¹ || M1 || … || Mk, each a little-endian
// integer of Curve.Size octets. The key is their product modulo q.
func NewMaskedPrivateKey(c Curve, b []byte) (*PrivateKey, error) {
	if !c.IsValid() {
		return nil, ErrCurve
	}
	n := c.Size()
	if len(b) < 2*n || len(b) > (1+maxMasks)*n || len(b)%n != 0 {
		return nil, &LengthError{What: "masked private key", Got: len(b), Want: 2 * n}
	}
	q := c.group().order()
	d, m := field.Scalar{1}, field.Scalar{}
	for ; len(b) > 0; b = b[n:] {
		setLE(&m, b[:n])
		q.Reduce(&m, &m)
		q.Mul(&d, &d, &m)
	}
	wipeScalar(&m)
	if d.IsZero() == 1 {
		return nil, ErrPrivateKey
	}
	return newPrivateKey(c, &d), nil
}

// NewPrivateKeyQuotient reads a private key that is stored as a masked key and
// a mask apart, d = masked · mask⁻¹ mod q, as CryptoPro containers hold it.
// Both are little-endian integers of Curve.Size octets.
func NewPrivateKeyQuotient(c Curve, masked, mask []byte) (*PrivateKey, error) {
	if !c.IsValid() {
		return nil, ErrCurve
	}
	n := c.Size()
	if len(masked) != n || len(mask) != n {
		return nil, &LengthError{What: "masked private key or mask", Got: len(masked) + len(mask) - n, Want: n}
	}
	q := c.group().order()
	var d, m field.Scalar
	setLE(&d, masked)
	setLE(&m, mask)
	q.Reduce(&d, &d)
	q.Reduce(&m, &m)
	q.Invert(&m, &m) // 0 for a mask of 0, and so is d then
	q.Mul(&d, &d, &m)
	wipeScalar(&m)
	if d.IsZero() == 1 {
		return nil, ErrPrivateKey
	}
	return newPrivateKey(c, &d), nil
}

// newPrivateKey takes d over and wipes the caller's copy.
func newPrivateKey(c Curve, d *field.Scalar) *PrivateKey {
	var x, y field.Scalar
	c.group().baseMult(&x, &y, d)
	k := &PrivateKey{curve: c, d: *d, pub: newPublicKey(c, &x, &y)}
	wipeScalar(d)
	return k
}

// ok reports whether the key came from a constructor and still exists.
func (k *PrivateKey) ok() bool { return k != nil && k.pub != nil }

// Curve returns the parameter set, the zero Curve for an invalid key.
func (k *PrivateKey) Curve() Curve {
	if !k.ok() {
		return Curve{}
	}
	return k.curve
}

// Public returns the *PublicKey, nil for an invalid key.
func (k *PrivateKey) Public() crypto.PublicKey {
	if !k.ok() {
		return nil
	}
	return k.pub
}

// PublicKey returns what Public returns with its type.
func (k *PrivateKey) PublicKey() *PublicKey {
	if !k.ok() {
		return nil
	}
	return k.pub
}

// Bytes returns d as a little-endian integer of Curve.Size octets, nil for an
// invalid key. The caller should wipe it after use.
func (k *PrivateKey) Bytes() []byte {
	if !k.ok() {
		return nil
	}
	b := make([]byte, k.curve.Size())
	putLE(b, &k.d)
	return b
}

// Equal reports, in constant time, whether x is a *PrivateKey with the same
// number on the same curve.
func (k *PrivateKey) Equal(x crypto.PrivateKey) bool {
	o, isKey := x.(*PrivateKey)
	if !isKey || !k.ok() || !o.ok() || !k.curve.SameDomain(o.curve) {
		return false
	}
	a, b := k.Bytes(), o.Bytes()
	defer wipe(a)
	defer wipe(b)
	return subtle.ConstantTimeCompare(a, b) == 1
}

// Destroy overwrites the private number. The key is invalid afterwards.
func (k *PrivateKey) Destroy() {
	if k == nil {
		return
	}
	wipeScalar(&k.d)
	k.pub = nil
}

// String hides the private number from %v and %s.
func (k *PrivateKey) String() string {
	return "gost3410.PrivateKey(" + k.Curve().Name() + ")"
}

// GoString hides the private number from %#v.
func (k *PrivateKey) GoString() string { return k.String() }

func wipe(b []byte) {
	clear(b)
	runtime.KeepAlive(b)
}

func wipeScalar(z *field.Scalar) {
	*z = field.Scalar{}
	runtime.KeepAlive(z)
}
