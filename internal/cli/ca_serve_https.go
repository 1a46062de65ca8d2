package cli

import (
	"context"
	"crypto/tls"
	"net"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/server"
)

// A caHTTPS is what the flags of `ca serve` say about EST and the API.
type caHTTPS struct {
	address, tlsCert, tlsKey, metrics, accounts string
	profiles                                    []string
	rate                                        int
	tls12                                       bool
}

func (a *app) caHTTPSFlags(c *cobra.Command, h *caHTTPS) {
	f := c.Flags()
	f.StringVar(&h.address, "https", "", a.t(text{"адрес и порт API запросов и EST по TLS 1.3", "address and port of the API of requests and EST over TLS 1.3"}))
	f.Var((*fileFlag)(&h.tlsCert), "tls-cert", a.t(text{"сертификат сервера для HTTPS (PEM)", "the server's certificate for HTTPS (PEM)"}))
	f.Var((*fileFlag)(&h.tlsKey), "tls-key", a.t(text{"ключ сервера для HTTPS (PEM)", "the server's key for HTTPS (PEM)"}))
	f.StringArrayVar(&h.profiles, "est-profile", nil, a.t(text{
		"профиль, по которому EST выпускает сертификаты; можно повторить, первый действует по умолчанию", "a profile by which EST issues; repeatable, the first is the default",
	}))
	f.Var((*fileFlag)(&h.accounts), "est-accounts", a.t(text{
		"файл клиентов EST с паролями, в каждой строке: имя:bcrypt:профили [auto]", "EST clients with passwords, one a line: name:bcrypt:profiles [auto]",
	}))
	f.IntVar(&h.rate, "rate", 10, a.t(text{"сколько запросов в секунду принимать с одного адреса", "requests a second that one address may make"}))
	f.BoolVar(&h.tls12, "tls12", false, a.t(text{"принимать и TLS 1.2 (по умолчанию только 1.3)", "take TLS 1.2 too (by default only 1.3)"}))
	f.StringVar(&h.metrics, "metrics-listen", "", a.t(text{"отдельный адрес для /metrics", "an address of its own for /metrics"}))
}

// check refuses flags that do not fit together.
func (h *caHTTPS) check() error {
	switch {
	case h.address == "" && (h.tlsCert != "" || h.tlsKey != "" || len(h.profiles) > 0 || h.accounts != "" || h.tls12):
		return usageError(text{"эти флаги действуют только вместе с --https", "these flags mean something only with --https"})
	case h.address != "" && (h.tlsCert == "" || h.tlsKey == ""):
		return usageError(text{"для --https нужны --tls-cert и --tls-key", "--https needs --tls-cert and --tls-key"})
	case h.accounts != "" && len(h.profiles) == 0:
		return usageError(text{"--est-accounts действует только вместе с --est-profile", "--est-accounts means something only with --est-profile"})
	case h.rate < 1:
		return usageError(text{"--rate должен быть больше нуля", "--rate must be above zero"})
	}
	return nil
}

// openHTTPS listens where the flags say. Without --https there is neither a
// listener nor a service.
func (s *servedCAs) openHTTPS(ctx context.Context) (net.Listener, *server.CAService, error) {
	h := &s.flags.https
	if h.address == "" {
		return nil, nil, nil
	}
	service, err := s.caService(s.list[0])
	if err != nil {
		return nil, nil, err
	}
	pair, err := tls.LoadX509KeyPair(h.tlsCert, h.tlsKey)
	if err != nil {
		return nil, nil, failedf(text{"%s, %s: не читаются как сертификат и ключ сервера", "%s, %s: cannot be read as a server's certificate and key"}, h.tlsCert, h.tlsKey).withCause(err)
	}
	l, err := listenAt(ctx, h.address, "--https")
	if err != nil {
		return nil, nil, err
	}
	return tls.NewListener(bounded(l), server.CATLS(pair, h.tls12)), service, nil
}

// caService makes the handlers.
func (s *servedCAs) caService(c *servedCA) (*server.CAService, error) {
	h := &s.flags.https
	o := server.CAOptions{
		Issuer: c.issuer, Chain: c.dir.Chain, Published: c.lists, Rate: h.rate, Burst: 5 * h.rate, Log: s.log, Version: Version, Now: s.app.now,
	}
	if c.lists != nil {
		o.Lists = s.listFolder(c)
	}
	if len(h.profiles) > 0 {
		o.EST = &server.ESTOptions{Profiles: h.profiles}
		if h.accounts != "" {
			b, err := s.app.readFile(h.accounts)
			if err != nil {
				return nil, err
			}
			if o.EST.Accounts, err = server.ParseESTAccounts(b); err != nil {
				return nil, newError(exitFailed, text{
					h.accounts + ": не читается как список клиентов EST", h.accounts + ": " + withoutPackages(err.Error()),
				}).withCause(err).withHint(text{"строка: имя:bcrypt:профили [auto]; хэш делает htpasswd -nBC 12 имя", "a line: name:bcrypt:profiles [auto]; htpasswd -nBC 12 name makes the hash"})
			}
		}
	}
	service, err := server.CAHandler(o)
	if err != nil {
		return nil, newError(exitFailed, text{"служба EST не запускается: " + withoutPackages(err.Error()), "EST cannot be served: " + withoutPackages(err.Error())}).withCause(err)
	}
	return service, nil
}
