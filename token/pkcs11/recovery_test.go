package pkcs11

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/token"
)

// TestFaults: an operation survives one loss of whatever the token loses, asks
// for the PIN only where the login was lost, and costs no try.
func TestFaults(t *testing.T) {
	type fault struct {
		name   string
		inject func(f *fakeModule)
		asks   int // further questions for the PIN
	}
	faults := []fault{
		{"sessions lost", func(f *fakeModule) { f.set(func() { f.sessions = map[uint]*fakeSession{} }) }, 0},
		{"logged out", func(f *fakeModule) { f.set(func() { f.user = noUser }) }, 1},
		{"taken out and put in", func(f *fakeModule) { f.remove(); f.insert() }, 1},
		{"finalised by another", func(f *fakeModule) { _ = f.Finalize() }, 1}, //nolint:errcheck // it has no error
	}
	for _, op := range []string{"C_SignInit", "C_Sign", "C_GetSessionInfo", "C_FindObjects"} {
		for _, code := range lostSession {
			faults = append(faults, fault{op + " " + code.String(), func(f *fakeModule) { f.set(func() { f.fail[op] = []Code{code} }) }, -1})
		}
	}
	for _, op := range []string{"C_SignInit", "C_Sign"} {
		for _, code := range []Code{ckrUserNotLoggedIn, ckrKeyHandleInvalid, ckrObjectHandleInvalid} {
			faults = append(faults, fault{op + " " + code.String(), func(f *fakeModule) { f.set(func() { f.fail[op] = []Code{code} }) }, 0})
		}
	}
	for _, placement := range []Placement{Active, Passive} {
		for _, c := range faults {
			t.Run(fmt.Sprint(placement, " ", c.name), func(t *testing.T) {
				f, uri := newFake(t)
				a := newAsker()
				s := openStore(t, uri, Config{PIN: a.get})
				key := generate(t, s, KeySpec{Algorithm: "gost2012-256", Label: "k", Placement: placement, Password: []byte(password)})
				signs(t, key)
				before := a.count(token.SecretPIN)
				c.inject(f)
				signs(t, key)
				if n := a.count(token.SecretPIN) - before; c.asks >= 0 && n != c.asks {
					t.Errorf("the PIN was asked for %d times more, want %d", n, c.asks)
				}
				if f.tries != 3 {
					t.Errorf("a try was lost: %d left", f.tries)
				}
				signs(t, key)
				if n := len(f.sessions); n > defaultSessions {
					t.Errorf("%d sessions are open", n)
				}
			})
		}
	}
}

func TestRemoved(t *testing.T) {
	f, uri := newFake(t)
	a := newAsker()
	s := openStore(t, uri, Config{PIN: a.get})
	active := generate(t, s, KeySpec{Algorithm: "gost2012-256", Label: "a", Placement: Active})
	passive := generate(t, s, KeySpec{Algorithm: "gost2012-256", Label: "p", Placement: Passive, Password: []byte(password)})
	signs(t, passive)
	f.remove()
	for _, key := range []token.Key{active, passive} {
		err := trySign(key)
		if !isCode(err, CodeTokenNotPresent, CodeDeviceRemoved) {
			t.Errorf("%s: %v", key.Label(), err)
		}
	}
	if k := passive.(*Key); k.soft != nil { //nolint:forcetypeassert // a passive key
		t.Error("the passive key outlived the token")
	}
	f.insert()
	signs(t, active)
	signs(t, passive)
	if f.tries != 3 || a.count(token.SecretPassword) != 2 {
		t.Errorf("%d tries, %d questions for the password", f.tries, a.count(token.SecretPassword))
	}
}

func TestWaitForToken(t *testing.T) {
	f, uri := newFake(t)
	s := openStore(t, uri, Config{PIN: newAsker().get, Wait: time.Minute})
	key := generate(t, s, KeySpec{Algorithm: "gost2012-256", Label: "a", Placement: Active})
	f.remove()
	time.AfterFunc(100*time.Millisecond, f.insert)
	signs(t, key)

	f.remove()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.Objects(ctx, false); !errors.Is(err, context.DeadlineExceeded) && !isCode(err, CodeDeviceRemoved, CodeTokenNotPresent, ckrSessionHandleInvalid) {
		t.Errorf("the wait ended with %v", err)
	}
	if _, err := Open(ctx, uri, Config{Wait: time.Minute}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Open ended with %v", err)
	}
	f.insert()
	signs(t, key)
	// Open goes on looking for the token until it sees that nobody waits.
	for range 100 {
		modules.Lock()
		n := modules.loaded[s.mod.path].refs
		modules.Unlock()
		if n == 1 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the Open that nobody waited for kept the module")
}

// TestContext: a slow token does not hold the caller, and what was begun ends
// without harm.
func TestContext(t *testing.T) {
	f, uri := newFake(t)
	s := openStore(t, uri, Config{PIN: newAsker().get, Sessions: 1})
	generate(t, s, KeySpec{Algorithm: "gost2012-256", Label: "a", Placement: Active})
	f.set(func() { f.delay = 300 * time.Millisecond })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	var slow token.Key
	for k := range s.Keys(ctx) {
		slow = k
	}
	start := time.Now()
	if err := trySign(slow); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the signature ended with %v", err)
	}
	if d := time.Since(start); d > 250*time.Millisecond {
		t.Errorf("the caller was held for %v", d)
	}
	// The one session is still busy; waiting for it can be cancelled too.
	if _, err := s.Objects(ctx, false); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the wait for a session ended with %v", err)
	}
	f.set(func() { f.delay = 0 })
	for k := range s.Keys(t.Context()) {
		signs(t, k)
	}
	if f.opened != 1 {
		t.Errorf("%d sessions were opened where one is allowed", f.opened)
	}
}

func TestGoroutines(t *testing.T) {
	f, uri := newFake(t)
	a := newAsker()
	first := openStore(t, uri, Config{PIN: a.get})
	generate(t, first, KeySpec{Algorithm: "gost2012-256", Label: "a", Placement: Active})
	generate(t, first, KeySpec{Algorithm: "gost2012-512", Label: "p", Placement: Passive, Password: []byte(password)})
	second := openStore(t, uri, Config{PIN: a.get, Sessions: 3})
	ctx := t.Context()
	var wg sync.WaitGroup
	for i := range 8 {
		s := []*Store{first, second}[i%2]
		wg.Go(func() {
			for range 5 {
				for key, err := range s.Keys(ctx) {
					if err == nil {
						err = trySign(key)
					}
					if err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	for range 3 {
		time.Sleep(20 * time.Millisecond)
		f.set(func() { f.sessions = map[uint]*fakeSession{} })
	}
	wg.Wait()
	if f.tries != 3 {
		t.Errorf("%d tries are left", f.tries)
	}
	// Where the last session goes, the login goes with it: once at most for each loss.
	if n := a.count(token.SecretPIN); n > 1+3 {
		t.Errorf("the PIN was asked for %d times", n)
	}
	if f.opened > 4*(8+3) {
		t.Errorf("%d sessions were opened", f.opened)
	}
}

func TestClosed(t *testing.T) {
	_, uri := newFake(t)
	s := openStore(t, uri, Config{PIN: newAsker().get})
	key := generate(t, s, KeySpec{Algorithm: "gost2012-256", Label: "p", Placement: Passive, Password: []byte(password)})
	signs(t, key)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := trySign(key); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if k := key.(*Key); k.soft != nil { //nolint:forcetypeassert // a passive key
		t.Error("the key was not wiped")
	}
}
