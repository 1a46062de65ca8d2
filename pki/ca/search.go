package ca

import (
	"context"
	"errors"
	"time"
)

// What Search refuses.
var (
	// ErrSearchText: there are not at least two letters or digits to look
	// for, or far too many.
	ErrSearchText = errors.New("ca: search: from 2 letters or digits to 200 octets are required")
	// ErrSearchBroad: so many certificates have each of the words that those
	// with all of them cannot be picked out.
	ErrSearchBroad = errors.New("ca: search: too many certificates have these words: give a longer one")
)

// DayCount is what happened on one day, UTC.
type DayCount struct {
	Day    time.Time `json:"day"`    // its beginning
	Issued int       `json:"issued"` // certificates
	// Revoked are the certificates that count as revoked since that day: of
	// one that was on hold before, the day on which the hold began.
	Revoked int `json:"revoked"`
	// Expiring are the certificates whose validity ends on that day, revoked
	// ones too.
	Expiring int `json:"expiring"`
}

// Days returns the days from one time to another on which something happened,
// see [ReadTx]; at most as many as there are.
func (i *Issuer) Days(ctx context.Context, from, to time.Time) ([]DayCount, error) {
	var out []DayCount
	err := i.ledger.View(ctx, func(tx ReadTx) error {
		out = nil
		for d, err := range tx.Days(from, to) {
			if err != nil {
				return err
			}
			out = append(out, d)
		}
		return nil
	})
	return out, err
}

// Expiring returns certificates whose validity ends from one time to another,
// see [ReadTx].
func (i *Issuer) Expiring(ctx context.Context, from, to time.Time, after Serial, n int) ([]Entry, error) {
	var out []Entry
	err := i.ledger.View(ctx, func(tx ReadTx) (err error) { out, err = tx.Expiring(from, to, after, n); return err })
	return out, err
}

// Search returns certificates that a text describes, see [ReadTx].
func (i *Issuer) Search(ctx context.Context, text string, after Serial, n int) ([]Entry, error) {
	var out []Entry
	err := i.ledger.View(ctx, func(tx ReadTx) (err error) { out, err = tx.Search(text, after, n); return err })
	return out, err
}
