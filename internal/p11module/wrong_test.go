package p11module

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// Before C_Initialize every function says so.
func TestNotInitialized(t *testing.T) {
	m := New(Config{Getenv: func(name string) string {
		return map[string]string{DirVariable: t.TempDir()}[name]
	}})
	for name, call := range map[string]func() RV{
		"C_Finalize":          m.Finalize,
		"C_GetInfo":           func() RV { return m.Check(RVOK) },
		"C_GetSlotList":       func() RV { _, rv := m.SlotList(true, true, nil); return rv },
		"C_GetSlotInfo":       func() RV { _, rv := m.GetSlotInfo(0); return rv },
		"C_GetTokenInfo":      func() RV { _, rv := m.GetTokenInfo(0); return rv },
		"C_GetMechanismList":  func() RV { _, rv := m.MechanismList(0, true, nil); return rv },
		"C_GetMechanismInfo":  func() RV { _, rv := m.GetMechanismInfo(0, mechGOSTR3410); return rv },
		"C_WaitForSlotEvent":  func() RV { _, rv := m.WaitForSlotEvent(eventDontBlock); return rv },
		"C_InitToken":         func() RV { return m.InitToken(0, []byte(soPIN), "x") },
		"C_OpenSession":       func() RV { _, rv := m.OpenSession(0, sessionSerial); return rv },
		"C_CloseAllSessions":  func() RV { return m.CloseAllSessions(0) },
		"C_Login":             func() RV { return m.Login(1, userUser, []byte(userPIN)) },
		"C_SetPIN":            func() RV { return m.SetPIN(1, []byte(userPIN), []byte(userPIN)) },
		"C_Sign":              func() RV { _, rv := m.Sign(1, nil, Output{}); return rv },
		"C_FindObjectsInit":   func() RV { return m.FindObjectsInit(1, nil) },
		"C_GetAttributeValue": func() RV { return m.GetAttributeValue(1, 1, nil) },
		"C_GenerateRandom":    func() RV { return m.GenerateRandom(1, make([]byte, 1)) },
	} {
		want(t, name, call(), rvCryptokiNotInitialized)
	}
	must(t, m.Initialize())
	want(t, "twice", m.Initialize(), rvCryptokiAlreadyInitialized)
	must(t, m.Finalize())
}

