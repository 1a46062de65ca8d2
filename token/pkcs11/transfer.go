package pkcs11

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"golang.org/x/crypto/cryptobyte"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/token"
)

// Import stores a software key on the token, as an active key where the token
// takes it. spec.Algorithm and ParamSet are not looked at. The caller keeps and
// wipes key.
func (s *Store) Import(ctx context.Context, key crypto.Signer, spec KeySpec) (token.Key, error) {
	kind, known := keyKind(key.Public())
	able := known && s.supportOf(kind) != SupportNone
	if spec.Placement == Passive || spec.Placement == Auto && !able {
		k, err := s.storePassive(ctx, key, spec)
		if err != nil {
			return nil, err
		}
		return k, nil
	}
	if !able {
		return nil, fmt.Errorf("%w: keys of type %T", ErrUnsupported, key)
	}
	id, err := spec.ID, error(nil)
	if id == nil {
		if id, err = keyIdentifier(key.Public()); err != nil {
			return nil, fmt.Errorf("pkcs11: %w", err)
		}
	}
	out, err := s.importActive(ctx, key, spec, id, false)
	if errors.Is(err, errUnproven) && (kind == ckkGOSTR3410 || kind == ckkGOSTR3410x512) {
		// PKCS #11 v2.40: the private key is little-endian.
		// SoftHSM reads it big-endian.
		return s.importActive(ctx, key, spec, id, true)
	}
	return out, err
}

// importActive creates the two objects of an active key and has it prove itself.
func (s *Store) importActive(ctx context.Context, key crypto.Signer, spec KeySpec, id []byte, bigEndian bool) (token.Key, error) {
	kind, _ := keyKind(key.Public())
	secret, err := secretAttributes(key)
	if err != nil {
		return nil, err
	}
	if bigEndian {
		slices.Reverse(secret[len(secret)-1].value) // CKA_VALUE is the last
	}
	public, err := publicTemplate(key.Public())
	if err != nil {
		return nil, err
	}
	common := []attribute{boolAttr(ckaToken, true), textAttr(ckaLabel, spec.Label), bytesAttr(ckaID, id)}
	public = append(append(public, boolAttr(ckaPrivate, false), boolAttr(ckaVerify, true)), common...)
	k, err := use(ctx, s, true, func(x *session) (*Key, error) {
		defer wipeAttributes(secret)
		if there, err := x.find(ckoPrivateKey, numberAttr(ckaKeyType, kind), bytesAttr(ckaID, id)); err != nil || len(there) > 0 {
			return nil, errors.Join(err, errors.New("pkcs11: a key with this CKA_ID is on the token already"))
		}
		x.committed = true
		private := append(append(x.privateTemplate(spec.Exportable, kind), numberAttr(ckaKeyType, kind)), common...)
		priv, err := x.mod.CreateObject(x.h, append(private, secret...))
		if err != nil {
			return nil, err
		}
		if _, err := x.mod.CreateObject(x.h, public); err != nil {
			return nil, errors.Join(err, x.mod.DestroyObject(x.h, priv))
		}
		return &Key{store: s, ctx: ctx, kind: kind, id: id, label: spec.Label, pub: key.Public()}, nil
	})
	if err != nil {
		return nil, err
	}
	return s.prove(ctx, k)
}

func wipeAttributes(list []attribute) {
	for _, a := range list {
		clear(a.value)
	}
}

// secretAttributes returns the numbers of a private key.
func secretAttributes(key crypto.Signer) ([]attribute, error) {
	switch k := key.(type) {
	case *gost3410.PrivateKey:
		return append(gostParams(k.Curve()), bytesAttr(ckaValue, k.Bytes())), nil // little-endian
	case *rsa.PrivateKey:
		if len(k.Primes) != 2 {
			return nil, fmt.Errorf("%w: an RSA key of %d primes", ErrUnsupported, len(k.Primes))
		}
		k.Precompute()
		return []attribute{
			bytesAttr(ckaModulus, k.N.Bytes()), bytesAttr(ckaPublicExponent, big.NewInt(int64(k.E)).Bytes()),
			bytesAttr(ckaPrivateExponent, k.D.Bytes()), bytesAttr(ckaPrime1, k.Primes[0].Bytes()), bytesAttr(ckaPrime2, k.Primes[1].Bytes()),
			bytesAttr(ckaExponent1, k.Precomputed.Dp.Bytes()), bytesAttr(ckaExponent2, k.Precomputed.Dq.Bytes()), bytesAttr(ckaCoefficient, k.Precomputed.Qinv.Bytes()),
		}, nil
	case *ecdsa.PrivateKey:
		params, err := ecParams(k.Curve)
		if err != nil {
			return nil, err
		}
		d, err := k.Bytes()
		if err != nil {
			return nil, fmt.Errorf("pkcs11: %w", err)
		}
		return []attribute{params, bytesAttr(ckaValue, d)}, nil
	}
	return nil, fmt.Errorf("%w: keys of type %T", ErrUnsupported, key)
}

