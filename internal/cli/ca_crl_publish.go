package cli

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/internal/casock"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/server"
)

// publishEvery is how often it is looked what is due.
const publishEvery = 30 * time.Second

// A publishing is `ca publish`.
type publishing struct {
	dir, to, listen string
	complete, delta bool
	watch           bool
}

func (a *app) caPublishCommand() *cobra.Command {
	var p publishing
	c := &cobra.Command{
		Use:   "publish --dir D --to P",
		Short: a.t(text{"опубликовать списки отзыва в папке", "publish the revocation lists in a folder"}),
		Long: a.t(text{
			"Выпускает те полные, частичные и разностные списки, которым вышла половина срока. Какие нужны, сказано в config.json (lists).",
			"Signs those complete, partial and delta lists of whose time half has gone by. Which there are is said in config.json (lists).",
		}),
		Example: "  gosklyuch ca publish --dir issuing --to /var/www/crl\n  gosklyuch ca publish --dir issuing --to /var/www/crl --watch --listen 127.0.0.1:8081",
		Args:    args(0, 0, text{}),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.caPublish(cmd.Context(), p) },
	}
	a.dirFlag(c, &p.dir)
	f := c.Flags()
	f.StringVar(&p.to, "to", "", a.t(text{"папка публикации", "the folder of publication"}))
	f.BoolVar(&p.complete, "complete", false, a.t(text{"выпустить полные списки сейчас", "sign complete lists now"}))
	f.BoolVar(&p.delta, "delta", false, a.t(text{"выпустить разностные списки сейчас", "sign delta lists now"}))
	f.BoolVar(&p.watch, "watch", false, a.t(text{"остаться и публиковать по расписанию", "stay and publish on schedule"}))
	f.StringVar(&p.listen, "listen", "", a.t(text{"ещё и отдавать папку по HTTP (вместе с --watch)", "also serve the folder over HTTP (with --watch)"}))
	a.required(c, "to")
	return c
}

func (a *app) caPublish(ctx context.Context, p publishing) error {
	if p.listen != "" && !p.watch {
		return usageError(text{"--listen указывается вместе с --watch", "--listen is given with --watch"})
	}
	if running, err := casock.Dial(ctx, filepath.Join(p.dir, ca.SocketFile)); err == nil {
		running.Close() //nolint:errcheck,gosec // nothing was asked
		return failedf(text{"%s: служба этого УЦ работает и держит его хранилище", "%s: this authority is being served, which holds its ledger"}, p.dir).
			withHint(text{"запустите ту службу с --publish: она публикует списки сама", "start that service with --publish: it publishes the lists itself"})
	}
	local, err := a.issuer(ctx, p.dir, secretPassword)
	if err != nil {
		return err
	}
	defer local.close()
	if err := a.publishOnce(ctx, local.issuer, p); err != nil {
		return publishError(err)
	}
	if !p.watch {
		return nil
	}
	log := slog.New(slog.NewJSONHandler(a.err, nil))
	keep := func(ctx context.Context) error { keepPublished(ctx, local.issuer, p.to, log); return nil }
	if p.listen == "" {
		return keep(ctx)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", p.listen)
	if err != nil {
		return failedf(text{"адрес %s занят или недоступен", "the address %s is taken or cannot be used"}, p.listen).withCause(err).
			withHint(text{"укажите другой --listen", "give another --listen"})
	}
	a.sayf(text{"списки отзыва: http://%s", "revocation lists: http://%s"}, l.Addr())
	srv := server.New(server.Router{"/": server.ListsHandler(p.to, server.ListsOptions{Log: log})}, log)
	return together(ctx, func(ctx context.Context) error { return server.Serve(ctx, srv, l, grace) }, keep)
}

// publishOnce publishes what was asked for, or what is due.
func (a *app) publishOnce(ctx context.Context, i *ca.Issuer, p publishing) (err error) {
	list := []ca.Published{}
	one := func(delta bool) error {
		out, err := i.Publish(ctx, p.to, delta, actor())
		if err == nil {
			list = append(list, out)
		}
		return err
	}
	switch {
	case p.complete || p.delta:
		if p.complete {
			err = one(false)
		}
		if err == nil && p.delta {
			err = one(true)
		}
	default:
		var due []ca.Published
		due, err = i.PublishDue(ctx, p.to, actor())
		list = append(list, due...)
	}
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(struct {
			Published []ca.Published `json:"published"`
		}{list})
	}
	for _, x := range list {
		a.sayf(text{"№ %d: %s (отозвано: %d, следующий до %s)", "No. %d: %s (revoked: %d, next by %s)"},
			x.Number, strings.Join(x.Files, ", "), x.Entries, stamp(x.NextUpdate))
	}
	if len(list) == 0 {
		a.sayf(text{"сейчас публиковать нечего", "nothing is due"})
	}
	return nil
}

