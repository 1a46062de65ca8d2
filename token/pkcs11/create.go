package pkcs11

import (
	"context"
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/token"
)

// Placement says where a key works.
type Placement uint8

// The placements. Auto is active where the token has the mechanisms, else
// passive.
const (
	Auto Placement = iota
	Active
	Passive
)

// KeySpec says what key to make or how to store one.
type KeySpec struct {
	Algorithm string // as alg.GenerateKey: gost2012-256, gost2012-512, rsa-3072, ecdsa-p256, …
	ParamSet  string // of GOST keys; empty is the default of alg.GenerateKey
	Label     string
	ID        []byte // CKA_ID of an active key; nil is its key identifier
	Placement Placement
	Password  []byte // of a passive key

	// Exportable lets an active key leave the token ([Store.Export]).
	Exportable bool
}

// Generate makes a key pair on the token. An active key is generated inside; it
// has to make one signature that verifies before it is handed out, because
// modules exist that make a key on another curve than they say.
func (s *Store) Generate(ctx context.Context, spec KeySpec) (token.Key, error) {
	plan, err := s.plan(spec)
	if err != nil {
		return nil, err
	}
	if plan == nil {
		key, err := alg.GenerateKey(spec.Algorithm, spec.ParamSet)
		if err != nil {
			return nil, err
		}
		defer alg.Destroy(key)
		k, err := s.storePassive(ctx, key, spec)
		if err != nil {
			return nil, err
		}
		return k, nil
	}
	id := spec.ID
	if id == nil {
		id = make([]byte, 20)
		rand.Read(id) // never fails
	}
	k, err := use(ctx, s, true, func(x *session) (*Key, error) { return x.generate(ctx, plan, spec, id) })
	for _, set := range plan.others {
		if err == nil || spec.ParamSet != "" || !isCode(err, unknownSet...) {
			break
		}
		other := spec
		other.ParamSet = set
		plan, _ := planFor(other)
		k, err = use(ctx, s, true, func(x *session) (*Key, error) { return x.generate(ctx, plan, other, id) })
	}
	if err != nil {
		return nil, err
	}
	return s.prove(ctx, k)
}

// unknownSet are the return values of modules that do not know a parameter set.
var unknownSet = []Code{ckrGeneralError, ckrFunctionFailed, ckrArgumentsBad, ckrAttributeValueInvalid, ckrTemplateInconsistent, 0x130, 0x140}

// keyPlan is how an active key pair is made.
type keyPlan struct {
	kind, mechanism uint
	params          []attribute // of the public template
	curve           gost3410.Curve
	others          []string // names of the same curve, for a default that the token does not know
}

// plan returns how to generate the key in the token, nil for a passive key.
func (s *Store) plan(spec KeySpec) (*keyPlan, error) {
	p, err := planFor(spec)
	if err != nil {
		return nil, err
	}
	able := p != nil && s.has(p.mechanism) && s.supportOf(p.kind) != SupportNone
	switch {
	case spec.Placement == Passive || spec.Placement == Auto && !able:
		return nil, nil
	case !able:
		return nil, fmt.Errorf("%w: making a key of %s", ErrUnsupported, spec.Algorithm)
	}
	return p, nil
}

// planFor returns the mechanism and parameters of an algorithm, nil for one that
// no token is asked for.
func planFor(spec KeySpec) (*keyPlan, error) {
	set := spec.ParamSet
	switch a := spec.Algorithm; {
	case a == "gost2012-256" || a == "gost2012-512":
		p := &keyPlan{kind: ckkGOSTR3410, mechanism: ckmGOSTKeyPairGen}
		size := 32
		if a == "gost2012-512" {
			p.kind, p.mechanism, size = ckkGOSTR3410x512, ckmGOSTKeyPairGen512, 64
		}
		if set == "" {
			set = map[int]string{32: "cryptopro-xcha", 64: "tc26-512-a"}[size]
		}
		c, ok := gost3410.CurveByName(set)
		if !ok || c.Size() != size || c.IsTest() {
			return nil, fmt.Errorf("pkcs11: %s has no parameter set %q", a, set)
		}
		p.curve, p.params = c, gostParams(c)
		for _, other := range gost3410.Curves() {
			if other.SameDomain(c) && other != c && !other.IsTest() {
				p.others = append(p.others, other.Name())
			}
		}
		return p, nil
	case set != "":
		return nil, fmt.Errorf("pkcs11: %s has no parameter sets (got %q)", a, set)
	case strings.HasPrefix(a, "rsa-"):
		bits, ok := map[string]uint{"rsa-2048": 2048, "rsa-3072": 3072, "rsa-4096": 4096}[a]
		if !ok {
			return nil, fmt.Errorf("pkcs11: unknown key algorithm %q", a)
		}
		return &keyPlan{kind: ckkRSA, mechanism: ckmRSAKeyPairGen, params: []attribute{
			numberAttr(ckaModulusBits, bits), bytesAttr(ckaPublicExponent, []byte{1, 0, 1}),
		}}, nil
	case strings.HasPrefix(a, "ecdsa-"):
		o, ok := map[string]oid.OID{"ecdsa-p256": oid.P256, "ecdsa-p384": oid.P384, "ecdsa-p521": oid.P521}[a]
		if !ok {
			return nil, fmt.Errorf("pkcs11: unknown key algorithm %q", a)
		}
		return &keyPlan{kind: ckkEC, mechanism: ckmECKeyPairGen, params: []attribute{bytesAttr(ckaECParams, o.DER())}}, nil
	}
	return nil, nil
}

