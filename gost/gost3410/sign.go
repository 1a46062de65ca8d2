package gost3410

import (
	"crypto"
	"crypto/sha512"
	"fmt"
	"hash"
	"io"

	"github.com/gosklyuch/gosklyuch/gost/internal/field"
)

// Sign signs a digest of exactly Curve.Size octets and returns s || r, both
// big-endian (RFC 7091, Section 6.1; RFC 9215, Section 2). opts is not used:
// GOST hashes have no crypto.Hash number.
//
// The nonce is hedged: it depends on the private key, the digest and 32 octets
// from rand, so neither a broken generator nor a repeated digest reveals the
// key. With rand = nil the signature is deterministic.
func (k *PrivateKey) Sign(rand io.Reader, digest []byte, _ crypto.SignerOpts) ([]byte, error) {
	if !k.ok() {
		return nil, ErrPrivateKey
	}
	n := k.curve.Size()
	if len(digest) != n {
		return nil, &LengthError{What: "digest", Got: len(digest), Want: n}
	}
	var seed [32]byte
	defer wipe(seed[:])
	noise := seed[:0]
	if rand != nil {
		if _, err := io.ReadFull(rand, seed[:]); err != nil {
			return nil, fmt.Errorf("gost3410: reading random octets: %w", err)
		}
		noise = seed[:]
	}
	var ns nonces
	defer ns.wipe()
	ns.init(k, digest, noise)
	e := digestScalar(k.curve, digest)
	var kk field.Scalar
	defer wipeScalar(&kk)
	sig := make([]byte, 2*n)
	for range 8 { // r = 0 or s = 0 once in 2^254 tries
		ns.next(&kk)
		if signWith(k, &e, &kk, sig) {
			return sig, nil
		}
	}
	return nil, fmt.Errorf("gost3410: no nonce gives a signature")
}

// digestScalar returns e: "if e = 0, then assign e = 1" (RFC 7091,
// Section 6.1, Step 2). The digest is read as a little-endian integer.
func digestScalar(c Curve, digest []byte) field.Scalar {
	var e field.Scalar
	setLE(&e, digest)
	c.group().order().Reduce(&e, &e)
	e.Select(&field.Scalar{1}, &e, e.IsZero())
	return e
}

// signWith writes the signature with nonce kk into sig. It reports false if
// kk, r or s is 0, which calls for another nonce.
func signWith(k *PrivateKey, e, kk *field.Scalar, sig []byte) bool {
	g := k.curve.group()
	q := g.order()
	if kk.IsZero() == 1 {
		return false
	}
	var r, s, t field.Scalar
	g.baseMult(&r, nil, kk)
	// "r = x_C (mod q)", Step 4. p may exceed q several times.
	q.Reduce(&r, &r)
	// "s = (r * d + k * e) (mod q)", Step 5.
	q.Mul(&s, &r, &k.d)
	q.Mul(&t, kk, e)
	q.Add(&s, &s, &t)
	wipeScalar(&t)
	if r.IsZero()|s.IsZero() == 1 {
		return false
	}
	n := k.curve.Size()
	putBE(sig[:n], &s)
	putBE(sig[n:], &r)
	return true
}

// nonces derives the nonces of one signature: HMAC-SHA-512 under the private
// key over a counter, 32 random octets and the digest. As in RFC 6979,
// Section 3.6, the randomness is additional input to a derivation that is safe
// without it, because the key makes it a pseudorandom function. The hash is
// SHA-512 and not Streebog so that the nonce needs nothing outside the
// standard library; its output never leaves this file.
type nonces struct {
	curve Curve
	// What HMAC hashes first (RFC 2104, Section 2): the key, filled up to a
	// block and exclusive-or ipad, the counter, and the rest; its length.
	inner  [sha512.BlockSize + 1 + len(nonceLabel) + 3 + 32 + 64]byte
	length int
	wide   [2 * sha512.Size]byte
}

// nonceLabel keeps these derivations apart from any other use of the key.
const nonceLabel = "GOST R 34.10-2012 nonce"

// HMAC's two paddings.
const (
	ipad = 0x36
	opad = 0x5c
)

// init prepares the nonces of a signature. HMAC is written out here, with
// SHA-512 over memory of this structure, because what crypto/hmac keeps of the
// key cannot be wiped.
func (z *nonces) init(k *PrivateKey, digest, noise []byte) {
	z.curve = k.curve
	n := k.curve.Size()
	putLE(z.inner[:n], &k.d)
	for i := range sha512.BlockSize {
		z.inner[i] ^= ipad
	}
	z.length = sha512.BlockSize
	put := func(parts ...byte) { z.length += copy(z.inner[z.length:], parts) }
	// Every part has a fixed length or is preceded by it. The domain and not
	// the name is hashed: a key signs the same under each name of its curve.
	put(0) // the counter
	z.length += copy(z.inner[z.length:], nonceLabel)
	put(byte(k.curve.set().domain), byte(n), byte(len(noise)))
	put(noise...)
	put(digest...)
}

