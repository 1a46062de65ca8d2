package alg

import (
	"errors"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// Every parameter set has one identifier, and the identifier leads back to it.
func TestCurveOID(t *testing.T) {
	seen := map[oid.OID]bool{}
	for _, c := range gost3410.Curves() {
		o := CurveOID(c)
		back, err := CurveByOID(o)
		if err != nil || back != c || seen[o] {
			t.Errorf("%s: %s, %v, %v", c.Name(), o, back, err)
		}
		seen[o] = true
	}
	if got := CurveOID(gost3410.Curve{}); got != "" {
		t.Errorf("the zero Curve has %s", got)
	}
	var unknown *UnknownError
	if _, err := CurveByOID(oid.RSA); !errors.As(err, &unknown) {
		t.Errorf("%v", err)
	}
}
