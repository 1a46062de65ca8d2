package cli

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// An expiry is `cert expiring`.
type expiry struct {
	dir, hook, sent string
	days            []int // falling
}

// An expiringCert is a certificate of which the end is near, for a person and
// for the hook.
type expiringCert struct {
	Serial   string `json:"serial"`
	Issuer   string `json:"issuer"`
	Subject  string `json:"subject"`
	NotAfter string `json:"notAfter"`
	DaysLeft int    `json:"daysLeft"`          // whole days; less than 0: it has ended
	Days     int    `json:"days"`              // the smallest of --days that is reached
	Profile  string `json:"profile,omitempty"` // of an authority's certificate
	File     string `json:"file,omitempty"`
	Key      string `json:"key,omitempty"` // the container in the home
	CA       string `json:"ca,omitempty"`  // the authority's folder

	id  string // names the certificate in the list of notices
	end time.Time
}

func (a *app) certExpiringCommand() *cobra.Command {
	var e expiry
	c := &cobra.Command{
		Use:   "expiring [F|DIR…] [--days N,…] | expiring --dir D [--days N,…]",
		Short: a.t(text{"найти сертификаты, срок которых скоро истечёт", "find the certificates that expire soon"}),
		Long: a.t(text{
			"Смотрит файлы сертификатов и папки с ними, все действующие сертификаты УЦ (--dir) или, если ничего не указано, сертификаты ваших " +
				"ключей. Код 0: таких нет, 3: есть, 1: проверить или напомнить не удалось.\n" +
				"Программу --hook запускают для каждого такого сертификата один раз на каждый срок из --days, данные она получает в JSON на " +
				"стандартный ввод.",
			"Looks at certificate files and folders of them, at all valid certificates of an authority (--dir) or, where nothing is given, at the " +
				"certificates of your keys. Code 0: there is none, 3: there are some, 1: it could not be found out, or no reminder was sent.\n" +
				"The program --hook is run for each of them, once for each number of --days, with its data as JSON on the standard input.",
		}),
		Example: "  gosklyuch cert expiring --days 30\n  gosklyuch cert expiring --dir issuing --days 30,7,1 --hook /usr/local/bin/remind",
		Args:    args(0, -1, text{}),
		RunE:    func(cmd *cobra.Command, paths []string) error { return a.certExpiring(cmd.Context(), paths, e) },
	}
	f := c.Flags()
	f.IntSliceVar(&e.days, "days", []int{30}, a.t(text{"за сколько дней предупреждать; чисел может быть несколько", "how many days ahead; there may be several numbers"}))
	f.StringVar(&e.dir, "dir", "", a.t(text{"папка удостоверяющего центра", "the authority's folder"}))
	f.StringVar(&e.hook, "hook", "", a.t(text{"программа, которая напомнит владельцу", "the program that reminds the holder"}))
	f.StringVar(&e.sent, "sent", "", a.t(text{"список отправленных напоминаний (по умолчанию expiry.jsonl в домашней папке)", "the list of reminders that were sent (by default expiry.jsonl in the home)"}))
	return c
}

// check sorts the numbers of days.
func (e *expiry) check(paths []string) error {
	if len(e.days) == 0 || len(e.days) > limits.ExpiryStages || slices.Min(e.days) < 0 || slices.Max(e.days) > limits.ExpiryDays {
		return usageErrorf(text{"--days: от 0 до %d, не больше %d чисел", "--days: from 0 to %d, at most %d numbers"}, limits.ExpiryDays, limits.ExpiryStages)
	}
	if len(paths) > 0 && e.dir != "" {
		return usageError(text{"укажите файлы сертификатов или --dir, но не вместе", "give certificate files, or --dir, not both"})
	}
	if e.sent != "" && e.hook == "" {
		return usageError(text{"--sent нужен вместе с --hook", "--sent goes with --hook"})
	}
	slices.SortFunc(e.days, func(x, y int) int { return cmp.Compare(y, x) })
	return nil
}

