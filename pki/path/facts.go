package path

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"github.com/gosklyuch/gosklyuch/internal/bounded"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// Facts remembers, for many messages, whether the signature of a certificate
// verifies with a key: nothing that depends on a time, a policy or on what is
// trusted. A fact is held under the SHA-256 of everything that enters into it:
// the certificate with its algorithms and its signature, octet by octet, and the
// key with its algorithm and parameters. It is bounded, of public data alone,
// and safe for concurrent use. Make it with NewFacts; a nil one remembers nothing.
type Facts struct {
	outcomes *bounded.Map[edge, error]
}

// NewFacts returns one that knows nothing.
func NewFacts() *Facts {
	return &Facts{bounded.New[edge, error](limits.FactEntries, limits.FactEntries)}
}

// check is child.CheckSignatureFrom(parent), once for each e.
func (f *Facts) check(e edge, child, parent *pki.Certificate) error {
	if f == nil {
		return child.CheckSignatureFrom(parent)
	}
	if err, ok := f.outcomes.Get(e); ok {
		return err
	}
	err := child.CheckSignatureFrom(parent)
	if err == nil || errors.Is(err, alg.ErrSignature) { // anything else costs nothing to find out again
		f.outcomes.Put(e, err, 1)
	}
	return err
}

// edge is "this certificate was signed by this key", the thing that costs work:
// the SHA-256 of both, with the length of the certificate before it, so that no
// octet can move from one to the other.
type edge [sha256.Size]byte

func edgeOf(child, parent *pki.Certificate) (e edge) {
	h := sha256.New()
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(child.Raw)))
	h.Write(length[:])
	h.Write(child.Raw)
	h.Write(parent.RawSubjectPublicKeyInfo)
	if key, ok := parent.PublicKey.(*alg.DSAPublicKey); ok {
		// The same SubjectPublicKeyInfo is another key under other inherited parameters.
		for _, n := range []interface{ Text(int) string }{key.P, key.Q, key.G} {
			h.Write([]byte("/" + n.Text(62)))
		}
	}
	h.Sum(e[:0])
	return e
}
