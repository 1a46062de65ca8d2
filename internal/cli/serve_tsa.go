package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/server"
	"github.com/gosklyuch/gosklyuch/token/pkcs11"
	"github.com/gosklyuch/gosklyuch/tsp"
)

// A tsaService is what the flags of `serve tsa` say.
type tsaService struct {
	listener
	key, cert string
	chain     []string
	policies  []string
	digests   []string
	accuracy  time.Duration
	ordering  bool
	serials   string
	jobs      int
}

func (a *app) serveTSACommand() *cobra.Command {
	s := tsaService{listener: listener{insecure: true}} // a request holds a digest and a nonce, and the answer is signed
	c := &cobra.Command{
		Use:   "tsa --listen ADDR --key K --policy OID",
		Short: a.t(text{"служба меток времени (RFC 3161)", "a time-stamping service (RFC 3161)"}),
		Long: a.t(text{
			"Отвечает на POST с application/timestamp-query по любому пути; состояние: GET /health.\n" +
				"Сертификат ключа должен быть предназначен только для меток времени. Часы компьютера должны быть точны:\n" +
				"если они переведены назад, служба отвечает timeNotAvailable.",
			"Answers POST with application/timestamp-query at any path; its state: GET /health.\n" +
				"The certificate of the key must be meant for time stamps alone. The computer's clock must be right:\n" +
				"while it stands behind the last stamp the service answers timeNotAvailable.",
		}),
		Example: "  gosklyuch serve tsa --listen 127.0.0.1:8093 --key tsa --policy 1.2.643.100.1.2.3",
		Args:    args(0, 0, text{}),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.serveTSA(cmd.Context(), &s) },
	}
	f := c.Flags()
	f.StringVar(&s.address, "listen", "127.0.0.1:8093", a.t(text{"адрес и порт", "address and port"}))
	f.Var((*fileFlag)(&s.tlsCert), "tls-cert", a.t(text{"сертификат сервера для HTTPS (PEM)", "the server's certificate for HTTPS (PEM)"}))
	f.Var((*fileFlag)(&s.tlsKey), "tls-key", a.t(text{"ключ сервера для HTTPS (PEM)", "the server's key for HTTPS (PEM)"}))
	f.StringVar(&s.key, "key", "", a.t(keyHelp))
	f.StringVar(&s.cert, "cert", "", a.t(text{"сертификат службы, если его нет при ключе", "the service's certificate, where the key carries none"}))
	f.Var((*fileList)(&s.chain), "chain", a.t(text{"сертификаты УЦ, которые войдут в метку", "authority certificates to put into the token"}))
	f.StringSliceVar(&s.policies, "policy", nil, a.t(text{"правила (OID), по которым выдаются метки; первые действуют по умолчанию", "policies (OID) under which stamps are issued; the first is the default"}))
	f.StringSliceVar(&s.digests, "digest", []string{"streebog256", "streebog512"}, a.t(text{"какие хэши принимаются: streebog256, streebog512, sha256, sha384, sha512", "digests that are accepted: streebog256, streebog512, sha256, sha384, sha512"}))
	f.DurationVar(&s.accuracy, "accuracy", time.Second, a.t(text{"точность часов, как она указывается в метке (0: не указывать)", "the accuracy of the clock as stated in the stamp (0: not stated)"}))
	f.BoolVar(&s.ordering, "ordering", false, a.t(text{"время меток различно и идёт по порядку", "the times of the stamps differ and are in order"}))
	f.StringVar(&s.serials, "serials", "", a.t(text{"файл номеров (по умолчанию в домашней папке)", "the file of serial numbers (by default in the home)"}))
	f.IntVar(&s.jobs, "jobs", 16, a.t(text{"сколько меток делается одновременно", "stamps that are made at a time"}))
	a.required(c, "key", "policy")
	return c
}

// tsaDigests are the names of --digest.
var tsaDigests = map[string]oid.OID{
	"streebog256": oid.Streebog256, "streebog512": oid.Streebog512,
	"sha256": oid.SHA256, "sha384": oid.SHA384, "sha512": oid.SHA512,
}

