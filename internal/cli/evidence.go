package cli

import (
	"context"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/fetch"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/trust"
	"github.com/gosklyuch/gosklyuch/verify"
	"github.com/gosklyuch/gosklyuch/verify/revocation"
)

// evidenceFlags are the flags of everything that is verified against anchors.
type evidenceFlags struct {
	trust, intermediate, crl, ocsp []string
	at                             moment
	offline, private               bool
	revocation, policy             string
}

func (a *app) addEvidenceFlags(c *cobra.Command, f *evidenceFlags) {
	fl := c.Flags()
	fl.Var((*fileList)(&f.trust), "trust", a.t(text{"доверенный корень; если указан, действуют только указанные", "a trust anchor; when given, only the given ones count"}))
	fl.Var((*fileList)(&f.intermediate), "intermediate", a.t(text{"промежуточный сертификат УЦ", "an intermediate authority certificate"}))
	fl.Var((*fileList)(&f.crl), "crl", a.t(text{"список отзыва", "a revocation list"}))
	fl.Var((*fileList)(&f.ocsp), "ocsp", a.t(text{"ответ OCSP", "an OCSP response"}))
	fl.BoolVar(&f.offline, "offline", false, a.t(text{"не обращаться в сеть", "make no connection"}))
	fl.BoolVar(&f.private, "allow-private", false, a.t(text{"разрешить адреса внутренней сети", "allow addresses of the internal network"}))
	fl.StringVar(&f.revocation, "revocation", "require", a.t(text{"require или none (не проверять отзыв)", "require, or none (do not check revocation)"}))
	fl.StringVar(&f.policy, "policy", "default", a.t(text{"политика проверки", "the policy of verification"}))
	a.atFlag(c, &f.at)
	a.verboseFlag(c)
}

// clock returns a clock that stands at the moment, or the given one.
func (m *moment) clock(now func() time.Time) func() time.Time {
	if m.IsZero() {
		return now
	}
	return func() time.Time { return m.Time }
}

// exact switches off the allowance for clocks that are apart where the moment
// was typed: nobody's clock is meant then.
func (m *moment) exact(p *verify.Policy) {
	if !m.IsZero() {
		p.Skew = -1
	}
}

// plainVerifier is a verifier without anchors, for what is checked against a
// named issuer or against itself.
func (a *app) plainVerifier() *verify.Verifier {
	return &verify.Verifier{Roots: pki.NewPool(), Policy: verify.DefaultPolicy(), Now: a.now, Lang: a.reportLang()}
}

// verifier builds what the flags describe: anchors, intermediates, evidence,
// policy and time.
func (a *app) verifier(f *evidenceFlags) (*verify.Verifier, error) {
	policy, err := a.policyFor(f)
	if err != nil {
		return nil, err
	}
	roots, own, err := a.bothAnchors(f.trust)
	if err != nil {
		return nil, err
	}
	intermediates := pki.NewPool()
	for _, path := range f.intermediate {
		certs, err := a.readCertificates(path)
		if err != nil {
			return nil, err
		}
		for _, c := range certs {
			intermediates.Add(c)
		}
	}
	net, err := a.fetcher(f)
	if err != nil {
		return nil, err
	}
	src, err := a.source(f, net)
	if err != nil {
		return nil, err
	}
	f.at.exact(policy)
	v := &verify.Verifier{
		Roots: roots, OwnRoots: own, Intermediates: intermediates, Policy: policy, Revocation: src, Now: f.at.clock(a.now), Lang: a.reportLang(),
		Issuers: func(ctx context.Context, cert *pki.Certificate) []*pki.Certificate {
			list, _ := net.Issuers(ctx, cert) //nolint:errcheck // the chain stays open, and the report says so
			return list
		},
	}
	return v, a.national(v)
}

func (a *app) policyFor(f *evidenceFlags) (*verify.Policy, error) {
	policy, err := a.policy(f.policy)
	if err != nil {
		return nil, err
	}
	switch f.revocation {
	case "require":
	case "none":
		policy.UnsafeNoRevocation = true
	default:
		return nil, usageErrorf(text{"--revocation бывает require или none, а не «%s»", "--revocation is require or none, not %q"}, f.revocation)
	}
	return policy, nil
}

// bothAnchors are the trust anchors, and those of them that a person added one by
// one: files that were named are all of that kind.
func (a *app) bothAnchors(paths []string) (all, own *pki.Pool, err error) {
	if all, err = a.anchors(paths); err != nil || len(paths) > 0 {
		return all, all, err
	}
	store, err := a.trustStore()
	if err != nil {
		return nil, nil, err
	}
	own, err = store.OwnPool()
	return all, own, err
}

// anchors returns the given trust anchors, or those of the home.
func (a *app) anchors(paths []string) (*pki.Pool, error) {
	if len(paths) == 0 {
		store, err := a.trustStore()
		if err != nil {
			return nil, err
		}
		return store.Pool()
	}
	roots := pki.NewPool()
	for _, path := range paths {
		certs, err := a.readCertificates(path)
		if err != nil {
			return nil, err
		}
		for _, c := range certs {
			roots.Add(c)
		}
	}
	return roots, nil
}

// fetcher is the way to evidence that was not given: the cache of the home and,
// unless that is forbidden, the network.
func (a *app) fetcher(f *evidenceFlags) (*fetch.Fetcher, error) {
	home, err := a.homeDir()
	if err != nil {
		return nil, err
	}
	return fetch.New(fetch.Options{Offline: f.offline, AllowPrivate: f.private, CacheDir: filepath.Join(home, "cache")}), nil
}

// source joins the given evidence with what can be fetched, unless revocation
// is not looked at.
func (a *app) source(f *evidenceFlags, net *fetch.Fetcher) (revocation.Source, error) {
	static := &revocation.Static{}
	for _, path := range f.crl {
		lists, err := a.readCRLs(path)
		if err != nil {
			return nil, err
		}
		static.Lists = append(static.Lists, lists...)
	}
	for _, path := range f.ocsp {
		r, err := a.readOCSPResponse(path)
		if err != nil {
			return nil, err
		}
		static.Responses = append(static.Responses, r)
	}
	if f.revocation == "none" {
		return static, nil
	}
	return revocation.Sources{static, net}, nil
}

// trustStore opens the anchors of the home.
func (a *app) trustStore() (*trust.Store, error) {
	home, err := a.homeDir()
	if err != nil {
		return nil, err
	}
	return trust.Open(filepath.Join(home, "trust")), nil
}

// lang is the language of this run for reports.
func (a *app) reportLang() verify.Lang {
	if a.lang == "ru" {
		return verify.Russian
	}
	return verify.English
}

// verdictCodes are the exit codes by the report's verdict.
var verdictCodes = map[verify.Verdict]int{
	verify.VerdictValid:         exitOK,
	verify.VerdictInvalid:       exitInvalid,
	verify.VerdictRevoked:       exitRevoked,
	verify.VerdictIndeterminate: exitIndeterminate,
}

// worst orders exit codes as docs/cli.md does: 3, 4, 1, 5, 0.
func worst(codes ...int) int {
	order := []int{exitInvalid, exitRevoked, exitFailed, exitIndeterminate}
	for _, o := range order {
		if slices.Contains(codes, o) {
			return o
		}
	}
	return exitOK
}
