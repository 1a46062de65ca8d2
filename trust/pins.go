package trust

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/path"
)

var (
	// ErrSigner says that no pinned certificate vouches for the signer of a list
	// or bundle.
	ErrSigner = errors.New("trust: the signer is neither pinned nor certified by a pinned certificate")
	// ErrInvalid says that the signature of a list or bundle by the right signer
	// does not verify: the file was changed.
	ErrInvalid = errors.New("trust: the signature is invalid")
	// ErrFingerprint says that a text is no fingerprint of a certificate.
	ErrFingerprint = errors.New("trust: not a fingerprint: 64 hexadecimal digits of Streebog-256 or SHA-256, or 40 of SHA-1")
)

// Pins are the certificates that a person has chosen as the origin of lists or
// bundles. A pinned certificate vouches for itself and for certificates that it
// has issued directly. Longer chains do not count: below the root of a public
// PKI anybody has a certificate, and none of them may publish lists.
//
// A name never counts. The zero value vouches for nobody.
type Pins struct {
	certs  []*pki.Certificate
	prints []string
}

// Add pins a certificate.
func (p *Pins) Add(certs ...*pki.Certificate) { p.certs = append(p.certs, certs...) }

// AddFingerprint pins the certificate with the Streebog-256, SHA-256 or SHA-1
// digest, in hexadecimal; colons and spaces are ignored. It must come with the
// list or bundle, or be among the certificates given to Add.
func (p *Pins) AddFingerprint(text string) error {
	s := strings.ToLower(strings.NewReplacer(":", "", " ", "").Replace(text))
	if b, err := hex.DecodeString(s); err != nil || len(b) != 32 && len(b) != 20 {
		return fmt.Errorf("%w: %q", ErrFingerprint, text)
	}
	p.prints = append(p.prints, s)
	return nil
}

// Empty reports whether nothing is pinned.
func (p *Pins) Empty() bool { return p == nil || len(p.certs)+len(p.prints) == 0 }

// pinned returns those of the certificates that are pinned, and those given to
// Add.
func (p *Pins) pinned(carried []*pki.Certificate) []*pki.Certificate {
	if p == nil {
		return nil
	}
	out := p.certs
	for _, c := range carried {
		sha1, sha256, streebog := c.Thumbprints()
		for _, f := range p.prints {
			if f == hex.EncodeToString(streebog) || f == hex.EncodeToString(sha256) || f == hex.EncodeToString(sha1) {
				out = append(out[:len(out):len(out)], c)
			}
		}
	}
	return out
}

// vouch returns the pinned certificate that vouches for signer at the moment.
func (p *Pins) vouch(ctx context.Context, signer *pki.Certificate, carried []*pki.Certificate, at time.Time) (*pki.Certificate, error) {
	failed := ErrSigner
	for _, pin := range p.pinned(carried) {
		if pin.Equal(signer) {
			if at.Before(pin.NotBefore) || at.After(pin.NotAfter) {
				return nil, fmt.Errorf("%w: the pinned certificate is not valid at %s", ErrSigner, at.UTC().Format(time.RFC3339))
			}
			return pin, nil
		}
		// Without intermediates the path has two certificates or does not exist.
		_, err := path.Validate(ctx, signer, path.Options{
			Roots: pki.NewPool(pin), At: at,
			LeafKeyUsage: pki.KeyUsageDigitalSignature | pki.KeyUsageContentCommitment,
		})
		if err == nil {
			return pin, nil
		}
		failed = fmt.Errorf("%w: %w", ErrSigner, err)
	}
	return nil, failed
}

func fingerprint(c *pki.Certificate) string {
	_, _, sum := c.Thumbprints()
	return hex.EncodeToString(sum)
}

func streebog() alg.Identifier { return alg.Identifier{OID: oid.Streebog256} }
