package p11module

import (
	"encoding/binary"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/gost/kdf"
	"github.com/gosklyuch/gosklyuch/gost/streebog"
)

// DeriveParams is the parameter of CKM_GOSTR3410_12_DERIVE: what to do with the
// agreed key (CKD_NULL or CKM_KDF_GOSTR3411_2012_256), the peer's public key as
// X‖Y little-endian, and the user keying material, a little-endian number.
type DeriveParams struct {
	KDF       uint64
	PublicKey []byte
	UKM       []byte
}

const minUKM = 8 // octets, RFC 9215 and RFC 7836 use 8 and more

// parseDeriveParams reads the form without pointers, which most programs for
// Russian tokens use: kdf, length and public key, length and UKM. The three
// numbers are CK_ULONG of the caller, or of 4 octets on every machine.
func (m *Module) parseDeriveParams(b []byte) (*DeriveParams, bool) {
	for _, size := range []int{m.cfg.ULongSize, 4} {
		if p, ok := splitDeriveParams(b, size); ok {
			return p, true
		}
	}
	return nil, false
}

func splitDeriveParams(b []byte, size int) (*DeriveParams, bool) {
	read := func() (uint64, bool) {
		if len(b) < size {
			return 0, false
		}
		v := b[:size]
		b = b[size:]
		if size == 4 {
			return uint64(binary.NativeEndian.Uint32(v)), true
		}
		return binary.NativeEndian.Uint64(v), true
	}
	field := func() ([]byte, bool) {
		n, ok := read()
		if !ok || n > uint64(len(b)) {
			return nil, false
		}
		v := b[:n]
		b = b[n:]
		return v, true
	}
	var p DeriveParams
	var ok1, ok2, ok3 bool
	p.KDF, ok1 = read()
	p.PublicKey, ok2 = field()
	p.UKM, ok3 = field()
	return &p, ok1 && ok2 && ok3 && len(b) == 0
}

// DeriveKey is C_DeriveKey with CKM_GOSTR3410_12_DERIVE: VKO_GOSTR3410_2012_256
// (RFC 7836, section 4.3.1), which fits keys of both sizes and gives 32 octets.
func (m *Module) DeriveKey(h uint64, mech Mechanism, base uint64, template []Attribute) (obj uint64, rv RV) {
	rv = m.withSession("C_DeriveKey", h, func(s *session) RV {
		if mech.Type != MechanismDerive {
			return rvMechanismInvalid
		}
		o, rv := s.object(base, rvKeyHandleInvalid)
		if rv != RVOK {
			return rv
		}
		switch {
		case o.a.number(attrClass) != classPrivateKey, isLegacy(o.a):
			return rvKeyTypeInconsistent
		case !o.a.is(attrDerive):
			return rvKeyFunctionNotPermitted
		}
		a, rv := m.derivedTemplate(template)
		if rv != RVOK {
			return rv
		}
		if rv := s.mayCreate(a); rv != RVOK {
			return rv
		}
		value, rv := m.agree(o, mech)
		if rv != RVOK {
			return rv
		}
		a[attrValue] = value
		fillSecret(a)
		a[attrAlwaysSensitive] = boolean(o.a.is(attrAlwaysSensitive) && a.is(attrSensitive))
		a[attrNeverExtractable] = boolean(o.a.is(attrNeverExtractable) && !a.is(attrExtractable))
		obj, rv = m.insert(s, a, nil)
		return rv
	})
	return obj, rv
}

// derivedTemplate checks the template of a derived key.
func (m *Module) derivedTemplate(template []Attribute) (attrs, RV) {
	a, rv := m.decode(template)
	if rv != RVOK {
		return nil, rv
	}
	a.setDefault(attrClass, number(classSecretKey))
	if a.number(attrClass) != classSecretKey {
		return nil, rvTemplateInconsistent
	}
	if rv := checkClass(a, classSecretKey); rv != RVOK {
		return nil, rv
	}
	if _, ok := a[attrKeyType]; !ok {
		return nil, rvTemplateIncomplete
	}
	if t := a.number(attrKeyType); t != keyGenericSecret && t != keyGOST28147 {
		return nil, rvTemplateInconsistent
	}
	if _, ok := a[attrValue]; ok {
		return nil, rvAttributeReadOnly
	}
	if _, ok := a[attrValueLen]; ok && a.number(attrValueLen) != size256 {
		return nil, rvTemplateInconsistent
	}
	delete(a, attrValueLen)
	a.setDefault(attrPrivate, boolean(true))
	return a, RVOK
}

// agree computes the 32 octets.
func (m *Module) agree(o *object, mech Mechanism) ([]byte, RV) {
	p := mech.Derive
	if p == nil {
		var ok bool
		if p, ok = m.parseDeriveParams(mech.Param); !ok {
			return nil, rvMechanismParamInvalid
		}
	}
	if p.KDF != kdfNull && p.KDF != kdfGOSTR3411x2012 || len(p.UKM) < minUKM {
		return nil, rvMechanismParamInvalid
	}
	var value []byte
	rv := o.key.use(func(k *gost3410.PrivateKey) RV {
		peer, ok := publicValue(k.Curve(), p.PublicKey)
		if !ok {
			return rvMechanismParamInvalid
		}
		kek, err := k.VKO(peer, p.UKM, streebog.New256)
		if err != nil {
			return rvMechanismParamInvalid // the UKM is zero or too long
		}
		value = kek
		return RVOK
	})
	if rv != RVOK || p.KDF == kdfNull {
		return value, rv
	}
	defer clear(value)
	// The label of the examples in RFC 7836, Appendix B, which programs for
	// Russian tokens use to diversify a key by its UKM.
	out := kdf.GOSTR3411_2012_256(value, []byte{0x26, 0xbd, 0xb8, 0x78}, p.UKM)
	return out[:], RVOK
}
