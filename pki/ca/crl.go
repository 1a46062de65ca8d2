package ca

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strconv"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki"
)

// CRL signs a new list of everything that is revoked or on hold and keeps it
// on the ledger, in one transaction with its number.
//
// A revoked certificate leaves the list after one list that was issued beyond
// its validity named it (RFC 5280, section 3.3); one on hold stays until it is
// released or revoked.
func (i *Issuer) CRL(ctx context.Context, actor string) (CRLEntry, error) {
	var out CRLEntry
	now := i.seconds()
	if err := i.checkValidity(now); err != nil {
		return out, err
	}
	err := i.ledger.Update(ctx, func(tx Tx) error {
		last, err := tx.LastCRL()
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		// RFC 5280, section 5.2.3: "a monotonically increasing sequence
		// number". The clock may have been set back; the number never is.
		out = CRLEntry{Number: last.Number + 1, ThisUpdate: now, NextUpdate: now.Add(i.settings.crlValidity())}
		list, expired, err := listed(tx, out)
		if err != nil {
			return err
		}
		if err := i.signCRL(&out, list); err != nil {
			return err
		}
		for _, e := range expired {
			e.DroppedAfter = out.Number
			if err := tx.SetStatus(e); err != nil {
				return err
			}
		}
		if err := tx.AddCRL(out); err != nil {
			return err
		}
		_, err = tx.Append(journal.Entry{
			Time: i.now(), Actor: actor, Event: "crl", Subject: strconv.FormatUint(out.Number, 10),
			Data: map[string]string{"entries": strconv.Itoa(out.Entries), "thisUpdate": out.ThisUpdate.Format("2006-01-02T15:04:05Z07:00")},
		})
		return err
	})
	if err != nil {
		return CRLEntry{}, err
	}
	return out, nil
}

// listed returns what belongs on a list, and which of it is named beyond its
// validity there and needs no further list.
func listed(tx Tx, crl CRLEntry) (list []pki.RevokedEntry, expired []Entry, err error) {
	for e, err := range tx.Listed() {
		if err != nil {
			return nil, nil, err
		}
		list = append(list, revokedEntry(e))
		if e.Status == Revoked && crl.ThisUpdate.After(e.NotAfter) {
			expired = append(expired, e)
		}
	}
	return list, expired, nil
}

func (i *Issuer) signCRL(out *CRLEntry, list []pki.RevokedEntry) error {
	var err error
	out.Entries = len(list)
	out.DER, err = pki.CreateCRL(i.rand, &pki.CRLTemplate{
		Number: new(big.Int).SetUint64(out.Number), ThisUpdate: out.ThisUpdate, NextUpdate: out.NextUpdate, Entries: list,
	}, i.cert, i.key)
	if err != nil {
		return fmt.Errorf("ca: %w", err)
	}
	parsed, err := pki.ParseCRL(out.DER)
	if err != nil {
		return fmt.Errorf("ca: the new CRL does not parse: %w", err)
	}
	if err := parsed.CheckSignatureFrom(i.cert); err != nil {
		return fmt.Errorf("ca: the new signature does not verify: %w", err)
	}
	return nil
}

// ErrListInFolder says that the last complete list is too large for the ledger and is in
// the folder of publication only.
var ErrListInFolder = errors.New("ca: the list is too large for the ledger and is in the folder of publication only")

// LastCRL returns the complete list that was signed last, [ErrNotFound], or
// [ErrListInFolder].
func (i *Issuer) LastCRL(ctx context.Context) (CRLEntry, error) {
	var out CRLEntry
	err := i.ledger.View(ctx, func(tx ReadTx) (err error) { out, err = tx.LastCRL(); return err })
	if err == nil && len(out.DER) == 0 {
		return CRLEntry{}, ErrListInFolder
	}
	return out, err
}
