package p11module

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/token/soft"
)

// backend is where a token's objects and PINs live. Its methods may be called
// from several goroutines.
type backend interface {
	// describe reads what C_GetTokenInfo tells; CKR_TOKEN_NOT_PRESENT where
	// the token is gone.
	describe() (description, RV)
	initToken(soPIN []byte, label string) RV
	login(user uint64, pin []byte) RV
	logout()
	initPIN(pin []byte) RV
	setPIN(user uint64, old, pin []byte) RV
	// load returns the token objects, the private ones only while the user is
	// logged in.
	load() ([]stored, RV)
	// add stores an object, with key for a private key, and returns its name.
	add(a attrs, key *gost3410.PrivateKey) (string, RV)
	update(name string, a attrs) RV
	remove(name string) RV
}

// description is the changing part of CK_TOKEN_INFO.
type description struct {
	label, serial, model string
	flags                uint64
	minPIN               int
}

// stored is one object of a backend. Its name stays the same as long as the
// object exists.
type stored struct {
	name string
	a    attrs
	key  *secret // of a private key
}

// secret is a private key in memory. It is read from its container at the
// first use, because that costs a key derivation.
type secret struct {
	mu   sync.RWMutex
	key  *gost3410.PrivateKey
	open func() (*gost3410.PrivateKey, RV)
}

// use runs f with the key. The key cannot be wiped meanwhile.
func (s *secret) use(f func(*gost3410.PrivateKey) RV) RV {
	for {
		s.mu.RLock()
		if s.key != nil {
			defer s.mu.RUnlock()
			return f(s.key)
		}
		s.mu.RUnlock()
		if rv := s.fetch(); rv != RVOK {
			return rv
		}
	}
}

// fetch opens the key. After wipe it says that nobody is logged in.
func (s *secret) fetch() RV {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.key != nil {
		return RVOK
	}
	if s.open == nil {
		return rvUserNotLoggedIn
	}
	key, rv := s.open()
	if rv != RVOK {
		return rv
	}
	s.key = key
	return RVOK
}

// wipe destroys the key for good. A nil secret is allowed.
func (s *secret) wipe() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.key != nil {
		s.key.Destroy()
	}
	s.key, s.open = nil, nil
}

// lockWait is how long another process may hold the lock of a folder; it holds
// it for milliseconds.
const lockWait = 10 * time.Second

// waiting returns a context for work under that lock. C callers have none.
func waiting() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), lockWait)
}

// softRV turns an error of a container into a return value.
func softRV(err error) RV {
	var weak *soft.PasswordError
	switch {
	case err == nil:
		return RVOK
	case errors.Is(err, soft.ErrPassword):
		return rvPINIncorrect
	case errors.Is(err, soft.ErrNotFound):
		return rvDeviceRemoved
	case errors.Is(err, soft.ErrMismatch):
		return rvTemplateInconsistent
	case errors.As(err, &weak) && (weak.Short || weak.Long):
		return rvPINLenRange
	case errors.As(err, &weak):
		return rvPINInvalid
	}
	return rvDeviceError
}

// gostKey takes the key out of an opened container, which keeps owning it.
func gostKey(k *soft.Key) (*gost3410.PrivateKey, RV) {
	signer, err := k.Private()
	if err != nil {
		return nil, rvUserNotLoggedIn
	}
	key, ok := signer.(*gost3410.PrivateKey)
	if !ok {
		alg.Destroy(signer)
		return nil, rvDeviceError
	}
	return key, RVOK
}
