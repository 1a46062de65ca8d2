package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/internal/casock"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/profile/sets"
)

// hookTime is how long the hook may take for one certificate.
const hookTime = time.Minute

// An expiry is `cert expiring`.
type expiry struct {
	dir, hook string
	days      int
}

// An expiringCert is a certificate of which the end is near, for a person and
// for the hook.
type expiringCert struct {
	Serial   string `json:"serial"`
	Subject  string `json:"subject"`
	NotAfter string `json:"notAfter"`
	DaysLeft int    `json:"daysLeft"` // whole days; less than 0: it has ended
	Profile  string `json:"profile,omitempty"`
	File     string `json:"file,omitempty"`
	CA       string `json:"ca,omitempty"` // the authority's folder
}

func (a *app) certExpiringCommand() *cobra.Command {
	var e expiry
	c := &cobra.Command{
		Use:   "expiring [F…] --days N [--dir D]",
		Short: a.t(text{"найти сертификаты, срок которых скоро истечёт", "find the certificates that expire soon"}),
		Long: a.t(text{
			"Смотрит файлы сертификатов или все действующие сертификаты УЦ (--dir). Код 0: таких нет, 3: есть, 1: проверить не удалось.\n" +
				"Программу --hook запускают для каждого такого сертификата, данные она получает в JSON на стандартный ввод.",
			"Looks at certificate files, or at all valid certificates of an authority (--dir). Code 0: there is none, 3: there are some, 1: it could not be found out.\n" +
				"The program --hook is run for each of them, with its data as JSON on the standard input.",
		}),
		Example: "  gosklyuch cert expiring *.cer --days 30\n  gosklyuch cert expiring --dir issuing --days 30 --hook /usr/local/bin/remind",
		Args:    args(0, -1, text{}),
		RunE:    func(cmd *cobra.Command, files []string) error { return a.certExpiring(cmd.Context(), files, e) },
	}
	f := c.Flags()
	f.IntVar(&e.days, "days", 30, a.t(text{"за сколько дней предупреждать", "how many days ahead"}))
	f.StringVar(&e.dir, "dir", "", a.t(text{"папка удостоверяющего центра", "the authority's folder"}))
	f.StringVar(&e.hook, "hook", "", a.t(text{"программа, которая напомнит владельцу", "the program that reminds the holder"}))
	return c
}

func (a *app) certExpiring(ctx context.Context, files []string, e expiry) error {
	if e.days < 0 || e.days > 36525 {
		return usageError(text{"--days: от 0 до 36525", "--days: from 0 to 36525"})
	}
	if (len(files) == 0) == (e.dir == "") {
		return usageError(text{"укажите файлы сертификатов или --dir", "give certificate files, or --dir"})
	}
	list, err := a.expiringFiles(files, e.days)
	if err == nil && e.dir != "" {
		list, err = a.expiringAt(ctx, e.dir, e.days)
	}
	if err != nil {
		return err
	}
	if a.json {
		err = a.printJSON(struct {
			Certificates []expiringCert `json:"certificates"`
		}{list})
		if err != nil {
			return err
		}
	}
	failed := 0
	for _, x := range list {
		if !a.json {
			a.printExpiring(x)
		}
		if e.hook == "" {
			continue
		}
		if err := a.runHook(ctx, e.hook, x); err != nil {
			failed++
			a.warnf(text{"%s: напоминание не отправлено: %v", "%s: no reminder was sent: %v"}, x.Serial, err)
		}
	}
	switch {
	case failed > 0:
		return failedf(text{"не отправлено напоминаний: %d", "reminders that were not sent: %d"}, failed)
	case len(list) > 0:
		return verdict{exitInvalid}
	}
	return nil
}

// near says whether a certificate that ends at end is to be named, and how many
// whole days are left.
func (a *app) near(end time.Time, days int) (left int, ok bool) {
	now := a.now()
	rest := end.Sub(now)
	left = int(rest / (24 * time.Hour))
	if rest < 0 {
		left = min(left, -1)
	}
	return left, !end.After(now.AddDate(0, 0, days))
}

func (a *app) expiringFiles(files []string, days int) ([]expiringCert, error) {
	out := []expiringCert{}
	for _, name := range files {
		certs, err := a.readCertificates(name)
		if err != nil {
			return nil, err
		}
		for _, c := range certs {
			if left, ok := a.near(c.NotAfter, days); ok {
				out = append(out, expiringCert{Serial: c.SerialHex(), Subject: c.Subject.String(), NotAfter: stamp(c.NotAfter), DaysLeft: left, File: name})
			}
		}
	}
	return out, nil
}

// expiringAt looks at the certificates of an authority that are valid and have
// not ended. The authority's key is not needed.
func (a *app) expiringAt(ctx context.Context, dir string, days int) ([]expiringCert, error) {
	au, err := a.openKeyless(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer au.close()
	out := []expiringCert{}
	for e, err := range au.List(ctx, ca.Valid) {
		if err != nil {
			return nil, err
		}
		left, ok := a.near(e.NotAfter, days)
		if !ok || left < 0 {
			continue
		}
		out = append(out, expiringCert{Serial: e.Serial.String(), Subject: e.Subject, NotAfter: stamp(e.NotAfter), DaysLeft: left, Profile: e.Profile, CA: dir})
	}
	return out, nil
}

// openKeyless is openAuthority for what needs no key, and no password.
func (a *app) openKeyless(ctx context.Context, dir string) (*authority, error) {
	client, err := casock.Dial(ctx, filepath.Join(dir, ca.SocketFile))
	switch {
	case err == nil:
		return &authority{client, func() { client.Close() }}, nil //nolint:errcheck,gosec // nothing is lost
	case !errors.Is(err, casock.ErrNotServing):
		return nil, err
	}
	d, err := ca.ReadDir(dir)
	if err != nil {
		return nil, caDir(dir, err)
	}
	ledger, err := a.openLedger(ctx, dir, d.Settings)
	if err != nil {
		return nil, badLedger(dir, err)
	}
	closeAll := func() { ledger.Close() } //nolint:errcheck,gosec // nothing was written
	i, err := ca.NewKeyless(ctx, ca.Config{Certificate: d.Certificate, Ledger: ledger, Rules: sets.All(), Profiles: d.Profiles, Settings: d.Settings, Now: a.now})
	if err != nil {
		closeAll()
		return nil, badLedger(dir, err)
	}
	return &authority{i, closeAll}, nil
}

func (a *app) printExpiring(x expiringCert) {
	where := x.Profile
	if x.File != "" {
		where = safe(x.File)
	}
	fmt.Fprintf(a.out, "%s  %s  %s  %s  %s\n", x.Serial, x.NotAfter, fmt.Sprintf(a.t(text{"дней: %d", "days: %d"}), x.DaysLeft), where, safe(x.Subject))
}

// runHook runs the hook for one certificate. It is run itself and not through a
// shell, and gets no part of the certificate as an argument: a subject may hold
// any character.
func (a *app) runHook(ctx context.Context, hook string, x expiringCert) error {
	in, err := json.Marshal(x)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, hookTime)
	defer cancel()
	c := exec.CommandContext(ctx, hook)
	c.Stdin = bytes.NewReader(append(in, '\n'))
	c.Stdout, c.Stderr = a.err, a.err
	c.WaitDelay = 5 * time.Second // what the hook started may keep its output open
	return c.Run()
}
