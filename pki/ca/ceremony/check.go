package ceremony

import (
	"context"
	"fmt"

	"github.com/gosklyuch/gosklyuch/pki/ca/ceremony/second"
)

// A Check looks at what a ceremony signed, independently of what signed it.
type Check interface {
	// Name is for people: "second path", "OpenSSL".
	Name() string
	// Certificate checks a certificate, DER, against its issuer's, nil for a
	// self-signed one, and against what it must be.
	Certificate(ctx context.Context, der, issuer []byte, w second.Want) error
	// List checks a list of revoked certificates in the same way.
	List(ctx context.Context, der, issuer []byte, w second.WantList) error
	// Detached checks a detached CMS signature over a content by a
	// certificate's key.
	Detached(ctx context.Context, sig, content, cert []byte) error
}

// SecondPath returns the check by package second.
func SecondPath() Check { return secondPath{} }

type secondPath struct{}

func (secondPath) Name() string { return "second path" }

func (secondPath) Certificate(_ context.Context, der, issuer []byte, w second.Want) error {
	return second.CheckCertificate(der, issuer, w)
}

func (secondPath) List(_ context.Context, der, issuer []byte, w second.WantList) error {
	return second.CheckList(der, issuer, w)
}

func (secondPath) Detached(_ context.Context, sig, content, cert []byte) error {
	return second.CheckDetached(sig, content, cert)
}

// A CheckError says that a check refused what the ceremony signed. What is
// refused is not published.
type CheckError struct {
	Check  string // its name; "first path" for the packages that signed
	Object string // the file in the folder of the ceremony
	Err    error
}

// Error names the check and the file.
func (e *CheckError) Error() string {
	return fmt.Sprintf("ceremony: %s: refused by the %s: %v", e.Object, e.Check, e.Err)
}

// Unwrap returns what the check said.
func (e *CheckError) Unwrap() error { return e.Err }

// firstPath is the name of the packages that sign.
const firstPath = "first path"

// checkAll asks every check about one object, the first path before.
func (r *run) checkAll(object string, first func() error, ask func(Check) error) error {
	if err := first(); err != nil {
		return &CheckError{firstPath, object, err}
	}
	for _, c := range r.o.Checks {
		if err := ask(c); err != nil {
			return &CheckError{c.Name(), object, err}
		}
	}
	return nil
}
