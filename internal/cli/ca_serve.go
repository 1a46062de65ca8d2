package cli

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/internal/casock"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/server"
)

// grace is how long requests that are under way may take after a stop.
const grace = 5 * time.Second

func (a *app) caServeCommand() *cobra.Command {
	var dir, listen, ocspKey string
	var https caHTTPS
	c := &cobra.Command{
		Use:   "serve --dir D --listen ADDR [--https ADDR --tls-cert F --tls-key F]",
		Short: a.t(text{"служба OCSP, список отзыва и сертификат УЦ по HTTP", "OCSP, the revocation list and the CA's certificate over HTTP"}),
		Long: a.t(text{
			"Отвечает по адресам /ocsp, /ca.crl и /ca.cer. Пока служба работает, остальные команды ca идут через неё.\n" +
				"С --https по отдельному адресу работают API запросов (/api/v1) и, если указан --est-profile, EST (RFC 7030).",
			"Answers at /ocsp, /ca.crl and /ca.cer. While it runs, the other ca commands go through it.\n" +
				"With --https an address of its own serves the API of requests (/api/v1) and, where --est-profile is given, EST (RFC 7030).",
		}),
		Args: args(0, 0, text{}),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.caServe(cmd.Context(), dir, listen, ocspKey, &https)
		},
	}
	a.dirFlag(c, &dir)
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:8080", a.t(text{"адрес и порт", "address and port"}))
	c.Flags().StringVar(&ocspKey, "ocsp-key", "", a.t(text{
		"отдельный ключ службы OCSP с сертификатом профиля ocsp (по умолчанию отвечает ключ УЦ)",
		"a key of its own for OCSP with a certificate of the profile ocsp (by default the CA's key answers)",
	}))
	a.caHTTPSFlags(c, &https)
	return c
}

func (a *app) caServe(ctx context.Context, dir, listen, ocspKey string, https *caHTTPS) error {
	if err := https.check(); err != nil {
		return err
	}
	if running, err := casock.Dial(ctx, filepath.Join(dir, ca.SocketFile)); err == nil {
		running.Close() //nolint:errcheck,gosec // nothing was asked
		return failedf(text{"%s: служба этого УЦ уже работает", "%s: this authority is being served already"}, dir).
			withHint(text{"остановите ту службу или работайте через неё", "stop that service, or work through it"})
	}
	local, err := a.issuer(ctx, dir, secretPassword)
	if err != nil {
		return err
	}
	defer local.close()
	responder := &ocsp.Responder{Issuer: local.dir.Certificate, Signer: local.key, Source: local.issuer, Now: a.now}
	if ocspKey != "" {
		k, err := a.openKey(ctx, ocspKey, secretOCSPPassword)
		if err != nil {
			return err
		}
		defer k.close()
		if k.cert == nil {
			return usageErrorf(text{"у ключа %s нет сертификата", "the key %s carries no certificate"}, ocspKey)
		}
		responder.Signer, responder.Certificate = k.signer, k.cert
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return failedf(text{"адрес %s занят или недоступен", "the address %s is taken or cannot be used"}, listen).withCause(err).
			withHint(text{"укажите другой --listen", "give another --listen"})
	}
	log := slog.New(slog.NewJSONHandler(a.err, nil))
	run, urls, err := a.openHTTPS(ctx, https, local, log)
	if err != nil {
		l.Close() //nolint:errcheck,gosec // the first error counts
		return err
	}
	sock, err := casock.Listen(filepath.Join(dir, ca.SocketFile), local.issuer)
	if err != nil {
		l.Close() //nolint:errcheck,gosec // the first error counts
		urls.close()
		return err
	}
	srv := server.New(caRouter(local.issuer, responder, log), log)
	if a.json {
		urls.Listen = l.Addr().String()
		if err := a.printJSON(urls); err != nil {
			return err
		}
	}
	a.sayf(text{"служба работает: http://%s", "serving: http://%s"}, l.Addr())
	urls.say(a)
	return both(ctx,
		func(ctx context.Context) error {
			return both(ctx, func(ctx context.Context) error { return server.Serve(ctx, srv, l, grace) }, run)
		},
		func(ctx context.Context) error {
			ctx, stop := context.WithCancel(ctx)
			var signing sync.WaitGroup
			defer signing.Wait() // before the key is wiped
			defer stop()
			signing.Go(func() { keepHeadsSigned(ctx, local.issuer, log) })
			return sock.Serve(ctx)
		})
}

// both runs two servers until one ends or ctx is done; then the other is told
// to stop, and both are waited for.
func both(ctx context.Context, one, two func(context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 2)
	for _, f := range []func(context.Context) error{one, two} {
		go func() { ended <- f(ctx) }()
	}
	first := <-ended
	stop()
	return errors.Join(first, <-ended)
}

// caRouter serves OCSP, the last list and the authority's certificate.
func caRouter(issuer *ca.Issuer, r *ocsp.Responder, log *slog.Logger) http.Handler {
	started := time.Now()
	ocspHandler := server.OCSPHandler(r, server.OCSPOptions{Log: log})
	return server.Router{
		"/ocsp":  ocspHandler,
		"/ocsp/": ocspHandler,
		"/ca.crl": server.CRLHandler(func() ([]byte, time.Time, error) {
			list, err := currentCRL(context.Background(), issuer, time.Now())
			return list.DER, list.ThisUpdate, err
		}, 0, log),
		"/ca.cer": server.IssuerHandler(func() ([]byte, time.Time, error) {
			return issuer.Certificate().Raw, started, nil
		}, time.Hour, log),
	}
}

// currentCRL returns the last list, or signs one where there is none or where
// more than half of its time has gone by.
func currentCRL(ctx context.Context, issuer *ca.Issuer, now time.Time) (ca.CRLEntry, error) {
	list, err := issuer.LastCRL(ctx)
	half := list.ThisUpdate.Add(list.NextUpdate.Sub(list.ThisUpdate) / 2)
	if errors.Is(err, ca.ErrNotFound) || err == nil && now.After(half) {
		return issuer.CRL(ctx, actor())
	}
	return list, err
}
