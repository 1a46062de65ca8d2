package server

import (
	"context"
	"fmt"
	"iter"
	"math/big"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// OCSPCache keeps answers that are good for every client: those to a request for
// one certificate without a nonce (RFC 5019, section 2.1). It signs each when it
// is first asked for, or ahead of that with [OCSPCache.Produce].
//
// No answer is given out that was begun longer than MaxAge ago, so a revocation
// shows after that time at the latest; [OCSPCache.ForgetSerial] and
// [OCSPCache.Forget] show it at once. Answers that were produced ahead have a
// place of their own: requests of strangers cannot push them out.
//
// It may be used by several goroutines.
type OCSPCache struct {
	next   Answerer
	maxAge time.Duration
	now    func() time.Time
	flight singleflight.Group
	ahead  preparedAnswers

	hits, fromAhead, signed atomic.Uint64

	mu         sync.Mutex
	epoch      uint64                // counts Forget and ForgetSerial
	since      uint64                // answers of earlier epochs are void
	changed    map[string]ocspChange // by serial number, of the last MaxAge
	young, old map[string]kept
}

// kept is an answer, the epoch in which it was asked for, and how long it is
// given out.
type kept struct {
	answer ocsp.Answered
	epoch  uint64
	until  time.Time
}

// ocspChange is the epoch since which answers about a certificate are right.
type ocspChange struct {
	epoch uint64
	at    time.Time
}

// NewOCSPCache keeps answers of next for maxAge at most, and for half of their
// own validity, so that a client has the other half. now is nil for time.Now. At
// most limits.OCSPCacheEntries answers are kept, those that were used of late,
// and limits.OCSPPrepared that were produced ahead.
func NewOCSPCache(next Answerer, maxAge time.Duration, now func() time.Time) *OCSPCache {
	if now == nil {
		now = time.Now
	}
	return &OCSPCache{
		next: next, maxAge: maxAge, now: now,
		changed: map[string]ocspChange{}, young: map[string]kept{}, old: map[string]kept{},
	}
}

var _ Answerer = (*OCSPCache)(nil)

// question is a request that a kept answer may answer.
type question struct {
	key    string // the CertID as it was sent: the answer repeats it
	serial string // big-endian
	epoch  uint64
	asked  time.Time
}

// Answer implements [Answerer].
func (c *OCSPCache) Answer(ctx context.Context, request []byte) (ocsp.Answered, error) {
	req, err := ocsp.ParseRequest(request)
	if err != nil {
		c.signed.Add(1)
		return c.next.Answer(ctx, request)
	}
	if a, ok := c.keptAnswer(req); ok {
		return a, nil
	}
	return c.answerRequest(ctx, req)
}

var _ requestAnswerer = (*OCSPCache)(nil)

// questionOf says what a request asks, if a kept answer may answer it.
func (c *OCSPCache) questionOf(req *ocsp.Request) (question, bool) {
	if len(req.IDs) != 1 || req.Nonce != nil || len(req.IDs[0].Raw) == 0 {
		return question{}, false
	}
	return question{key: string(req.IDs[0].Raw), serial: string(req.IDs[0].Serial.Bytes()), asked: c.now()}, true
}

// keptAnswer implements requestAnswerer.
func (c *OCSPCache) keptAnswer(req *ocsp.Request) (ocsp.Answered, bool) {
	q, ok := c.questionOf(req)
	if !ok {
		return ocsp.Answered{}, false
	}
	return c.get(&q)
}

// answerRequest implements requestAnswerer.
func (c *OCSPCache) answerRequest(ctx context.Context, req *ocsp.Request) (ocsp.Answered, error) {
	q, ok := c.questionOf(req)
	if !ok {
		c.signed.Add(1)
		return answerParsed(ctx, c.next, req)
	}
	c.mu.Lock()
	q.epoch = c.least(q.serial)
	c.mu.Unlock()
	return c.make(ctx, q, req)
}

// make asks for an answer once for all who wait for the same.
func (c *OCSPCache) make(ctx context.Context, q question, req *ocsp.Request) (ocsp.Answered, error) {
	// An answer that was begun before the state changed is not shared with who
	// asks after it.
	flight := fmt.Sprintf("%d %s", q.epoch, q.key)
	v, err, _ := c.flight.Do(flight, func() (any, error) {
		c.signed.Add(1)
		// Who asked first may leave; the others still wait.
		a, err := answerParsed(context.WithoutCancel(ctx), c.next, req)
		if until, ok := c.keepable(q, a, err); ok {
			c.put(q, kept{a, q.epoch, until})
		}
		return a, err
	})
	a, _ := v.(ocsp.Answered)
	return a, err
}

// keepable says whether an answer is for every client, and until when.
func (c *OCSPCache) keepable(q question, a ocsp.Answered, err error) (time.Time, bool) {
	if err != nil || a.Status != ocsp.Successful || a.HasNonce {
		return time.Time{}, false
	}
	until := q.asked.Add(min(c.maxAge, a.NextUpdate.Sub(q.asked)/2))
	return until, q.asked.Before(until)
}

// get looks for an answer, and sets the epoch in which the question is asked.
func (c *OCSPCache) get(q *question) (ocsp.Answered, bool) {
	c.mu.Lock()
	least := c.least(q.serial)
	q.epoch = least
	k, ok := c.young[q.key]
	if !ok {
		if k, ok = c.old[q.key]; ok {
			c.store(q.key, k)
		}
	}
	c.mu.Unlock()
	if ok && k.epoch >= least && q.asked.Before(k.until) {
		c.hits.Add(1)
		return k.answer, true
	}
	if k, ok = c.ahead.get(q.key); ok && k.epoch >= least && q.asked.Before(k.until) {
		c.fromAhead.Add(1)
		return k.answer, true
	}
	return ocsp.Answered{}, false
}

// least is the epoch from which on answers about a certificate are right. The
// caller holds mu.
func (c *OCSPCache) least(serial string) uint64 {
	if x, ok := c.changed[serial]; ok {
		return max(x.epoch, c.since)
	}
	return c.since
}

// put keeps an answer, unless the state has changed since it was asked for.
func (c *OCSPCache) put(q question, k kept) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k.epoch >= c.least(q.serial) && c.now().Before(k.until) {
		c.store(q.key, k)
	}
}

