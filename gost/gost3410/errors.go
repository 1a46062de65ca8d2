package gost3410

import (
	"errors"
	"fmt"
)

var (
	// ErrCurve means that a Curve is the zero value.
	ErrCurve = errors.New("gost3410: no parameter set given")
	// ErrPrivateKey means that a private key is not in 1..q-1 or has been
	// destroyed, or that it is nil.
	ErrPrivateKey = errors.New("gost3410: private key is not in the range 1..q-1")
	// ErrPublicKey means that a public key is not a point of the subgroup of
	// prime order, or that it is nil.
	ErrPublicKey = errors.New("gost3410: public key is not a valid point of the curve")
	// ErrDomain means that two keys belong to different curves.
	ErrDomain = errors.New("gost3410: the keys are on different curves")
	// ErrUKM means that user keying material is zero or too long.
	ErrUKM = errors.New("gost3410: user keying material is zero or longer than a coordinate")
)

// LengthError says that an input has the wrong number of octets.
type LengthError struct {
	What      string // "digest", "public key", …
	Got, Want int    // octets
}

func (e *LengthError) Error() string {
	return fmt.Sprintf("gost3410: %s has %d octets, want %d", e.What, e.Got, e.Want)
}
