package cryptopro

import (
	"github.com/gosklyuch/gosklyuch/gost/gost28147"
	"github.com/gosklyuch/gosklyuch/gost/gost3410"
)

// diagnose says why no copy opened the container. tries are the encodings of the
// password.
func (c *Container) diagnose(tries [][]byte) error {
	if c.head.kind != "" && c.head.kind != containerV2 {
		return &UnsupportedError{What: "key container of the kind", OID: c.head.kind}
	}
	if c.foreignHeader(tries) {
		return ErrForeignHeader
	}
	if !c.head.whole() {
		return &DamagedError{fileHeader, "the checksum does not fit"}
	}
	var broken, sound *pair
	for _, p := range c.pairs {
		switch {
		case p.err != nil:
		case !c.wholeSomehow(p):
			broken = p
		case sound == nil:
			sound = p
		}
	}
	if sound == nil {
		return &DamagedError{broken.masks, "the checksum does not fit"}
	}
	if c.refuses(tries) {
		return ErrPassword
	}
	return &DamagedError{sound.primary, "the password is right and the key is not that of the header"}
}

// wholeSomehow says whether the checksum of a copy fits, by the header or, should
// that be foreign, by any kind of container.
func (c *Container) wholeSomehow(p *pair) bool {
	for _, params := range c.families() {
		if p.whole(params.sbox) {
			return true
		}
	}
	return false
}

// refuses says whether the header tells that the password is wrong.
func (c *Container) refuses(tries [][]byte) bool {
	if !c.HasPassword || c.head.passwordMAC == nil {
		return c.HasPassword || len(tries[0]) > 0
	}
	for _, t := range tries {
		if c.head.passwordFits(t) {
			return false
		}
	}
	return true
}

// foreignHeader says whether the keys are whole and the header is that of
// another container: both copies, under different masks and salts, give one key,
// which no wrong password does. The header's curve may be as foreign as its
// fingerprint, so that all are tried.
func (c *Container) foreignHeader(tries [][]byte) bool {
	a, b := c.pairs[0], c.pairs[1]
	if a.err != nil || b.err != nil || len(a.mask) != len(b.mask) {
		return false
	}
	for _, t := range tries {
		for _, params := range c.families() {
			if agree(a, b, t, params) {
				return true
			}
		}
	}
	return false
}

// families are the digests and ciphers that a container may have, those of the
// header first.
func (c *Container) families() []keyParams {
	return []keyParams{
		c.params,
		{sbox: gost28147.SBoxTC26Z()},
		{sbox: gost28147.SBoxCryptoProA(), legacy: true},
	}
}

// agree says whether both copies give one key on any curve of their size.
func agree(a, b *pair, password []byte, params keyParams) bool {
	keyA, keyB := params.deriveKey(password, a.salt), params.deriveKey(password, b.salt)
	defer clear(keyA)
	defer clear(keyB)
	var seen []gost3410.Curve
	for _, curve := range gost3410.Curves() {
		if curve.Size() != len(a.mask) || known(seen, curve) {
			continue
		}
		seen = append(seen, curve)
		da, errA := unmask(keyA, a.keys[0], a.mask, curve, params.sbox)
		db, errB := unmask(keyB, b.keys[0], b.mask, curve, params.sbox)
		if errA == nil && errB == nil && da.Equal(db) {
			return true
		}
	}
	return false
}

func known(seen []gost3410.Curve, c gost3410.Curve) bool {
	for _, s := range seen {
		if s.SameDomain(c) {
			return true
		}
	}
	return false
}