// The state machine of sessions and users (PKCS #11 v2.40, sections 5.5 and 5.6).
func TestWrongSessions(t *testing.T) {
	m, _ := newModule(t, nil)
	_, rv := m.OpenSession(0, sessionSerial)
	want(t, "token without C_InitToken", rv, rvTokenNotRecognized)
	want(t, "short SO PIN", m.InitToken(0, []byte("1234"), "x"), rvPINIncorrect)
	want(t, "label", m.InitToken(0, []byte(soPIN), "a\x00b"), RVArgumentsBad)
	want(t, "long label", m.InitToken(0, []byte(soPIN), strings.Repeat("x", 33)), RVArgumentsBad)
	must(t, m.InitToken(0, []byte(soPIN), "x"))
	want(t, "wrong SO PIN", m.InitToken(0, []byte(badPIN), "x"), rvPINIncorrect)
	_, rv = m.OpenSession(7, sessionSerial)
	want(t, "slot", rv, rvSlotIDInvalid)
	_, rv = m.OpenSession(0, sessionReadWrite)
	want(t, "parallel session", rv, rvSessionParallelNotSupport)
	ro, rv := m.OpenSession(0, sessionSerial)
	must(t, rv)
	rw := open(t, m, 0)
	want(t, "C_InitToken with sessions", m.InitToken(0, []byte(soPIN), "x"), rvSessionExists)
	want(t, "SO with a read-only session", m.Login(rw, userSO, []byte(soPIN)), rvSessionReadOnlyExists)
	want(t, "no user PIN", m.Login(rw, userUser, []byte(userPIN)), rvUserPINNotInitialized)
	want(t, "user type", m.Login(rw, 7, []byte(userPIN)), rvUserTypeInvalid)
	want(t, "context login", m.Login(rw, userContextSpecific, []byte(userPIN)), rvOperationNotInitialized)
	want(t, "C_Logout", m.Logout(rw), rvUserNotLoggedIn)
	want(t, "C_InitPIN without login", m.InitPIN(rw, []byte(userPIN)), rvUserNotLoggedIn)
	want(t, "C_SetPIN, read-only", m.SetPIN(ro, []byte(userPIN), []byte(userPIN)), rvSessionReadOnly)
	must(t, m.CloseSession(ro))
	want(t, "C_CloseSession twice", m.CloseSession(ro), rvSessionHandleInvalid)
	must(t, m.Login(rw, userSO, []byte(soPIN)))
	info, rv := m.GetSessionInfo(rw)
	must(t, rv)
	if info.State != stateRWSO {
		t.Errorf("state %d", info.State)
	}
	_, rv = m.OpenSession(0, sessionSerial)
	want(t, "read-only session beside the SO", rv, rvSessionReadWriteSOExists)
	want(t, "again", m.Login(rw, userSO, []byte(soPIN)), rvUserAlreadyLoggedIn)
	want(t, "another", m.Login(rw, userUser, []byte(userPIN)), rvUserAnotherAlreadyLoggedIn)
	want(t, "short PIN", m.InitPIN(rw, []byte("1234567")), rvPINLenRange)
	want(t, "long PIN", m.InitPIN(rw, bytes.Repeat([]byte("1"), 2000)), rvPINLenRange)
	want(t, "binary PIN", m.InitPIN(rw, []byte("12345678\xff")), rvPINInvalid)
	must(t, m.InitPIN(rw, []byte(userPIN)))
	must(t, m.SetPIN(rw, []byte(soPIN), []byte("new-SO-PIN")))
	must(t, m.Logout(rw))
	want(t, "old SO PIN", m.Login(rw, userSO, []byte(soPIN)), rvPINIncorrect)
	must(t, m.Login(rw, userUser, []byte(userPIN)))
	must(t, m.CloseAllSessions(0))
	rw = open(t, m, 0)
	info, rv = m.GetSessionInfo(rw)
	must(t, rv)
	if info.State != stateRWPublic {
		t.Errorf("the last session closed and the user is still logged in: state %d", info.State)
	}
	want(t, "C_SeedRandom", m.SeedRandom(rw), rvRandomSeedNotSupported)
	want(t, "too much", m.GenerateRandom(rw, make([]byte, limits.TokenRandom+1)), RVArgumentsBad)
	for range limits.TokenSessions - 1 {
		_, rv = m.OpenSession(0, sessionSerial)
		must(t, rv)
	}
	_, rv = m.OpenSession(0, sessionSerial)
	want(t, "one session too many", rv, rvSessionCount)
}

