package cms

import (
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// Errors that callers branch on.
var (
	// ErrNoContent says that a detached signature was checked before
	// DigestContent had seen the document.
	ErrNoContent = errors.New("cms: the signature is detached and the document was not given")

	// ErrNoCertificate says that a signature value was not checked because
	// there was no certificate to check it with.
	ErrNoCertificate = errors.New("cms: no certificate of the signer")

	// ErrContentChanged says that the content was not the same octets in a
	// second pass, or not as long as was promised.
	ErrContentChanged = errors.New("cms: the content changed while it was being signed")
)

// KindError says that the input is something other than what was asked for:
// a certificate, an encrypted message, a private key.
type KindError struct {
	Kind der.Kind // what the input is
	Want der.Kind // what was asked for
}

// Error names both.
func (e *KindError) Error() string {
	return fmt.Sprintf("cms: this is %s, not %s", e.Kind, e.Want)
}

// FormatError says which field of a message could not be read and why.
type FormatError struct {
	Field string // path in ASN.1 names
	Err   error
}

// Error names the field.
func (e *FormatError) Error() string { return fmt.Sprintf("cms: %s: %v", e.Field, e.Err) }

// Unwrap returns the cause.
func (e *FormatError) Unwrap() error { return e.Err }

// bad makes a FormatError.
func bad(field, format string, args ...any) error {
	return &FormatError{Field: field, Err: fmt.Errorf(format, args...)}
}

// LimitError says that a message exceeds one of Limits.
type LimitError struct {
	What string
	Max  int64
}

// Error names the limit.
func (e *LimitError) Error() string {
	return fmt.Sprintf("cms: %s: more than the limit of %d", e.What, e.Max)
}

// DigestMismatchError says that the content is not what was signed.
type DigestMismatchError struct {
	Algorithm oid.OID
	Computed  []byte // digest of the content as it is
	Signed    []byte // digest in the signature, or of the other copy of the content
}

// Error shows both digests in hexadecimal.
func (e *DigestMismatchError) Error() string {
	return fmt.Sprintf("cms: the content is not what was signed: its %s digest is %s, the signature has %s",
		e.Algorithm.Name(), hex.EncodeToString(e.Computed), hex.EncodeToString(e.Signed))
}

// AttributeError says what is wrong with a signed attribute.
type AttributeError struct {
	Type oid.OID
	Why  string
}

// Error names the attribute.
func (e *AttributeError) Error() string {
	return fmt.Sprintf("cms: attribute %s: %s", e.Type.Name(), e.Why)
}
