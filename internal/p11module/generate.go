package p11module

import (
	"bytes"
	"crypto/rand"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// Mechanism is CK_MECHANISM: the octets of its parameter, nil if there is none.
// Derive stands for a parameter that consists of pointers.
type Mechanism struct {
	Type   uint64
	Param  []byte
	Derive *DeriveParams
}

// GenerateKeyPair is C_GenerateKeyPair with CKM_GOSTR3410_KEY_PAIR_GEN or
// CKM_GOSTR3410_512_KEY_PAIR_GEN.
func (m *Module) GenerateKeyPair(h uint64, mech Mechanism, public, private []Attribute) (pub, priv uint64, rv RV) {
	rv = m.withSession("C_GenerateKeyPair", h, func(s *session) RV {
		if info, ok := mechanismInfo(mech.Type); !ok || info.Flags&flagGenerateKeyPair == 0 || !s.slot.offers(mech.Type) {
			return rvMechanismInvalid
		}
		if len(mech.Param) > 0 {
			return rvMechanismParamInvalid
		}
		size := size256
		if mech.Type == mechGOSTR3410KeyPairGen512 {
			size = size512
		}
		pa, sa, curve, rv := m.pairTemplates(size, public, private)
		if rv != RVOK {
			return rv
		}
		if rv := s.mayCreate(pa); rv != RVOK {
			return rv
		}
		if rv := s.mayCreate(sa); rv != RVOK {
			return rv
		}
		key, err := gost3410.GenerateKey(curve)
		if err != nil {
			return rvDeviceError
		}
		if rv := fillPair(pa, sa, key, mech.Type); rv != RVOK {
			key.Destroy()
			return rv
		}
		pub, priv, rv = m.insertPair(s, pa, sa, key)
		if rv != RVOK {
			key.Destroy()
		}
		return rv
	})
	return pub, priv, rv
}

// pairTemplates checks both templates and returns them with the curve.
func (m *Module) pairTemplates(size int, public, private []Attribute) (pa, sa attrs, curve gost3410.Curve, rv RV) {
	fail := func(rv RV) (attrs, attrs, gost3410.Curve, RV) { return nil, nil, gost3410.Curve{}, rv }
	if pa, rv = m.decode(public); rv != RVOK {
		return fail(rv)
	}
	if sa, rv = m.decode(private); rv != RVOK {
		return fail(rv)
	}
	for _, half := range []struct {
		a     attrs
		class uint64
	}{{pa, classPublicKey}, {sa, classPrivateKey}} {
		half.a.setDefault(attrClass, number(half.class))
		half.a.setDefault(attrKeyType, number(keyType(size)))
		if half.a.number(attrClass) != half.class || half.a.number(attrKeyType) != keyType(size) {
			return fail(rvTemplateInconsistent)
		}
		if rv := checkClass(half.a, half.class); rv != RVOK {
			return fail(rv)
		}
		for _, attr := range []uint64{attrValue, attrPublicKeyInfo} {
			if _, ok := half.a[attr]; ok {
				return fail(rvAttributeReadOnly) // the mechanism makes them
			}
		}
	}
	der, ok := pa[attrGOSTR3410Params]
	if !ok {
		return fail(rvTemplateIncomplete)
	}
	if curve, rv = curveOf(der, size); rv != RVOK {
		return fail(rv)
	}
	if rv := checkDigestParams(pa, size); rv != RVOK {
		return fail(rv)
	}
	// The parameters belong into the public template alone, but pkcs11-tool
	// sends them in both: a private one must be equal.
	for _, attr := range []uint64{attrGOSTR3410Params, attrGOSTR3411Params} {
		if v, ok := sa[attr]; ok && !bytes.Equal(v, pa[attr]) {
			return fail(rvTemplateInconsistent)
		}
		sa[attr] = pa[attr]
	}
	sa.setDefault(attrPrivate, boolean(true))
	if !sa.is(attrPrivate) {
		return fail(rvTemplateInconsistent) // whoever has the file would have the key
	}
	return pa, sa, curve, RVOK
}

// fillPair sets what generation contributes. Without CKA_ID both halves get the
// key identifier, by which certificates are matched.
func fillPair(pa, sa attrs, key *gost3410.PrivateKey, mech uint64) RV {
	own, rv := publicAttrs(key.PublicKey())
	if rv != RVOK {
		return rv
	}
	_, hasID := pa[attrID]
	for attr, v := range own {
		pa.setDefault(attr, v)
	}
	id, err := alg.KeyIdentifier(own[attrPublicKeyInfo])
	if err != nil {
		return rvDeviceError
	}
	if v, ok := sa[attrID]; !hasID && ok {
		id = v
	} else if hasID {
		id = pa[attrID]
	}
	pa[attrID] = id
	sa.setDefault(attrID, id)
	fillStorage(pa)
	fillPrivate(sa)
	fillStorage(sa)
	sa[attrPublicKeyInfo] = own[attrPublicKeyInfo]
	sa[attrAlwaysSensitive], sa[attrNeverExtractable] = sa[attrSensitive], boolean(!sa.is(attrExtractable))
	for _, a := range []attrs{pa, sa} {
		a[attrLocal], a[attrKeyGenMechanism] = boolean(true), number(mech)
	}
	return RVOK
}

// insertPair stores both halves or none.
func (m *Module) insertPair(s *session, pa, sa attrs, key *gost3410.PrivateKey) (pub, priv uint64, rv RV) {
	if priv, rv = m.insert(s, sa, key); rv != RVOK {
		return 0, 0, rv
	}
	if pub, rv = m.insert(s, pa, nil); rv != RVOK {
		o := s.slot.objects[priv]
		if o.owner == 0 {
			_ = s.slot.back.remove(o.name) // the first failure is the one to tell
			delete(s.slot.byName, o.name)
		}
		delete(s.slot.objects, priv)
		return 0, 0, rv
	}
	return pub, priv, RVOK
}

// GenerateRandom is C_GenerateRandom.
func (m *Module) GenerateRandom(h uint64, out []byte) RV {
	rv := m.withSession("C_GenerateRandom", h, func(*session) RV {
		if len(out) > limits.TokenRandom {
			return RVArgumentsBad
		}
		return RVOK
	})
	if rv != RVOK {
		return rv
	}
	_, _ = rand.Read(out) // never fails (crypto/rand)
	return RVOK
}

// SeedRandom is C_SeedRandom: the system's generator takes no seed.
func (m *Module) SeedRandom(h uint64) RV {
	return m.withSession("C_SeedRandom", h, func(*session) RV { return rvRandomSeedNotSupported })
}