// Templates of key pairs.
func TestWrongTemplates(t *testing.T) {
	m, _ := newModule(t, nil)
	h := newToken(t, m)
	curve := at(attrGOSTR3410Params, oid.TC26_256A)
	for name, tt := range map[string]struct {
		mech      Mechanism
		pub, priv []Attribute
		want      RV
	}{
		"no curve":              {pub: nil, want: rvTemplateIncomplete},
		"curve in private only": {priv: []Attribute{curve}, want: rvTemplateIncomplete},
		"equal in both":         {pub: []Attribute{curve}, priv: []Attribute{curve}, want: RVOK},
		"curves differ":         {pub: []Attribute{curve}, priv: []Attribute{at(attrGOSTR3410Params, oid.TC26_256B)}, want: rvTemplateInconsistent},
		"digests differ": {
			pub: []Attribute{curve}, priv: []Attribute{at(attrGOSTR3411Params, oid.GOST341194CryptoProParams)},
			want: rvTemplateInconsistent,
		},
		"digest of 512":    {pub: []Attribute{curve, at(attrGOSTR3411Params, oid.Streebog512)}, want: rvTemplateInconsistent},
		"curve of 512":     {pub: []Attribute{at(attrGOSTR3410Params, oid.TC26_512A)}, want: rvTemplateInconsistent},
		"test curve":       {pub: []Attribute{at(attrGOSTR3410Params, oid.CryptoProTest)}, want: rvDomainParamsInvalid},
		"unknown curve":    {pub: []Attribute{at(attrGOSTR3410Params, oid.RSA)}, want: rvDomainParamsInvalid},
		"no OID":           {pub: []Attribute{at(attrGOSTR3410Params, "x")}, want: rvAttributeValueInvalid},
		"class":            {pub: []Attribute{curve, at(attrClass, classPrivateKey)}, want: rvTemplateInconsistent},
		"key type":         {pub: []Attribute{curve, at(attrKeyType, keyGOSTR3410x512)}, want: rvTemplateInconsistent},
		"public private":   {pub: []Attribute{curve}, priv: []Attribute{at(attrPrivate, false)}, want: rvTemplateInconsistent},
		"value":            {pub: []Attribute{curve, at(attrValue, "x")}, want: rvAttributeReadOnly},
		"CKA_LOCAL":        {pub: []Attribute{curve, at(attrLocal, true)}, want: rvAttributeReadOnly},
		"CKA_TRUSTED":      {pub: []Attribute{curve, at(attrTrusted, true)}, want: rvAttributeReadOnly},
		"unknown":          {pub: []Attribute{curve, at(0x7777, "x")}, want: RVAttributeTypeInvalid},
		"of other class":   {pub: []Attribute{curve, at(attrSensitive, true)}, want: RVAttributeTypeInvalid},
		"boolean":          {pub: []Attribute{curve, at(attrToken, []byte{2})}, want: rvAttributeValueInvalid},
		"number":           {pub: []Attribute{curve, at(attrKeyType, []byte{1, 2})}, want: rvAttributeValueInvalid},
		"text":             {pub: []Attribute{curve, at(attrLabel, "\xff")}, want: rvAttributeValueInvalid},
		"date":             {pub: []Attribute{curve, at(attrStartDate, "2026-1-1")}, want: rvAttributeValueInvalid},
		"twice":            {pub: []Attribute{curve, at(attrLabel, "a"), at(attrLabel, "b")}, want: rvTemplateInconsistent},
		"twice, equal":     {pub: []Attribute{curve, at(attrLabel, "a"), at(attrLabel, "a")}, want: RVOK},
		"too many":         {pub: make([]Attribute, limits.TokenAttributes+1), want: RVArgumentsBad},
		"mechanism":        {mech: Mechanism{Type: 0x1040}, pub: []Attribute{curve}, want: rvMechanismInvalid},
		"mechanism's kind": {mech: Mechanism{Type: mechGOSTR3410}, pub: []Attribute{curve}, want: rvMechanismInvalid},
		"parameter": {
			mech: Mechanism{Type: mechGOSTR3410KeyPairGen, Param: []byte{1}}, pub: []Attribute{curve}, want: rvMechanismParamInvalid,
		},
	} {
		if tt.mech.Type == 0 {
			tt.mech.Type = mechGOSTR3410KeyPairGen
		}
		_, _, rv := m.GenerateKeyPair(h, tt.mech, tt.pub, tt.priv)
		want(t, name, rv, tt.want)
	}
	ro, rv := m.OpenSession(0, sessionSerial)
	must(t, rv)
	onToken := []Attribute{curve, at(attrToken, true)}
	_, _, rv = m.GenerateKeyPair(ro, Mechanism{Type: mechGOSTR3410KeyPairGen}, onToken, onToken)
	want(t, "read-only session", rv, rvSessionReadOnly)
	must(t, m.Logout(h))
	_, _, rv = m.GenerateKeyPair(h, Mechanism{Type: mechGOSTR3410KeyPairGen}, onToken, onToken)
	want(t, "nobody logged in", rv, rvUserNotLoggedIn)
}

