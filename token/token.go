// Package token describes keys that live somewhere: in a software container,
// on a PKCS #11 token, in a remote store. Whoever signs sees a [crypto.Signer]
// and need not know which.
package token

import (
	"context"
	"crypto"
	"fmt"
	"iter"

	"github.com/gosklyuch/gosklyuch/pki"
)

// Store is a place that holds keys. Its methods may be called from several
// goroutines.
type Store interface {
	// Keys goes through the keys that can be seen without a secret. An error
	// of one key does not end the walk; an error of the store comes last.
	Keys(ctx context.Context) iter.Seq2[Key, error]
	// Close releases the store. Keys taken from it must not be used after it.
	Close() error
}

// Key is a private key in a store. Sign asks for the PIN or password through
// the store's [PINFunc], only when it is needed.
type Key interface {
	crypto.Signer
	// ID tells keys of one store apart: CKA_ID of a token, the key identifier
	// of a container.
	ID() []byte
	// Label is the name that people gave the key.
	Label() string
	// Certificate is the key's own certificate, nil if the store has none.
	Certificate() *pki.Certificate
}

// Secret says which secret a [Prompt] asks for.
type Secret uint8

// The secrets of stores.
const (
	SecretPassword Secret = iota // of a software container
	SecretPIN                    // of the user of a token
	SecretSOPIN                  // of the security officer of a token
	SecretPUK                    // that unblocks a PIN
)

// Prompt is what a person is asked.
type Prompt struct {
	Secret  Secret
	Store   string // the store's name: a directory, a token's label
	Key     string // the key's label; may be empty
	Retries int    // tries that are left; -1 if there is no limit or it is not known
	Again   bool   // the answer before was refused
}

// PINFunc gives the secret for a prompt. It is called only when the secret is
// needed, and again after one was refused, as long as it returns no error. The
// octets belong to the caller, who wipes them.
type PINFunc func(ctx context.Context, p Prompt) ([]byte, error)

// PINError says that a store refused a PIN or password.
type PINError struct {
	Retries int  // tries that are left; -1 if there is no limit or it is not known
	Locked  bool // no more tries: the PIN must be unblocked
}

// Error tells how many tries are left.
func (e *PINError) Error() string {
	switch {
	case e.Locked:
		return "token: the PIN is locked"
	case e.Retries < 0:
		return "token: the PIN or password was refused"
	}
	return fmt.Sprintf("token: the PIN was refused, tries left: %d", e.Retries)
}
