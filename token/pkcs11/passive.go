package pkcs11

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/token"
)

// A passive key is two data objects of one CKA_LABEL, whose CKA_APPLICATION ends
// with the key identifier in hexadecimal digits:
//
//   - private, with CKA_OBJECT_ID pkcs8ShroudedKeyBag (RFC 7292, section 4.2.2):
//     CKA_VALUE is an EncryptedPrivateKeyInfo under the key's own password;
//   - public, with the CKA_OBJECT_ID of the key's algorithm: CKA_VALUE is the
//     SubjectPublicKeyInfo, so that the key can be seen without a login.
//
// Both are standard structures: any program that can read data objects can take
// the key elsewhere.
const (
	privateApplication = "gosklyuch/"
	publicApplication  = "gosklyuch-public/"
)

// passiveIterations is the cost of the password, as for containers in files:
// data objects of cheap tokens are protected by the PIN alone.
const passiveIterations = 80_000

func privateName(id []byte) string { return privateApplication + hex.EncodeToString(id) }
func publicName(id []byte) string  { return publicApplication + hex.EncodeToString(id) }

// passiveID reads the key identifier from CKA_APPLICATION and tells which of the
// two objects it is.
func passiveID(application string) (id []byte, public, ok bool) {
	digits, public := strings.CutPrefix(application, publicApplication)
	if !public {
		if digits, ok = strings.CutPrefix(application, privateApplication); !ok {
			return nil, false, false
		}
	}
	id, err := hex.DecodeString(digits)
	return id, public, err == nil && len(id) > 0
}

// passiveKeys lists the passive keys by their public objects.
func (x *session) passiveKeys(ctx context.Context, certs []entry) ([]found, error) {
	list, err := x.find(ckoData)
	if err != nil {
		return nil, err
	}
	var out []found
	for _, h := range list {
		v, err := x.attributes(h, ckaApplication, ckaLabel)
		if err != nil {
			return nil, err
		}
		id, public, ok := passiveID(string(v[0]))
		if !ok || !public {
			continue
		}
		spki, err := x.attributes(h, ckaValue)
		if err != nil {
			return nil, err
		}
		k := &Key{store: x.Store, ctx: ctx, id: id, label: string(v[1]), data: privateName(id)}
		pub, err := alg.ParsePublicKey(spki[0])
		if err == nil {
			k.pub = pub
			k.kind, _ = keyKind(pub)
			k.attachCertificate(certs)
		}
		out = append(out, found{key: k, err: err})
	}
	return out, nil
}

// storePassive writes a software key as a passive one.
func (s *Store) storePassive(ctx context.Context, key crypto.Signer, spec KeySpec) (*Key, error) {
	if len(spec.Password) == 0 {
		return nil, errors.New("pkcs11: a passive key needs a password of its own")
	}
	spki, err := alg.MarshalPublicKey(key.Public())
	if err != nil {
		return nil, fmt.Errorf("pkcs11: %w", err)
	}
	id, err := alg.KeyIdentifier(spki)
	if err != nil {
		return nil, fmt.Errorf("pkcs11: %w", err)
	}
	p8, err := alg.MarshalPKCS8(key)
	if err != nil {
		return nil, fmt.Errorf("pkcs11: %w", err)
	}
	defer clear(p8)
	sealed, err := alg.EncryptPKCS8(rand.Reader, p8, spec.Password, alg.PBES2{Iterations: s.iterations})
	if err != nil {
		return nil, fmt.Errorf("pkcs11: %w", err)
	}
	k := &Key{store: s, ctx: ctx, id: id, label: spec.Label, pub: key.Public(), data: privateName(id)}
	k.kind, _ = keyKind(k.pub)
	_, err = use(ctx, s, true, func(x *session) (struct{}, error) {
		there, err := x.find(ckoData, textAttr(ckaApplication, k.data))
		if err == nil && len(there) > 0 {
			err = errors.New("pkcs11: the key is on the token already")
		}
		if err != nil {
			return struct{}{}, err
		}
		x.committed = true
		h, err := x.mod.CreateObject(x.h, k.dataObject(k.data, true, oid.PKCS8ShroudedKeyBag, sealed))
		if err != nil {
			return struct{}{}, err
		}
		if _, err = x.mod.CreateObject(x.h, k.dataObject(publicName(id), false, alg.KeyAlgorithm(k.pub).OID, spki)); err != nil {
			err = errors.Join(err, x.mod.DestroyObject(x.h, h))
		}
		return struct{}{}, err
	})
	if err != nil {
		return nil, err
	}
	return k, nil
}