// Operations and their order.
func TestWrongOperations(t *testing.T) {
	m, _ := newModule(t, nil)
	h := newToken(t, m)
	pub, priv := generate(t, m, h, mechGOSTR3410KeyPairGen, oid.TC26_256A, "a")
	pub5, priv5 := generate(t, m, h, mechGOSTR3410KeyPairGen512, oid.TC26_512A, "b")
	raw, with := Mechanism{Type: mechGOSTR3410}, Mechanism{Type: mechGOSTR3410WithStreebog256}
	out := func(n int) Output { return Output{Buf: make([]byte, n)} }
	second := func(_ int, rv RV) RV { return rv }

	want(t, "C_Sign alone", second(m.Sign(h, nil, out(64))), rvOperationNotInitialized)
	want(t, "C_SignUpdate alone", m.SignUpdate(h, nil), rvOperationNotInitialized)
	want(t, "C_SignFinal alone", second(m.SignFinal(h, out(64))), rvOperationNotInitialized)
	want(t, "C_Verify alone", m.Verify(h, nil, nil), rvOperationNotInitialized)
	want(t, "C_VerifyFinal alone", m.VerifyFinal(h, nil), rvOperationNotInitialized)
	want(t, "C_Digest alone", second(m.Digest(h, nil, out(64))), rvOperationNotInitialized)
	want(t, "C_FindObjects alone", second(m.FindObjects(h, make([]uint64, 1))), rvOperationNotInitialized)
	want(t, "C_FindObjectsFinal alone", m.FindObjectsFinal(h), rvOperationNotInitialized)
	want(t, "session", m.SignInit(h+1000, raw, priv), rvSessionHandleInvalid)
	want(t, "key", m.SignInit(h, raw, 99999), rvKeyHandleInvalid)
	want(t, "public key signs", m.SignInit(h, raw, pub), rvKeyTypeInconsistent)
	want(t, "private key verifies", m.VerifyInit(h, raw, priv), rvKeyTypeInconsistent)
	want(t, "512 for 256", m.SignInit(h, raw, priv5), rvKeyTypeInconsistent)
	want(t, "256 for 512", m.VerifyInit(h, Mechanism{Type: mechGOSTR3410x512}, pub), rvKeyTypeInconsistent)
	want(t, "mechanism", m.SignInit(h, Mechanism{Type: mechStreebog256}, priv), rvMechanismInvalid)
	want(t, "parameter", m.SignInit(h, Mechanism{Type: mechGOSTR3410, Param: []byte{1}}, priv), rvMechanismParamInvalid)
	must(t, m.VerifyInit(h, Mechanism{Type: mechGOSTR3410x512, Param: oid.Streebog512.DER()}, pub5))
	must(t, m.SignInit(h, raw, priv))
	want(t, "C_SignInit twice", m.SignInit(h, raw, priv), rvOperationActive)
	want(t, "small buffer", second(m.Sign(h, make([]byte, 32), out(63))), RVBufferTooSmall)
	want(t, "digest too short", second(m.Sign(h, make([]byte, 31), out(64))), rvDataLenRange)
	want(t, "an error ends the operation", second(m.Sign(h, make([]byte, 32), out(64))), rvOperationNotInitialized)
	must(t, m.SignInit(h, raw, priv))
	must(t, m.SignUpdate(h, make([]byte, 32)))
	want(t, "digest too long", m.SignUpdate(h, make([]byte, 1)), rvDataLenRange)
	want(t, "it ended", second(m.SignFinal(h, out(64))), rvOperationNotInitialized)
	must(t, m.SignInit(h, with, priv))
	must(t, m.SignUpdate(h, []byte("m")))
	want(t, "C_Sign after C_SignUpdate", second(m.Sign(h, nil, out(64))), rvOperationNotInitialized)
	want(t, "verification without data", m.VerifyFinal(h, nil), rvDataLenRange)
	must(t, m.VerifyInit(h, with, pub))
	want(t, "signature's length", m.Verify(h, []byte("m"), make([]byte, 63)), rvSignatureLenRange)
	must(t, m.VerifyInit(h, with, pub))
	want(t, "signature", m.Verify(h, []byte("m"), make([]byte, 64)), rvSignatureInvalid)

	must(t, m.DigestInit(h, Mechanism{Type: mechStreebog512}))
	want(t, "C_DigestInit twice", m.DigestInit(h, Mechanism{Type: mechStreebog512}), rvOperationActive)
	want(t, "small buffer", second(m.Digest(h, nil, out(32))), RVBufferTooSmall)
	must(t, m.DigestUpdate(h, []byte("m")))
	want(t, "C_Digest after C_DigestUpdate", second(m.Digest(h, nil, out(64))), rvOperationNotInitialized)
	want(t, "digest mechanism", m.DigestInit(h, raw), rvMechanismInvalid)
	must(t, m.FindObjectsInit(h, nil))
	want(t, "C_FindObjectsInit twice", m.FindObjectsInit(h, nil), rvOperationActive)

	// With the user the operations with private keys go.
	must(t, m.SignInit(h, raw, priv))
	must(t, m.Logout(h))
	want(t, "after C_Logout", second(m.Sign(h, make([]byte, 32), out(64))), rvOperationNotInitialized)
	want(t, "key after C_Logout", m.SignInit(h, raw, priv), rvKeyHandleInvalid)
}

