package cli

import (
	"context"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/verify"
	"github.com/gosklyuch/gosklyuch/verify/revocation"
)

// batchTogether is how many documents for each processor are under way, so that
// their signatures can be computed side by side: as many as gost3410.VerifyBatch
// takes at once.
const batchTogether = 8

// joined marks the context of a goroutine that has joined the gatherer.
type joined struct{}

// gathering returns a verifier whose goroutines check the signatures of messages
// together. Whoever asks the network leaves the others for as long, so that
// nobody waits for him; documents that are not short are verified with v itself.
func gathering(v *verify.Verifier, g *gost3410.Gatherer) *verify.Verifier {
	out := *v
	out.VerifyGOST = g.Verify
	out.Revocation = apart(v.Revocation, g)
	if v.Issuers != nil {
		out.Issuers = func(ctx context.Context, cert *pki.Certificate) []*pki.Certificate {
			defer away(ctx, g)()
			return v.Issuers(ctx, cert)
		}
	}
	return &out
}

// away leaves the gatherer and returns what joins it again.
func away(ctx context.Context, g *gost3410.Gatherer) (back func()) {
	if ctx.Value(joined{}) == nil {
		return func() {}
	}
	g.Leave()
	return g.Join
}

// apart makes the sources that fetch leave the gatherer meanwhile.
func apart(src revocation.Source, g *gost3410.Gatherer) revocation.Source {
	switch s := src.(type) {
	case nil, *revocation.Static:
		return src
	case revocation.Sources:
		out := make(revocation.Sources, len(s))
		for i, x := range s {
			out[i] = apart(x, g)
		}
		return out
	}
	return &apartSource{src, g}
}

// apartSource is a source that fetches.
type apartSource struct {
	revocation.Source
	gatherer *gost3410.Gatherer
}

// CRLs asks the source.
func (s *apartSource) CRLs(ctx context.Context, cert, issuer *pki.Certificate) ([]*pki.RevocationList, error) {
	defer away(ctx, s.gatherer)()
	return s.Source.CRLs(ctx, cert, issuer)
}

// OCSP asks the source.
func (s *apartSource) OCSP(ctx context.Context, cert, issuer *pki.Certificate) ([]*ocsp.Response, error) {
	defer away(ctx, s.gatherer)()
	return s.Source.OCSP(ctx, cert, issuer)
}
