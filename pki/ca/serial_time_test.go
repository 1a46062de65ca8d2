package ca_test

import (
	"bytes"
	"testing"
	"time"
)

// TestSerialRises: serial numbers of later certificates are greater, begin with
// the time, and go on with octets that differ between certificates of the same
// moment.
func TestSerialRises(t *testing.T) {
	root := newRoot(t, generate(t, "ecdsa-p256", ""), 0)
	key := generate(t, "ecdsa-p256", "")
	one := serialOf(t, root.issue(t, "ocsp", "CN=one", key))
	two := serialOf(t, root.issue(t, "ocsp", "CN=two", key))
	if !bytes.Equal(one[:6], two[:6]) || bytes.Equal(one[6:], two[6:]) || one[0] > 0x7f {
		t.Errorf("%s and %s at the same moment", one, two)
	}
	root.clock.t = root.clock.t.Add(time.Second)
	three := serialOf(t, root.issue(t, "ocsp", "CN=three", key))
	if three.String() <= one.String() || three.String() <= two.String() {
		t.Errorf("%s after %s and %s", three, one, two)
	}
	same := 0
	for i := 6; i < len(one); i++ {
		if one[i] == two[i] {
			same++
		}
	}
	if same > 4 { // of 14: once in 10^8 runs
		t.Errorf("%d octets of %s and %s are the same", same, one, two)
	}
}
