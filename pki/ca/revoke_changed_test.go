package ca_test

import (
	"slices"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/profile/sets"
)

// TestStatusChanged: who prepares OCSP answers hears of every change, and of
// nothing that was refused.
func TestStatusChanged(t *testing.T) {
	a := newRoot(t, generate(t, "ecdsa-p256", ""), 0)
	var heard []ca.Serial
	i, err := ca.New(t.Context(), ca.Config{
		Certificate: a.cert, Key: a.key, Ledger: a.ledger, Rules: sets.All(), Settings: settings(), Now: a.clock.now,
		StatusChanged: func(s ca.Serial) { heard = append(heard, s) },
	})
	if err != nil {
		t.Fatal(err)
	}
	a.Issuer = i
	s := serialOf(t, a.issue(t, "citizen", citizenDN, generate(t, "ecdsa-p256", "")))
	r := ca.Revocation{Serial: s, Reason: ca.Superseded}
	if _, err := a.Hold(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	_, err = a.Hold(t.Context(), r)
	wantErr(t, "second hold", err, ca.ErrOnHold)
	if _, err := a.Release(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	r.InvalidityDate = a.clock.t.Add(time.Second)
	_, err = a.Revoke(t.Context(), r)
	wantErr(t, "invalidity date in the future", err, ca.ErrInvalidityDate)
	r.InvalidityDate = a.clock.t
	if _, err := a.Revoke(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(heard, []ca.Serial{s, s, s}) {
		t.Errorf("heard of %v", heard)
	}
}
