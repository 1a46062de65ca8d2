// Package pkcs11 uses keys that live on PKCS #11 v2.40 tokens: smart cards, USB
// tokens, hardware security modules and software modules.
//
// GOST R 34.10-2012 keys are used in two ways. An active token signs inside
// (CKM_GOSTR3410, or CKM_GOSTR3410_512 of the Russian committee TC26's
// numbers) a digest that is computed here, or hashes by itself where only that
// is offered. A passive token keeps an encrypted PKCS #8 key as a private data
// object; the key is opened in memory and wiped. What a token can do is read
// from its list of mechanisms and never assumed. RSA and ECDSA keys are used in
// the token.
//
// Tokens are named by URIs (RFC 7512), by label or serial number and never by
// the number of a slot, which changes when a reader is plugged in.
//
// What the package promises about PINs: one is asked for only when it is
// needed, a source that cannot be read is an error before any try, a PIN that
// was refused is not sent again, and the last try before a lock is used only
// with the caller's consent. PINs are octets and wiped; the copy in the C heap
// that the binding makes for the length of a call is out of reach.
//
// Without cgo the package builds, and every use of a module returns [ErrNoCgo].
package pkcs11

import (
	"errors"
	"time"

	"github.com/gosklyuch/gosklyuch/token"
)

// Errors that callers branch on.
var (
	// ErrNoCgo says that the program was built without cgo, which is what
	// calls the C library of a token.
	ErrNoCgo = errors.New("pkcs11: this program was built without cgo and cannot load PKCS #11 modules")

	// ErrNoModule says that no module was named and none is in a known place.
	ErrNoModule = errors.New("pkcs11: no PKCS #11 module was named and none was found")

	// ErrNotFound says that no token or object fits the URI.
	ErrNotFound = errors.New("pkcs11: nothing fits the URI")

	// ErrAmbiguous says that several tokens or objects fit the URI.
	ErrAmbiguous = errors.New("pkcs11: several tokens or objects fit the URI")

	// ErrFinalTry says that one try is left before the token locks the PIN and
	// that [Config].UnsafeFinalTry was not set. No try was used.
	ErrFinalTry = errors.New("pkcs11: one try is left before the PIN is locked, and the consent to use it was not given")

	// ErrPINNotSet says that the token was initialised and has no user PIN yet.
	ErrPINNotSet = errors.New("pkcs11: the user PIN of the token has not been set")

	// ErrSamePIN says that the PIN which the token has just refused was given
	// again. It was not sent.
	ErrSamePIN = errors.New("pkcs11: the PIN that was refused was given again and not tried")

	// ErrConsent says that something would be destroyed and no consent was given.
	ErrConsent = errors.New("pkcs11: this destroys keys or certificates and needs consent")

	// ErrNotExportable says that the token does not give the key away.
	ErrNotExportable = errors.New("pkcs11: the key may not leave the token")

	// ErrUnsupported says that the token offers no mechanism for what was asked.
	ErrUnsupported = errors.New("pkcs11: the token offers no mechanism for this")

	// ErrPassword says that the password of a passive key was refused.
	ErrPassword = errors.New("pkcs11: wrong password of the key, or the object was changed")

	// ErrClosed says that the store was closed.
	ErrClosed = errors.New("pkcs11: the store was closed")
)

// Config says how a token is used. The zero value opens a token whose URI names
// the module and signs with nothing that needs a PIN.
type Config struct {
	// Module is the path or name of the module where the URI names none. Empty
	// means the one module that is in a known place ([FindModules]).
	Module string

	// PIN gives the PIN of the token, and the password of passive keys. It is
	// called again after a refusal until it returns an error, and it must do so
	// itself when its source has only one answer.
	PIN token.PINFunc

	// UnsafeFinalTry consents to use the last try before the PIN is locked.
	UnsafeFinalTry bool

	// Sessions bounds the sessions that are open at once; 0 means 8. The
	// token's own bound is kept as well.
	Sessions int

	// Wait is how long an operation waits for a token that was removed to be
	// put in again; 0 means not at all.
	Wait time.Duration
}

// defaultSessions is enough for a server's signing goroutines; tokens of
// citizens are served one after the other anyway.
const defaultSessions = 8
