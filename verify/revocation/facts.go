package revocation

import (
	"weak"

	"github.com/gosklyuch/gosklyuch/internal/bounded"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/path"
)

// Facts remembers, for many messages, which lists are signed by which issuers
// ([CheckList]) and which certificates by which keys ([path.Facts]): nothing that
// depends on a time, a policy or on what is trusted. A fact about a list is one
// about these very objects in memory, which do not change and which Facts does
// not keep alive: the same list that was read again is another one. It is
// bounded and safe for concurrent use. Make it with NewFacts.
type Facts struct {
	Paths    *path.Facts
	outcomes *bounded.Map[factKey, error]
	issuers  *bounded.Map[factKey, bool]
}

// factKey is a list with its issuer, or with a certificate. A weak pointer never
// equals one to another object, not even to one that came to lie at the same
// address later.
type factKey struct {
	list weak.Pointer[pki.RevocationList]
	cert weak.Pointer[pki.Certificate]
}

func factOf(l *pki.RevocationList, c *pki.Certificate) factKey {
	return factKey{weak.Make(l), weak.Make(c)}
}

// NewFacts returns one that knows nothing.
func NewFacts() *Facts {
	return &Facts{
		Paths:    path.NewFacts(),
		outcomes: bounded.New[factKey, error](limits.FactEntries, limits.FactEntries),
		issuers:  bounded.New[factKey, bool](limits.FactEntries, limits.FactEntries),
	}
}

// checkList is CheckList, once for each pair. What may be otherwise the next time,
// as where the list's file could not be read, is not remembered.
func (f *Facts) checkList(l *pki.RevocationList, issuer *pki.Certificate) error {
	if f == nil {
		return CheckList(l, issuer)
	}
	k := factOf(l, issuer)
	if err, ok := f.outcomes.Get(k); ok {
		return err
	}
	err := CheckList(l, issuer)
	if err == nil || !l.InFile() {
		f.outcomes.Put(k, err, 1)
	}
	return err
}

// sameIssuer says whether the issuer of l is that of cert.
func (f *Facts) sameIssuer(l *pki.RevocationList, cert *pki.Certificate) bool {
	if f == nil {
		return l.Issuer.Equal(cert.Issuer)
	}
	k := factOf(l, cert)
	same, ok := f.issuers.Get(k)
	if !ok {
		same = l.Issuer.Equal(cert.Issuer)
		f.issuers.Put(k, same, 1)
	}
	return same
}

// paths is f.Paths; nil for a nil f.
func (f *Facts) paths() *path.Facts {
	if f == nil {
		return nil
	}
	return f.Paths
}