// generate makes the key pair and reads the public key back.
func (x *session) generate(ctx context.Context, p *keyPlan, spec KeySpec, id []byte) (*Key, error) {
	common := []attribute{numberAttr(ckaKeyType, p.kind), boolAttr(ckaToken, true), textAttr(ckaLabel, spec.Label), bytesAttr(ckaID, id)}
	public := append(append([]attribute{numberAttr(ckaClass, ckoPublicKey), boolAttr(ckaPrivate, false), boolAttr(ckaVerify, true)}, common...), p.params...)
	private := append(x.privateTemplate(spec.Exportable, p.kind), common...)
	m := mechanism{typ: p.mechanism}
	x.committed = true
	pub, priv, err := x.mod.GenerateKeyPair(x.h, m, public, private)
	if isCode(err, ckrTemplateIncomplete) {
		// The specification has the parameters in the public template alone; some
		// modules want them in both.
		pub, priv, err = x.mod.GenerateKeyPair(x.h, m, public, append(private, p.params...))
	}
	if err != nil {
		return nil, err
	}
	undo := func(err error) error {
		return errors.Join(err, x.mod.DestroyObject(x.h, priv), x.mod.DestroyObject(x.h, pub))
	}
	key, err := x.publicKey(pub)
	if err != nil {
		return nil, undo(err)
	}
	if g, ok := key.(*gost3410.PublicKey); ok && g.Curve() != p.curve {
		return nil, undo(fmt.Errorf("pkcs11: the token made a key on %s, not on %s", g.Curve().Name(), p.curve.Name()))
	}
	if spec.ID == nil {
		id = x.rename(key, id, pub, priv)
	}
	return &Key{store: x.Store, ctx: ctx, kind: p.kind, id: id, label: spec.Label, pub: key}, nil
}

// privateTemplate is what every active private key is made with.
func (x *session) privateTemplate(exportable bool, kind uint) []attribute {
	out := []attribute{
		numberAttr(ckaClass, ckoPrivateKey), boolAttr(ckaPrivate, true), boolAttr(ckaSign, true),
		boolAttr(ckaSensitive, !exportable), boolAttr(ckaExtractable, exportable),
	}
	if (kind == ckkGOSTR3410 || kind == ckkGOSTR3410x512) && x.has(ckmGOST12Derive) {
		out = append(out, boolAttr(ckaDerive, true))
	}
	return out
}

// rename sets CKA_ID of both objects to the key identifier, by which other
// programs look for it. A token that does not let it be changed keeps the
// random one.
func (x *session) rename(pub crypto.PublicKey, id []byte, objects ...uint) []byte {
	ski, err := keyIdentifier(pub)
	if err != nil {
		return id
	}
	for i, h := range objects {
		if err := x.mod.SetAttributes(x.h, h, []attribute{bytesAttr(ckaID, ski)}); err != nil {
			if i > 0 { // both or none
				_ = x.mod.SetAttributes(x.h, objects[0], []attribute{bytesAttr(ckaID, id)})
			}
			return id
		}
	}
	return ski
}

func keyIdentifier(pub crypto.PublicKey) ([]byte, error) {
	spki, err := alg.MarshalPublicKey(pub)
	if err != nil {
		return nil, err
	}
	return alg.KeyIdentifier(spki)
}

// errUnproven says that a new key failed its proof.
var errUnproven = errors.New("pkcs11: the new key makes no signature that verifies")

// prove has the key sign a random message. A key that fails is destroyed.
func (s *Store) prove(ctx context.Context, k *Key) (token.Key, error) {
	key := k.asToken()
	message := make([]byte, 32)
	rand.Read(message) // never fails
	sig, err := alg.SignMessage(rand.Reader, key, alg.Identifier{}, message)
	if err == nil {
		err = alg.VerifyMessage(k.pub, alg.SignatureForKey(k.pub), alg.Identifier{}, message, sig)
	}
	if err == nil {
		return key, nil
	}
	_, undo := use(ctx, s, true, func(x *session) (struct{}, error) { return struct{}{}, x.destroyPair(k) })
	return nil, errors.Join(fmt.Errorf("%w: %w", errUnproven, err), undo)
}

// destroyPair removes the objects of an active key.
func (x *session) destroyPair(k *Key) error {
	var errs []error
	for _, class := range []uint{ckoPrivateKey, ckoPublicKey} {
		list, err := x.find(class, bytesAttr(ckaID, k.id), textAttr(ckaLabel, k.label), numberAttr(ckaKeyType, k.kind))
		errs = append(errs, err)
		for _, h := range list {
			errs = append(errs, x.mod.DestroyObject(x.h, h))
		}
	}
	return errors.Join(errs...)
}
