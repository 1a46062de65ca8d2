package cli

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/net/netutil"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/server"
)

// grace is how long requests that are under way may take after a stop.
const grace = 5 * time.Second

// A caServing is what the flags of `ca serve` say.
type caServing struct {
	dir, listen, publish string
	also, ocspKeys       []string
	responder            bool
	cache, validity      time.Duration
	prepare, rate        int
	tsa                  tsaService
	https                caHTTPS
}

func (a *app) caServeCommand() *cobra.Command {
	var s caServing
	c := &cobra.Command{
		Use:   "serve --dir D --listen ADDR",
		Short: a.t(text{"служба УЦ: OCSP, списки отзыва, сертификаты, метки времени, API и EST", "the authority's service: OCSP, lists, certificates, time stamps, API and EST"}),
		Long: a.t(text{
			"Отвечает по адресам /ocsp, /ca.crl, /ca.cer и /chain.p7c, с --publish также /crl/, с --tsa-key также /tsa;\n" +
				"своё состояние сообщает по адресам /healthz и /readyz. Пока служба работает, остальные команды ca идут через неё.\n" +
				"С --https по отдельному адресу работают API запросов (/api/v1) и, если указан --est-profile, EST (RFC 7030).\n" +
				"С --responder ключ УЦ не нужен: отвечают только ключи --ocsp-key. Так несколько узлов отвечают по одной базе данных.",
			"Answers at /ocsp, /ca.crl, /ca.cer and /chain.p7c, with --publish also /crl/, with --tsa-key also /tsa,\n" +
				"and about itself at /healthz and /readyz. While it runs, the other ca commands go through it.\n" +
				"With --https an address of its own serves the API of requests (/api/v1) and, where --est-profile is given, EST (RFC 7030).\n" +
				"With --responder the authority's key is not needed: only the keys of --ocsp-key answer. So several nodes answer from one database.",
		}),
		Example: "  gosklyuch ca serve --dir issuing --listen :8080 --publish /var/www/crl --ocsp-key ocsp.pem\n" +
			"  gosklyuch ca serve --dir node2 --responder --ocsp-key ocsp2.pem --ocsp-cache 30s",
		Args: args(0, 0, text{}),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.caServe(cmd.Context(), &s) },
	}
	a.dirFlag(c, &s.dir)
	f := c.Flags()
	f.StringVar(&s.listen, "listen", "127.0.0.1:8080", a.t(text{"адрес и порт", "address and port"}))
	f.Var((*fileList)(&s.also), "also", a.t(text{
		"папка ещё одного УЦ, за который отвечает служба; можно повторить", "the folder of one more authority to answer for; repeatable",
	}))
	f.Var((*fileFlag)(&s.publish), "publish", a.t(text{
		"папка, в которой по расписанию публикуются списки отзыва; они доступны и по адресу /crl/", "a folder where the lists are published on schedule; they are served at /crl/ too",
	}))
	f.IntVar(&s.rate, "public-rate", 500, a.t(text{
		"сколько запросов в секунду по HTTP без шифрования принимать с одного адреса другого компьютера (0: без ограничения)", "requests a second over plain HTTP that one address of another machine may make (0: no limit)",
	}))
	a.caOCSPFlags(c, &s)
	a.caTSAFlags(c, &s.tsa)
	a.caHTTPSFlags(c, &s.https)
	return c
}

func (a *app) caOCSPFlags(c *cobra.Command, s *caServing) {
	f := c.Flags()
	f.StringArrayVar(&s.ocspKeys, "ocsp-key", nil, a.t(text{
		"отдельный ключ службы OCSP с сертификатом профиля ocsp (по умолчанию отвечает ключ УЦ); можно повторить, по одному на УЦ",
		"a key of its own for OCSP with a certificate of the profile ocsp (by default the CA's key answers); repeatable, one for each authority",
	}))
	f.BoolVar(&s.responder, "responder", false, a.t(text{
		"без ключа УЦ: только OCSP, списки и сертификаты", "without the authority's key: only OCSP, lists and certificates",
	}))
	f.DurationVar(&s.cache, "ocsp-cache", 5*time.Second, a.t(text{
		"сколько времени можно повторять готовый ответ OCSP, пока об отзыве на другом узле ещё не известно (0: каждый ответ новый)",
		"how long an OCSP answer may be repeated while a revocation by another node is not known yet (0: each answer is new)",
	}))
	f.DurationVar(&s.validity, "ocsp-validity", ocsp.DefaultValidity, a.t(text{"срок ответа OCSP (nextUpdate)", "how long an OCSP answer is valid (nextUpdate)"}))
	f.IntVar(&s.prepare, "ocsp-preproduce", 0, a.t(text{
		"для скольких действующих сертификатов подписывать ответы заранее (0: ни для одного)", "for how many unexpired certificates answers are signed ahead (0: for none)",
	}))
}

