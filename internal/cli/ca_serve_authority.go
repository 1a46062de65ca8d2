package cli

import (
	"context"
	"crypto"
	"errors"
	"log/slog"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/casock"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/server"
	"github.com/gosklyuch/gosklyuch/tsp"
)

// servedCAs are the authorities of one service.
type servedCAs struct {
	app   *app
	flags *caServing
	log   *slog.Logger

	list   []*servedCA
	ocsp   server.Answerer
	cache  *server.OCSPCache // nil: --ocsp-cache 0
	stamps *tsp.Authority    // nil: no time stamps
	keys   []*openedKey      // beside the authorities' own
}

// A servedCA is one of them.
type servedCA struct {
	*localIssuer
	folder string
	name   string // in its addresses; "" for that of --dir
	watch  *ledgerWatch
	signer crypto.Signer          // of OCSP answers
	cert   *pki.Certificate       // of signer where that is a delegate
	listMu sync.Mutex             // one list is signed at a time
	lists  *server.PublishedLists // nil: none are published
	news   chan struct{}          // the state of a certificate changed
}

// close gives ledgers and keys back.
func (s *servedCAs) close() {
	for _, c := range s.list {
		c.close()
	}
	for _, k := range s.keys {
		k.close()
	}
}

// open opens folders, ledgers and keys, and publishes what is due.
func (s *servedCAs) open(ctx context.Context) error {
	for i, dir := range append([]string{s.flags.dir}, s.flags.also...) {
		if err := s.openFolder(ctx, i, dir); err != nil {
			return err
		}
	}
	for _, name := range s.flags.ocspKeys {
		if err := s.openOCSPKey(ctx, name); err != nil {
			return err
		}
	}
	if err := s.openOCSP(); err != nil {
		return err
	}
	for _, c := range s.list {
		// Before the first answer: what is revoked from now on is noticed.
		c.watch.cache = s.cache
		if err := c.watch.probe(ctx); err != nil {
			return badLedger(c.folder, err)
		}
	}
	if err := s.openTSA(ctx); err != nil {
		return err
	}
	if s.flags.publish == "" {
		return nil
	}
	for _, c := range s.list {
		if _, err := c.issuer.PublishDue(ctx, s.listFolder(c), actor()); err != nil {
			return publishError(err)
		}
	}
	return nil
}

// partOfPath is what the folder of a further authority must be called: its name
// stands in addresses.
var partOfPath = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// openFolder opens the n-th authority.
func (s *servedCAs) openFolder(ctx context.Context, n int, dir string) error {
	name := ""
	if n > 0 {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return err
		}
		name = filepath.Base(abs)
		if !partOfPath.MatchString(name) {
			return usageErrorf(text{
				"%s: имя папки входит в адреса, поэтому состоит из латинских букв, цифр и знаков ._-", "%s: the folder's name stands in addresses, so it has Latin letters, digits and ._-",
			}, dir)
		}
		if slices.ContainsFunc(s.list, func(c *servedCA) bool { return c.name == name }) {
			return usageErrorf(text{"две папки УЦ называются %s, а имя входит в адреса", "two folders of authorities are called %s, and the name stands in addresses"}, name)
		}
	}
	if running, err := casock.Dial(ctx, filepath.Join(dir, ca.SocketFile)); err == nil {
		running.Close() //nolint:errcheck,gosec // nothing was asked
		return failedf(text{"%s: служба этого УЦ уже работает", "%s: this authority is being served already"}, dir).
			withHint(text{"остановите ту службу или работайте через неё", "stop that service, or work through it"})
	}
	c := &servedCA{folder: dir, name: name, news: make(chan struct{}, 1)}
	local, err := s.app.openIssuer(ctx, dir, issuerOptions{secret: secretPassword, keyless: s.flags.responder, changed: func(n ca.Serial) {
		if s.cache != nil {
			s.cache.ForgetSerial(n.Big())
		}
		c.changed()
	}})
	if err != nil {
		return err
	}
	c.localIssuer, c.signer = local, local.key
	c.watch = &ledgerWatch{ledger: local.issuer.Ledger(), follow: local.dir.Settings.Ledger != "", dir: dir, log: s.log, changed: c.changed}
	if s.flags.publish != "" {
		c.lists = server.ListsHandler(s.listFolder(c), server.ListsOptions{Log: s.log, Now: s.app.now, Expect: c.expected()})
	}
	s.list = append(s.list, c)
	return nil
}

// changed says that the next delta list is not to wait for its time.
func (c *servedCA) changed() {
	select {
	case c.news <- struct{}{}:
	default: // said already
	}
}

// expected are the lists that tell of all others: of one publication the
// complete list takes its name last.
func (c *servedCA) expected() []string {
	if l := c.dir.Settings.Lists; l != nil && l.DeltaMinutes > 0 {
		return []string{ca.CompleteList, ca.DeltaList}
	}
	return []string{ca.CompleteList}
}