// serveTSA runs the service until the program is told to stop.
func (a *app) serveTSA(ctx context.Context, s *tsaService) error {
	o, err := s.options()
	if err != nil {
		return err
	}
	k, err := a.openKey(ctx, s.key, secretPassword)
	if err != nil {
		return err
	}
	defer k.close()
	if err := a.tsaCertificate(s, k, &o); err != nil {
		return err
	}
	serials, err := a.tsaSerials(s, o.Certificate)
	if err != nil {
		return err
	}
	defer serials.Close() //nolint:errcheck // the lock ends with the process anyway
	o.Serials = serials
	o.Parallel = !pkcs11.IsURI(s.key) // a token signs one after the other anyway
	o.Clock = func() (time.Time, error) { return a.now(), nil }
	authority, err := tsp.NewAuthority(o)
	if err != nil {
		return err
	}
	l, scheme, err := s.open(ctx)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(a.err, nil))
	srv := server.New(tsaRouter(authority, s.jobs, log), log)
	if a.json {
		if err := a.printJSON(map[string]string{"listen": l.Addr().String()}); err != nil {
			l.Close() //nolint:errcheck,gosec // the first error counts
			return err
		}
	}
	a.sayf(text{"служба меток времени работает: %s://%s", "time-stamping service running: %s://%s"}, scheme, l.Addr())
	return server.Serve(ctx, srv, l, grace)
}

// options reads what needs neither key nor file.
func (s *tsaService) options() (tsp.AuthorityOptions, error) {
	o := tsp.AuthorityOptions{Accuracy: s.accuracy, Ordering: s.ordering}
	if s.jobs < 1 || s.accuracy < 0 {
		return o, usageError(text{"значение --jobs должно быть больше нуля, --accuracy – не меньше нуля", "--jobs must be above zero, --accuracy not below it"})
	}
	for _, text := range s.policies {
		p, err := parsePolicyOID(text)
		if err != nil {
			return o, err
		}
		o.Policies = append(o.Policies, p)
	}
	for _, name := range s.digests {
		d, ok := tsaDigests[strings.ToLower(name)]
		if !ok {
			return o, usageErrorf(text{"неизвестный хэш «%s»: бывает streebog256, streebog512, sha256, sha384, sha512", "unknown digest %q: streebog256, streebog512, sha256, sha384, sha512"}, name)
		}
		o.Digests = append(o.Digests, d)
	}
	return o, nil
}

// tsaCertificate finds the service's certificate and chain.
func (a *app) tsaCertificate(s *tsaService, k *openedKey, o *tsp.AuthorityOptions) error {
	if err := canSign(k); err != nil {
		return err
	}
	if err := within(a.now(), k.notBefore, k.notAfter, true); err != nil {
		return err
	}
	o.Signer, o.Certificate, o.Chain = k.signer, k.cert, k.chain
	if s.cert != "" {
		certs, err := a.readCertificates(s.cert)
		if err != nil {
			return err
		}
		o.Certificate, o.Chain = certs[0], append(certs[1:], o.Chain...)
	}
	if o.Certificate == nil {
		return usageErrorf(text{"у ключа %s нет сертификата", "the key %s carries no certificate"}, s.key).
			withHint(text{"укажите его: --cert ФАЙЛ", "give it with --cert FILE"})
	}
	for _, path := range s.chain {
		certs, err := a.readCertificates(path)
		if err != nil {
			return err
		}
		o.Chain = append(o.Chain, certs...)
	}
	o.Chain = withoutRoots(o.Chain)
	return nil
}

// tsaSerials opens the file of serial numbers: one for each name of an
// authority, whatever its key, because "the TSA name and serial number identify a
// unique TimeStampToken" (RFC 3161, section 2.4.2).
func (a *app) tsaSerials(s *tsaService, cert *pki.Certificate) (*server.Serials, error) {
	path := s.serials
	if path == "" {
		home, err := a.homeDir()
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(cert.RawSubject)
		path = filepath.Join(home, "tsa", hex.EncodeToString(sum[:])+".serial")
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, err
		}
	}
	return server.OpenSerials(path, a.now())
}

// tsaRouter serves stamps at every path and the state at one.
func tsaRouter(authority *tsp.Authority, jobs int, log *slog.Logger) http.Handler {
	return server.Router{
		"/":       server.TSAHandler(authority, server.TSAOptions{Log: log, Parallel: jobs}),
		"/health": server.TSAHealthHandler(authority, log),
	}
}