// leastPrepared is the shortest --ocsp-cache for which answers are signed
// ahead: each is signed twice in that time.
const leastPrepared = time.Minute

// check refuses flags that do not fit together.
func (s *caServing) check() error {
	switch {
	case s.rate < 0:
		return usageError(text{"значение --public-rate не должно быть меньше нуля", "--public-rate must not be below zero"})
	case len(s.also) >= limits.ServedAuthorities:
		return usageErrorf(text{"одна служба отвечает не более чем за %d УЦ", "one service answers for at most %d authorities"}, limits.ServedAuthorities)
	case s.validity < time.Minute || s.validity > 30*24*time.Hour:
		return usageError(text{"срок --ocsp-validity должен быть от минуты до 30 дней", "--ocsp-validity must be from a minute to 30 days"})
	case s.cache < 0 || s.cache > s.validity/2:
		return usageError(text{"значение --ocsp-cache должно быть от 0 до половины --ocsp-validity", "--ocsp-cache must be from 0 to half of --ocsp-validity"})
	case s.prepare < 0 || s.prepare > limits.OCSPPrepared:
		return usageErrorf(text{"значение --ocsp-preproduce должно быть от 0 до %d", "--ocsp-preproduce must be from 0 to %d"}, limits.OCSPPrepared)
	case s.prepare > 0 && s.cache < leastPrepared:
		return usageErrorf(text{
			"ответы подписываются заранее, только если их можно повторять: с --ocsp-preproduce укажите --ocsp-cache не меньше %s",
			"answers are signed ahead only where they may be repeated: with --ocsp-preproduce give --ocsp-cache of at least %s",
		}, leastPrepared)
	case s.responder && (s.publish != "" || s.https.address != ""):
		return usageError(text{
			"для --publish и --https нужен ключ УЦ: с --responder они не работают", "--publish and --https need the authority's key: they do not go with --responder",
		})
	case s.responder && len(s.ocspKeys) == 0:
		return usageError(text{"для --responder нужен --ocsp-key", "--responder needs --ocsp-key"})
	case (s.tsa.key == "") != (len(s.tsa.policies) == 0):
		return usageError(text{"--tsa-key и --tsa-policy указываются вместе", "--tsa-key and --tsa-policy are given together"})
	}
	return s.https.check()
}

// caServe serves until the program is told to stop.
func (a *app) caServe(ctx context.Context, s *caServing) error {
	if err := s.check(); err != nil {
		return err
	}
	all := &servedCAs{app: a, flags: s, log: slog.New(slog.NewJSONHandler(a.err, nil))}
	defer all.close()
	if err := all.open(ctx); err != nil {
		return err
	}
	urls := &caURLs{}
	runs, err := all.listen(ctx, urls)
	if err != nil {
		urls.close()
		return err
	}
	sockets, err := all.sockets()
	if err != nil {
		urls.close()
		return err
	}
	runs = append(runs, sockets...)
	if a.json {
		err = a.printJSON(urls)
	}
	if err != nil {
		stopped, stop := context.WithCancel(ctx)
		stop()
		urls.close()
		return errors.Join(err, together(stopped, sockets...))
	}
	urls.say(a)
	// Garbage is collected when there is as much of it as is held, and a service
	// that holds little would do nothing else. What nobody touches takes no
	// memory, and counts as held.
	ballast := make([]byte, serveBallast)
	defer runtime.KeepAlive(ballast)
	return together(ctx, append(runs, all.background()...)...)
}

// serveBallast is how much garbage a service may always leave lying, in octets.
const serveBallast = 32 << 20

// together runs functions until one ends or ctx is done; then the others are
// told to stop, and all are waited for.
func together(ctx context.Context, list ...func(context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, len(list))
	for _, f := range list {
		go func() { ended <- f(ctx) }()
	}
	var errs []error
	for range list {
		errs = append(errs, <-ended)
		stop()
	}
	return errors.Join(errs...)
}