// Export returns a key as software, where it may leave the token: a passive key
// with its password, an active one only if it was made exportable. The caller
// destroys it.
func (s *Store) Export(ctx context.Context, key token.Key) (crypto.Signer, error) {
	k, ok := key.(*Key)
	if h, hashing := key.(*HashingKey); hashing {
		k, ok = h.Key, true
	}
	if !ok || k.store != s {
		return nil, fmt.Errorf("%w: the key is not of this token", ErrNotFound)
	}
	if k.Passive() {
		data, _, err := k.sealed(ctx, true)
		if err != nil {
			return nil, err
		}
		return k.decrypt(ctx, data)
	}
	return use(ctx, s, true, func(x *session) (crypto.Signer, error) { return k.export(x) })
}

// export reads the numbers of an active key.
func (k *Key) export(x *session) (crypto.Signer, error) {
	handle, _, err := k.find(x)
	if err != nil {
		return nil, err
	}
	may, err := x.attributes(handle, ckaExtractable, ckaSensitive)
	if err != nil {
		return nil, err
	}
	if !isTrue(may[0]) || isTrue(may[1]) {
		return nil, ErrNotExportable
	}
	types := []uint{ckaValue}
	if k.kind == ckkRSA {
		types = []uint{ckaPrivateExponent, ckaPrime1, ckaPrime2}
	}
	v, err := x.attributes(handle, types...)
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, b := range v {
			clear(b)
		}
	}()
	for _, b := range v {
		if len(b) == 0 {
			return nil, ErrNotExportable
		}
	}
	out, err := k.assemble(v)
	if k.kind == ckkGOSTR3410 || k.kind == ckkGOSTR3410x512 {
		if err != nil || !alg.EqualKeys(out.Public(), k.pub) { // the octet order of SoftHSM
			slices.Reverse(v[0])
			out, err = k.assemble(v)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("pkcs11: key %q: %w", k.label, err)
	}
	if !alg.EqualKeys(out.Public(), k.pub) {
		alg.Destroy(out)
		return nil, fmt.Errorf("pkcs11: key %q: %w", k.label, alg.ErrKeyMismatch)
	}
	return out, nil
}

func (k *Key) assemble(v [][]byte) (crypto.Signer, error) {
	switch pub := k.pub.(type) {
	case *gost3410.PublicKey:
		return gost3410.NewPrivateKey(pub.Curve(), v[0])
	case *ecdsa.PublicKey:
		d := make([]byte, signatureHalf(pub))
		defer clear(d)
		if len(v[0]) > len(d) {
			return nil, errors.New("CKA_VALUE is longer than the order of the curve")
		}
		copy(d[len(d)-len(v[0]):], v[0])
		return ecdsa.ParseRawPrivateKey(pub.Curve, d)
	case *rsa.PublicKey:
		out := &rsa.PrivateKey{PublicKey: *pub, D: new(big.Int).SetBytes(v[0]), Primes: []*big.Int{new(big.Int).SetBytes(v[1]), new(big.Int).SetBytes(v[2])}}
		if err := out.Validate(); err != nil {
			return nil, err
		}
		out.Precompute()
		return out, nil
	}
	return nil, ErrNotExportable
}

// StoreCertificate puts a certificate on the token. CKA_ID and, where label is
// empty, CKA_LABEL are those of the key that it belongs to; a certificate
// without a key here, such as an issuer's, gets its key identifier. One that is
// there already is left alone.
func (s *Store) StoreCertificate(ctx context.Context, cert *pki.Certificate, label string) error {
	_, err := use(ctx, s, true, func(x *session) (struct{}, error) {
		there, err := x.certificates()
		if err != nil {
			return struct{}{}, err
		}
		for _, c := range there {
			if bytes.Equal(c.cert.Raw, cert.Raw) {
				return struct{}{}, nil
			}
		}
		template, err := x.certificateTemplate(ctx, cert, label)
		if err != nil {
			return struct{}{}, err
		}
		x.committed = true
		_, err = x.mod.CreateObject(x.h, template)
		return struct{}{}, err
	})
	return err
}

func (x *session) certificateTemplate(ctx context.Context, cert *pki.Certificate, label string) ([]attribute, error) {
	id, err := alg.KeyIdentifier(cert.RawSubjectPublicKeyInfo)
	if err != nil {
		return nil, fmt.Errorf("pkcs11: certificate: %w", err)
	}
	list, err := x.keys(ctx, &URI{})
	if err != nil {
		return nil, err
	}
	for _, f := range list {
		if f.err == nil && alg.EqualKeys(f.key.pub, cert.PublicKey) {
			id = f.key.id
			if label == "" {
				label = f.key.label
			}
		}
	}
	var b cryptobyte.Builder
	b.AddASN1BigInt(cert.SerialNumber)
	serial, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("pkcs11: certificate: %w", err)
	}
	return []attribute{
		numberAttr(ckaClass, ckoCertificate), numberAttr(ckaCertificateType, ckcX509), boolAttr(ckaToken, true), boolAttr(ckaPrivate, false),
		textAttr(ckaLabel, label), bytesAttr(ckaID, id), bytesAttr(ckaSubject, cert.RawSubject), bytesAttr(ckaIssuer, cert.RawIssuer),
		bytesAttr(ckaSerialNumber, serial), bytesAttr(ckaValue, cert.Raw),
	}, nil
}
