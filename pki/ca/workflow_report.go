package ca

import (
	"context"
	"errors"

	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// RequestReport returns what the rules say about a request today, by the profile
// of its submission and as if everybody had agreed: for the people who decide. It
// changes nothing, and the permission to sign that [Issuer.Prepare] gives stays
// here. A report comes with a *[LintError] too; the other errors are those of
// Prepare, [ErrNotFound], [ErrProfileChanged] and [ErrRenewal].
func (i *Issuer) RequestReport(ctx context.Context, id string) (profile.Report, error) {
	e, err := i.Request(ctx, id)
	if err != nil {
		return profile.Report{}, err
	}
	p, err := i.pinnedProfile(e)
	if err != nil {
		return profile.Report{}, err
	}
	r, err := i.requestOf(ctx, e)
	if err != nil {
		return profile.Report{}, err
	}
	prepared, err := i.prepare(ctx, p, e.ProfileDigest, r)
	var lint *LintError
	if errors.As(err, &lint) {
		return lint.Report, err
	}
	if err != nil {
		return profile.Report{}, err
	}
	return prepared.Report(), nil
}
