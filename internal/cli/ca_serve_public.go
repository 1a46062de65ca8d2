package cli

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/server"
)

// prefix stands before the addresses of an authority.
func (c *servedCA) prefix() string {
	if c.name == "" {
		return ""
	}
	return "/ca/" + c.name
}

// addresses fills in where everything is read.
func (s *servedCAs) addresses(at net.Addr, u *caURLs) {
	base := (&url.URL{Scheme: "http", Host: at.String()}).String()
	u.Listen, u.URL, u.OCSP, u.Ready = at.String(), base, base+"/ocsp", base+"/readyz"
	if s.stamps != nil {
		u.TSA = base + "/tsa"
	}
	for _, c := range s.list {
		p := base + c.prefix()
		x := caAddresses{Dir: c.folder, Subject: c.dir.Certificate.Subject.String(), Certificate: p + "/ca.cer", Chain: p + "/chain.p7c", CRL: p + "/ca.crl"}
		if s.flags.publish != "" {
			x.Lists = p + "/crl/"
		}
		u.Authorities = append(u.Authorities, x)
	}
}

// public returns what is served over plain HTTP; besides is the service over
// HTTPS, nil for none.
func (s *servedCAs) public(besides *server.CAService) (*server.PublicService, error) {
	answers := server.OCSPHandler(s.ocsp, server.OCSPOptions{Log: s.log, MaxAge: s.flags.cache})
	routes := server.Router{"/ocsp": answers, "/ocsp/": answers}
	if s.stamps != nil {
		routes["/tsa"] = server.TSAHandler(s.stamps, server.TSAOptions{Log: s.log})
	}
	started, lists := time.Now(), map[string]*server.PublishedLists{}
	for _, c := range s.list {
		p := c.prefix()
		chain, err := server.ChainHandler(append([]*pki.Certificate{c.dir.Certificate}, c.dir.Chain...), time.Hour, s.log)
		if err != nil {
			return nil, err
		}
		routes[p+"/chain.p7c"] = chain
		routes[p+"/ca.cer"] = server.IssuerHandler(func() ([]byte, time.Time, error) {
			return c.dir.Certificate.Raw, started, nil
		}, time.Hour, s.log)
		routes[p+"/ca.crl"] = server.CRLHandler(func() ([]byte, time.Time, error) {
			list, err := c.currentCRL(time.Now(), !s.flags.responder)
			return list.DER, list.ThisUpdate, err
		}, 0, s.log)
		if c.lists != nil {
			routes[p+"/crl/"], lists[p+"/crl/"] = c.lists, c.lists
			routes[p+"/ca.crl"] = named(c.lists, ca.CompleteList)
		}
	}
	return server.PublicHandler(server.PublicOptions{
		Routes: routes, Rate: s.flags.rate, Ready: s.ready, Lists: lists, Cache: s.cache, Besides: besides, Log: s.log, Version: Version, Now: s.app.now,
	})
}

// named serves one file of a folder whatever the path.
func named(h http.Handler, name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		out := *req
		out.URL = &url.URL{Path: name}
		h.ServeHTTP(w, &out)
	})
}

// currentCRL returns the last list, or, where it may, signs one if there is none
// or more than half of its time has gone by.
func (c *servedCA) currentCRL(now time.Time, sign bool) (ca.CRLEntry, error) {
	if c.watch.down.Load() {
		return ca.CRLEntry{}, errLedgerAway
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*limits.LedgerProbe)
	defer cancel()
	c.listMu.Lock()
	defer c.listMu.Unlock()
	list, err := c.issuer.LastCRL(ctx)
	half := list.ThisUpdate.Add(list.NextUpdate.Sub(list.ThisUpdate) / 2)
	if sign && (errors.Is(err, ca.ErrNotFound) || err == nil && now.After(half)) {
		return c.issuer.CRL(ctx, actor())
	}
	return list, err
}