// store keeps an answer among the young; when they are half of what may be
// kept, the old ones go and the young become old. The caller holds mu.
func (c *OCSPCache) store(key string, k kept) {
	if len(c.young) >= limits.OCSPCacheEntries/2 {
		c.old, c.young = c.young, make(map[string]kept)
	}
	c.young[key] = k
}

// Forget drops every answer. Answers that are being made meanwhile are not
// kept.
func (c *OCSPCache) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget()
}

func (c *OCSPCache) forget() {
	c.epoch++
	c.since = c.epoch
	clear(c.changed)
	c.young, c.old = map[string]kept{}, map[string]kept{}
	c.ahead.clear()
}

// ForgetSerial drops the answers about the certificate with a serial number, of
// whatever issuer: after its revocation, hold or release. Answers that are being
// made meanwhile are not kept.
func (c *OCSPCache) ForgetSerial(serial *big.Int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if len(c.changed) >= limits.OCSPChanged {
		for s, x := range c.changed {
			// What was asked for before x.at is void by its age.
			if !now.Before(x.at.Add(c.maxAge)) {
				delete(c.changed, s)
			}
		}
		if len(c.changed) >= limits.OCSPChanged {
			c.forget()
			return
		}
	}
	c.epoch++
	c.changed[string(serial.Bytes())] = ocspChange{c.epoch, now}
}

// Produce signs the answers for serial numbers of an issuer ahead of time, for
// CertIDs with the digest h as this module writes them; ocsp.SHA1 is what
// clients of RFC 5019 use. They are given out for as long as kept ones; the
// caller repeats Produce before that time is over. It stops at the first error,
// and where limits.OCSPPrepared answers are there, and returns how many answers
// it has made.
func (c *OCSPCache) Produce(ctx context.Context, issuer *pki.Certificate, serials iter.Seq2[*big.Int, error], h alg.Identifier) (int, error) {
	n := 0
	c.ahead.sweep(c.now())
	for serial, err := range serials {
		if err == nil {
			err = ctx.Err()
		}
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
		// The octets that a client sends, and the answer is kept under.
		sent, err := ocsp.ParseRequest(req.Raw)
		if err != nil {
			return n, fmt.Errorf("server: %w", err)
		}
		q := question{key: string(sent.IDs[0].Raw), serial: string(serial.Bytes()), asked: c.now()}
		c.mu.Lock()
		q.epoch = c.least(q.serial)
		c.mu.Unlock()
		a, err := c.next.Answer(ctx, req.Raw)
		c.signed.Add(1)
		if err != nil {
			return n, err
		}
		if until, ok := c.keepable(q, a, nil); ok && !c.ahead.put(q.key, kept{a, q.epoch, until}) {
			return n, fmt.Errorf("server: ocsp: more than %d answers ahead", limits.OCSPPrepared)
		}
		n++
	}
	return n, ctx.Err()
}

// OCSPStats count what an [OCSPCache] did.
type OCSPStats struct {
	Hits   uint64 // answers that were kept
	Ahead  uint64 // answers that were produced ahead
	Signed uint64 // answers for which the responder was asked
	// Kept and Prepared are how many answers are there now, those included
	// whose time is over.
	Kept, Prepared int
}

// Stats returns the counts.
func (c *OCSPCache) Stats() OCSPStats {
	s := OCSPStats{Hits: c.hits.Load(), Ahead: c.fromAhead.Load(), Signed: c.signed.Load(), Prepared: c.ahead.len()}
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Kept = len(c.young) + len(c.old)
	return s
}
