package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// serialOf reads CERT|SERIAL: a certificate's file, or a serial number in
// hexadecimal.
func (a *app) serialOf(arg string) (ca.Serial, error) {
	if _, err := os.Stat(arg); err == nil {
		cert, err := a.readCertificate(arg)
		if err != nil {
			return ca.Serial{}, err
		}
		return ca.SerialFrom(cert.SerialNumber)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return ca.Serial{}, err
	}
	s, err := ca.ParseSerial(arg)
	if err != nil {
		return s, failedf(text{"%s: нет такого файла, и это не серийный номер", "%s: no such file, and no serial number"}, arg)
	}
	return s, nil
}

// statusChange is a change of a certificate's state on an authority.
type statusChange func(context.Context, ca.Authority, ca.Revocation) (ca.Entry, error)

// statusCommand builds revoke, hold and release, which differ in one call.
func (a *app) statusCommand(c *cobra.Command, r *ca.Revocation, prepare func() error, change statusChange) *cobra.Command {
	var dir string
	c.Args = args(1, 1, text{"сертификат или серийный номер", "a certificate or a serial number"})
	c.RunE = func(cmd *cobra.Command, arg []string) error {
		if prepare != nil {
			if err := prepare(); err != nil {
				return err
			}
		}
		var err error
		if r.Serial, err = a.serialOf(arg[0]); err != nil {
			return err
		}
		r.Actor = actor()
		au, err := a.openAuthority(cmd.Context(), dir)
		if err != nil {
			return err
		}
		defer au.close()
		e, err := change(cmd.Context(), au, *r)
		if err != nil {
			return err
		}
		if a.json {
			return a.printJSON(e)
		}
		a.printEntry(e)
		return nil
	}
	a.dirFlag(c, &dir)
	return c
}

// statusTexts are the states of a certificate for a person.
var statusTexts = map[ca.Status]text{
	ca.Valid:   {"действует", "valid"},
	ca.OnHold:  {"приостановлен", "on hold"},
	ca.Revoked: {"отозван", "revoked"},
}

func (a *app) printEntry(e ca.Entry) {
	since := ""
	if e.Status != ca.Valid {
		since = " " + stamp(e.RevokedAt)
	}
	reason := ""
	if e.Status == ca.Revoked {
		reason = " (" + e.Reason.String() + ")"
	}
	fmt.Fprintf(a.out, "%s  %s%s%s  %s  %s  %s\n", e.Serial, a.t(statusTexts[e.Status]), since, reason, e.Profile, stamp(e.NotAfter), safe(e.Subject))
}

func (a *app) caRevokeCommand() *cobra.Command {
	var reason string
	var invalid moment
	var r ca.Revocation
	c := &cobra.Command{
		Use:     "revoke CERT|SERIAL --dir D --reason R",
		Short:   a.t(text{"отозвать сертификат навсегда", "revoke a certificate for good"}),
		Example: "  gosklyuch ca revoke ivanov.cer --dir issuing-ca --reason keyCompromise",
	}
	c.Flags().StringVar(&reason, "reason", "unspecified", a.t(text{
		"причина: keyCompromise, affiliationChanged, superseded, cessationOfOperation, privilegeWithdrawn, cACompromise, unspecified",
		"why: keyCompromise, affiliationChanged, superseded, cessationOfOperation, privilegeWithdrawn, cACompromise, unspecified",
	}))
	c.Flags().Var(&invalid, "invalid-since", a.t(text{"с какого времени ключ мог быть у чужих", "since when the key may be in other hands"}))
	return a.statusCommand(c, &r, func() (err error) {
		r.InvalidityDate = invalid.Time
		if r.Reason, err = ca.ParseReason(reason); err != nil {
			return usageErrorf(text{"неизвестная причина «%s»", "unknown reason %q"}, reason).
				withHint(text{"список: gosklyuch ca revoke --help", "the list: gosklyuch ca revoke --help"})
		}
		return nil
	}, func(ctx context.Context, x ca.Authority, r ca.Revocation) (ca.Entry, error) {
		if r.InvalidityDate.After(a.now()) {
			return ca.Entry{}, usageError(text{"--invalid-since: это время ещё не наступило", "--invalid-since: that time has not come yet"})
		}
		return x.Revoke(ctx, r)
	})
}

func (a *app) caHoldCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "hold CERT|SERIAL --dir D",
		Short: a.t(text{"приостановить сертификат", "put a certificate on hold"}),
	}
	return a.statusCommand(c, &ca.Revocation{}, nil,
		func(ctx context.Context, x ca.Authority, r ca.Revocation) (ca.Entry, error) { return x.Hold(ctx, r) })
}

func (a *app) caReleaseCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "release CERT|SERIAL --dir D",
		Short: a.t(text{"возобновить приостановленный сертификат", "release a certificate from hold"}),
	}
	return a.statusCommand(c, &ca.Revocation{}, nil,
		func(ctx context.Context, x ca.Authority, r ca.Revocation) (ca.Entry, error) { return x.Release(ctx, r) })
}

func (a *app) caListCommand() *cobra.Command {
	var dir, status string
	c := &cobra.Command{
		Use:   "list --dir D [--status S]",
		Short: a.t(text{"показать выпущенные сертификаты", "list the issued certificates"}),
		Args:  args(0, 0, text{}),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s := ca.Status(status)
			if _, ok := statusTexts[s]; !ok && s != "" {
				return usageErrorf(text{"неизвестное состояние «%s»: valid, hold, revoked", "unknown status %q: valid, hold, revoked"}, status)
			}
			au, err := a.openKeyless(cmd.Context(), dir)
			if err != nil {
				return err
			}
			defer au.close()
			list := []ca.Entry{}
			for e, err := range au.List(cmd.Context(), s) {
				if err != nil {
					return err
				}
				if a.json {
					list = append(list, e)
					continue
				}
				a.printEntry(e)
			}
			if a.json {
				return a.printJSON(struct {
					Certificates []ca.Entry `json:"certificates"`
				}{list})
			}
			return nil
		},
	}
	a.dirFlag(c, &dir)
	c.Flags().StringVar(&status, "status", "", a.t(text{"valid, hold или revoked", "valid, hold or revoked"}))
	return c
}
