package alg

import (
	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// CurveByOID returns the parameter set of GOST R 34.10-2012 that an identifier
// names, test sets included (RFC 9215, section 4.2). The error is an
// [UnknownError].
func CurveByOID(o oid.OID) (gost3410.Curve, error) { return gostCurve(o) }

// CurveOID returns the identifier of a parameter set, and "" for the zero Curve.
func CurveOID(c gost3410.Curve) oid.OID {
	r, ok := curveRowByName(c.Name())
	if !ok {
		return ""
	}
	return r.oid
}