func (a *app) certExpiring(ctx context.Context, paths []string, e expiry) error {
	if err := e.check(paths); err != nil {
		return err
	}
	s := &expirySearch{app: a, now: a.now(), days: e.days, list: []expiringCert{}}
	var err error
	switch {
	case e.dir != "":
		err = s.authority(ctx, e.dir)
	case len(paths) > 0:
		err = s.paths(ctx, paths)
	default:
		err = s.home(ctx)
	}
	if err != nil {
		return err
	}
	if a.json {
		err = a.printJSON(struct {
			Certificates []expiringCert `json:"certificates"`
		}{s.list})
		if err != nil {
			return err
		}
	} else {
		for _, x := range s.list {
			a.printExpiring(x)
		}
	}
	if e.hook != "" {
		if err := a.remind(ctx, e, s.list); err != nil {
			return err
		}
	}
	switch {
	case s.unread > 0:
		return failedf(text{"не прочитано файлов: %d", "files that could not be read: %d"}, s.unread)
	case len(s.list) > 0:
		return verdict{exitInvalid}
	}
	return nil
}

// An expirySearch collects certificates.
type expirySearch struct {
	*app
	now    time.Time
	days   []int // falling
	list   []expiringCert
	unread int // files in folders that are damaged or may not be read
	files  int
}

// horizon is the last moment that is near.
func (s *expirySearch) horizon() time.Time { return s.now.AddDate(0, 0, s.days[0]) }

// take notes a certificate if its end is near.
func (s *expirySearch) take(x expiringCert, end time.Time) {
	if end.After(s.horizon()) {
		return
	}
	rest := end.Sub(s.now)
	if x.DaysLeft = int(rest / (24 * time.Hour)); rest < 0 {
		x.DaysLeft = min(x.DaysLeft, -1)
	}
	for _, n := range s.days {
		if !end.After(s.now.AddDate(0, 0, n)) {
			x.Days = n
		}
	}
	x.NotAfter, x.end = stamp(end), end
	s.list = append(s.list, x)
}

func (s *expirySearch) certificate(c *pki.Certificate, x expiringCert) {
	x.Serial, x.Issuer, x.Subject = c.SerialHex(), c.Issuer.String(), c.Subject.String()
	x.id = noticeID(c.RawIssuer, c.SerialHex())
	s.take(x, c.NotAfter)
}

// home looks at the certificates of the keys in the home.
func (s *expirySearch) home(ctx context.Context) error {
	store, err := s.keyStore()
	if err != nil {
		return err
	}
	keys, err := store.List(ctx)
	if err != nil {
		return err
	}
	for _, k := range keys {
		switch {
		case k.Err != nil:
			s.unread++
			s.warnf(text{"%s: контейнер не читается: %v", "%s: the container cannot be read: %v"}, safe(k.Name), k.Err)
		case k.Certificate != nil:
			s.certificate(k.Certificate, expiringCert{Key: k.Name})
		}
	}
	return nil
}

// authority looks at the certificates of an authority that are valid and have
// not ended. The authority's key is not needed.
func (s *expirySearch) authority(ctx context.Context, dir string) error {
	cert, err := s.authorityOf(dir)
	if err != nil {
		return err
	}
	au, err := s.openKeyless(ctx, dir)
	if err != nil {
		return err
	}
	defer au.close()
	var after ca.Serial
	from, to := s.now.UTC().Truncate(time.Second), s.horizon().UTC().Truncate(time.Second).Add(time.Second)
	for {
		page, err := au.Expiring(ctx, from, to, after, limits.SearchResults)
		if err != nil {
			return err
		}
		for _, e := range page {
			if after = e.Serial; e.Status == ca.Valid && !e.NotAfter.Before(s.now) {
				s.take(expiringCert{
					Serial: e.Serial.String(), Issuer: cert.Subject.String(), Subject: e.Subject, Profile: e.Profile, CA: dir,
					id: noticeID(cert.RawSubject, e.Serial.String()),
				}, e.NotAfter)
			}
		}
		if len(page) == 0 {
			return nil
		}
	}
}

func (a *app) printExpiring(x expiringCert) {
	where := cmp.Or(x.Profile, x.Key, x.File)
	fmt.Fprintf(a.out, "%s  %s  %s  %s  %s\n", x.Serial, x.NotAfter, fmt.Sprintf(a.t(text{"дней: %d", "days: %d"}), x.DaysLeft), safe(where), safe(x.Subject))
}

// noticeID names a certificate by its issuer and serial number (RFC 5280,
// section 4.1.2.2), and says nothing about its holder.
func noticeID(issuerDER []byte, serial string) string {
	sum := streebog.Sum256(issuerDER)
	return serial + "@" + hex.EncodeToString(sum[:8])
}
