package pkcs11

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/gosklyuch/gosklyuch/token"
)

// InitOptions say how a token is initialised.
type InitOptions struct {
	Label string // the new label, at most 32 octets of UTF-8
	SOPIN []byte // of the security officer: the present one where the token has one
	PIN   []byte // of the user; nil leaves it unset

	// UnsafeErase consents to destroy what is on a token that is in use.
	UnsafeErase bool
}

// InitToken initialises the one token that fits the URI, and sets its user PIN.
// A token in use is erased only with consent; otherwise the error is
// [ErrConsent] and nothing was tried. Without a label or serial number in the
// URI the one blank token is meant.
func InitToken(ctx context.Context, uri string, c Config, o InitOptions) (*TokenInfo, error) {
	if o.Label == "" || len(o.Label) > ckTokenLabelBytes {
		return nil, fmt.Errorf("pkcs11: the label of a token has 1 to %d octets, not %d", ckTokenLabelBytes, len(o.Label))
	}
	o.SOPIN, o.PIN = bytes.Clone(o.SOPIN), bytes.Clone(o.PIN) // the caller may wipe them when the context ends
	return withModule(ctx, uri, c, func(m *module, u *URI) (*TokenInfo, error) {
		defer clear(o.SOPIN)
		defer clear(o.PIN)
		slot, err := blankSlot(m, u)
		if err != nil {
			return nil, err
		}
		t, err := m.TokenInfo(slot)
		if err != nil {
			return nil, err
		}
		if t.flags&ckfTokenInitialized != 0 && !o.UnsafeErase {
			return nil, ErrConsent
		}
		// The flags of a blank token say nothing: SoftHSM shows it locked.
		if state := soState(t.flags); t.flags&ckfTokenInitialized != 0 {
			l := pinLogin{consent: c.UnsafeFinalTry}
			if err := l.mayTry(state, 0); err != nil {
				return nil, err
			}
		}
		err = checkLength(t, o.SOPIN)
		if o.PIN != nil {
			err = errors.Join(err, checkLength(t, o.PIN))
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		l := pinLogin{mod: m, slot: slot, user: ckuSO}
		if err := l.refusal(m.InitToken(slot, o.SOPIN, o.Label)); err != nil {
			return nil, err
		}
		// Some modules give the token another slot now.
		slot, err = m.slotOf(&URI{Token: o.Label, Serial: t.serial}, true)
		if errors.Is(err, ErrNotFound) {
			slot, err = m.slotOf(&URI{Token: o.Label}, true) // and another serial number
		}
		if err != nil {
			return nil, err
		}
		if o.PIN != nil {
			if err := m.setUserPIN(ctx, slot, fixed(o.SOPIN), fixed(o.PIN), c); err != nil {
				return nil, err
			}
		}
		return m.inspect(slot)
	})
}

// blankSlot finds the token to initialise: the one that is named, or the one
// that is blank.
func blankSlot(m *module, u *URI) (uint, error) {
	if u.Token != "" || u.Serial != "" {
		return m.slotOf(u, true)
	}
	slots, err := m.SlotList(true)
	if err != nil {
		return 0, err
	}
	var blank []uint
	for _, slot := range slots {
		t, err := m.TokenInfo(slot)
		if err != nil {
			continue
		}
		s, err := m.SlotInfo(slot)
		if err == nil && t.flags&ckfTokenInitialized == 0 && u.fitsToken(t) && u.fitsSlot(s) {
			blank = append(blank, slot)
		}
	}
	switch len(blank) {
	case 0:
		return 0, fmt.Errorf("%w: no blank token; name one by token= or serial=", ErrNotFound)
	case 1:
		return blank[0], nil
	}
	return 0, fmt.Errorf("%w: %d blank tokens; name one by serial=", ErrAmbiguous, len(blank))
}

// fixed gives one PIN and no second one.
func fixed(pin []byte) token.PINFunc {
	return func(_ context.Context, p token.Prompt) ([]byte, error) {
		if p.Again {
			return nil, &token.PINError{Retries: p.Retries}
		}
		return append([]byte(nil), pin...), nil
	}
}

// ChangePIN changes the user's PIN, or the security officer's where so is set.
// old and pin are asked for in this order; a refused PIN is a *[token.PINError].
func ChangePIN(ctx context.Context, uri string, c Config, so bool, old, pin token.PINFunc) error {
	user := uint(ckuUser)
	if so {
		user = ckuSO
	}
	_, err := withModule(ctx, uri, c, func(m *module, u *URI) (struct{}, error) {
		slot, err := m.slotOf(u, false)
		if err != nil {
			return struct{}{}, err
		}
		t, err := m.TokenInfo(slot)
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, m.withLogin(ctx, slot, user, old, c, func(h uint, given []byte) error {
			return m.newPIN(ctx, t, user, pin, func(b []byte) error { return m.SetPIN(h, given, b) })
		})
	})
	return err
}

// UnblockPIN lets the security officer set the user's PIN, which unlocks it.
func UnblockPIN(ctx context.Context, uri string, c Config, soPIN, pin token.PINFunc) error {
	_, err := withModule(ctx, uri, c, func(m *module, u *URI) (struct{}, error) {
		slot, err := m.slotOf(u, false)
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, m.setUserPIN(ctx, slot, soPIN, pin, c)
	})
	return err
}

func (m *module) setUserPIN(ctx context.Context, slot uint, soPIN, pin token.PINFunc, c Config) error {
	t, err := m.TokenInfo(slot)
	if err != nil {
		return err
	}
	return m.withLogin(ctx, slot, ckuSO, soPIN, c, func(h uint, _ []byte) error {
		return m.newPIN(ctx, t, ckuUser, pin, func(b []byte) error { return m.InitPIN(h, b) })
	})
}

// newPIN asks for a new PIN, checks its length and sets it.
func (m *module) newPIN(ctx context.Context, t tokenInfo, user uint, ask token.PINFunc, set func([]byte) error) error {
	if t.flags&ckfProtectedPath != 0 {
		return set(nil)
	}
	secret := token.SecretPIN
	if user == ckuSO {
		secret = token.SecretSOPIN
	}
	pin, err := ask(ctx, token.Prompt{Secret: secret, Store: t.label, Retries: -1})
	defer clear(pin)
	if err != nil {
		return fmt.Errorf("pkcs11: new PIN: %w", err)
	}
	if err := checkLength(t, pin); err != nil {
		return err
	}
	return set(pin)
}

// withLogin opens a session, logs in, runs f with the PIN that was accepted,
// and logs out. Where the user is logged in already by another part of the
// process, the PIN cannot be checked by a login and f's own check counts.
func (m *module) withLogin(ctx context.Context, slot, user uint, ask token.PINFunc, c Config, f func(session uint, pin []byte) error) (err error) {
	h, err := m.OpenSession(slot, ckfSerialSession|ckfRWSession)
	if err != nil {
		return err
	}
	state, err := m.SessionState(h)
	others := state == cksRWUser || state == cksRWSO
	defer func() {
		if !others { // the login of others stays
			_ = m.Logout(h) // where the login failed there is nothing to end
		}
		err = errors.Join(err, m.CloseSession(h))
	}()
	if err != nil {
		return err
	}
	var given []byte
	defer func() { clear(given) }()
	keep := func(ctx context.Context, p token.Prompt) ([]byte, error) {
		pin, err := ask(ctx, p)
		if err == nil {
			clear(given)
			given = append([]byte(nil), pin...)
		}
		return pin, err
	}
	l := pinLogin{mod: m, session: h, slot: slot, user: user, ask: keep, consent: c.UnsafeFinalTry}
	if err := l.run(ctx); err != nil {
		return err
	}
	return l.refusal(f(h, given))
}

// withModule runs f with the module of a URI.
func withModule[T any](ctx context.Context, uri string, c Config, f func(*module, *URI) (T, error)) (T, error) {
	var none T
	u, err := ParseURI(uri)
	if err != nil {
		return none, err
	}
	path, err := modulePath(u, c)
	if err != nil {
		return none, err
	}
	return wait(ctx, func() (v T, err error) {
		m, err := acquire(path)
		if err != nil {
			return none, err
		}
		defer func() { err = errors.Join(err, m.release()) }()
		return f(m, u)
	})
}
