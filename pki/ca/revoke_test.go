package ca_test

import (
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

func (a *authority) parsedCRL(t *testing.T) *pki.RevocationList {
	t.Helper()
	e, err := a.CRL(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	l, err := pki.ParseCRL(e.DER)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.CheckSignatureFrom(a.cert); err != nil {
		t.Fatal(err)
	}
	return l
}

func (a *authority) find(t *testing.T, l *pki.RevocationList, c *pki.Certificate) (pki.RevokedEntry, bool) {
	t.Helper()
	e, ok, err := l.Find(c.SerialNumber)
	if err != nil {
		t.Fatal(err)
	}
	return e, ok
}

// TestStates walks through every state and every refused step.
func TestStates(t *testing.T) {
	a := newRoot(t, generate(t, "ecdsa-p256", ""), 0)
	s := serialOf(t, a.issue(t, "citizen", citizenDN, generate(t, "ecdsa-p256", "")))
	r := ca.Revocation{Serial: s, Reason: ca.Superseded, Actor: "test"}
	_, err := a.Release(t.Context(), r)
	wantErr(t, "release of a valid one", err, ca.ErrNotOnHold)
	held, err := a.Hold(t.Context(), r)
	if err != nil || held.Status != ca.OnHold || held.Reason != ca.CertificateHold || !held.RevokedAt.Equal(a.clock.t) {
		t.Fatalf("hold: %+v, %v", held, err)
	}
	_, err = a.Hold(t.Context(), r)
	wantErr(t, "second hold", err, ca.ErrOnHold)
	if e, err := a.Release(t.Context(), r); err != nil || e.Status != ca.Valid || !e.RevokedAt.IsZero() {
		t.Fatalf("release: %+v, %v", e, err)
	}
	if _, err := a.Hold(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	since := a.clock.t
	a.clock.t = since.Add(time.Hour)
	e, err := a.Revoke(t.Context(), r)
	if err != nil || e.Status != ca.Revoked || e.Reason != ca.Superseded {
		t.Fatalf("revoke: %+v, %v", e, err)
	}
	if !e.RevokedAt.Equal(since) {
		t.Errorf("revoked at %v; the hold began at %v", e.RevokedAt, since)
	}
	_, err = a.Revoke(t.Context(), r)
	wantErr(t, "second revocation", err, ca.ErrRevoked)
	_, err = a.Hold(t.Context(), r)
	wantErr(t, "hold of a revoked one", err, ca.ErrRevoked)
	_, err = a.Release(t.Context(), r)
	wantErr(t, "release of a revoked one", err, ca.ErrRevoked)
	_, err = a.Revoke(t.Context(), ca.Revocation{Serial: ca.Serial{1}, Reason: ca.Superseded})
	wantErr(t, "unknown serial number", err, ca.ErrNotFound)
	for _, reason := range []ca.Reason{ca.CertificateHold, ca.RemoveFromCRL, 7, 11, -1} {
		_, err = a.Revoke(t.Context(), ca.Revocation{Serial: s, Reason: reason})
		wantErr(t, reason.String(), err, ca.ErrReason)
	}
	h, err := ca.VerifyJournal(t.Context(), a.ledger)
	if err != nil || h["main"].Seq != 6 { // found, issue, hold, release, hold, revoke
		t.Errorf("journal: %v, %v", h, err)
	}
}

func TestReasons(t *testing.T) {
	a := newRoot(t, generate(t, "ecdsa-p256", ""), 0)
	reasons := []ca.Reason{
		ca.Unspecified, ca.KeyCompromise, ca.CACompromise, ca.AffiliationChanged, ca.Superseded,
		ca.CessationOfOperation, ca.PrivilegeWithdrawn, ca.AACompromise,
	}
	since := a.clock.t.Add(-48 * time.Hour)
	certs := make(map[ca.Reason]*pki.Certificate)
	for _, r := range reasons {
		certs[r] = a.issue(t, "citizen", citizenDN, generate(t, "ecdsa-p256", ""))
		if _, err := a.Revoke(t.Context(), ca.Revocation{Serial: serialOf(t, certs[r]), Reason: r, InvalidityDate: since}); err != nil {
			t.Fatal(err)
		}
		if got, err := ca.ParseReason(r.String()); got != r || err != nil {
			t.Errorf("ParseReason(%s): %v, %v", r, got, err)
		}
	}
	held := a.issue(t, "citizen", citizenDN, generate(t, "ecdsa-p256", ""))
	if _, err := a.Hold(t.Context(), ca.Revocation{Serial: serialOf(t, held)}); err != nil {
		t.Fatal(err)
	}
	l := a.parsedCRL(t)
	for r, c := range certs {
		want := int(r)
		if r == ca.Unspecified {
			want = pki.ReasonAbsent // RFC 5280, section 5.3.1
		}
		e, ok := a.find(t, l, c)
		if !ok || e.Reason != want || !e.At.Equal(a.clock.t) || !e.InvalidityDate.Equal(since) {
			t.Errorf("%s: %+v, %v", r, e, ok)
		}
	}
	if e, ok := a.find(t, l, held); !ok || e.Reason != pki.ReasonCertificateHold {
		t.Errorf("hold: %+v, %v", e, ok)
	}
	for _, bad := range []string{"", "x", "7", "reason 7"} {
		if r, err := ca.ParseReason(bad); err == nil {
			t.Errorf("ParseReason(%q) = %v", bad, r)
		}
	}
	if r, err := ca.ParseReason("Key-Compromise"); r != ca.KeyCompromise || err != nil {
		t.Errorf("Key-Compromise: %v, %v", r, err)
	}
}

func TestCRL(t *testing.T) {
	a := newRoot(t, generate(t, "ecdsa-p256", ""), 0)
	if _, err := a.LastCRL(t.Context()); !errors.Is(err, ca.ErrNotFound) {
		t.Errorf("before the first: %v", err)
	}
	a.clock.t = a.clock.t.Add(2 * time.Hour)
	first := a.parsedCRL(t)
	if first.Len() != 0 || first.Number.Cmp(big.NewInt(1)) != 0 || !first.NextUpdate.Equal(a.clock.t.Add(168*time.Hour)) || len(first.AuthorityKeyID) == 0 {
		t.Errorf("first: %d entries, number %v, next %v, AKI %x", first.Len(), first.Number, first.NextUpdate, first.AuthorityKeyID)
	}
	c := a.issue(t, "citizen", citizenDN, generate(t, "ecdsa-p256", ""))
	r := ca.Revocation{Serial: serialOf(t, c), Reason: ca.Superseded}
	if _, err := a.Hold(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if _, ok := a.find(t, a.parsedCRL(t), c); !ok {
		t.Error("what is on hold is not listed")
	}
	if _, err := a.Release(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	a.clock.t = a.clock.t.Add(-time.Hour) // a clock that was set back
	if l := a.parsedCRL(t); l.Number.Cmp(big.NewInt(3)) != 0 {
		t.Errorf("number %v", l.Number)
	} else if _, ok := a.find(t, l, c); ok {
		t.Error("what was released is listed")
	}
	last, err := a.LastCRL(t.Context())
	if err != nil || last.Number != 3 {
		t.Errorf("LastCRL: %d, %v", last.Number, err)
	}
}

// TestCRLExpired: RFC 5280, section 3.3.
func TestCRLExpired(t *testing.T) {
	a := newRoot(t, generate(t, "ecdsa-p256", ""), 0)
	c := a.issue(t, "citizen", citizenDN, generate(t, "ecdsa-p256", ""))
	if _, err := a.Revoke(t.Context(), ca.Revocation{Serial: serialOf(t, c), Reason: ca.Superseded}); err != nil {
		t.Fatal(err)
	}
	listed := func(want bool) {
		t.Helper()
		if _, ok := a.find(t, a.parsedCRL(t), c); ok != want {
			t.Errorf("listed: %v, want %v", ok, want)
		}
	}
	listed(true)
	a.clock.t = c.NotAfter // still valid: the period is inclusive
	listed(true)
	a.clock.t = c.NotAfter.Add(24 * time.Hour)
	listed(true) // the one list issued beyond its validity
	listed(false)
	answer, err := a.Status(t.Context(), c.SerialNumber)
	if err != nil || answer.Status != ocsp.Revoked {
		t.Errorf("status: %+v, %v", answer, err)
	}
}

func TestCompromisedKeyIsBlocked(t *testing.T) {
	a := newRoot(t, generate(t, "ecdsa-p256", ""), 0)
	key := generate(t, "gost2012-256", "")
	request := ca.Request{CSR: csr(t, key, &pki.RequestTemplate{Subject: dn(t, citizenDN)})}
	c := a.issue(t, "citizen", citizenDN, key)
	early, err := a.Prepare(t.Context(), ca.Citizen(), request)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Revoke(t.Context(), ca.Revocation{Serial: serialOf(t, c), Reason: ca.KeyCompromise}); err != nil {
		t.Fatal(err)
	}
	_, err = a.Prepare(t.Context(), ca.Citizen(), request)
	wantErr(t, "Prepare", err, ca.ErrKeyBlocked)
	_, err = a.Issue(t.Context(), early)
	wantErr(t, "Issue of what was prepared before", err, ca.ErrKeyBlocked)
	a.issue(t, "citizen", citizenDN, generate(t, "gost2012-256", "")) // another key of the same person
}

func TestStatus(t *testing.T) {
	a := newRoot(t, generate(t, "ecdsa-p256", ""), 0)
	c := a.issue(t, "citizen", citizenDN, generate(t, "ecdsa-p256", ""))
	r := ca.Revocation{Serial: serialOf(t, c), Reason: ca.Unspecified}
	want := func(n *big.Int, status ocsp.CertStatus, reason int) {
		t.Helper()
		got, err := a.Status(t.Context(), n)
		if err != nil || got.Status != status || got.Reason != reason {
			t.Errorf("%v: %+v, %v; want %v, reason %d", n, got, err, status, reason)
		}
		if status == ocsp.Revoked && !got.RevokedAt.Equal(a.clock.t) {
			t.Errorf("revoked at %v", got.RevokedAt)
		}
	}
	want(c.SerialNumber, ocsp.Good, ocsp.NoReason)
	for _, n := range []*big.Int{nil, big.NewInt(0), big.NewInt(-1), big.NewInt(7), new(big.Int).Lsh(big.NewInt(1), 200)} {
		want(n, ocsp.Unknown, ocsp.NoReason)
	}
	if _, err := a.Hold(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	want(c.SerialNumber, ocsp.Revoked, int(ca.CertificateHold))
	if _, err := a.Revoke(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	want(c.SerialNumber, ocsp.Revoked, ocsp.NoReason)
}

func TestList(t *testing.T) {
	a := newRoot(t, generate(t, "ecdsa-p256", ""), 0)
	key := generate(t, "ecdsa-p256", "")
	for n := range 6 {
		s := serialOf(t, a.issue(t, "citizen", citizenDN, key))
		var err error
		switch n {
		case 1, 2, 3:
			_, err = a.Revoke(t.Context(), ca.Revocation{Serial: s, Reason: ca.Superseded})
		case 4:
			_, err = a.Hold(t.Context(), ca.Revocation{Serial: s})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for status, want := range map[ca.Status]int{"": 6, ca.Valid: 2, ca.Revoked: 3, ca.OnHold: 1, "x": 0} {
		n := 0
		for e, err := range a.List(t.Context(), status) {
			if err != nil || status != "" && e.Status != status {
				t.Fatalf("%+v, %v", e, err)
			}
			n++
		}
		if n != want {
			t.Errorf("%q: %d entries, want %d", status, n, want)
		}
	}
	var got int
	for after := (ca.Serial{}); ; {
		list, next, err := a.Page(t.Context(), "", after, 2)
		if err != nil {
			t.Fatal(err)
		}
		got += len(list)
		if next == (ca.Serial{}) {
			break
		}
		after = next
	}
	if got != 6 {
		t.Errorf("%d entries in pages", got)
	}
}

func TestSerial(t *testing.T) {
	for text, want := range map[string]string{
		"01": "01", "1": "01", "0A:fF": "0aff", "0x0aff": "0aff", " 00 0a ff": "0aff",
		"7fffffffffffffffffffffffffffffffffffffff": "7fffffffffffffffffffffffffffffffffffffff",
	} {
		s, err := ca.ParseSerial(text)
		if err != nil || s.String() != want {
			t.Errorf("%q: %v, %v", text, s, err)
		}
		if back, err := ca.SerialFrom(s.Big()); back != s || err != nil {
			t.Errorf("%q: %v, %v", text, back, err)
		}
	}
	for _, text := range []string{"", "0", "00", "x", "-1", "1ffffffffffffffffffffffffffffffffffffffff", "0x"} {
		if s, err := ca.ParseSerial(text); err == nil {
			t.Errorf("%q: %v", text, s)
		}
	}
	if _, err := ca.NewSerial(constant(0)); err == nil {
		t.Error("a serial number of zeros")
	}
}
