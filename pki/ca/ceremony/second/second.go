// Package second checks what a key ceremony made by another path than the one
// that made it. It shares no line with the rest of the module and imports the
// standard library only: Streebog is computed from its definition (RFC 6986),
// GOST R 34.10-2012 with affine points and math/big (RFC 7091), and DER is read
// by encoding/asn1. A mistake, or a fault, in the cryptography or the encoders
// of the first path has to occur here too in order to stay unnoticed.
//
// It checks public data only, in variable time, and is slow: some ten
// milliseconds a signature. The keys are those of GOST R 34.10-2012.
//
// Whatever it does not understand is an error: it answers "yes" or an [Error].
package second

import "fmt"

// Error says what is wrong with an object.
type Error struct {
	Object string // "certificate", "list", "request", "signature"
	Field  string // as the standard names it
	Detail string
	Err    error // the cause where there is one
}

// Error names object and field.
func (e *Error) Error() string {
	s := "second: " + e.Object + ": " + e.Field + ": " + e.Detail
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// object is the name of what is being checked, for its errors.
type object string

const (
	certificateObject object = "certificate"
	listObject        object = "list"
	requestObject     object = "request"
	signatureObject   object = "signature"
)

func (o object) bad(field, format string, args ...any) error {
	return &Error{Object: string(o), Field: field, Detail: fmt.Sprintf(format, args...)}
}

func (o object) broken(field string, err error) error {
	return &Error{Object: string(o), Field: field, Detail: "not DER of the expected form", Err: err}
}
