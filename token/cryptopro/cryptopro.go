// Package cryptopro opens the key containers of CryptoPro CSP: a folder named
// like "xxxxxxxx.000" on a stick or a disk, with six files in it. It reads keys
// of GOST R 34.10-2012 (256 and 512 bits) and, so that they can be named and
// kept, of GOST R 34.10-2001; it writes nothing.
//
// No standard describes the format. The facts come from several free projects
// and were confirmed on containers that the CSP made:
//
//	name.key      SEQUENCE { containerName IA5String }
//	masks.key     SEQUENCE { mask, salt, mac OCTET STRING }
//	primary.key   SEQUENCE { key OCTET STRING, second [0] IMPLICIT OCTET STRING OPTIONAL }
//	header.key    SEQUENCE { content SEQUENCE { … }, mac OCTET STRING }
//	masks2.key, primary2.key   the same keys under another mask and another salt
//
// The key is d = decrypt(K, primary) · mask⁻¹ mod q, all little-endian, where K
// comes from the password and the salt by a derivation of the CSP's own. It is
// right if the point d·P begins with the eight octets that the header has; when
// it is not, the checksums of the files, that of the password, and the second
// copy tell a wrong password ([ErrPassword]), damage ([ErrDamaged]) and the
// header of another container ([ErrForeignHeader]) apart. The checksums have no
// secret key: they find accidents and keep nobody out.
package cryptopro

import (
	"crypto"
	"errors"
	"fmt"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/pfx"
)

// Errors that callers branch on.
var (
	// ErrPassword means that the container is whole, as far as can be told, and
	// does not open with this password.
	ErrPassword = errors.New("cryptopro: wrong password")
	// ErrDamaged means that files are missing, cut off or altered. The error
	// wraps a [*DamagedError].
	ErrDamaged = errors.New("cryptopro: the container is damaged")
	// ErrForeignHeader means that header.key belongs to another container: the
	// password is right and the key is not the one that the header describes.
	ErrForeignHeader = errors.New("cryptopro: header.key belongs to another container")
	// ErrNotContainer means that there is no header.key.
	ErrNotContainer = errors.New("cryptopro: this is not a CryptoPro key container")
)

// DamagedError says which file is damaged and how. It is an [ErrDamaged].
type DamagedError struct {
	File string // "primary.key"
	Why  string
}

// Error names the file.
func (e *DamagedError) Error() string {
	return fmt.Sprintf("cryptopro: the container is damaged: %s: %s", e.File, e.Why)
}

// Is makes the error an ErrDamaged.
func (e *DamagedError) Is(target error) bool { return target == ErrDamaged }

// UnsupportedError names a kind of container or key that is recognised and not
// read, such as the containers of CSP 5 for RSA and ECDSA keys.
type UnsupportedError struct {
	What string  // "container", "key algorithm", "cipher", …
	OID  oid.OID // empty if an attribute says it, not an identifier
}

// Error names what is not supported.
func (e *UnsupportedError) Error() string {
	if e.OID == "" {
		return "cryptopro: not supported: " + e.What
	}
	return fmt.Sprintf("cryptopro: %s %s is not supported", e.What, e.OID.Name())
}

// Entry is one key of a container.
type Entry struct {
	// Key signs and, for GOST R 34.10-2012, agrees on keys. It is nil before
	// Unlock. A key that is not exportable is a *[pfx.HeldKey].
	Key crypto.Signer
	// Certificate is the key's own; nil if the header has none or it does not
	// belong to the key, see CertificateErr.
	Certificate    *pki.Certificate
	CertificateErr error
	// Chain holds what follows the certificate in the same field, in its order.
	Chain []*pki.Certificate
	// Exportable is the owner's mark. It is false if the header's checksum does
	// not fit, for the mark cannot be trusted then.
	Exportable bool
	// Exchange tells a key for signatures and exchange from one for signatures
	// alone.
	Exchange bool
	// Algorithm is that of the key as PKCS #8 names it, with its parameters.
	Algorithm alg.Identifier
	// NotBefore and NotAfter are the usage period of the private key; zero if
	// the container has none.
	NotBefore, NotAfter time.Time

	params      keyParams
	fingerprint []byte
}

// Container is an opened folder. What needs no password is there after [Load].
type Container struct {
	Entry         // the first key
	Second *Entry // the other key of a container with two; nil if there is none

	// Name is the container's name as the CSP shows it; empty if name.key is
	// missing and the header has none.
	Name string
	// HasPassword is what the header says: without it the empty password opens
	// the container.
	HasPassword bool
	// Copy tells which copy of the key opened the container: 1, or 2 if the
	// first is broken. 0 before Unlock.
	Copy int
	// Warnings are damages that did not matter for opening: the container
	// should be copied anew while it still opens.
	Warnings []error

	head  *header
	pairs []*pair
}

// Open reads the container in dir and opens it. password is UTF-8 as it was
// typed; it is not changed. The error is [ErrPassword], [ErrDamaged],
// [ErrForeignHeader], [ErrNotContainer], an [*UnsupportedError] or one of the
// file system.
func Open(dir string, password []byte) (*Container, error) {
	c, err := Load(dir)
	if err != nil {
		return nil, err
	}
	if err := c.Unlock(password); err != nil {
		return nil, err
	}
	return c, nil
}

// Destroy wipes the private keys, which are invalid afterwards.
func (c *Container) Destroy() {
	c.destroy()
	if c.Second != nil {
		c.Second.destroy()
	}
}

func (e *Entry) destroy() {
	if held, ok := e.Key.(*pfx.HeldKey); ok {
		held.Destroy()
	} else if e.Key != nil {
		alg.Destroy(e.Key)
	}
	e.Key = nil
}
