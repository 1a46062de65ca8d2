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
			withHint(text{"добавьте lists: смотрите docs/publishing.md", "add lists: see docs/publishing.md"})
	case errors.Is(err, ca.ErrNoBase):
		return failedf(text{"в папке нет полного списка, к которому был бы разностный", "the folder has no complete list that a delta list could build on"}).withCause(err).
			withHint(text{"сначала --complete", "first --complete"})
	}
	return err
}

// keepPublished publishes what is due until ctx is done. A fault is logged and
// tried again: half of a list's time is left for that.
func keepPublished(ctx context.Context, i *ca.Issuer, to string, log *slog.Logger) {
	tick := time.NewTicker(publishEvery)
	defer tick.Stop()
	for {
		list, err := i.PublishDue(ctx, to, actor())
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			log.ErrorContext(ctx, "lists not published", "error", err)
		}
		for _, p := range list {
			log.InfoContext(ctx, "lists published", "number", p.Number, "base", p.Base, "entries", p.Entries, "lists", len(p.Files))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