// openOCSPKey opens a key and gives it to the authority that made it its
// delegate.
func (s *servedCAs) openOCSPKey(ctx context.Context, name string) error {
	k, err := s.app.openKey(ctx, name, secretOCSPPassword)
	if err != nil {
		return err
	}
	s.keys = append(s.keys, k)
	if k.cert == nil {
		return usageErrorf(text{"у ключа %s нет сертификата", "the key %s carries no certificate"}, name)
	}
	for _, c := range s.list {
		own := k.cert.Equal(c.dir.Certificate)
		if !own && k.cert.CheckSignatureFrom(c.dir.Certificate) != nil {
			continue
		}
		if c.cert != nil {
			return usageErrorf(text{"%s: второй ключ OCSP для того же УЦ", "%s: a second OCSP key of one authority"}, name)
		}
		// RFC 6960, section 4.2.2.2: "OCSP signing delegation SHALL be
		// designated by the inclusion of id-kp-OCSPSigning in an extended key
		// usage certificate extension".
		if !own && !slices.Contains(k.cert.ExtKeyUsage, oid.EKUOCSPSigning) {
			return failedf(text{"сертификат ключа %s не предназначен для ответов OCSP", "the certificate of the key %s is not meant for OCSP answers"}, name).
				withHint(text{"выпустите его по профилю ocsp", "issue it by the profile ocsp"})
		}
		c.signer, c.cert = k.signer, k.cert
		return within(s.app.now(), k.cert.NotBefore, k.cert.NotAfter, true)
	}
	return failedf(text{"сертификат ключа %s выпустил не тот УЦ, за который отвечает служба", "the certificate of the key %s is not of an authority that is served"}, name).
		withHint(text{"выпустите его по профилю ocsp тем же УЦ", "issue it by the profile ocsp of that authority"})
}

// openOCSP makes the responder of each authority and what stands before them.
func (s *servedCAs) openOCSP() error {
	issuers := new(server.OCSPIssuers)
	for _, c := range s.list {
		if c.signer == nil {
			return usageErrorf(text{"%s: с --responder для каждого УЦ нужен свой --ocsp-key", "%s: with --responder each authority needs an --ocsp-key of its own"}, c.folder)
		}
		r := &ocsp.Responder{
			Issuer: c.dir.Certificate, Certificate: c.cert, Signer: c.signer, Source: c.watch, Validity: s.flags.validity, Now: s.app.now,
		}
		if err := issuers.Add(c.dir.Certificate, r); err != nil {
			return failedf(text{"%s: за этот УЦ служба уже отвечает", "%s: the service answers for this authority already"}, c.folder).withCause(err)
		}
	}
	s.ocsp = issuers
	if s.flags.cache > 0 {
		s.cache = server.NewOCSPCache(issuers, s.flags.cache, s.app.now)
		s.ocsp = s.cache
	}
	return nil
}

// listFolder is where the lists of an authority are published.
func (s *servedCAs) listFolder(c *servedCA) string { return filepath.Join(s.flags.publish, c.name) }

// sockets opens the socket of each authority.
func (s *servedCAs) sockets() ([]func(context.Context) error, error) {
	var runs []func(context.Context) error
	for _, c := range s.list {
		sock, err := casock.Listen(filepath.Join(c.folder, ca.SocketFile), c.issuer)
		if err != nil {
			stopped, stop := context.WithCancel(context.Background())
			stop()
			return nil, errors.Join(err, together(stopped, runs...)) // removes those that are there
		}
		runs = append(runs, sock.Serve)
	}
	return runs, nil
}

// background is what goes on beside answering.
func (s *servedCAs) background() []func(context.Context) error {
	var runs []func(context.Context) error
	for _, c := range s.list {
		runs = append(runs, func(ctx context.Context) error { c.watch.run(ctx); return nil })
		if s.flags.responder {
			continue
		}
		runs = append(runs, func(ctx context.Context) error { keepHeadsSigned(ctx, c.issuer, s.log); return nil })
		if s.flags.publish != "" {
			runs = append(runs, func(ctx context.Context) error { c.keepPublished(ctx, s.listFolder(c), s.log); return nil })
		}
	}
	if s.flags.prepare > 0 {
		runs = append(runs, func(ctx context.Context) error { s.keepPrepared(ctx); return nil })
	}
	return runs
}

// ready says in a word why nothing could be answered now; "" if it could.
func (s *servedCAs) ready(context.Context) string {
	now := s.app.now()
	outside := func(c *pki.Certificate) bool { return now.Before(c.NotBefore) || now.After(c.NotAfter) }
	for _, c := range s.list {
		switch {
		case c.watch.down.Load():
			return "ledger"
		case outside(c.dir.Certificate):
			return "validity"
		case c.cert != nil && outside(c.cert):
			return "ocsp-certificate"
		case c.lists != nil && c.lists.Late():
			return "list"
		}
	}
	if s.stamps != nil && s.stamps.Health() != nil {
		return "tsa"
	}
	return ""
}

// every calls f at once and then again and again, until ctx is done.
func every(ctx context.Context, d time.Duration, f func()) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for {
		f()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
