package ca

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// What the register of operators refuses.
var (
	// ErrOperator: the name or the certificate cannot be an operator's.
	ErrOperator = errors.New("ca: this cannot be an operator")
	// ErrOperatorExists: the name, the key or the person is registered.
	ErrOperatorExists = errors.New("ca: the name, the key or the person is registered as an operator already")
)

// NewOperator is what AddOperator registers.
type NewOperator struct {
	// Name is the person's, 1 to 64 of a-z, 0-9, ".", "_" and "-".
	Name  string
	Roles []Role // at least one
	// Certificate is that of the operator's own key. It is trusted because it
	// is registered; nobody asks who issued it.
	Certificate *pki.Certificate
	Actor       string
}

// AddOperator registers a person with roles. A name that was removed may come
// back with another certificate. One key, and one person as the SNILS or
// the INN of the certificate names them, belongs to one name: the two-person rule counts
// people by their names.
func (i *Issuer) AddOperator(ctx context.Context, n NewOperator) (Operator, error) {
	if err := i.checkOperator(n); err != nil {
		return Operator{}, err
	}
	var out Operator
	err := i.ledger.Update(ctx, func(tx Tx) error {
		old, err := tx.Operator(n.Name)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if err == nil && old.Removed.IsZero() {
			return ErrOperatorExists
		}
		if err := checkDistinct(tx, n); err != nil {
			return err
		}
		out = Operator{Name: n.Name, Version: old.Version, Roles: slices.Clone(n.Roles), Certificate: n.Certificate.Raw, Added: i.seconds()}
		if err := tx.SaveOperator(out); err != nil {
			return err
		}
		out.Version++
		_, err = tx.Append(journal.Entry{
			Time: i.now(), Actor: n.Actor, Event: "operator-add", Subject: n.Name,
			Data: map[string]string{"roles": rolesText(n.Roles), "streebog256": streebog256(n.Certificate.Raw)},
		})
		return err
	})
	return out, err
}

func rolesText(list []Role) string {
	var out []string
	for _, r := range list {
		out = append(out, string(r))
	}
	return strings.Join(out, ",")
}

func (i *Issuer) checkOperator(n NewOperator) error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %w", ErrOperator, fmt.Errorf(format, args...))
	}
	c := n.Certificate
	switch {
	case !operatorName.MatchString(n.Name):
		return bad("name: 1 to 64 of a-z, 0-9, \".\", \"_\" and \"-\"")
	case len(n.Roles) == 0:
		return bad("roles: none")
	case c == nil || c.PublicKey == nil:
		return bad("certificate: none, or one whose key is not readable")
	}
	for k, r := range n.Roles {
		if r != RoleOperator && r != RoleApprover && r != RoleAuditor || slices.Contains(n.Roles[:k], r) {
			return bad("roles: %q is unknown or stands twice", string(r))
		}
	}
	if f, found := pki.FirstError(c.Findings); found {
		return bad("certificate: %s", f)
	}
	if alg.IsTestKey(c.PublicKey) || alg.IsLegacy(c.PublicKey) {
		return bad("certificate: a key of %s", alg.KeyName(c.PublicKey))
	}
	if err := checkWeak(c.PublicKey); err != nil {
		return bad("certificate: %w", err)
	}
	if c.IsCA || alg.EqualKeys(c.PublicKey, i.cert.PublicKey) {
		return bad("certificate: it is an authority's, not a person's")
	}
	if !mayDecide(c) {
		return bad("certificate: its key may not sign")
	}
	if now := i.seconds(); now.Before(c.NotBefore) || now.After(c.NotAfter) {
		return bad("certificate: valid from %s to %s", c.NotBefore.Format(time.RFC3339), c.NotAfter.Format(time.RFC3339))
	}
	return nil
}

// mayDecide reports whether the key of a certificate may sign statements. A
// certificate without keyUsage does not restrict its key (RFC 5280, section
// 4.2.1.3).
func mayDecide(c *pki.Certificate) bool {
	return c.KeyUsage == 0 || c.KeyUsage&(pki.KeyUsageDigitalSignature|pki.KeyUsageContentCommitment) != 0
}

// checkDistinct refuses a key or a person that another name has.
func checkDistinct(tx Tx, n NewOperator) error {
	count := 0
	for o, err := range tx.Operators() {
		if err != nil {
			return err
		}
		if count++; count >= limits.Operators {
			return fmt.Errorf("%w: more than %d operators", ErrOperator, limits.Operators)
		}
		if !o.Removed.IsZero() || o.Name == n.Name {
			continue
		}
		c, err := pki.ParseCertificate(o.Certificate)
		if err != nil {
			return fmt.Errorf("ca: operator %s: %w", o.Name, err)
		}
		// One curve has several identifiers (RFC 9215, appendix C): keys are
		// compared as points and not as octets.
		if alg.EqualKeys(c.PublicKey, n.Certificate.PublicKey) || samePerson(c.Subject, n.Certificate.Subject) {
			return fmt.Errorf("%w: %s", ErrOperatorExists, o.Name)
		}
	}
	return nil
}

// samePerson reports whether two subjects have the SNILS or the INN of one
// person.
func samePerson(a, b pki.Name) bool {
	for _, o := range []oid.OID{oid.SNILS, oid.INN} {
		if v := a.Get(o); v != "" && v == b.Get(o) {
			return true
		}
	}
	return false
}

// RemoveOperator takes every role from an operator. What was signed before
// stays on record; it counts no more for what is not issued yet.
func (i *Issuer) RemoveOperator(ctx context.Context, name, actor string) (Operator, error) {
	var out Operator
	err := i.ledger.Update(ctx, func(tx Tx) error {
		var err error
		if out, err = tx.Operator(name); err != nil {
			return err
		}
		if !out.Removed.IsZero() {
			return ErrNotFound
		}
		out.Removed = i.seconds()
		if err := tx.SaveOperator(out); err != nil {
			return err
		}
		out.Version++
		_, err = tx.Append(journal.Entry{Time: i.now(), Actor: actor, Event: "operator-remove", Subject: name})
		return err
	})
	return out, err
}

// Operators returns all operators by name, removed ones too.
func (i *Issuer) Operators(ctx context.Context) ([]Operator, error) {
	var list []Operator
	err := i.ledger.View(ctx, func(tx ReadTx) error {
		list = list[:0]
		for o, err := range tx.Operators() {
			if err != nil {
				return err
			}
			list = append(list, o)
		}
		return nil
	})
	return list, err
}
