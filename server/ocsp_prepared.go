package server

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/ocsp"
)

// preparedParts is into how many parts prepared answers are cut, each with a
// lock of its own: while one of a million answers is swept, the others go on.
const preparedParts = 64

// preparedAnswers are the answers that were signed ahead, by the octets of their
// CertIDs. The zero value is empty.
type preparedAnswers struct {
	once  sync.Once
	seed  maphash.Seed
	n     atomic.Int64
	parts [preparedParts]struct {
		mu sync.RWMutex
		m  map[string]prepared
	}
}

// prepared is kept without what is the same for all: there may be a million.
type prepared struct {
	der                       []byte
	epoch                     uint64
	this, next, signed, until int64 // nanoseconds since 1970
}

func (p *preparedAnswers) part(key string) int {
	p.once.Do(func() { p.seed = maphash.MakeSeed() })
	return int(maphash.String(p.seed, key) % preparedParts)
}

func (p *preparedAnswers) get(key string) (kept, bool) {
	if p.n.Load() == 0 {
		return kept{}, false
	}
	part := &p.parts[p.part(key)]
	part.mu.RLock()
	x, ok := part.m[key]
	part.mu.RUnlock()
	if !ok {
		return kept{}, false
	}
	return kept{
		answer: ocsp.Answered{
			DER: x.der, Status: ocsp.Successful,
			ThisUpdate: time.Unix(0, x.this), NextUpdate: time.Unix(0, x.next), ProducedAt: time.Unix(0, x.signed),
		},
		epoch: x.epoch, until: time.Unix(0, x.until),
	}, true
}

// put keeps an answer, and reports whether there was room.
func (p *preparedAnswers) put(key string, k kept) bool {
	part := &p.parts[p.part(key)]
	part.mu.Lock()
	defer part.mu.Unlock()
	if _, ok := part.m[key]; !ok {
		if p.n.Load() >= limits.OCSPPrepared {
			return false
		}
		p.n.Add(1)
	}
	if part.m == nil {
		part.m = map[string]prepared{}
	}
	part.m[key] = prepared{
		der: k.answer.DER, epoch: k.epoch,
		this: k.answer.ThisUpdate.UnixNano(), next: k.answer.NextUpdate.UnixNano(),
		signed: k.answer.ProducedAt.UnixNano(), until: k.until.UnixNano(),
	}
	return true
}

// sweep drops what is not given out any more.
func (p *preparedAnswers) sweep(now time.Time) {
	for i := range p.parts {
		part := &p.parts[i]
		part.mu.Lock()
		for key, x := range part.m {
			if x.until <= now.UnixNano() {
				delete(part.m, key)
				p.n.Add(-1)
			}
		}
		part.mu.Unlock()
	}
}

// clear drops everything.
func (p *preparedAnswers) clear() {
	for i := range p.parts {
		part := &p.parts[i]
		part.mu.Lock()
		p.n.Add(-int64(len(part.m)))
		part.m = nil
		part.mu.Unlock()
	}
}

func (p *preparedAnswers) len() int { return int(p.n.Load()) }
