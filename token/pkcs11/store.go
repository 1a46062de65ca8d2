package pkcs11

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/gosklyuch/gosklyuch/token"
)

// Store is one token. Make one with [Open]. Its methods and those of its keys
// may be called from several goroutines; each call uses a session of its own.
type Store struct {
	mod   *module
	uri   *URI // as it was given, with the object that it may name
	token *URI // the token that was found, by every name it has
	cfg   Config
	mechs []uint

	iterations int // of the password of new passive keys; tests take fewer

	free chan struct{} // one place for each session that may be open
	done chan struct{} // closed by Close

	mu     sync.Mutex
	slot   uint
	gen    int    // counts recoveries; sessions of an older one are void
	look   int    // counts when handles of objects must be looked up again
	idle   []uint // open sessions that nobody uses
	closed bool
	opened []*Key // passive keys that are unlocked, to be wiped
	repair sync.Mutex
}

// session is one PKCS #11 session in use by one operation.
type session struct {
	*Store
	h         uint
	gen       int
	dirty     bool // an operation may be active in it
	committed bool // something was changed; the operation must not be repeated
}

// Open finds the token that a URI names and prepares to use it. Nothing is
// asked for; a pin-source that cannot be read is an error already here. The
// token must be plugged in, or be so within [Config].Wait.
func Open(ctx context.Context, uri string, c Config) (*Store, error) {
	u, err := ParseURI(uri)
	if err != nil {
		return nil, err
	}
	if u.PINSource != "" {
		pin, err := readPINSource(u.PINSource)
		if err != nil {
			return nil, err
		}
		clear(pin)
	}
	path, err := modulePath(u, c)
	if err != nil {
		return nil, err
	}
	return wait(ctx, func() (*Store, error) { return open(ctx, path, u, c) })
}