// publishError has the sentences for what Publish refuses.
func publishError(err error) error {
	switch {
	case errors.Is(err, ca.ErrNoLists):
		return failedf(text{"в config.json не указано, какие списки публиковать", "config.json does not say which lists are published"}).withCause(err).
			withHint(text{`добавьте в config.json папки УЦ, например: "lists": {"urls": ["http://ca.example/crl/"]}`, `add to config.json in the folder of the authority, for example: "lists": {"urls": ["http://ca.example/crl/"]}`})
	case errors.Is(err, ca.ErrNoBase):
		return failedf(text{"в папке нет полного списка, к которому можно выпустить разностный", "the folder has no complete list that a delta list could build on"}).withCause(err).
			withHint(text{"сначала --complete", "first --complete"})
	}
	return err
}

// keepPublished publishes what is due until ctx is done. A fault is logged and
// tried again: half of a list's time is left for that.
func keepPublished(ctx context.Context, i *ca.Issuer, to string, log *slog.Logger) {
	k := publisher{i: i, to: to, log: log}
	every(ctx, publishEvery, func() { k.due(ctx) })
}

// keepPublished is the same for an authority that is served: where the settings
// have delta lists, a revocation, a hold and a release are on one at once.
func (c *servedCA) keepPublished(ctx context.Context, to string, log *slog.Logger) {
	k := publisher{i: c.issuer, to: to, log: log}
	news := c.news
	if l := c.dir.Settings.Lists; l == nil || l.DeltaMinutes == 0 {
		news = nil
	}
	tick := time.NewTicker(publishEvery)
	defer tick.Stop()
	var soon <-chan time.Time // nil: nothing has changed
	wait := gathered
	k.due(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			k.due(ctx)
		case <-news:
			if soon == nil {
				soon = time.After(wait)
			}
		case <-soon:
			begin := time.Now()
			soon = nil
			if !k.delta(ctx) {
				soon = time.After(publishEvery)
			}
			wait = max(gathered, restBetween*time.Since(begin))
		}
	}
}

const (
	// gathered is how long what is revoked waits for more of its kind: a delta
	// list is signed for all of it.
	gathered = 2 * time.Second
	// restBetween is how many times as long as the last delta list took the
	// ledger is left in peace: a long list is read as a whole for each.
	restBetween = 20
)

// A publisher publishes and logs what it did.
type publisher struct {
	i   *ca.Issuer
	to  string
	log *slog.Logger
}

func (k publisher) due(ctx context.Context) {
	list, err := k.i.PublishDue(ctx, k.to, actor())
	k.say(ctx, err, list...)
}

// delta publishes a delta list now, with a new complete one where there is none
// to build it on, and reports whether it could.
func (k publisher) delta(ctx context.Context) bool {
	p, err := k.i.Publish(ctx, k.to, true, actor())
	if errors.Is(err, ca.ErrNoBase) {
		if p, err = k.i.Publish(ctx, k.to, false, actor()); err == nil {
			k.say(ctx, nil, p)
			p, err = k.i.Publish(ctx, k.to, true, actor())
		}
	}
	if err != nil {
		k.say(ctx, err)
		return false
	}
	k.say(ctx, nil, p)
	return true
}

func (k publisher) say(ctx context.Context, err error, list ...ca.Published) {
	if err != nil && ctx.Err() == nil {
		k.log.ErrorContext(ctx, "lists not published", "error", err)
	}
	for _, p := range list {
		k.log.InfoContext(ctx, "lists published", "number", p.Number, "base", p.Base, "entries", p.Entries, "lists", len(p.Files))
	}
}
