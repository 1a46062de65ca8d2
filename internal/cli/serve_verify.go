package cli

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/server"
	"github.com/gosklyuch/gosklyuch/verify"
)

// A verifyService is what the flags of `serve verify` say.
type verifyService struct {
	listener
	evidence evidenceFlags
	policies []string
	metrics  string
	maxSize  byteSize
	maxTemp  byteSize
	tempDir  string
	jobs     int
	client   int
	timeout  time.Duration
	noPage   bool
}

func (a *app) serveVerifyCommand() *cobra.Command {
	s := verifyService{maxSize: limits.ServiceSize, maxTemp: limits.ServiceTemp}
	c := &cobra.Command{
		Use:   "verify --listen ADDR",
		Short: a.t(text{"служба проверки подписей и страница для людей", "a verification service with a page for people"}),
		Long: a.t(text{
			"Принимает POST /v1/verify (форма: signature, document) и показывает страницу, на которой подпись\n" +
				"проверяют в браузере. Описание для программ: /openapi.yaml. Присланное не сохраняется.",
			"Takes POST /v1/verify (a form: signature, document) and shows a page on which a signature is\n" +
				"verified in a browser. The description for programs: /openapi.yaml. Nothing that is sent is kept.",
		}),
		Example: "  gosklyuch serve verify --listen 127.0.0.1:8090\n" +
			"  gosklyuch serve verify --listen :8443 --tls-cert server.pem --tls-key server.key --policy order-472",
		Args: args(0, 0, text{}),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serveVerify(cmd.Context(), &s) },
	}
	a.listenFlags(c, &s.listener, "127.0.0.1:8090")
	f, e := c.Flags(), &s.evidence
	f.Var((*fileList)(&e.trust), "trust", a.t(text{"доверенный корень; если указан, действуют только указанные", "a trust anchor; when given, only the given ones count"}))
	f.Var((*fileList)(&e.intermediate), "intermediate", a.t(text{"промежуточный сертификат УЦ", "an intermediate authority certificate"}))
	f.Var((*fileList)(&e.crl), "crl", a.t(text{"список отзыва", "a revocation list"}))
	f.Var((*fileList)(&e.ocsp), "ocsp", a.t(text{"ответ OCSP", "an OCSP response"}))
	f.BoolVar(&e.offline, "offline", false, a.t(text{"не обращаться в сеть", "make no connection"}))
	f.StringVar(&e.revocation, "revocation", "require", a.t(text{"require или none (не проверять отзыв)", "require, or none (do not check revocation)"}))
	f.Var((*fileList)(&s.policies), "policy", a.t(text{
		"политика, которую можно выбрать; первая действует по умолчанию", "a policy that may be chosen; the first is the default",
	}))
	f.StringVar(&s.metrics, "metrics-listen", "", a.t(text{"отдельный адрес для /metrics", "an address of its own for /metrics"}))
	f.Var(&s.maxSize, "max-size", a.t(text{"наибольший размер документа и подписи", "the largest document and signature"}))
	f.Var(&s.maxTemp, "max-temp", a.t(text{"наибольший размер всех временных файлов вместе", "the largest size of all temporary files together"}))
	f.StringVar(&s.tempDir, "temp-dir", "", a.t(text{"папка временных файлов", "the folder of temporary files"}))
	f.IntVar(&s.jobs, "jobs", 64, a.t(text{"сколько проверок идёт одновременно", "verifications at a time"}))
	f.IntVar(&s.client, "per-client", 0, a.t(text{"сколько проверок с одного адреса идёт одновременно (0: без ограничения)", "verifications at a time from one address (0: not bounded)"}))
	f.DurationVar(&s.timeout, "timeout", 15*time.Minute, a.t(text{"наибольшее время одного запроса", "the longest time of one request"}))
	f.BoolVar(&s.noPage, "no-page", false, a.t(text{"без страницы для людей", "without the page for people"}))
	return c
}