func open(ctx context.Context, path string, u *URI, c Config) (*Store, error) {
	m, err := acquire(path)
	if err != nil {
		return nil, err
	}
	s := &Store{mod: m, uri: u, cfg: c, iterations: passiveIterations, done: make(chan struct{})}
	if err := s.attach(ctx); err != nil {
		return nil, errors.Join(err, m.release())
	}
	if err := ctx.Err(); err != nil { // nobody waits for the store any more
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// attach finds the token for the first time and notes what it is and can.
func (s *Store) attach(ctx context.Context) error {
	slot, err := s.findSlot(ctx, s.uri)
	if err != nil {
		return err
	}
	info, err := s.mod.inspect(slot)
	if err != nil {
		return err
	}
	s.slot, s.mechs, s.token = slot, info.Mechanisms, info.URI()
	n := s.cfg.Sessions
	if n <= 0 {
		n = defaultSessions
	}
	if t, err := s.mod.TokenInfo(slot); err == nil && t.maxRWSessions != ckEffectivelyInfinite && t.maxRWSessions != ckUnavailable {
		n = min(n, int(t.maxRWSessions))
	}
	s.free = make(chan struct{}, n)
	return nil
}

// findSlot looks for a token until Config.Wait is over.
func (s *Store) findSlot(ctx context.Context, u *URI) (uint, error) {
	deadline := time.Now().Add(s.cfg.Wait)
	for {
		slot, err := s.mod.slotOf(u, false)
		if err == nil || !errors.Is(err, ErrNotFound) || !time.Now().Before(deadline) {
			return slot, err
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(poll):
		}
	}
}

// Info reads what the token says of itself now.
func (s *Store) Info(ctx context.Context) (*TokenInfo, error) {
	return use(ctx, s, false, func(x *session) (*TokenInfo, error) { return s.mod.inspect(s.currentSlot()) })
}

// URI names the token by its label, serial number, manufacturer, model and
// module.
func (s *Store) URI() *URI { u := *s.token; return &u }

// Close closes the sessions, which logs out where nobody else in the process
// uses the token, and wipes the keys that were opened in memory. It waits for
// operations that are under way.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.done)
	s.mu.Unlock()
	for range cap(s.free) { // every place taken: nothing runs and nothing can start
		s.free <- struct{}{}
	}
	for _, k := range s.opened {
		k.wipe()
	}
	for _, h := range s.idle {
		// A session of a token that was removed cannot be closed any more.
		_ = s.mod.CloseSession(h)
	}
	return s.mod.release()
}

func (s *Store) currentSlot() uint {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.slot
}

// tries bounds how often one operation is begun: once, and again after each of
// two losses of the token.
const tries = 3

// use runs f with a session, logged in where login is set, and begins again
// where the session, the login or the token was lost on the way.
func use[T any](ctx context.Context, s *Store, login bool, f func(*session) (T, error)) (T, error) {
	for n := 1; ; n++ {
		var x *session
		v, err := once(ctx, s, login, &x, f)
		if err == nil || n == tries || x == nil || x.committed || !recoverable(err) {
			return v, err
		}
		if _, err := wait(ctx, func() (struct{}, error) { return struct{}{}, s.recover(ctx, x.gen, err) }); err != nil {
			return v, err
		}
	}
}

// once runs f with a session. used is set when the operation is over, not when
// the context ended the wait for it.
func once[T any](ctx context.Context, s *Store, login bool, used **session, f func(*session) (T, error)) (T, error) {
	var none T
	select {
	case s.free <- struct{}{}:
	case <-s.done:
		return none, ErrClosed
	case <-ctx.Done():
		return none, ctx.Err()
	}
	type result struct {
		v T
		x *session
	}
	r, err := wait(ctx, func() (r result, err error) {
		defer func() { <-s.free }()
		x, err := s.take()
		if err != nil {
			return result{x: x}, err
		}
		defer func() { s.put(x, err) }()
		if login {
			err = x.login(ctx)
		}
		if err == nil {
			r.v, err = f(x)
		}
		r.x = x
		return r, err
	})
	*used = r.x
	return r.v, err
}

// take returns an idle session or opens one. With an error the session tells
// only its generation.
func (s *Store) take() (*session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := &session{Store: s, gen: s.gen}
	if s.closed {
		return nil, ErrClosed
	}
	if n := len(s.idle); n > 0 {
		x.h, s.idle = s.idle[n-1], s.idle[:n-1]
		return x, nil
	}
	var err error
	x.h, err = s.openSession(s.slot)
	return x, err
}

// openSession opens a session for reading and writing, or for reading where
// the token allows no more.
func (s *Store) openSession(slot uint) (uint, error) {
	h, err := s.mod.OpenSession(slot, ckfSerialSession|ckfRWSession)
	if isCode(err, ckrTokenWriteProtected, ckrSessionReadOnly) {
		h, err = s.mod.OpenSession(slot, ckfSerialSession)
	}
	return h, err
}

// put gives a session back. One with an operation that did not end is replaced,
// the new one first: with the last session of a token its login ends.
func (s *Store) put(x *session, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x.gen != s.gen {
		return // it went with the token; its number may be that of another session by now
	}
	if isCode(err, lostSession...) {
		if !isCode(err, ckrCryptokiNotInitialized) {
			_ = s.mod.CloseSession(x.h) // where it is not void already
		}
		return
	}
	if !x.dirty {
		s.idle = append(s.idle, x.h)
		return
	}
	if h, e := s.openSession(s.slot); e == nil {
		s.idle = append(s.idle, h)
	}
	_ = s.mod.CloseSession(x.h) // what can be done has been
}

// lostSession are the return values after which no session of the token can be
// used.
var lostSession = []Code{
	ckrSessionHandleInvalid, ckrSessionClosed, CodeTokenNotPresent, CodeDeviceRemoved, ckrSlotIDInvalid,
	ckrTokenNotRecognized, ckrDeviceError, ckrCryptokiNotInitialized,
}

// recoverable says whether an operation may succeed when it is begun again.
func recoverable(err error) bool {
	return isCode(err, lostSession...) || isCode(err, ckrUserNotLoggedIn, ckrKeyHandleInvalid, ckrObjectHandleInvalid)
}

// recover makes a lost token usable again: it is looked for by its label and
// serial number, because it may be in another slot now. gen is the generation
// in which the loss was seen; what somebody else has repaired is left alone.
func (s *Store) recover(ctx context.Context, gen int, cause error) error {
	s.repair.Lock()
	defer s.repair.Unlock()
	s.mu.Lock()
	done := s.gen != gen || s.closed
	s.mu.Unlock()
	if done {
		return nil
	}
	if !isCode(cause, lostSession...) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.look++
		return nil
	}
	stopped := isCode(cause, ckrCryptokiNotInitialized)
	if stopped {
		if err := s.mod.restart(); err != nil {
			return err
		}
	}
	slot, err := s.findSlot(ctx, s.token)
	if errors.Is(err, ErrNotFound) {
		s.wipeKeys()              // with the token goes the use of what was read from it
		if codeOf(err) != ckrOK { // why it does not answer
			return err
		}
		return &Error{Op: "C_GetSlotList", Code: CodeTokenNotPresent}
	}
	if err != nil {
		return err
	}
	s.renew(slot, stopped)
	return nil
}

// renew starts a new generation: all sessions are given up. Those of a module
// that was stopped do not exist any more, and their numbers may be in use again.
func (s *Store) renew(slot uint, stopped bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !stopped {
		for _, h := range s.idle {
			_ = s.mod.CloseSession(h) // mostly void; those that are not must not leak
		}
	}
	s.idle, s.slot = nil, slot
	s.gen++
	s.look++
}

// wipeKeys locks the passive keys again.
func (s *Store) wipeKeys() {
	s.mu.Lock()
	list := s.opened
	s.opened = nil
	s.mu.Unlock()
	for _, k := range list {
		k.wipe()
	}
}

// has says whether the token offers a mechanism.
func (s *Store) has(mechanism uint) bool { return slices.Contains(s.mechs, mechanism) }

var _ token.Store = (*Store)(nil)
