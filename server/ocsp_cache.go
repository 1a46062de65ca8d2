package server

import (
	"context"
	"fmt"
	"iter"
	"math/big"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// OCSPCache keeps answers that are good for every client: those to a request for
// one certificate without a nonce (RFC 5019, section 2.1). It signs each when it
// is first asked for, or ahead of that with [OCSPCache.Produce]. A revocation is
// seen when the kept answer is MaxAge old; [OCSPCache.Forget] shows it at once.
// It may be used by several goroutines.
type OCSPCache struct {
	next   Answerer
	maxAge time.Duration
	now    func() time.Time
	flight singleflight.Group

	mu         sync.Mutex
	epoch      uint64 // counts Forget
	young, old map[string]kept
}

// kept is an answer and how long it is given out.
type kept struct {
	answer ocsp.Answered
	until  time.Time
}

// NewOCSPCache keeps answers of next for maxAge at most, and for half of their
// own validity, so that a client has the other half. now is nil for time.Now. At
// most limits.OCSPCacheEntries answers are kept, those that were used of late.
func NewOCSPCache(next Answerer, maxAge time.Duration, now func() time.Time) *OCSPCache {
	if now == nil {
		now = time.Now
	}
	return &OCSPCache{next: next, maxAge: maxAge, now: now, young: map[string]kept{}, old: map[string]kept{}}
}

var _ Answerer = (*OCSPCache)(nil)

// Answer implements [Answerer].
func (c *OCSPCache) Answer(ctx context.Context, request []byte) (ocsp.Answered, error) {
	req, err := ocsp.ParseRequest(request)
	if err != nil || len(req.IDs) != 1 || req.Nonce != nil || len(req.IDs[0].Raw) == 0 {
		return c.next.Answer(ctx, request)
	}
	// The answer repeats the CertID as it was sent, so its octets are the key.
	key := string(req.IDs[0].Raw)
	a, epoch, ok := c.get(key)
	if ok {
		return a, nil
	}
	return c.make(ctx, key, epoch, request)
}

// make asks for an answer once for all who wait for the same.
func (c *OCSPCache) make(ctx context.Context, key string, epoch uint64, request []byte) (ocsp.Answered, error) {
	// An answer that was begun before Forget is not shared with who asks after it.
	flight := fmt.Sprintf("%d %s", epoch, key)
	v, err, _ := c.flight.Do(flight, func() (any, error) {
		// Who asked first may leave; the others still wait.
		a, err := c.next.Answer(context.WithoutCancel(ctx), request)
		if err == nil && a.Status == ocsp.Successful && !a.HasNonce {
			c.put(key, epoch, a)
		}
		return a, err
	})
	a, _ := v.(ocsp.Answered)
	return a, err
}

func (c *OCSPCache) get(key string) (ocsp.Answered, uint64, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, ok := c.young[key]
	if !ok {
		if k, ok = c.old[key]; ok {
			c.store(key, k)
		}
	}
	if !ok || !c.now().Before(k.until) {
		return ocsp.Answered{}, c.epoch, false
	}
	return k.answer, c.epoch, true
}

// put keeps an answer that was asked for in an epoch, unless that is over.
func (c *OCSPCache) put(key string, epoch uint64, a ocsp.Answered) {
	now := c.now()
	until := now.Add(min(c.maxAge, a.NextUpdate.Sub(now)/2))
	c.mu.Lock()
	defer c.mu.Unlock()
	if epoch == c.epoch && now.Before(until) {
		c.store(key, kept{a, until})
	}
}

// store keeps an answer among the young; when they are half of what may be
// kept, the old ones go and the young become old.
func (c *OCSPCache) store(key string, k kept) {
	if len(c.young) >= limits.OCSPCacheEntries/2 {
		c.old, c.young = c.young, make(map[string]kept)
	}
	c.young[key] = k
}

// Forget drops every answer: after a revocation, a hold or a release. Answers
// that are being made meanwhile are not kept.
func (c *OCSPCache) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	c.young, c.old = map[string]kept{}, map[string]kept{}
}

// Produce signs the answers for serial numbers of an issuer ahead of time, for
// CertIDs with the digest h as this module writes them; ocsp.SHA1 is what
// clients of RFC 5019 use. It stops at the first error, and returns how many
// answers it has made.
func (c *OCSPCache) Produce(ctx context.Context, issuer *pki.Certificate, serials iter.Seq2[*big.Int, error], h alg.Identifier) (int, error) {
	n := 0
	for serial, err := range serials {
		if err != nil {
			return n, err
		}
		id, err := ocsp.NewCertID(&pki.Certificate{RawIssuer: issuer.RawSubject, SerialNumber: serial}, issuer, h)
		if err != nil {
			return n, fmt.Errorf("server: %w", err)
		}
		req, err := ocsp.NewBatchRequest([]ocsp.CertID{id}, nil)
		if err != nil {
			return n, fmt.Errorf("server: %w", err)
		}
		if _, err := c.Answer(ctx, req.Raw); err != nil {
			return n, err
		}
		n++
	}
	return n, ctx.Err()
}