// Attributes and objects.
func TestWrongObjects(t *testing.T) {
	m, _ := newModule(t, nil)
	h := newToken(t, m)
	pub, priv := generate(t, m, h, mechGOSTR3410KeyPairGen, oid.TC26_256A, "a")
	q := []Query{{Type: attrValue}, {Type: attrLabel}, {Type: 0x7777}, {Type: attrID, Buf: []byte{}}}
	rv := m.GetAttributeValue(h, priv, q)
	if rv == RVOK || q[0].Len != -1 || q[1].Len != len("key a") || q[2].Len != -1 || q[3].Len != -1 {
		t.Errorf("%v %+v: each attribute is answered by itself", rv, q)
	}
	want(t, "sensitive", m.GetAttributeValue(h, priv, q[:1]), RVAttributeSensitive)
	want(t, "unknown attribute", m.GetAttributeValue(h, priv, q[2:3]), RVAttributeTypeInvalid)
	want(t, "attribute of others", m.GetAttributeValue(h, pub, []Query{{Type: attrSensitive}}), RVAttributeTypeInvalid)
	want(t, "small buffer", m.GetAttributeValue(h, priv, q[3:]), RVBufferTooSmall)
	want(t, "object", m.GetAttributeValue(h, 99999, q), rvObjectHandleInvalid)
	want(t, "object", m.DestroyObject(h, 99999), rvObjectHandleInvalid)

	set := func(obj uint64, a ...Attribute) RV { return m.SetAttributeValue(h, obj, a) }
	want(t, "class", set(priv, at(attrClass, classData)), rvAttributeReadOnly)
	want(t, "not sensitive any more", set(priv, at(attrSensitive, false)), rvAttributeReadOnly)
	want(t, "extractable after all", set(priv, at(attrExtractable, true)), rvAttributeReadOnly)
	want(t, "value", set(pub, at(attrValue, "x")), rvAttributeReadOnly)
	want(t, "all or nothing", set(priv, at(attrLabel, "new"), at(attrToken, false)), rvAttributeReadOnly)
	if got := attribute(t, m, h, priv, attrLabel); string(got) != "key a" {
		t.Errorf("the label changed to %q", got)
	}
	must(t, set(priv, at(attrLabel, "new"), at(attrID, "b"), at(attrSign, false)))
	want(t, "CKA_SIGN is false", m.SignInit(h, Mechanism{Type: mechGOSTR3410}, priv), rvKeyFunctionNotPermitted)

	create := func(a ...Attribute) RV { _, rv := m.CreateObject(h, a); return rv }
	gost := []Attribute{at(attrClass, classPrivateKey), at(attrKeyType, keyGOSTR3410), at(attrGOSTR3410Params, oid.TC26_256A)}
	with := func(a ...Attribute) []Attribute { return append(gost[:len(gost):len(gost)], a...) }
	want(t, "no class", create(at(attrLabel, "x")), rvTemplateIncomplete)
	want(t, "class", create(at(attrClass, 77)), rvAttributeValueInvalid)
	want(t, "no value", create(gost...), rvTemplateIncomplete)
	want(t, "zero", create(with(at(attrValue, make([]byte, 32)))...), rvAttributeValueInvalid)
	want(t, "long", create(with(at(attrValue, make([]byte, 33)))...), rvAttributeValueInvalid)
	want(t, "public private key", create(with(at(attrValue, bytes.Repeat([]byte{1}, 32)), at(attrPrivate, false))...), rvTemplateInconsistent)
	want(t, "RSA", create(at(attrClass, classPrivateKey), at(attrKeyType, 0), at(attrValue, "x")), rvAttributeValueInvalid)
	want(t, "certificate", create(at(attrClass, classCertificate), at(attrCertificateType, 0), at(attrValue, "x")), rvAttributeValueInvalid)
	want(t, "WTLS", create(at(attrClass, classCertificate), at(attrCertificateType, 2), at(attrValue, "x")), rvAttributeValueInvalid)
	want(t, "certificate without value", create(at(attrClass, classCertificate)), rvTemplateIncomplete)
	want(t, "public key off the curve", create(at(attrClass, classPublicKey), at(attrKeyType, keyGOSTR3410),
		at(attrGOSTR3410Params, oid.TC26_256A), at(attrValue, make([]byte, 64))), rvAttributeValueInvalid)

	fixed, rv := m.CreateObject(h, []Attribute{
		at(attrClass, classData), at(attrModifiable, false), at(attrDestroyable, false), at(attrCopyable, false),
	})
	must(t, rv)
	want(t, "CKA_MODIFIABLE is false", set(fixed, at(attrLabel, "x")), rvActionProhibited)
	want(t, "CKA_DESTROYABLE is false", m.DestroyObject(h, fixed), rvActionProhibited)
	_, rv = m.CopyObject(h, fixed, nil)
	want(t, "CKA_COPYABLE is false", rv, rvActionProhibited)
	ro, rv := m.OpenSession(0, sessionSerial)
	must(t, rv)
	want(t, "read-only session", m.DestroyObject(ro, priv), rvSessionReadOnly)
}

