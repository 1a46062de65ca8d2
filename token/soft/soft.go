// Package soft keeps private keys in software containers: one file a key in a
// directory that only its owner can read.
//
// A container is DER:
//
//	Container ::= SEQUENCE {
//	    version       INTEGER (1),
//	    bound         Bound,
//	    key           EncryptedPrivateKeyInfo,           -- RFC 5958, section 3
//	    certificate   [0] EXPLICIT Certificate OPTIONAL,
//	    chain         [1] IMPLICIT SEQUENCE OF Certificate OPTIONAL,
//	    checksum      OCTET STRING (SIZE (32)) }
//	Bound ::= SEQUENCE {
//	    label         UTF8String,
//	    created       GeneralizedTime,
//	    publicKey     SubjectPublicKeyInfo,
//	    period        [0] IMPLICIT SEQUENCE { notBefore, notAfter GeneralizedTime } OPTIONAL }
//
// What key encrypts is SEQUENCE { privateKey OCTET STRING -- PKCS #8 --,
// boundDigest OCTET STRING }, where boundDigest is Streebog-256 over the DER of
// version and bound. The encryption is PBES2 with Kuznyechik in CTR-ACPKM mode
// and OMAC under PBKDF2 with HMAC-Streebog-512 (RFC 9337, section 5), so that
// a change of the key, the label, the times or the public key is found at
// unlocking. The certificates are not bound: they arrive after the key was made
// and without its password. They carry their issuer's signature, and the key's
// own must have the bound public key.
//
// checksum is Streebog-256 over everything between the header of Container and
// itself. It has no key and guards against accidents alone; thanks to it a
// damaged file is not mistaken for a wrong password.
//
// A file is replaced by writing a new one beside it, syncing and renaming, under
// a lock that all processes share. Nothing is ever half written.
package soft

import (
	"errors"
	"fmt"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
)

// Errors that callers branch on.
var (
	// ErrPassword means that the container is whole and does not open: the
	// password is wrong, or someone changed the container on purpose.
	ErrPassword = errors.New("soft: wrong password, or the container was tampered with")
	// ErrDamaged means that the file is cut off, altered by accident or no
	// container.
	ErrDamaged = errors.New("soft: the container is damaged")
	// ErrNotFound means that no container has this name.
	ErrNotFound = errors.New("soft: no such container")
	// ErrExists means that a container of this name is there already.
	ErrExists = errors.New("soft: a container of this name exists already")
	// ErrMismatch means that a certificate does not belong to the key.
	ErrMismatch = errors.New("soft: the certificate does not belong to the key of this container")
)

// NameError says why a name cannot be a container's.
type NameError struct{ Name, Why string }

// Error gives the reason.
func (e *NameError) Error() string { return fmt.Sprintf("soft: name %q: %s", e.Name, e.Why) }

// Meta is what is kept with a new key.
type Meta struct {
	Label       string    // for people; the container's name if empty
	NotBefore   time.Time // usage period of the key; zero if there is none
	NotAfter    time.Time
	Certificate *pki.Certificate // the key's own; may be nil
	Chain       []*pki.Certificate
}

// Info is the public part of a container, which needs no password.
type Info struct {
	Name        string
	Label       string
	Created     time.Time
	NotBefore   time.Time // zero if the container has no usage period
	NotAfter    time.Time
	PublicKey   any    // crypto.PublicKey
	KeyID       []byte // RFC 5280, section 4.2.1.2, method (1): 20 octets
	Certificate *pki.Certificate
	Chain       []*pki.Certificate
	Err         error // in List: why the file could not be read; only Name is set then
}

// damaged wraps ErrDamaged with what was wrong.
func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}