// sealed reads the encrypted private key, and tells the generation in which it
// was read. Where the key is unlocked in that generation it returns nil: the
// presence of the token and its login are all that is needed then.
func (k *Key) sealed(ctx context.Context, always bool) ([]byte, int, error) {
	type result struct {
		value []byte
		gen   int
	}
	r, err := use(ctx, k.store, true, func(x *session) (result, error) {
		if !always && k.unlocked(x.gen) != nil {
			return result{gen: x.gen}, nil
		}
		h, err := k.shrouded(x)
		if err != nil {
			return result{}, err
		}
		v, err := x.attributes(h, ckaValue)
		if err != nil {
			return result{}, err
		}
		return result{v[0], x.gen}, nil
	})
	return r.value, r.gen, err
}

// shrouded finds the private data object of a passive key.
func (k *Key) shrouded(x *session) (uint, error) {
	list, err := x.find(ckoData, textAttr(ckaApplication, k.data))
	if err == nil && len(list) != 1 {
		err = fmt.Errorf("%w: %d private objects of key %q", ErrNotFound, len(list), k.label)
	}
	if err != nil {
		return 0, err
	}
	return list[0], nil
}

// unlocked returns the opened key if it was read in this generation.
func (k *Key) unlocked(gen int) crypto.Signer {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.gen != gen {
		return nil
	}
	return k.soft
}

// unlock opens a passive key: the PIN shows the encrypted key, its password
// opens it. It stays open until the store is closed or the token is removed. Of
// several goroutines one asks for the password and the others wait for it.
func (k *Key) unlock(ctx context.Context) (crypto.Signer, error) {
	return wait(ctx, func() (crypto.Signer, error) {
		k.opening.Lock()
		defer k.opening.Unlock()
		return k.unlockAlone(ctx)
	})
}

func (k *Key) unlockAlone(ctx context.Context) (crypto.Signer, error) {
	var key crypto.Signer
	var from []byte // what key was decrypted from
	for range tries {
		data, gen, err := k.sealed(ctx, key != nil)
		if opened := k.unlocked(gen); err == nil && opened != nil {
			alg.Destroy(key)
			return opened, nil
		}
		if err == nil && data == nil { // wiped between the two looks
			continue
		}
		if err == nil && (key == nil || !bytes.Equal(data, from)) {
			alg.Destroy(key)
			key, err = k.decrypt(ctx, data)
			from = data
		}
		if err != nil {
			alg.Destroy(key)
			return nil, err
		}
		if opened := k.keep(key, gen); opened != nil {
			return opened, nil
		}
		// The token was lost while the password was asked for: it must be there.
	}
	alg.Destroy(key)
	return nil, &Error{Op: "C_FindObjects", Code: CodeTokenNotPresent}
}

// keep makes key the opened one of a generation, unless another goroutine was
// faster or the generation is over; then it returns nil.
func (k *Key) keep(key crypto.Signer, gen int) crypto.Signer {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.soft != nil && k.gen == gen {
		alg.Destroy(key)
		return k.soft
	}
	if !k.store.remember(k, gen) {
		return nil
	}
	if k.soft != nil {
		alg.Destroy(k.soft)
	}
	k.soft, k.gen = key, gen
	return key
}

