package pkcs11

import (
	"bytes"
	"context"
	"crypto/subtle"
	"fmt"

	"github.com/gosklyuch/gosklyuch/token"
)

// maxRefusals bounds the PINs that one login tries, for tokens that never say
// how many tries are left.
const maxRefusals = 10

// login makes sure that the user is logged in. The state belongs to the token
// and is shared by all sessions of the process, so the token is asked and no
// PIN where somebody else has logged in already.
func (x *session) login(ctx context.Context) error {
	lock := x.mod.loginLock(x.token.String())
	select {
	case lock <- struct{}{}:
		defer func() { <-lock }()
	case <-ctx.Done():
		return ctx.Err()
	}
	in, err := x.loggedIn()
	if err != nil || in {
		return err
	}
	t, err := x.mod.TokenInfo(x.currentSlot())
	if err != nil {
		return err
	}
	switch {
	case t.flags&ckfLoginRequired == 0:
		return nil
	case t.flags&ckfUserPINInitialized == 0:
		return ErrPINNotSet
	}
	l := pinLogin{mod: x.mod, session: x.h, slot: x.currentSlot(), user: ckuUser, ask: x.ask(token.SecretPIN), consent: x.cfg.UnsafeFinalTry}
	return l.run(ctx)
}

// loggedIn asks the token whether the user is logged in.
func (x *session) loggedIn() (bool, error) {
	state, err := x.mod.SessionState(x.h)
	return state == cksROUser || state == cksRWUser, err
}

// confirm logs in for one operation with a key that wants the PIN each time
// (CKA_ALWAYS_AUTHENTICATE).
func (x *session) confirm(ctx context.Context, key string) error {
	l := pinLogin{mod: x.mod, session: x.h, slot: x.currentSlot(), user: ckuContextSpecific, ask: x.ask(token.SecretPIN), key: key, consent: x.cfg.UnsafeFinalTry}
	return l.run(ctx)
}

// ask returns what gives the PIN: the URI where it names one, which has one
// answer, or the caller's function.
func (s *Store) ask(secret token.Secret) token.PINFunc {
	single := func(get func() ([]byte, error)) token.PINFunc {
		return func(_ context.Context, p token.Prompt) ([]byte, error) {
			if p.Again {
				return nil, &token.PINError{Retries: p.Retries, Locked: p.Retries == 0}
			}
			return get()
		}
	}
	switch {
	case secret == token.SecretPIN && s.uri.PINValue != nil:
		return single(func() ([]byte, error) { return bytes.Clone(s.uri.PINValue), nil })
	case secret == token.SecretPIN && s.uri.PINSource != "":
		return single(func() ([]byte, error) { return readPINSource(s.uri.PINSource) })
	}
	return s.cfg.PIN
}

// pinLogin is one login, by however many tries.
type pinLogin struct {
	mod           *module
	session, slot uint
	user          uint // CKU_…
	ask           token.PINFunc
	key           string // for the prompt
	consent       bool   // to use the last try
}

// run asks and tries until the token accepts, the person gives up, or the next
// try would need a consent that was not given.
func (l *pinLogin) run(ctx context.Context) error {
	var refused []byte
	defer func() { clear(refused) }()
	for n := 0; ; n++ {
		t, err := l.mod.TokenInfo(l.slot)
		if err != nil {
			return err
		}
		state := l.state(t.flags)
		if err := l.mayTry(state, n); err != nil {
			return err
		}
		if t.flags&ckfProtectedPath != 0 {
			return l.refusal(l.mod.Login(l.session, l.user, nil)) // the reader asks
		}
		pin, err := l.obtain(ctx, t, state, n > 0)
		if err != nil {
			return err
		}
		if n > 0 && subtle.ConstantTimeCompare(pin, refused) == 1 {
			clear(pin)
			return ErrSamePIN
		}
		err = l.try(ctx, pin)
		clear(refused)
		refused = pin
		if !isCode(err, CodePINIncorrect) {
			return l.refusal(err)
		}
	}
}

// mayTry refuses a try that cannot succeed or that needs consent.
func (l *pinLogin) mayTry(state PINState, n int) error {
	switch {
	case state.Locked:
		return &token.PINError{Locked: true}
	case state.FinalTry && !l.consent && n > 0:
		return &token.PINError{Retries: 1}
	case state.FinalTry && !l.consent:
		return ErrFinalTry
	case n >= maxRefusals:
		return &token.PINError{Retries: -1}
	}
	return nil
}

// obtain asks for a PIN. One of a length that the token cannot have is refused
// here, because some tokens count it as a try.
func (l *pinLogin) obtain(ctx context.Context, t tokenInfo, state PINState, again bool) ([]byte, error) {
	if l.ask == nil {
		return nil, &token.PINError{Retries: state.Retries()}
	}
	secret := token.SecretPIN
	if l.user == ckuSO {
		secret = token.SecretSOPIN
	}
	pin, err := l.ask(ctx, token.Prompt{Secret: secret, Store: t.label, Key: l.key, Retries: state.Retries(), Again: again})
	if err != nil {
		clear(pin)
		return nil, fmt.Errorf("pkcs11: PIN: %w", err)
	}
	if err := checkLength(t, pin); err != nil {
		clear(pin)
		return nil, err
	}
	return pin, nil
}

// checkLength holds a PIN against the bounds of the token. An empty PIN would
// ask the reader's keypad.
func checkLength(t tokenInfo, pin []byte) error {
	n := uint(len(pin))
	if n == 0 || n < t.minPIN && t.minPIN != ckUnavailable || n > t.maxPIN && t.maxPIN != 0 && t.maxPIN != ckUnavailable {
		return &Error{Op: "C_Login", Code: ckrPINLenRange}
	}
	return nil
}

// try sends the PIN, unless nobody waits for the login any more.
func (l *pinLogin) try(ctx context.Context, pin []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := l.mod.Login(l.session, l.user, pin)
	if isCode(err, ckrUserAlreadyLoggedIn) {
		return nil
	}
	return err
}

// refusal turns a refused PIN into a PINError, with the tries left that the
// flags tell after it.
func (l *pinLogin) refusal(err error) error {
	if isCode(err, ckrUserAlreadyLoggedIn) {
		return nil
	}
	if !isCode(err, CodePINIncorrect, CodePINLocked) {
		return err
	}
	state := PINState{Locked: isCode(err, CodePINLocked)}
	if t, e := l.mod.TokenInfo(l.slot); e == nil && !state.Locked {
		state = l.state(t.flags)
	}
	return &token.PINError{Retries: state.Retries(), Locked: state.Locked}
}

func (l *pinLogin) state(flags uint) PINState {
	if l.user == ckuSO {
		return soState(flags)
	}
	return userState(flags)
}