// caURLs say where `ca serve` answers.
type caURLs struct {
	Listen      string        `json:"listen"`
	URL         string        `json:"url"`
	OCSP        string        `json:"ocsp"`
	TSA         string        `json:"tsa,omitempty"`
	Ready       string        `json:"ready"`
	HTTPS       string        `json:"https,omitempty"`
	EST         string        `json:"est,omitempty"`
	Desk        string        `json:"desk,omitempty"` // the operators' page
	Metrics     string        `json:"metrics,omitempty"`
	Authorities []caAddresses `json:"authorities"`

	listeners []net.Listener
}

// caAddresses say where what one authority signed is read.
type caAddresses struct {
	Dir         string `json:"dir"`
	Subject     string `json:"subject"`
	Certificate string `json:"certificate"`
	Chain       string `json:"chain"`
	CRL         string `json:"crl"`
	Lists       string `json:"lists,omitempty"`
}

func (u *caURLs) close() {
	for _, l := range u.listeners {
		l.Close() //nolint:errcheck,gosec // nothing was accepted
	}
}

func (u *caURLs) say(a *app) {
	a.sayf(text{"служба работает: %s", "serving: %s"}, u.URL)
	for _, c := range u.Authorities {
		if len(u.Authorities) > 1 {
			a.sayf(text{"%s: %s", "%s: %s"}, c.Dir, c.Certificate)
		}
		if c.Lists != "" {
			a.sayf(text{"списки отзыва: %s", "revocation lists: %s"}, c.Lists)
		}
	}
	for _, x := range []struct {
		what text
		url  string
	}{
		{text{"метки времени: %s", "time stamps: %s"}, u.TSA},
		{text{"API запросов и EST: %s", "the API of requests and EST: %s"}, u.HTTPS},
		{text{"страница сотрудников: %s", "the operators' page: %s"}, u.Desk},
		{text{"показатели: %s", "metrics: %s"}, u.Metrics},
	} {
		if x.url != "" {
			a.sayf(x.what, x.url)
		}
	}
}

// listen opens every address. The functions serve until their context is done.
func (s *servedCAs) listen(ctx context.Context, urls *caURLs) ([]func(context.Context) error, error) {
	var runs []func(context.Context) error
	serve := func(h http.Handler, l net.Listener) {
		srv := server.New(h, s.log)
		runs = append(runs, func(ctx context.Context) error { return server.Serve(ctx, srv, l, grace) })
	}
	plain, err := listenAt(ctx, s.flags.listen, "--listen")
	if err != nil {
		return nil, err
	}
	urls.listeners = append(urls.listeners, plain)
	secure, service, err := s.openHTTPS(ctx)
	if err != nil {
		return nil, err
	}
	if secure != nil {
		urls.listeners, urls.HTTPS = append(urls.listeners, secure), "https://"+secure.Addr().String()
		urls.Desk = urls.HTTPS + "/desk/"
		if len(s.flags.https.profiles) > 0 {
			urls.EST = urls.HTTPS + "/.well-known/est"
		}
		serve(service, secure)
	}
	public, err := s.public(service)
	if err != nil {
		return nil, err
	}
	serve(public, bounded(plain))
	s.addresses(plain.Addr(), urls)
	if s.flags.https.metrics == "" {
		return runs, nil
	}
	numbers, err := listenAt(ctx, s.flags.https.metrics, "--metrics-listen")
	if err != nil {
		return nil, err
	}
	urls.listeners, urls.Metrics = append(urls.listeners, numbers), "http://"+numbers.Addr().String()+"/metrics"
	// Numbers without names, and whether it works: they need no encryption.
	mux := http.NewServeMux()
	mux.Handle("/metrics", metricsOnly(public.Metrics()))
	mux.Handle("/healthz", public)
	mux.Handle("/readyz", public)
	serve(mux, bounded(numbers))
	return runs, nil
}

// bounded bounds the connections of a listener, and those of each client.
func bounded(l net.Listener) net.Listener {
	return netutil.LimitListener(server.PerClient(l, limits.ServiceClientConnections), limits.ServiceConnections)
}

func listenAt(ctx context.Context, address, flag string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, failedf(text{"адрес %s занят или недоступен", "the address %s is taken or cannot be used"}, address).withCause(err).
			withHint(text{"укажите другой " + flag, "give another " + flag})
	}
	return l, nil
}