// remember notes a key to be wiped with the store, unless it is too late.
func (s *Store) remember(k *Key, gen int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.gen != gen {
		return false
	}
	if !slices.Contains(s.opened, k) {
		s.opened = append(s.opened, k)
	}
	return true
}

// decrypt asks for the password until one fits or the person gives up.
func (k *Key) decrypt(ctx context.Context, data []byte) (crypto.Signer, error) {
	var refused []byte
	defer func() { clear(refused) }()
	for n := 0; ; n++ {
		if k.store.cfg.PIN == nil {
			return nil, &token.PINError{Retries: -1}
		}
		password, err := k.store.cfg.PIN(ctx, token.Prompt{
			Secret: token.SecretPassword, Store: k.store.token.Token, Key: k.label, Retries: -1, Again: n > 0,
		})
		if err != nil {
			clear(password)
			return nil, fmt.Errorf("pkcs11: password: %w", err)
		}
		again := n > 0 && subtle.ConstantTimeCompare(password, refused) == 1
		clear(refused)
		refused = password
		if again {
			return nil, ErrPassword
		}
		key, err := k.openWith(data, password)
		if !errors.Is(err, ErrPassword) {
			return key, err
		}
	}
}

// openWith decrypts the key and checks that it belongs to the public key, which
// the public object could have been made to lie about.
func (k *Key) openWith(data, password []byte) (crypto.Signer, error) {
	p8, err := alg.DecryptPKCS8(data, password)
	if errors.Is(err, alg.ErrPassword) {
		return nil, ErrPassword
	}
	if err != nil {
		return nil, fmt.Errorf("pkcs11: key %q: %w", k.label, err)
	}
	defer clear(p8)
	key, err := alg.ParsePKCS8For(p8, k.pub)
	if err != nil {
		return nil, fmt.Errorf("pkcs11: key %q: %w", k.label, err)
	}
	return key, nil
}

// wipe locks a passive key.
func (k *Key) wipe() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.soft != nil {
		alg.Destroy(k.soft)
		k.soft = nil
	}
}

// ChangePassword gives a passive key another password.
func (s *Store) ChangePassword(ctx context.Context, key token.Key, password []byte) error {
	k, ok := key.(*Key)
	if !ok || !k.Passive() || k.store != s {
		return fmt.Errorf("%w: only passive keys have a password", ErrUnsupported)
	}
	if len(password) == 0 {
		return errors.New("pkcs11: a passive key needs a password of its own")
	}
	soft, err := k.unlock(ctx)
	if err != nil {
		return err
	}
	p8, err := alg.MarshalPKCS8(soft)
	if err != nil {
		return fmt.Errorf("pkcs11: %w", err)
	}
	defer clear(p8)
	data, err := alg.EncryptPKCS8(rand.Reader, p8, password, alg.PBES2{Iterations: s.iterations})
	if err != nil {
		return fmt.Errorf("pkcs11: %w", err)
	}
	_, err = use(ctx, s, true, func(x *session) (struct{}, error) {
		h, err := k.shrouded(x)
		if err != nil {
			return struct{}{}, err
		}
		// Tokens that do not let a value be changed exist: the new object is
		// there before the old one goes.
		x.committed = true
		if _, err := x.mod.CreateObject(x.h, k.dataObject(k.data, true, oid.PKCS8ShroudedKeyBag, data)); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, x.mod.DestroyObject(x.h, h)
	})
	return err
}

// dataObject is one of the two objects of a passive key.
func (k *Key) dataObject(application string, private bool, o oid.OID, value []byte) []attribute {
	return []attribute{
		numberAttr(ckaClass, ckoData), boolAttr(ckaToken, true), boolAttr(ckaPrivate, private),
		textAttr(ckaLabel, k.label), textAttr(ckaApplication, application), bytesAttr(ckaObjectID, o.DER()), bytesAttr(ckaValue, value),
	}
}
