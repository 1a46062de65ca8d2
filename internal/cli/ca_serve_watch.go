package cli

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"math/big"
	"sync/atomic"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/server"
)

// watchEvery is how often a ledger is asked whether it is there, and what other
// nodes revoked.
const watchEvery = time.Second

// A ledgerWatch answers OCSP from a ledger, refuses at once while that is known
// to be away, and drops answers from a cache that another node has made wrong.
type ledgerWatch struct {
	ledger ca.Ledger
	dir    string
	log    *slog.Logger
	follow bool              // other nodes may write
	cache  *server.OCSPCache // nil: nothing to drop; set before run
	// changed hears that another node changed the state of certificates; nil:
	// nobody does.
	changed func()

	down atomic.Bool
	seen map[string]uint64 // ends of the journal's chains; of probe alone
}

var _ ocsp.StatusSource = (*ledgerWatch)(nil)

// errLedgerAway is what is answered until the ledger is back.
var errLedgerAway = errors.New("cli: the ledger cannot be reached")

// Status implements [ocsp.StatusSource].
func (w *ledgerWatch) Status(ctx context.Context, serial *big.Int) (ocsp.Answer, error) {
	if w.down.Load() {
		return ocsp.Answer{}, errLedgerAway
	}
	in, cancel := context.WithTimeout(ctx, limits.LedgerProbe)
	defer cancel()
	a, err := ca.LedgerStatus{Ledger: w.ledger}.Status(in, serial)
	if err != nil && ctx.Err() == nil {
		w.lost(ctx, err)
	}
	return a, err
}

// lost remembers that the ledger is away.
func (w *ledgerWatch) lost(ctx context.Context, err error) {
	if w.down.CompareAndSwap(false, true) {
		w.log.ErrorContext(ctx, "ledger lost", "dir", w.dir, "error", err)
	}
}

// run looks after the ledger until ctx is done.
func (w *ledgerWatch) run(ctx context.Context) {
	every(ctx, watchEvery, func() {
		err := w.probe(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			w.lost(ctx, err)
		case w.down.CompareAndSwap(true, false):
			w.log.InfoContext(ctx, "ledger back", "dir", w.dir)
		}
	})
}

// probe asks the ledger where the journal ends and reads what other nodes wrote
// since the last time.
func (w *ledgerWatch) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, limits.LedgerProbe)
	defer cancel()
	var seen map[string]uint64
	var changed []*big.Int
	var all bool
	err := w.ledger.View(ctx, func(tx ca.ReadTx) error {
		if !w.follow {
			_, err := tx.Issuer()
			return err
		}
		heads, err := tx.Heads()
		if err != nil {
			return err
		}
		seen, changed, all, err = w.news(tx, heads)
		return err
	})
	if err != nil || !w.follow {
		return err
	}
	w.seen = seen
	if w.changed != nil && (all || len(changed) > 0) {
		w.changed()
	}
	switch {
	case w.cache == nil:
	case all:
		w.cache.Forget()
	default:
		for _, serial := range changed {
			w.cache.ForgetSerial(serial)
		}
	}
	return nil
}

// news reads which certificates changed their state behind the ends that were
// seen last; all says that there may be others.
func (w *ledgerWatch) news(tx ca.ReadTx, heads map[string]journal.Head) (seen map[string]uint64, changed []*big.Int, all bool, err error) {
	seen = make(map[string]uint64, len(heads))
	left := limits.JournalFollowed
	for node, head := range heads {
		seen[node] = head.Seq
		from := w.seen[node]
		switch {
		case w.seen == nil || head.Seq == from || all:
			continue
		case head.Seq < from || head.Seq-from > uint64(left): // set back, or too much
			all = true
			continue
		}
		left -= int(head.Seq - from)
		for r, err := range tx.Journal(node, from) {
			if err != nil {
				return nil, nil, false, err
			}
			switch r.Event {
			case "revoke", "hold", "release":
				serial, err := ca.ParseSerial(r.Subject)
				if err != nil { // erased, or of a later program
					all = true
					continue
				}
				changed = append(changed, serial.Big())
			}
		}
	}
	return seen, changed, all, nil
}

// keepPrepared signs answers ahead until ctx is done: all of them twice in the
// time for which they are given out, so that one is always fresh. A pass that
// takes longer is followed by the next at once; answers whose time is over are
// signed when they are asked for.
func (s *servedCAs) keepPrepared(ctx context.Context) {
	every(ctx, s.flags.cache/2, func() {
		begin := time.Now()
		left := s.flags.prepare
		for _, c := range s.list {
			n, err := s.cache.Produce(ctx, c.dir.Certificate, c.unexpired(ctx, s.app.now(), left), ocsp.SHA1())
			left -= n
			if err != nil && ctx.Err() == nil {
				s.log.ErrorContext(ctx, "answers not signed ahead", "dir", c.folder, "error", err)
			}
		}
		if ctx.Err() == nil {
			s.log.InfoContext(ctx, "answers signed ahead", "answers", s.flags.prepare-left, "took", time.Since(begin))
		}
	})
}

// unexpiredPage is how many entries are read at a time, so that no view of the
// ledger is long.
const unexpiredPage = 1000

// unexpired iterates over at most n certificates that have not ended.
func (c *servedCA) unexpired(ctx context.Context, now time.Time, n int) iter.Seq2[*big.Int, error] {
	return func(yield func(*big.Int, error) bool) {
		var after ca.Serial
		for more := true; more; {
			var page []ca.Serial
			from := after
			err := c.issuer.Ledger().View(ctx, func(tx ca.ReadTx) error {
				after, page, more = from, page[:0], false // a view may be tried again
				read := 0
				for e, err := range tx.Entries(after) {
					if err != nil {
						return err
					}
					after = e.Serial
					if now.Before(e.NotAfter) {
						page = append(page, e.Serial)
					}
					if read++; read == unexpiredPage {
						more = true
						break
					}
				}
				return nil
			})
			if err != nil {
				yield(nil, err)
				return
			}
			for _, serial := range page {
				if n--; n < 0 || !yield(serial.Big(), nil) {
					return
				}
			}
		}
	}
}
