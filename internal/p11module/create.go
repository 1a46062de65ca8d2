package p11module

import (
	"bytes"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

func sortHandles(list []uint64) { slices.Sort(list) }

// CreateObject is C_CreateObject: data, X.509 certificates, GOST keys of both
// halves and secret keys.
func (m *Module) CreateObject(h uint64, template []Attribute) (obj uint64, rv RV) {
	rv = m.withSession("C_CreateObject", h, func(s *session) RV {
		a, rv := m.decode(template)
		if rv != RVOK {
			return rv
		}
		var key *gost3410.PrivateKey
		if key, rv = complete(a); rv != RVOK {
			return rv
		}
		obj, rv = m.insert(s, a, key)
		if rv != RVOK && key != nil {
			key.Destroy()
		}
		return rv
	})
	return obj, rv
}

// complete checks the template of a new object and fills what it leaves out. It
// returns the key of a private key object, whose CKA_VALUE it takes away.
func complete(a attrs) (*gost3410.PrivateKey, RV) {
	if _, ok := a[attrClass]; !ok {
		return nil, rvTemplateIncomplete
	}
	class := a.number(attrClass)
	if rv := checkClass(a, class); rv != RVOK {
		return nil, rv
	}
	switch class {
	case classData:
		fillStorage(a)
		for _, attr := range []uint64{attrApplication, attrObjectID, attrValue} {
			a.setDefault(attr, []byte{})
		}
		return nil, RVOK
	case classCertificate:
		fillStorage(a)
		return nil, completeCertificate(a)
	case classPublicKey:
		fillStorage(a)
		return nil, completePublic(a)
	case classPrivateKey:
		return completePrivate(a)
	case classSecretKey:
		return nil, completeSecret(a)
	}
	return nil, rvAttributeValueInvalid
}

// checkClass refuses attributes that the class does not have or that only the
// token sets (section 4.1.1).
func checkClass(a attrs, class uint64) RV {
	for attr := range a {
		switch {
		case !classHas(class, attr):
			return RVAttributeTypeInvalid
		case isReadOnly(attr):
			return rvAttributeReadOnly
		case attr == attrTrusted && a.is(attr):
			return rvAttributeReadOnly // only the security officer can set it (section 4.6.3)
		}
	}
	return RVOK
}

func completeCertificate(a attrs) RV {
	if _, ok := a[attrValue]; !ok {
		return rvTemplateIncomplete
	}
	if _, ok := a[attrCertificateType]; !ok {
		return rvTemplateIncomplete
	}
	if a.number(attrCertificateType) != certificateX509 {
		return rvAttributeValueInvalid
	}
	cert, err := pki.ParseCertificate(a[attrValue])
	if err != nil {
		return rvAttributeValueInvalid
	}
	for attr, v := range certificateAttrs(cert) {
		given, ok := a[attr]
		// Names that differ from the certificate's would make it be found
		// under a false one.
		if ok && len(given) > 0 && (attr == attrSubject || attr == attrIssuer) && !bytes.Equal(given, v) {
			return rvTemplateInconsistent
		}
		if !ok || len(given) == 0 {
			a[attr] = v
		}
	}
	return RVOK
}

// paramsOf checks the parameters of a key's template.
func paramsOf(a attrs) (gost3410.Curve, RV) {
	if _, ok := a[attrKeyType]; !ok {
		return gost3410.Curve{}, rvTemplateIncomplete
	}
	size := keySize(a.number(attrKeyType))
	if size == 0 {
		return gost3410.Curve{}, rvAttributeValueInvalid
	}
	der, ok := a[attrGOSTR3410Params]
	if !ok {
		return gost3410.Curve{}, rvTemplateIncomplete
	}
	curve, rv := curveOf(der, size)
	if rv != RVOK {
		return gost3410.Curve{}, rv
	}
	if _, ok := a[attrValue]; !ok {
		return gost3410.Curve{}, rvTemplateIncomplete
	}
	return curve, checkDigestParams(a, size)
}

// publicValue reads CKA_VALUE: 64 or 128 octets, as they are or in an OCTET
// STRING, because tokens use both forms.
func publicValue(c gost3410.Curve, v []byte) (*gost3410.PublicKey, bool) {
	if len(v) != 2*c.Size() {
		s := cryptobyte.String(v)
		var inner cryptobyte.String
		if !s.ReadASN1(&inner, asn1.OCTET_STRING) || !s.Empty() {
			return nil, false
		}
		v = inner
	}
	pub, err := gost3410.NewPublicKey(c, v)
	return pub, err == nil
}

func completePublic(a attrs) RV {
	curve, rv := paramsOf(a)
	if rv != RVOK {
		return rv
	}
	pub, ok := publicValue(curve, a[attrValue])
	if !ok {
		return rvAttributeValueInvalid
	}
	own, rv := publicAttrs(pub)
	if rv != RVOK {
		return rv
	}
	a[attrValue] = own[attrValue]
	for attr, v := range own {
		a.setDefault(attr, v)
	}
	return RVOK
}

// completePrivate imports a key: CKA_VALUE is the little-endian number.
func completePrivate(a attrs) (*gost3410.PrivateKey, RV) {
	curve, rv := paramsOf(a)
	if rv != RVOK {
		return nil, rv
	}
	key, err := gost3410.NewPrivateKey(curve, a[attrValue])
	clear(a[attrValue])
	delete(a, attrValue)
	if err != nil {
		return nil, rvAttributeValueInvalid
	}
	spki, err := alg.MarshalPublicKey(key.Public())
	if err != nil {
		return nil, rvDeviceError
	}
	a[attrPublicKeyInfo] = spki
	fillPrivate(a)
	fillStorage(a)
	if !a.is(attrPrivate) {
		key.Destroy()
		return nil, rvTemplateInconsistent // whoever has the file would have the key
	}
	return key, RVOK
}

func completeSecret(a attrs) RV {
	if _, ok := a[attrKeyType]; !ok {
		return rvTemplateIncomplete
	}
	v, ok := a[attrValue]
	if !ok {
		return rvTemplateIncomplete
	}
	if _, ok := a[attrValueLen]; ok {
		return rvAttributeReadOnly // "must not be specified" by C_CreateObject (section 4.10)
	}
	switch t := a.number(attrKeyType); {
	case t != keyGenericSecret && t != keyGOST28147:
		return rvAttributeValueInvalid
	case len(v) == 0, t == keyGOST28147 && len(v) != size256:
		return rvAttributeValueInvalid
	}
	fillSecret(a)
	return RVOK
}

// fillSecret sets what a secret key's template left out.
func fillSecret(a attrs) {
	if a.number(attrKeyType) == keyGenericSecret {
		a[attrValueLen] = number(uint64(len(a[attrValue])))
	}
	for attr, v := range map[uint64][]byte{
		attrPrivate: boolean(true), attrSensitive: boolean(true), attrExtractable: boolean(false), attrSign: boolean(false),
		attrVerify: boolean(false), attrEncrypt: boolean(false), attrDecrypt: boolean(false), attrWrap: boolean(false),
		attrUnwrap: boolean(false), attrDerive: boolean(false), attrLocal: boolean(false), attrAlwaysSensitive: boolean(false),
		attrNeverExtractable: boolean(false), attrKeyGenMechanism: number(unavailable), attrTrusted: boolean(false),
		attrWrapWithTrusted: boolean(false), attrStartDate: {}, attrEndDate: {}, attrID: {},
	} {
		a.setDefault(attr, v)
	}
	fillStorage(a)
}

// mayCreate holds the conditions of the session's state for a new object (table
// of section 4.2, "Access to different types objects").
func (s *session) mayCreate(a attrs) RV {
	switch {
	case a.is(attrToken) && !s.rw:
		return rvSessionReadOnly
	case a.is(attrPrivate) && !s.isUser():
		return rvUserNotLoggedIn
	case len(s.slot.objects) >= limits.TokenObjects:
		return rvDeviceMemory
	}
	return RVOK
}

// insert puts a complete object where its template says: into the token or the
// session. The caller holds mu.
func (m *Module) insert(s *session, a attrs, key *gost3410.PrivateKey) (uint64, RV) {
	if rv := s.mayCreate(a); rv != RVOK {
		return 0, rv
	}
	o := &object{a: a}
	if key != nil {
		o.key = &secret{key: key}
	}
	if !a.is(attrToken) {
		o.owner = s.handle
		return m.adopt(s.slot, o), RVOK
	}
	name, rv := s.slot.back.add(a, key)
	if rv != RVOK {
		return 0, rv
	}
	o.name = name
	if old, ok := s.slot.byName[name]; ok {
		delete(s.slot.objects, old) // a container's certificate was replaced
	}
	return m.adopt(s.slot, o), RVOK
}

// CopyObject is C_CopyObject.
func (m *Module) CopyObject(h, obj uint64, template []Attribute) (made uint64, rv RV) {
	rv = m.withSession("C_CopyObject", h, func(s *session) RV {
		o, rv := s.object(obj, rvObjectHandleInvalid)
		if rv != RVOK {
			return rv
		}
		if !o.a.is(attrCopyable) {
			return rvActionProhibited
		}
		change, rv := m.decode(template)
		if rv != RVOK {
			return rv
		}
		a := o.a.clone()
		for attr, v := range change {
			switch attr {
			case attrToken, attrPrivate, attrModifiable, attrCopyable, attrDestroyable:
			default:
				if rv := mayUpdate(o.a, attr, v); rv != RVOK {
					return rv
				}
			}
			a[attr] = v
		}
		if o.a.number(attrClass) == classPrivateKey && !a.is(attrPrivate) {
			return rvTemplateInconsistent
		}
		key, rv := o.copyKey()
		if rv != RVOK {
			return rv
		}
		made, rv = m.insert(s, a, key)
		if rv != RVOK && key != nil {
			key.Destroy()
		}
		return rv
	})
	return made, rv
}

// copyKey returns a second instance of a private key, nil for other objects.
func (o *object) copyKey() (key *gost3410.PrivateKey, rv RV) {
	if o.key == nil {
		return nil, RVOK
	}
	rv = o.key.use(func(k *gost3410.PrivateKey) RV {
		raw := k.Bytes()
		defer clear(raw)
		var err error
		if key, err = gost3410.NewPrivateKey(k.Curve(), raw); err != nil {
			return rvDeviceError
		}
		return RVOK
	})
	return key, rv
}
