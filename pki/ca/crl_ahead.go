package ca

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/gosklyuch/gosklyuch/journal"
)

// ErrListTime is returned for a list whose times are not in order.
var ErrListTime = errors.New("ca: the times of the list are not in order")

// CRLAhead signs a list for a period that may lie ahead: a root whose key
// sleeps between ceremonies signs its lists for years at once, and each is
// published when its time comes. It names what is revoked or on hold today and
// keeps the list on the ledger, in one transaction with its number. No entry is
// taken from later lists on its account. What is revoked after that needs the
// key again: the next list has a higher number than all signed ahead.
func (i *Issuer) CRLAhead(ctx context.Context, thisUpdate, nextUpdate time.Time, actor string) (CRLEntry, error) {
	thisUpdate, nextUpdate = thisUpdate.UTC().Truncate(time.Second), nextUpdate.UTC().Truncate(time.Second)
	// RFC 5280, section 5.1.2.5: "The next CRL could be issued before the
	// indicated date, but it will not be issued any later".
	if !nextUpdate.After(thisUpdate) || thisUpdate.Before(i.seconds()) {
		return CRLEntry{}, fmt.Errorf("%w: %s to %s", ErrListTime, thisUpdate.Format(time.RFC3339), nextUpdate.Format(time.RFC3339))
	}
	for _, t := range []time.Time{i.seconds(), thisUpdate} {
		if err := i.checkValidity(t); err != nil {
			return CRLEntry{}, err
		}
	}
	var out CRLEntry
	err := i.ledger.Update(ctx, func(tx Tx) error {
		last, err := tx.LastCRL()
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		out = CRLEntry{Number: last.Number + 1, ThisUpdate: thisUpdate, NextUpdate: nextUpdate}
		list, _, err := listed(tx, out)
		if err != nil {
			return err
		}
		if err := i.signCRL(&out, list); err != nil {
			return err
		}
		if err := tx.AddCRL(out); err != nil {
			return err
		}
		_, err = tx.Append(journal.Entry{
			Time: i.now(), Actor: actor, Event: "crl", Subject: strconv.FormatUint(out.Number, 10),
			Data: map[string]string{"entries": strconv.Itoa(out.Entries), "thisUpdate": out.ThisUpdate.Format(time.RFC3339)},
		})
		return err
	})
	if err != nil {
		return CRLEntry{}, err
	}
	return out, nil
}
