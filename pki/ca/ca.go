// Package ca is the issuer of a certification authority: it issues
// certificates by profiles, revokes them, and signs CRLs (RFC 5280 with the
// algorithms of RFC 9215).
//
// Nothing is issued that was not checked first. [Issuer.Prepare] checks the
// request, puts the certificate-to-be together with a value in the place of its
// signature, and runs the caller's rules over it; only a certificate that passes
// yields a [Prepared], the permission to sign exactly those octets once with the
// authority's key. What was issued, revoked or listed is in the [Ledger], with
// a hash-chained journal record in the same transaction, before it is handed
// out: a crash loses nothing that anybody has seen.
//
// # The directory of an authority
//
// Programs keep an authority in one directory D with mode 0700:
//
//	ca.cer       the authority's own certificate, DER
//	chain.pem    the certificates above it up to the root, issuer first; absent for a root
//	config.json  the Settings of this package
//	profiles/    the profiles, one YAML file each: name@version.yaml
//	ca.key       the private key, encrypted PKCS #8 (PBES2), or a key elsewhere:
//	             this package is handed a crypto.Signer and reads no key
//	ledger.db    the ledger (package boltstore), and ledger.db.holder beside it
//	ca.sock      the socket of `ca serve`, mode 0600, while it runs
//
// [ReadDir] and [WriteDir] read and write the first three.
package ca

import (
	"context"
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// Config is what an Issuer is made of.
type Config struct {
	Certificate *pki.Certificate // the authority's own; required
	Key         crypto.Signer    // its private key; required
	Ledger      Ledger           // required
	// Rules run over every certificate before it is signed. A set without
	// rules is refused: it would pass everything.
	Rules    profile.Set
	Profiles *ProfileSet // nil: the shipped ones
	Settings Settings
	Rand     io.Reader        // nil: crypto/rand
	Now      func() time.Time // nil: time.Now
	// StatusChanged, if not nil, is called after a revocation, a hold or a
	// release by this issuer is on the ledger: what was prepared for OCSP is then
	// out of date.
	StatusChanged func(Serial)
}

// Issuer is a certification authority at work. It may be used by several
// goroutines if its key may.
type Issuer struct {
	cert     *pki.Certificate
	key      crypto.Signer
	ledger   Ledger
	rules    profile.Set
	profiles *ProfileSet
	settings Settings
	rand     io.Reader
	now      func() time.Time
	standIn  func() ([]byte, error) // standInSignature of the authority's key
	changed  func(Serial)           // Config.StatusChanged

	publishing sync.Mutex // of two publications the later takes the names last
}

// What New and Prepare refuse and callers branch on.
var (
	// ErrNotIssuer: the certificate does not allow to issue.
	ErrNotIssuer = errors.New("ca: the certificate is not one of a certification authority")
	// ErrKeyMismatch: the private key is not the certificate's.
	ErrKeyMismatch = errors.New("ca: the private key does not belong to the authority's certificate")
	// ErrOutsideValidity: the authority's certificate or key is not in its
	// period now.
	ErrOutsideValidity = errors.New("ca: the authority's certificate is outside its validity")
)

// New returns an issuer. It fails unless the certificate is a CA's that may
// sign certificates and CRLs, the key is its key, the rules are usable and the
// ledger belongs to it; see [Found] for a new ledger.
func New(ctx context.Context, c Config) (*Issuer, error) {
	if c.Certificate == nil || c.Key == nil || c.Ledger == nil {
		return nil, errors.New("ca: certificate, key and ledger are required")
	}
	if err := c.Rules.Check(); err != nil {
		return nil, fmt.Errorf("ca: rules: %w", err)
	}
	if err := checkAuthority(c.Certificate); err != nil {
		return nil, err
	}
	if !alg.EqualKeys(c.Certificate.PublicKey, c.Key.Public()) {
		return nil, ErrKeyMismatch
	}
	i := &Issuer{
		cert: c.Certificate, key: c.Key, ledger: c.Ledger, rules: c.Rules, settings: c.Settings.withDefaults(),
		profiles: c.Profiles, rand: c.Rand, now: c.Now, changed: c.StatusChanged,
	}
	if i.profiles == nil {
		var err error
		if i.profiles, err = NewProfileSet(Profiles()); err != nil {
			return nil, err
		}
	}
	if i.rand == nil {
		i.rand = rand.Reader
	}
	if i.now == nil {
		i.now = time.Now
	}
	i.standIn = sync.OnceValues(func() ([]byte, error) { return standInSignature(c.Key.Public()) })
	return i, i.checkLedger(ctx)
}

// ErrNoKey is what signing gives where the authority was opened without its
// private key: see [NewKeyless].
var ErrNoKey = errors.New("ca: the authority was opened without its key")

// NewKeyless is New without the authority's private key, for the people who hand
// in, look at and decide about requests: everything works but what signs with
// that key, which fails with [ErrNoKey]. c.Key is not used.
func NewKeyless(ctx context.Context, c Config) (*Issuer, error) {
	if c.Certificate == nil {
		return nil, errors.New("ca: certificate, key and ledger are required")
	}
	c.Key = absentKey{c.Certificate.PublicKey}
	return New(ctx, c)
}

// absentKey stands in for a private key that is elsewhere.
type absentKey struct{ public crypto.PublicKey }

func (k absentKey) Public() crypto.PublicKey { return k.public }

func (absentKey) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return nil, ErrNoKey }

