//go:build !amd64 || purego

package gost3410

import "github.com/gosklyuch/gosklyuch/gost/internal/field"

// hasLanes reports whether several checks of the curve can be computed side by
// side.
func hasLanes(Curve) bool { return false }

// lanesVerify is not sure about any lane.
func lanesVerify(*laneBatch, *[lanes]field.Scalar, *[lanes]field.Scalar) (valid, sure uint64) {
	return 0, 0
}
