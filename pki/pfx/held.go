package pfx

import (
	"crypto"
	"errors"
	"hash"
	"io"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// HeldKey is a key that is used and not exported: it signs and agrees on keys,
// and no writer of this module gets at its private number. It stands for a key
// that is marked so in the file it came from; whoever has that file and its
// password can still get at the key by other means.
type HeldKey struct{ key crypto.Signer }

// Hold wraps a software key.
func Hold(key crypto.Signer) *HeldKey {
	if held, ok := key.(*HeldKey); ok {
		return held
	}
	return &HeldKey{key: key}
}

// Public returns the public key.
func (k *HeldKey) Public() crypto.PublicKey { return k.key.Public() }

// Sign signs a digest as the key inside does.
func (k *HeldKey) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return k.key.Sign(rand, digest, opts) //nolint:wrapcheck // the key's own error
}

// VKO agrees on a key (RFC 7836, section 4.3), see [gost3410.KeyAgreer]. Keys of
// other algorithms return an error.
func (k *HeldKey) VKO(peer *gost3410.PublicKey, ukm []byte, h func() hash.Hash) ([]byte, error) {
	agreer, ok := k.key.(gost3410.KeyAgreer)
	if !ok {
		return nil, errors.New("pfx: the key does not agree on keys")
	}
	return agreer.VKO(peer, ukm, h) //nolint:wrapcheck // the key's own error
}

// Destroy wipes the key inside as [alg.Destroy] does.
func (k *HeldKey) Destroy() { alg.Destroy(k.key) }

// String hides the key.
func (k *HeldKey) String() string { return "pfx: a key that is not exported" }

// GoString hides the key from %#v.
func (k *HeldKey) GoString() string { return k.String() }

func isHeld(key crypto.Signer) bool {
	_, ok := key.(*HeldKey)
	return ok
}