// checkAuthority refuses a certificate by which nothing could be issued.
func checkAuthority(c *pki.Certificate) error {
	if f, bad := pki.FirstError(c.Findings); bad {
		return fmt.Errorf("%w: %s", ErrNotIssuer, f)
	}
	// RFC 5280, section 6.1.4 (k) and (n): cA is TRUE, and keyCertSign is set.
	const need = pki.KeyUsageCertSign | pki.KeyUsageCRLSign
	if !c.IsCA || c.KeyUsage&need != need {
		return fmt.Errorf("%w: cA with keyCertSign and cRLSign is needed", ErrNotIssuer)
	}
	if c.PublicKey == nil {
		return fmt.Errorf("%w: %w", ErrNotIssuer, c.PublicKeyError)
	}
	return nil
}

func (i *Issuer) checkLedger(ctx context.Context) error {
	return i.ledger.View(ctx, func(tx ReadTx) error {
		der, err := tx.Issuer()
		if errors.Is(err, ErrNotFound) {
			return errors.New("ca: the ledger is new and belongs to no authority yet")
		}
		if err == nil && string(der) != string(i.cert.Raw) {
			return errors.New("ca: the ledger belongs to another authority")
		}
		return err
	})
}

// Found ties a new ledger to an authority and puts that on record. It does
// nothing if the ledger is the authority's already.
func Found(ctx context.Context, l Ledger, cert *pki.Certificate, actor string, now time.Time) error {
	if err := checkAuthority(cert); err != nil {
		return err
	}
	return l.Update(ctx, func(tx Tx) error {
		if der, err := tx.Issuer(); err == nil && string(der) == string(cert.Raw) {
			return nil
		}
		if err := tx.SetIssuer(cert.Raw); err != nil {
			return err
		}
		_, _, streebog := cert.Thumbprints()
		_, err := tx.Append(journal.Entry{
			Time: now, Actor: actor, Event: "found", Subject: cert.SerialHex(),
			Data: map[string]string{"name": cert.Subject.String(), "streebog256": fmt.Sprintf("%x", streebog)},
		})
		return err
	})
}

// Profiles returns the profiles by which the authority issues.
func (i *Issuer) Profiles() *ProfileSet { return i.profiles }

// Certificate returns the authority's own certificate.
func (i *Issuer) Certificate() *pki.Certificate { return i.cert }

// seconds returns the present in UTC and whole seconds, as certificates have it.
func (i *Issuer) seconds() time.Time { return i.now().UTC().Truncate(time.Second) }

// checkValidity refuses to sign outside the period of the authority's own
// certificate.
func (i *Issuer) checkValidity(now time.Time) error {
	c := i.cert
	if now.Before(c.NotBefore) || now.After(c.NotAfter) {
		return fmt.Errorf("%w: %s to %s", ErrOutsideValidity, c.NotBefore.Format(time.RFC3339), c.NotAfter.Format(time.RFC3339))
	}
	return nil
}

// checkTime refuses to issue outside the periods of the authority's own
// certificate and key. The key's period is shorter, so that a certificate of
// its last day is still below a valid one; until that one ends, the key signs
// revocation lists: nobody else could.
func (i *Issuer) checkTime(now time.Time) error {
	c := i.cert
	if err := i.checkValidity(now); err != nil {
		return err
	}
	if !c.PrivateKeyNotBefore.IsZero() && now.Before(c.PrivateKeyNotBefore) ||
		!c.PrivateKeyNotAfter.IsZero() && now.After(c.PrivateKeyNotAfter) {
		return fmt.Errorf("%w: privateKeyUsagePeriod", ErrOutsideValidity)
	}
	return nil
}
