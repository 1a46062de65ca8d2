package cli

import (
	"context"
	"crypto/tls"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/net/netutil"

	"github.com/gosklyuch/gosklyuch/internal/limits"
)

// serveCommand is the noun for services.
func (a *app) serveCommand() *cobra.Command {
	return a.group("serve", text{"службы по HTTP", "services over HTTP"}, a.serveVerifyCommand(), a.serveTSACommand())
}

// serveGrace is how long requests that are under way may take after a stop:
// large files are on their way.
const serveGrace = 30 * time.Second

// A listener describes where a service listens.
type listener struct {
	address, tlsCert, tlsKey string
	insecure                 bool
}

func (a *app) listenFlags(c *cobra.Command, l *listener, address string) {
	f := c.Flags()
	f.StringVar(&l.address, "listen", address, a.t(text{"адрес и порт", "address and port"}))
	f.Var((*fileFlag)(&l.tlsCert), "tls-cert", a.t(text{"сертификат сервера для HTTPS (PEM)", "the server's certificate for HTTPS (PEM)"}))
	f.Var((*fileFlag)(&l.tlsKey), "tls-key", a.t(text{"ключ сервера для HTTPS (PEM)", "the server's key for HTTPS (PEM)"}))
	f.BoolVar(&l.insecure, "insecure-http", false, a.t(text{
		"разрешить HTTP без шифрования на внешнем адресе (за обратным прокси)", "allow HTTP without encryption on an outer address (behind a reverse proxy)",
	}))
}

// A fileFlag is a flag that names one file.
type fileFlag string

// Set stores the name.
func (f *fileFlag) Set(s string) error { *f = fileFlag(s); return nil }

// String prints the value for the help.
func (f *fileFlag) String() string { return string(*f) }

// Type names the value's form in the help.
func (f *fileFlag) Type() string { return "FILE" }

// open listens; scheme is "http" or "https". Documents must not cross a network
// in the clear because somebody forgot two flags.
func (l *listener) open(ctx context.Context) (ln net.Listener, scheme string, err error) {
	if (l.tlsCert == "") != (l.tlsKey == "") {
		return nil, "", usageError(text{"--tls-cert и --tls-key указываются вместе", "--tls-cert and --tls-key are given together"})
	}
	var config *tls.Config
	scheme = "http"
	if l.tlsCert != "" {
		pair, err := tls.LoadX509KeyPair(l.tlsCert, l.tlsKey)
		if err != nil {
			return nil, "", failedf(text{"%s, %s: не читаются как сертификат и ключ сервера", "%s, %s: cannot be read as a server's certificate and key"}, l.tlsCert, l.tlsKey).withCause(err)
		}
		config = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
		scheme = "https"
	}
	ln, err = (&net.ListenConfig{}).Listen(ctx, "tcp", l.address)
	if err != nil {
		return nil, "", failedf(text{"адрес %s занят или недоступен", "the address %s is taken or cannot be used"}, l.address).withCause(err).
			withHint(text{"укажите другой --listen", "give another --listen"})
	}
	if tcp, ok := ln.Addr().(*net.TCPAddr); config == nil && !l.insecure && (!ok || !tcp.IP.IsLoopback()) {
		ln.Close() //nolint:errcheck,gosec // nothing was accepted
		return nil, "", usageErrorf(text{
			"адрес %s доступен извне, а HTTP не шифрует документы", "the address %s can be reached from outside, and HTTP does not encrypt the documents",
		}, ln.Addr()).withHint(text{
			"укажите --tls-cert и --tls-key, слушайте 127.0.0.1 или, если шифрует обратный прокси, добавьте --insecure-http",
			"give --tls-cert and --tls-key, listen on 127.0.0.1, or add --insecure-http where a reverse proxy encrypts",
		})
	}
	ln = netutil.LimitListener(ln, limits.ServiceConnections)
	if config != nil {
		ln = tls.NewListener(ln, config)
	}
	return ln, scheme, nil
}

// A byteSize is the value of a flag for a size: octets, or with a unit.
type byteSize int64

// Set parses the flag's value.
func (b *byteSize) Set(s string) error {
	units := []struct {
		suffix string
		factor int64
	}{{"gib", 1 << 30}, {"mib", 1 << 20}, {"kib", 1 << 10}, {"gb", 1e9}, {"mb", 1e6}, {"kb", 1e3}, {"g", 1 << 30}, {"m", 1 << 20}, {"k", 1 << 10}, {"", 1}}
	number := strings.ToLower(strings.TrimSpace(s))
	for _, u := range units {
		rest, ok := strings.CutSuffix(number, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(rest), 10, 64)
		if err != nil || n <= 0 || n > (1<<50)/u.factor {
			break
		}
		*b = byteSize(n * u.factor)
		return nil
	}
	return usageErrorf(text{"«%s» не размер: нужно, например, 500MB или 4GiB", "%q is no size: write for example 500MB or 4GiB"}, s)
}

// String prints the value for the help.
func (b *byteSize) String() string {
	for _, u := range []struct {
		suffix string
		factor byteSize
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if *b >= u.factor && *b%u.factor == 0 {
			return strconv.FormatInt(int64(*b/u.factor), 10) + u.suffix
		}
	}
	return strconv.FormatInt(int64(*b), 10)
}

// Type names the value's form in the help.
func (b *byteSize) Type() string { return "SIZE" }
