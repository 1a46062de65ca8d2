package ca

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/ocsp"
)

// Revocation is a request to revoke, hold or release a certificate.
type Revocation struct {
	Serial Serial
	// Reason is why; Hold and Release take none.
	Reason Reason
	// InvalidityDate is since when the key is known or suspected to be
	// compromised (RFC 5280, section 5.3.2); zero is unknown.
	InvalidityDate time.Time
	// Actor is who asks, for the journal.
	Actor string
}

// What Hold and Release refuse.
var (
	// ErrOnHold: the certificate is on hold already.
	ErrOnHold = errors.New("ca: the certificate is on hold already")
	// ErrNotOnHold: only a certificate that is on hold can be released.
	ErrNotOnHold = errors.New("ca: the certificate is not on hold")
	// ErrReason: a reason with which certificates are not revoked.
	ErrReason = errors.New("ca: not a reason for a revocation")
	// ErrInvalidityDate: the key cannot be known today to be compromised later.
	ErrInvalidityDate = errors.New("ca: the invalidity date is in the future")
)

// Revoke revokes a certificate for good: [ErrRevoked] if it is revoked,
// [ErrNotFound] if it was never issued, [ErrReason] and [ErrInvalidityDate] for
// what cannot be. A certificate that was on hold counts
// as revoked since the hold began, so that no signature made meanwhile becomes
// valid. With KeyCompromise the key is blocked: no certificate is issued for
// it any more.
func (i *Issuer) Revoke(ctx context.Context, r Revocation) (Entry, error) {
	if !r.Reason.revocable() {
		return Entry{}, fmt.Errorf("%w: %s", ErrReason, r.Reason)
	}
	now := i.seconds()
	// RFC 5280, section 5.3.2: "the date on which it is known or suspected that
	// the private key was compromised or that the certificate otherwise became
	// invalid".
	if r.InvalidityDate.After(now) {
		return Entry{}, ErrInvalidityDate
	}
	return i.change(ctx, "revoke", r, func(tx Tx, e *Entry) error {
		switch e.Status {
		case Revoked:
			return ErrRevoked
		case Valid:
			e.RevokedAt = now
		}
		e.Status, e.Reason, e.InvalidityDate = Revoked, r.Reason, r.InvalidityDate.UTC().Truncate(time.Second)
		if r.Reason == KeyCompromise && len(e.KeyID) > 0 {
			return tx.BlockKey(e.KeyID)
		}
		return nil
	})
}

// Hold suspends a certificate with the reason certificateHold until Release or
// Revoke.
func (i *Issuer) Hold(ctx context.Context, r Revocation) (Entry, error) {
	now := i.seconds()
	r.Reason = CertificateHold
	return i.change(ctx, "hold", r, func(_ Tx, e *Entry) error {
		switch e.Status {
		case Revoked:
			return ErrRevoked
		case OnHold:
			return ErrOnHold
		}
		e.Status, e.Reason, e.RevokedAt = OnHold, CertificateHold, now
		return nil
	})
}

// Release ends a hold. The next CRL does not list the certificate any more.
func (i *Issuer) Release(ctx context.Context, r Revocation) (Entry, error) {
	r.Reason = RemoveFromCRL
	return i.change(ctx, "release", r, func(_ Tx, e *Entry) error {
		switch e.Status {
		case Revoked:
			return ErrRevoked
		case Valid:
			return ErrNotOnHold
		}
		e.Status, e.Reason, e.RevokedAt, e.InvalidityDate, e.DroppedAfter = Valid, 0, time.Time{}, time.Time{}, 0
		return nil
	})
}

// change changes the state of one certificate and puts that on record.
func (i *Issuer) change(ctx context.Context, event string, r Revocation, f func(Tx, *Entry) error) (Entry, error) {
	var out Entry
	err := i.ledger.Update(ctx, func(tx Tx) error {
		e, err := tx.Entry(r.Serial)
		if err != nil {
			return err
		}
		if err := f(tx, &e); err != nil {
			return err
		}
		if err := tx.SetStatus(e); err != nil {
			return err
		}
		data := map[string]string{"reason": r.Reason.String()}
		if !e.RevokedAt.IsZero() {
			data["revokedAt"] = e.RevokedAt.Format(time.RFC3339)
		}
		if !e.InvalidityDate.IsZero() {
			data["invalidityDate"] = e.InvalidityDate.Format(time.RFC3339)
		}
		out = e
		_, err = tx.Append(journal.Entry{Time: i.now(), Actor: r.Actor, Event: event, Subject: e.Serial.String(), Data: data})
		return err
	})
	if err != nil {
		return Entry{}, err
	}
	if i.changed != nil {
		i.changed(out.Serial)
	}
	return out, nil
}

var _ ocsp.StatusSource = (*Issuer)(nil)

// Status answers an OCSP responder from the ledger. A serial number that was
// never given out is Unknown.
func (i *Issuer) Status(ctx context.Context, serial *big.Int) (ocsp.Answer, error) {
	return LedgerStatus{i.ledger}.Status(ctx, serial)
}

// LedgerStatus answers an OCSP responder from a ledger without an issuer's key.
type LedgerStatus struct{ Ledger Ledger }

var _ ocsp.StatusSource = LedgerStatus{}

// Status implements [ocsp.StatusSource].
func (l LedgerStatus) Status(ctx context.Context, serial *big.Int) (ocsp.Answer, error) {
	unknown := ocsp.Answer{Status: ocsp.Unknown, Reason: ocsp.NoReason}
	s, err := SerialFrom(serial)
	if err != nil {
		return unknown, nil //nolint:nilerr // no certificate of ours has such a number
	}
	var e Entry
	err = l.Ledger.View(ctx, func(tx ReadTx) error { e, err = tx.Entry(s); return err })
	switch {
	case errors.Is(err, ErrNotFound):
		return unknown, nil
	case err != nil:
		return ocsp.Answer{}, err
	case e.Status == Valid:
		return ocsp.Answer{Status: ocsp.Good, Reason: ocsp.NoReason}, nil
	}
	a := ocsp.Answer{Status: ocsp.Revoked, RevokedAt: e.RevokedAt, Reason: int(e.Reason)}
	if e.Reason == Unspecified {
		// RFC 5280, section 5.3.1: the reason "SHOULD be absent instead of
		// using the unspecified (0) reasonCode value".
		a.Reason = ocsp.NoReason
	}
	return a, nil
}