// next sets k to a nonce below q, perhaps 0. It is not returned, for that would
// leave a copy on the stack.
func (z *nonces) next(k *field.Scalar) {
	var outer [sha512.BlockSize + sha512.Size]byte
	n := 2 * z.curve.Size()
	for i := 0; i < n; i += sha512.Size {
		for j := range sha512.BlockSize {
			outer[j] = z.inner[j] ^ ipad ^ opad
		}
		sum := sha512.Sum512(z.inner[:z.length])
		copy(outer[sha512.BlockSize:], sum[:])
		sum = sha512.Sum512(outer[:])
		copy(z.wide[i:], sum[:])
		wipe(sum[:])
		z.inner[sha512.BlockSize]++
	}
	wipe(outer[:])
	// DEADLY: the nonce must be uniform modulo q. Twice as many bits as q has
	// are reduced, so the bias is below 2^-254; a nonce cut to q's length, or
	// one with a single biased bit, gives the private key away after some
	// hundred signatures, and no test notices.
	reduceWide(z.curve, k, z.wide[:n])
}

func (z *nonces) wipe() {
	wipe(z.inner[:])
	wipe(z.wide[:])
}

// Verify reports whether sig, s || r with both big-endian, is pub's signature
// of a digest of Curve.Size octets (RFC 7091, Section 6.2). It returns false
// for an invalid key and for inputs of a wrong length.
func Verify(pub *PublicKey, digest, sig []byte) bool {
	z1, z2, r, ok := multipliers(pub, digest, sig)
	if !ok {
		return false
	}
	table := hot.find(pub)
	if table == nil {
		table = pub.prepared()
	}
	return table.verify(&z1, &z2, &r)
}

// multipliers returns what the equation of a signature is computed from. ok is
// false for an invalid key, for inputs of a wrong length, and for r or s out of
// their range.
func multipliers(pub *PublicKey, digest, sig []byte) (z1, z2, r field.Scalar, ok bool) {
	r, s, e, ok := signatureNumbers(pub, digest, sig)
	if !ok {
		return z1, z2, r, false
	}
	q := pub.curve.group().order()
	// "v = e^(-1) (mod q)", "z1 = s * v (mod q), z2 = -r * v (mod q)",
	// Steps 4 and 5.
	var v field.Scalar
	q.InvertVartime(&v, &e)
	q.Mul(&z1, &s, &v)
	q.Mul(&z2, &r, &v)
	q.Neg(&z2, &z2)
	return z1, z2, r, true
}

// signatureNumbers reads r, s and e, which are between 0 and q. ok is false for
// an invalid key, for inputs of a wrong length, and for r or s out of their
// range.
func signatureNumbers(pub *PublicKey, digest, sig []byte) (r, s, e field.Scalar, ok bool) {
	if !pub.ok() {
		return r, s, e, false
	}
	n := pub.curve.Size()
	if len(digest) != n || len(sig) != 2*n {
		return r, s, e, false
	}
	q := pub.curve.group().order()
	setBE(&s, sig[:n])
	setBE(&r, sig[n:])
	// "If the inequalities 0 < r < q, 0 < s < q hold, go to the next step.
	// Otherwise, the signature is invalid", Step 1.
	if q.InRange(&r)&q.InRange(&s) == 0 || r.IsZero()|s.IsZero() == 1 {
		return r, s, e, false
	}
	return r, s, digestScalar(pub.curve, digest), true
}

// KeyAgreer is a private key that agrees on a key with a peer: *PrivateKey, or
// a key on a token.
type KeyAgreer interface {
	// Public returns the public key, a *PublicKey.
	Public() crypto.PublicKey
	// VKO returns h(X || Y) for the point
	// (m/q · UKM · d mod q) · Q, both coordinates little-endian
	// (RFC 7836, Section 4.3). ukm is a little-endian integer.
	VKO(peer *PublicKey, ukm []byte, h func() hash.Hash) ([]byte, error)
}

var _ KeyAgreer = (*PrivateKey)(nil)

// VKO agrees on a key with peer as RFC 7836, Section 4.3 does:
// "K (x, y, UKM) = (m/q*UKM*x mod q)*(y*P)", hashed with h, Streebog-256 for
// VKO_GOSTR3410_2012_256 and Streebog-512 for VKO_GOSTR3410_2012_512. ukm is a
// little-endian integer of at most Curve.Size octets. It must not be 0.
func (k *PrivateKey) VKO(peer *PublicKey, ukm []byte, h func() hash.Hash) ([]byte, error) {
	if !k.ok() {
		return nil, ErrPrivateKey
	}
	if !peer.ok() {
		return nil, ErrPublicKey
	}
	if !k.curve.SameDomain(peer.curve) {
		return nil, ErrDomain
	}
	n := k.curve.Size()
	// "The UKM parameter ... can take any integer value from 1 to 2^(n/2)-1",
	// where n is the size of the public key in bits.
	if len(ukm) > n || h == nil {
		return nil, ErrUKM
	}
	var buf [64]byte
	copy(buf[:], ukm)
	g := k.curve.group()
	q := g.order()
	var t, u, x, y field.Scalar
	setLE(&u, buf[:n])
	q.Reduce(&u, &u)
	if u.IsZero() == 1 {
		return nil, ErrUKM
	}
	q.Mul(&t, &u, &field.Scalar{k.curve.set().h})
	q.Mul(&t, &t, &k.d)
	g.mult(&x, &y, &peer.x, &peer.y, &t)
	secret := make([]byte, 2*n)
	putLE(secret[:n], &x)
	putLE(secret[n:], &y)
	m := h()
	m.Write(secret)
	wipe(secret)
	wipeScalar(&t)
	wipeScalar(&x)
	wipeScalar(&y)
	return m.Sum(nil), nil
}
