package alg

import (
	"crypto"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// A MessageCheck is one signature to be verified; the fields are the arguments
// of [VerifyMessage].
type MessageCheck struct {
	Key                crypto.PublicKey
	Algorithm, Digest  Identifier
	Message, Signature []byte
}

// VerifyMessages returns for each check what [VerifyMessage] returns for it.
// GOST R 34.10-2012 signatures are digested and verified several at a time, where
// the processor can do that; no result depends on another check.
func VerifyMessages(checks []MessageCheck) []error {
	errs := make([]error, len(checks))
	b := batch{checks: make([]gost3410.Check, 0, len(checks)), at: make([]int, 0, len(checks))}
	var m256, m512 digestList
	for i, c := range checks {
		key, ok := c.Key.(*gost3410.PublicKey)
		if !ok {
			errs[i] = VerifyMessage(c.Key, c.Algorithm, c.Digest, c.Message, c.Signature)
			continue
		}
		d, err := resolveDigest(key, c.Algorithm, c.Digest)
		if err != nil {
			errs[i] = err
			continue
		}
		switch {
		case d.OID == oid.Streebog256 && key.Curve().Size() == streebog.Size256:
			m256.add(c.Message, i)
		case d.OID == oid.Streebog512 && key.Curve().Size() == streebog.Size512:
			m512.add(c.Message, i)
		default: // VerifyMessage knows what to say
			errs[i] = VerifyMessage(key, c.Algorithm, c.Digest, c.Message, c.Signature)
		}
	}
	d256, d512 := make([][streebog.Size256]byte, len(m256.messages)), make([][streebog.Size512]byte, len(m512.messages))
	streebog.Sum256Many(d256, m256.messages)
	streebog.Sum512Many(d512, m512.messages)
	for n, i := range m256.at {
		b.add(checks[i], d256[n][:], i)
	}
	for n, i := range m512.at {
		b.add(checks[i], d512[n][:], i)
	}
	b.verify(errs)
	return errs
}

// A digestList is what is to be digested, with the numbers of its checks.
type digestList struct {
	messages [][]byte
	at       []int
}

func (l *digestList) add(message []byte, i int) {
	l.messages, l.at = append(l.messages, message), append(l.at, i)
}

// A batch is what is to be verified, with the numbers of its checks.
type batch struct {
	checks []gost3410.Check
	at     []int
}

func (b *batch) add(c MessageCheck, digest []byte, i int) {
	b.checks = append(b.checks, gost3410.Check{Key: c.Key.(*gost3410.PublicKey), Digest: digest, Signature: c.Signature})
	b.at = append(b.at, i)
}

// verify notes every signature that does not verify.
func (b *batch) verify(errs []error) {
	valid := make([]bool, len(b.checks))
	gost3410.VerifyBatch(b.checks, valid)
	for n, i := range b.at {
		if !valid[n] {
			errs[i] = ErrSignature
		}
	}
}
