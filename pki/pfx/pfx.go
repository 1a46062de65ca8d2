// Package pfx reads and writes PKCS #12 files (RFC 7292) with GOST keys as RFC
// 9548 profiles them: bags under PBES2 (RFC 9337) and a MAC whose key is the
// last 32 of 96 octets of PBKDF2. Files with RSA and ECDSA keys that need the
// older algorithms of other worlds go through software.sslmate.com/src/go-pkcs12.
//
// The dialects of GOST files differ in how the MAC key is derived; Decode tries
// what exists and reports which one fitted. Keys in the bag of CryptoPro CSP
// (encryption 1.2.840.113549.1.12.1.80) are read too. A file whose structure is whole and
// whose MAC does not fit gives [ErrPassword]; a file whose structure is broken
// gives [ErrDamaged].
package pfx

import (
	"crypto"
	"errors"
	"fmt"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// ErrPassword is returned when the structure of the file could be read and its
// MAC does not fit the password. The format cannot say whether the password is
// wrong or the file was changed after it was made.
var ErrPassword = errors.New("pfx: wrong password, or the file was changed")

// ErrDamaged is returned when the file is cut off or is no PFX inside.
var ErrDamaged = errors.New("pfx: the file is damaged")

// ErrNoKey is returned for a file without a private key.
var ErrNoKey = errors.New("pfx: the file holds no private key")

// ErrNotExportable is returned for a key whose owner's software marked it as one
// that must not leave its container.
var ErrNotExportable = errors.New("pfx: the key is marked as not exportable")

// UnsupportedError names an encryption that was recognised and is not read.
type UnsupportedError struct{ OID oid.OID }

// Error names the encryption.
func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("pfx: encryption %s is not supported", e.OID.Name())
}

// Contents is what a PFX holds: one key, its certificate and the others.
type Contents struct {
	Key          crypto.Signer
	Certificate  *pki.Certificate   // the one with the key's public key; nil if there is none
	Chain        []*pki.Certificate // the other certificates, issuers in order first
	FriendlyName string             // of the key or its certificate; may be empty
	MAC          string             // which dialect of MAC fitted, see the MAC constants
	// NotExportable is set by Decode for a CryptoPro file whose key is marked so:
	// Key is a *[HeldKey] then. Encode goes by Key alone.
	NotExportable bool
	// Period is the usage period of the private key where a CryptoPro file has it.
	Period KeyPeriod
}

// The values of Contents.MAC, before the name of the digest.
const (
	MACNone   = "none"         // the file has no MAC
	MACRFC    = "rfc9548"      // PBKDF2, last 32 of 96 octets: RFC 9548
	MACPKCS12 = "pkcs12-kdf"   // RFC 7292, appendix B
	MACPBMAC1 = "pbmac1"       // RFC 9579
	MACOther  = "pkcs12-other" // checked by the library for RSA and ECDSA files
)

// damaged wraps ErrDamaged with what was wrong.
func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}