// An extractable key that is not sensitive can be read back, copied and used
// under another handle; a key of GOST R 34.10-2001 signs digests alone.
func TestImportAndCopy(t *testing.T) {
	m, _ := newModule(t, nil)
	h := newToken(t, m)
	value := bytes.Repeat([]byte{7}, 32)
	key, rv := m.CreateObject(h, []Attribute{
		at(attrClass, classPrivateKey), at(attrKeyType, keyGOSTR3410), at(attrGOSTR3410Params, oid.CryptoProA),
		at(attrValue, value), at(attrSensitive, false), at(attrExtractable, true), at(attrLabel, "imported"),
	})
	must(t, rv)
	if got := attribute(t, m, h, key, attrValue); !bytes.Equal(got, value) {
		t.Errorf("%x", got)
	}
	copied, rv := m.CopyObject(h, key, []Attribute{at(attrToken, true), at(attrSensitive, true), at(attrLabel, "copy")})
	must(t, rv)
	must(t, m.DestroyObject(h, key))
	sign(t, m, h, mechGOSTR3410, copied, make([]byte, 32))
	want(t, "sensitive copy", m.GetAttributeValue(h, copied, []Query{{Type: attrValue}}), RVAttributeSensitive)
	if n, rv := m.ObjectSize(h, copied); rv != RVOK || n == 0 {
		t.Errorf("size %d, %v", n, rv)
	}
	legacy := at(attrGOSTR3411Params, oid.GOST341194CryptoProParams)
	_, priv, rv := m.GenerateKeyPair(h, Mechanism{Type: mechGOSTR3410KeyPairGen},
		[]Attribute{at(attrGOSTR3410Params, oid.CryptoProA), legacy}, []Attribute{legacy})
	must(t, rv)
	sign(t, m, h, mechGOSTR3410, priv, make([]byte, 32))
	want(t, "Streebog with a key of 2001", m.SignInit(h, Mechanism{Type: mechGOSTR3410WithStreebog256}, priv), rvKeyTypeInconsistent)
}

// On a machine whose unsigned long has four octets, numbers have four.
func TestShortULong(t *testing.T) {
	m, _ := newModule(t, nil)
	m.cfg.ULongSize = 4
	a, rv := m.decode([]Attribute{{attrClass, []byte{3, 0, 0, 0}}, {attrKeyGenMechanism, bytes.Repeat([]byte{255}, 4)}})
	must(t, rv)
	if a.number(attrKeyGenMechanism) != unavailable {
		t.Error("CK_UNAVAILABLE_INFORMATION is lost")
	}
	if got := m.wire(attrKeyGenMechanism, a[attrKeyGenMechanism]); !bytes.Equal(got, bytes.Repeat([]byte{255}, 4)) {
		t.Errorf("%x", got)
	}
	_, rv = m.decode([]Attribute{at(attrClass, 1)})
	want(t, "eight octets", rv, rvAttributeValueInvalid)
}