// serveVerify runs the service until the program is told to stop.
func (a *app) serveVerify(ctx context.Context, s *verifyService) error {
	if s.jobs < 1 || s.client < 0 || s.timeout <= 0 {
		return usageError(text{
			"значения --jobs и --timeout должны быть больше нуля, --per-client – не меньше нуля", "--jobs and --timeout must be above zero, --per-client not below it",
		})
	}
	if err := writableFolder(s.tempDir); err != nil {
		return err
	}
	policies, err := a.offeredPolicies(s)
	if err != nil {
		return err
	}
	s.evidence.policy = policies[0].Name
	if len(s.policies) > 0 {
		s.evidence.policy = s.policies[0] // may be a file
	}
	verifier, err := a.verifier(&s.evidence)
	if err != nil {
		return err
	}
	verifier.Cache = verify.NewCache()
	log := slog.New(slog.NewJSONHandler(a.err, nil))
	service, err := server.VerifyHandler(server.VerifyOptions{
		Verifier: verifier, Policies: policies, Log: log, Version: Version, NoPage: s.noPage,
		MaxSize: int64(s.maxSize), MaxTemp: int64(s.maxTemp), TempDir: s.tempDir,
		Parallel: s.jobs, PerClient: s.client, Timeout: s.timeout,
	})
	if err != nil {
		return err
	}
	if verifier.Roots.Len() == 0 {
		a.warnf(text{"нет ни одного доверенного корня: ни одна подпись не будет действительной (gosklyuch trust add)", "there is no trust anchor: no signature will be valid (gosklyuch trust add)"})
	}
	return a.listenAndServe(ctx, s, service, log)
}

// writableFolder tells at the start, not at the first upload, that temporary
// files cannot be written; empty is the system's folder.
func writableFolder(dir string) error {
	f, err := os.CreateTemp(dir, "gosklyuch-*")
	if err != nil {
		if dir == "" {
			dir = os.TempDir()
		}
		return failedf(text{"в папку %s нельзя записать временный файл", "no temporary file can be written into the folder %s"}, dir).withCause(err).
			withHint(text{"укажите другую: --temp-dir ПАПКА", "give another one: --temp-dir DIR"})
	}
	err = f.Close()
	return errors.Join(err, os.Remove(f.Name()))
}

// offeredPolicies are those that a request may name: the given ones, or all
// that the program has, but for those that are for tests or leave out what a
// stranger must not leave out.
func (a *app) offeredPolicies(s *verifyService) ([]*verify.Policy, error) {
	var out []*verify.Policy
	names := s.policies
	if len(names) == 0 {
		names = append([]string{verify.DefaultPolicy().Name}, verify.PolicyNames()...)
	}
	seen := map[string]bool{}
	for _, name := range names {
		p, err := a.policy(name)
		if err != nil {
			return nil, err
		}
		unsafe := p.AllowTest || p.UnsafeLegacy || p.UnsafeNoRevocation || p.UnsafeNoChain
		if seen[p.Name] || len(s.policies) == 0 && unsafe {
			continue
		}
		seen[p.Name] = true
		p.UnsafeNoRevocation = p.UnsafeNoRevocation || s.evidence.revocation == "none"
		out = append(out, p)
	}
	return out, nil
}

// listenAndServe opens the addresses, says where they are, and serves.
func (a *app) listenAndServe(ctx context.Context, s *verifyService, service *server.VerifyService, log *slog.Logger) error {
	main, scheme, err := s.open(ctx)
	if err != nil {
		return err
	}
	urls := struct {
		Listen  string `json:"listen"`
		URL     string `json:"url"`
		Metrics string `json:"metrics"`
	}{main.Addr().String(), scheme + "://" + main.Addr().String(), scheme + "://" + main.Addr().String() + "/metrics"}
	run := func(ctx context.Context) error {
		defer context.AfterFunc(ctx, service.Drain)()
		return server.Serve(ctx, server.NewVerify(service), main, serveGrace)
	}
	if s.metrics != "" {
		service.HideMetrics()
		// Numbers without names: they need no encryption.
		own := listener{address: s.metrics, insecure: true}
		ln, _, err := own.open(ctx)
		if err != nil {
			main.Close() //nolint:errcheck,gosec // the first error counts
			return err
		}
		urls.Metrics = "http://" + ln.Addr().String() + "/metrics"
		verification, handler := run, server.Router{"/metrics": metricsOnly(service.Metrics())}
		run = func(ctx context.Context) error {
			return together(ctx, verification, func(ctx context.Context) error {
				return server.Serve(ctx, server.New(handler, log), ln, grace)
			})
		}
	}
	if a.json {
		if err := a.printJSON(urls); err != nil {
			return err
		}
	}
	a.sayf(text{"служба проверки работает: %s", "the verification service is running: %s"}, urls.URL)
	a.sayf(text{"показатели: %s", "metrics: %s"}, urls.Metrics)
	return run(ctx)
}

// metricsOnly answers GET alone.
func metricsOnly(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method != http.MethodGet && req.Method != http.MethodHead {
			w.Header().Set("Allow", "GET")
			http.Error(w, "only GET", http.StatusMethodNotAllowed)
			return
		}
		h.ServeHTTP(w, req)
	})
}
