package p11module

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/token/soft"
)

const (
	keyringDir   = "pkcs11.token" // beside the containers of the keys folder
	tokenName    = "token"        // the record's file
	objectSuffix = ".object"
	labelSize    = 32
	serialSize   = 8
	secretSize   = 32
	minPIN       = 8 // characters; nothing but the PIN protects a stolen file
	maxTries     = 10
	lowTries     = 3 // CKF_USER_PIN_COUNT_LOW from here on

	// objectIterations suffice where the password is a random key.
	objectIterations = 1000
	objectCipher     = "kuznyechik-omac" // authenticates what it encrypts
)

// keyring is the token of slot 0: a folder with any number of keys,
// certificates and data, a user and a security officer. Its keys are containers
// under a random secret, which both PINs wrap.
type keyring struct {
	dir        string
	iterations int // of the PINs

	mu    sync.Mutex
	user  []byte // the secret while the user is logged in
	so    []byte // the secret while the security officer is
	cache map[string]cached
}

func (k *keyring) store() (*soft.Store, error) {
	s, err := soft.Open(k.dir)
	if err != nil {
		return nil, err
	}
	return s.WithIterations(objectIterations), nil
}

// read returns the record, nil for a token that is not initialized.
func (k *keyring) read() (*tokenFile, RV) {
	data, err := os.ReadFile(filepath.Join(k.dir, tokenName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, RVOK
	}
	if err != nil {
		return nil, rvDeviceError
	}
	t, err := parseTokenFile(data)
	if err != nil {
		return nil, rvDeviceError
	}
	return t, RVOK
}

// modify changes the record under the lock of all processes. t is nil where
// there is none.
func (k *keyring) modify(change func(t *tokenFile) (*tokenFile, RV)) RV {
	store, err := k.store()
	if err != nil {
		return rvDeviceError
	}
	ctx, cancel := waiting()
	defer cancel()
	rv := RVOK
	err = store.Locked(ctx, func() error {
		var t *tokenFile
		if t, rv = k.read(); rv != RVOK {
			return nil
		}
		if t, rv = change(t); rv != RVOK {
			return nil
		}
		data, err := t.marshal()
		if err != nil {
			return err
		}
		return store.WriteFile(tokenName, data)
	})
	if err != nil {
		return rvDeviceError
	}
	return rv
}

func (k *keyring) describe() (description, RV) {
	d := description{model: "keyring", minPIN: minPIN, flags: tokenRNG | tokenLoginRequired}
	t, rv := k.read()
	if rv != RVOK || t == nil {
		return d, rv
	}
	d.label, d.serial = t.label, hex.EncodeToString(t.serial)
	d.flags |= tokenInitialized | triesFlags(t.so.tries, tokenSOPINLow, tokenSOPINFinal, tokenSOPINLocked)
	if t.user != nil {
		d.flags |= tokenUserPINSet | triesFlags(t.user.tries, tokenUserPINLow, tokenUserPINFinal, tokenUserPINLocked)
	}
	return d, RVOK
}

// triesFlags tells about wrong tries (section 3.2, CK_TOKEN_INFO).
func triesFlags(tries int, low, final, locked uint64) uint64 {
	switch left := maxTries - tries; {
	case left <= 0:
		return locked
	case left == 1:
		return low | final
	case left <= lowTries:
		return low
	}
	return 0
}

// checkPIN is the policy for new PINs. Digits alone are allowed, because that
// is all that some programs let a person type.
func checkPIN(pin []byte) RV {
	switch {
	case len(pin) > limits.TokenPIN || utf8.RuneCount(pin) < minPIN:
		return rvPINLenRange
	case !utf8.Valid(pin) || strings.ContainsFunc(string(pin), func(r rune) bool { return r < ' ' }):
		return rvPINInvalid
	}
	return RVOK
}

func (k *keyring) wrap(secret, pin []byte) (pinRecord, RV) {
	id, wrapped, err := alg.EncryptPBES2(rand.Reader, secret, pin, alg.PBES2{Cipher: objectCipher, Iterations: k.iterations})
	if err != nil {
		return pinRecord{}, rvDeviceError
	}
	return pinRecord{id: id, wrapped: wrapped}, RVOK
}

// unwrap checks a PIN and returns the secret. The try is counted before the PIN
// is looked at, so that killing the process gives no free one.
func (k *keyring) unwrap(user uint64, pin []byte) ([]byte, RV) {
	var p pinRecord
	rv := k.modify(func(t *tokenFile) (*tokenFile, RV) {
		r, rv := t.pin(user)
		if rv != RVOK {
			return nil, rv
		}
		if r.tries >= maxTries {
			return nil, rvPINLocked
		}
		r.tries++
		p = *r
		return t, RVOK
	})
	if rv != RVOK {
		return nil, rv
	}
	secret, err := alg.DecryptPBES2(p.id, p.wrapped, pin)
	switch {
	case errors.Is(err, alg.ErrPassword):
		return nil, rvPINIncorrect
	case err != nil || len(secret) != secretSize:
		return nil, rvDeviceError
	}
	return secret, k.modify(func(t *tokenFile) (*tokenFile, RV) {
		r, rv := t.pin(user)
		if rv == RVOK {
			r.tries = 0
		}
		return t, rv
	})
}

// pin finds the record of a user.
func (t *tokenFile) pin(user uint64) (*pinRecord, RV) {
	switch {
	case t == nil || user == userUser && t.user == nil:
		return nil, rvUserPINNotInitialized
	case user == userUser:
		return t.user, RVOK
	}
	return &t.so, RVOK
}

// initToken gives the token a new secret and forgets every object. The answer
// to a wrong or unfit PIN is CKR_PIN_INCORRECT (section 5.5, C_InitToken).
func (k *keyring) initToken(soPIN []byte, label string) RV {
	if checkPIN(soPIN) != RVOK {
		return rvPINIncorrect
	}
	old, rv := k.read()
	if rv != RVOK {
		return rv
	}
	if old != nil {
		secret, rv := k.unwrap(userSO, soPIN)
		clear(secret)
		if rv != RVOK {
			return rv
		}
	}
	secret := make([]byte, secretSize)
	defer clear(secret)
	serial := make([]byte, serialSize)
	_, _ = rand.Read(secret) // never fails (crypto/rand)
	_, _ = rand.Read(serial)
	so, rv := k.wrap(secret, soPIN)
	if rv != RVOK {
		return rv
	}
	rv = k.modify(func(*tokenFile) (*tokenFile, RV) {
		return &tokenFile{label: label, serial: serial, so: so}, RVOK
	})
	if rv != RVOK {
		return rv
	}
	return k.removeAll()
}

// removeAll deletes every object; without the old secret they are lost anyway.
func (k *keyring) removeAll() RV {
	k.mu.Lock()
	k.cache = nil
	k.mu.Unlock()
	store, err := k.store()
	if err != nil {
		return rvDeviceError
	}
	ctx, cancel := waiting()
	defer cancel()
	err = store.Locked(ctx, func() error {
		entries, err := os.ReadDir(k.dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if e.Name() == tokenName || strings.HasPrefix(e.Name(), ".") || e.IsDir() {
				continue
			}
			if err := os.Remove(filepath.Join(k.dir, e.Name())); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return rvDeviceError
	}
	return RVOK
}

func (k *keyring) login(user uint64, pin []byte) RV {
	secret, rv := k.unwrap(user, pin)
	if rv != RVOK {
		return rv
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if user == userSO {
		k.so = secret
	} else {
		k.user = secret
	}
	return RVOK
}

func (k *keyring) logout() {
	for _, key := range k.forget() {
		key.wipe()
	}
}

// forget drops the secrets and returns the keys to wipe. They are wiped without
// mu: a key that is being opened holds its own lock and waits for mu.
func (k *keyring) forget() []*secret {
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.user)
	clear(k.so)
	k.user, k.so = nil, nil
	var keys []*secret
	for name, c := range k.cache {
		if c.private {
			keys = append(keys, c.object.key)
			delete(k.cache, name)
		}
	}
	return keys
}

// initPIN gives the user a PIN; the security officer is logged in.
func (k *keyring) initPIN(pin []byte) RV {
	if rv := checkPIN(pin); rv != RVOK {
		return rv
	}
	k.mu.Lock()
	secret := append([]byte(nil), k.so...)
	k.mu.Unlock()
	defer clear(secret)
	if len(secret) == 0 {
		return rvUserNotLoggedIn
	}
	p, rv := k.wrap(secret, pin)
	if rv != RVOK {
		return rv
	}
	return k.modify(func(t *tokenFile) (*tokenFile, RV) {
		if t == nil {
			return nil, rvTokenNotPresent
		}
		t.user = &p
		return t, RVOK
	})
}

func (k *keyring) setPIN(user uint64, old, pin []byte) RV {
	if rv := checkPIN(pin); rv != RVOK {
		return rv
	}
	secret, rv := k.unwrap(user, old)
	if rv != RVOK {
		return rv
	}
	defer clear(secret)
	p, rv := k.wrap(secret, pin)
	if rv != RVOK {
		return rv
	}
	return k.modify(func(t *tokenFile) (*tokenFile, RV) {
		r, rv := t.pin(user)
		if rv == RVOK {
			*r = p
		}
		return t, rv
	})
}
