package pkcs11

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/token"
)

// fakeModule is a module with one token in Go, with the mechanisms of TC26 and
// faults that no real one has at hand.
type fakeModule struct {
	mu sync.Mutex

	mechs     []uint
	label     string
	slot      uint
	removed   bool
	finalized bool
	wrongSet  gost3410.Curve // a valid set makes keys on it, whatever is asked for
	wrap      bool           // gives public keys inside an OCTET STRING
	always    bool           // CKA_ALWAYS_AUTHENTICATE
	strict    bool           // wants the parameters in the private template too
	delay     time.Duration  // of each signature
	fail      map[string][]Code

	pin, soPIN     []byte
	tries, triesSO int
	user           uint // CKU_ of who is logged in, or noUser
	confirmed      bool
	logins         int // C_Login calls that cost or could have cost a try
	opened         int // sessions that were ever opened

	nextSession, nextObject uint
	sessions                map[uint]*fakeSession
	objects                 map[uint]map[uint][]byte
	secrets                 map[uint]*gost3410.PrivateKey
}

type fakeSession struct {
	mech mechanism
	key  uint
	busy bool
}

const noUser = ^uint(0)

// newFake registers a fake module and returns it with the URI of its token.
func newFake(t testing.TB) (*fakeModule, string) {
	t.Helper()
	f := &fakeModule{
		mechs: []uint{ckmGOSTKeyPairGen, ckmGOSTR3410, ckmGOSTKeyPairGen512, ckmGOSTR3410x512, ckmGOST12Derive},
		label: "fake", slot: 7, pin: []byte("1234"), soPIN: []byte("12345678"), tries: 3, triesSO: 3, user: noUser,
		sessions: map[uint]*fakeSession{}, objects: map[uint]map[uint][]byte{}, secrets: map[uint]*gost3410.PrivateKey{},
		fail: map[string][]Code{},
	}
	path := "/fake/" + t.Name()
	modules.Lock()
	modules.loaded[path] = &module{api: f, path: path}
	modules.Unlock()
	t.Cleanup(func() {
		modules.Lock()
		defer modules.Unlock()
		if n := modules.loaded[path].refs; n != 0 {
			t.Errorf("the module is still used %d times", n)
		}
		delete(modules.loaded, path)
	})
	return f, (&URI{Token: f.label, ModulePath: path}).String()
}

func (f *fakeModule) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// remove takes the token out: its sessions and its login are gone.
func (f *fakeModule) remove() {
	f.set(func() { f.removed, f.user, f.sessions = true, noUser, map[uint]*fakeSession{} })
}

// insert puts the token into another slot.
func (f *fakeModule) insert() { f.set(func() { f.removed = false; f.slot++ }) }

func fakeErr(op string, c Code) error { return &Error{Op: op, Code: c} }

// enter checks what every call checks and takes injected faults. The caller
// holds no lock; the returned function gives it back.
func (f *fakeModule) enter(op string, session uint) (*fakeSession, func(), error) {
	f.mu.Lock()
	if list := f.fail[op]; len(list) > 0 {
		f.fail[op] = list[1:]
		f.mu.Unlock()
		return nil, nil, fakeErr(op, list[0])
	}
	if f.finalized {
		f.mu.Unlock()
		return nil, nil, fakeErr(op, ckrCryptokiNotInitialized)
	}
	s := f.sessions[session]
	if session != 0 && s == nil {
		c := ckrSessionHandleInvalid
		if f.removed {
			c = CodeDeviceRemoved
		}
		f.mu.Unlock()
		return nil, nil, fakeErr(op, c)
	}
	return s, f.mu.Unlock, nil
}

func (f *fakeModule) Initialize() error {
	f.set(func() { f.finalized = false })
	return nil
}

func (f *fakeModule) Finalize() error {
	f.set(func() { f.finalized, f.user, f.sessions = true, noUser, map[uint]*fakeSession{} })
	return nil
}

func (f *fakeModule) Info() (moduleInfo, error) {
	return moduleInfo{manufacturer: "Test", description: "Fake", major: 1, minor: 2}, nil
}

func (f *fakeModule) SlotList(bool) ([]uint, error) {
	_, leave, err := f.enter("C_GetSlotList", 0)
	if err != nil {
		return nil, err
	}
	defer leave()
	if f.removed {
		return nil, nil
	}
	return []uint{f.slot}, nil
}

func (f *fakeModule) SlotInfo(uint) (slotInfo, error) {
	return slotInfo{description: "Reader", manufacturer: "Test"}, nil
}

func (f *fakeModule) TokenInfo(slot uint) (tokenInfo, error) {
	_, leave, err := f.enter("C_GetTokenInfo", 0)
	if err != nil {
		return tokenInfo{}, err
	}
	defer leave()
	if f.removed || slot != f.slot {
		return tokenInfo{}, fakeErr("C_GetTokenInfo", CodeTokenNotPresent)
	}
	t := tokenInfo{
		label: f.label, serial: "0001", manufacturer: "Test", model: "Fake", minPIN: 4, maxPIN: 16,
		flags: ckfTokenInitialized | ckfLoginRequired | ckfUserPINInitialized,
	}
	if f.tries < 3 {
		t.flags |= ckfUserPINCountLow
	}
	if f.tries == 1 {
		t.flags |= ckfUserPINFinalTry
	}
	if f.tries == 0 {
		t.flags |= ckfUserPINLocked
	}
	return t, nil
}

func (f *fakeModule) Mechanisms(uint) ([]uint, error) { return f.mechs, nil }

func (f *fakeModule) InitToken(_ uint, pin []byte, label string) error {
	_, leave, err := f.enter("C_InitToken", 0)
	if err != nil {
		return err
	}
	defer leave()
	if !bytes.Equal(pin, f.soPIN) {
		return fakeErr("C_InitToken", CodePINIncorrect)
	}
	f.label, f.objects = label, map[uint]map[uint][]byte{}
	return nil
}

func (f *fakeModule) InitPIN(session uint, pin []byte) error {
	_, leave, err := f.enter("C_InitPIN", session)
	if err != nil {
		return err
	}
	defer leave()
	if f.user != ckuSO {
		return fakeErr("C_InitPIN", ckrUserNotLoggedIn)
	}
	f.pin, f.tries = bytes.Clone(pin), 3
	return nil
}

func (f *fakeModule) SetPIN(session uint, old, pin []byte) error {
	_, leave, err := f.enter("C_SetPIN", session)
	if err != nil {
		return err
	}
	defer leave()
	if !bytes.Equal(old, f.pin) {
		return fakeErr("C_SetPIN", CodePINIncorrect)
	}
	f.pin = bytes.Clone(pin)
	return nil
}

func (f *fakeModule) OpenSession(slot, _ uint) (uint, error) {
	_, leave, err := f.enter("C_OpenSession", 0)
	if err != nil {
		return 0, err
	}
	defer leave()
	if f.removed || slot != f.slot {
		return 0, fakeErr("C_OpenSession", CodeTokenNotPresent)
	}
	f.nextSession++
	f.opened++
	f.sessions[f.nextSession] = &fakeSession{}
	return f.nextSession, nil
}

func (f *fakeModule) CloseSession(session uint) error {
	_, leave, err := f.enter("C_CloseSession", session)
	if err != nil {
		return err
	}
	defer leave()
	delete(f.sessions, session)
	if len(f.sessions) == 0 {
		f.user = noUser
	}
	return nil
}

func (f *fakeModule) SessionState(session uint) (uint, error) {
	_, leave, err := f.enter("C_GetSessionInfo", session)
	if err != nil {
		return 0, err
	}
	defer leave()
	switch f.user {
	case ckuUser:
		return cksRWUser, nil
	case ckuSO:
		return cksRWSO, nil
	}
	return 2, nil // CKS_RW_PUBLIC_SESSION
}

func (f *fakeModule) Login(session, user uint, pin []byte) error {
	_, leave, err := f.enter("C_Login", session)
	if err != nil {
		return err
	}
	defer leave()
	f.logins++
	want, tries := f.pin, &f.tries
	if user == ckuSO {
		want, tries = f.soPIN, &f.triesSO
	}
	switch {
	case user != ckuContextSpecific && f.user != noUser:
		return fakeErr("C_Login", ckrUserAlreadyLoggedIn)
	case *tries == 0:
		return fakeErr("C_Login", CodePINLocked)
	case !bytes.Equal(pin, want):
		*tries--
		return fakeErr("C_Login", CodePINIncorrect)
	}
	*tries = 3
	if user == ckuContextSpecific {
		f.confirmed = true
	} else {
		f.user = user
	}
	return nil
}

func (f *fakeModule) Logout(session uint) error {
	_, leave, err := f.enter("C_Logout", session)
	if err != nil {
		return err
	}
	defer leave()
	f.user = noUser
	return nil
}

func (f *fakeModule) add(template []attribute) uint {
	f.nextObject++
	o := map[uint][]byte{}
	for _, a := range template {
		o[a.typ] = bytes.Clone(a.value)
	}
	f.objects[f.nextObject] = o
	return f.nextObject
}

func (f *fakeModule) CreateObject(session uint, template []attribute) (uint, error) {
	_, leave, err := f.enter("C_CreateObject", session)
	if err != nil {
		return 0, err
	}
	defer leave()
	h := f.add(template)
	o := f.objects[h]
	if readUlong(o[ckaClass]) == ckoPrivateKey {
		c, err := gostCurve(o[ckaGOSTR3410Params])
		if err != nil {
			return 0, fakeErr("C_CreateObject", ckrAttributeValueInvalid)
		}
		if f.secrets[h], err = gost3410.NewPrivateKey(c, o[ckaValue]); err != nil {
			return 0, fakeErr("C_CreateObject", ckrAttributeValueInvalid)
		}
	}
	return h, nil
}

func (f *fakeModule) DestroyObject(session, object uint) error {
	_, leave, err := f.enter("C_DestroyObject", session)
	if err != nil {
		return err
	}
	defer leave()
	if f.objects[object] == nil {
		return fakeErr("C_DestroyObject", ckrObjectHandleInvalid)
	}
	delete(f.objects, object)
	return nil
}

func (f *fakeModule) Attributes(session, object uint, types []uint) ([][]byte, error) {
	_, leave, err := f.enter("C_GetAttributeValue", session)
	if err != nil {
		return nil, err
	}
	defer leave()
	o := f.objects[object]
	if o == nil {
		return nil, fakeErr("C_GetAttributeValue", ckrObjectHandleInvalid)
	}
	var out [][]byte
	for _, t := range types {
		v, ok := o[t]
		switch {
		case !ok:
			return nil, fakeErr("C_GetAttributeValue", ckrAttributeTypeInvalid)
		case t == ckaValue && isTrue(o[ckaSensitive]):
			return nil, fakeErr("C_GetAttributeValue", ckrAttributeSensitive)
		}
		out = append(out, bytes.Clone(v))
	}
	return out, nil
}

func (f *fakeModule) SetAttributes(session, object uint, template []attribute) error {
	_, leave, err := f.enter("C_SetAttributeValue", session)
	if err != nil {
		return err
	}
	defer leave()
	for _, a := range template {
		f.objects[object][a.typ] = bytes.Clone(a.value)
	}
	return nil
}

func (f *fakeModule) Find(session uint, template []attribute, limit int) ([]uint, error) {
	_, leave, err := f.enter("C_FindObjects", session)
	if err != nil {
		return nil, err
	}
	defer leave()
	var out []uint
	for h, o := range f.objects {
		fit := f.user == ckuUser || !isTrue(o[ckaPrivate])
		for _, a := range template {
			fit = fit && bytes.Equal(o[a.typ], a.value)
		}
		if fit && len(out) < limit {
			out = append(out, h)
		}
	}
	slices.Sort(out)
	return out, nil
}

func (f *fakeModule) SignInit(session uint, m mechanism, key uint) error {
	s, leave, err := f.enter("C_SignInit", session)
	if err != nil {
		return err
	}
	defer leave()
	switch {
	case f.user != ckuUser:
		return fakeErr("C_SignInit", ckrUserNotLoggedIn)
	case f.objects[key] == nil || f.secrets[key] == nil:
		return fakeErr("C_SignInit", ckrKeyHandleInvalid)
	case s.busy:
		return fakeErr("C_SignInit", ckrOperationActive)
	case !slices.Contains(f.mechs, m.typ):
		return fakeErr("C_SignInit", ckrMechanismInvalid)
	}
	s.busy, s.mech, s.key, f.confirmed = true, m, key, false
	return nil
}

func (f *fakeModule) Sign(session uint, data []byte) ([]byte, error) {
	f.mu.Lock()
	delay := f.delay
	f.mu.Unlock()
	time.Sleep(delay)
	s, leave, err := f.enter("C_Sign", session)
	if err != nil {
		return nil, err
	}
	defer leave()
	if f.always && !f.confirmed {
		return nil, fakeErr("C_Sign", ckrUserNotLoggedIn)
	}
	s.busy = false
	switch s.mech.typ {
	case ckmGOSTWithStreebog256:
		sum := streebog.Sum256(data)
		data = sum[:]
	case ckmGOSTWithStreebog512:
		sum := streebog.Sum512(data)
		data = sum[:]
	}
	sig, err := f.secrets[s.key].Sign(rand.Reader, data, nil)
	if err != nil {
		return nil, fakeErr("C_Sign", 0x21)
	}
	return sig, nil
}

func (f *fakeModule) GenerateKeyPair(session uint, _ mechanism, public, private []attribute) (pub, priv uint, err error) {
	_, leave, err := f.enter("C_GenerateKeyPair", session)
	if err != nil {
		return 0, 0, err
	}
	defer leave()
	var params []byte
	for _, a := range public {
		if a.typ == ckaGOSTR3410Params {
			params = a.value
		}
	}
	if f.strict && !slices.ContainsFunc(private, func(a attribute) bool { return a.typ == ckaGOSTR3410Params }) {
		return 0, 0, fakeErr("C_GenerateKeyPair", ckrTemplateIncomplete)
	}
	c, err := gostCurve(params)
	if err != nil {
		return 0, 0, fakeErr("C_GenerateKeyPair", ckrAttributeValueInvalid)
	}
	if f.wrongSet.IsValid() {
		c = f.wrongSet
	}
	key, err := gost3410.GenerateKey(c)
	if err != nil {
		return 0, 0, fakeErr("C_GenerateKeyPair", ckrFunctionFailed)
	}
	pub, priv = f.add(public), f.add(private)
	value := key.PublicKey().Bytes()
	if f.wrap {
		value = octetString(value)
	}
	f.objects[pub][ckaValue] = value
	f.objects[priv][ckaValue] = key.Bytes()
	f.objects[priv][ckaGOSTR3410Params] = params
	if f.always {
		f.objects[priv][ckaAlwaysAuthenticate] = []byte{1}
	}
	f.secrets[priv] = key
	return pub, priv, nil
}

func (f *fakeModule) DeriveKey(session uint, m mechanism, key uint, template []attribute) (uint, error) {
	_, leave, err := f.enter("C_DeriveKey", session)
	if err != nil {
		return 0, err
	}
	defer leave()
	k := f.secrets[key]
	// kdf ‖ length ‖ public key ‖ length ‖ UKM
	le := binary.LittleEndian
	n := int(le.Uint32(m.param[4:]))
	pub, rest := m.param[8:8+n], m.param[8+n:]
	ukm := rest[4:]
	if le.Uint32(m.param) != ckdNull || int(le.Uint32(rest)) != len(ukm) {
		return 0, fakeErr("C_DeriveKey", 0x71)
	}
	peer, err := gost3410.NewPublicKey(k.Curve(), pub)
	if err != nil {
		return 0, fakeErr("C_DeriveKey", 0x71)
	}
	out, err := k.VKO(peer, ukm, streebog.New256)
	if err != nil {
		return 0, fakeErr("C_DeriveKey", 0x71)
	}
	return f.add(append(template, attribute{ckaValue, out})), nil
}

var (
	_ api           = (*fakeModule)(nil)
	_ token.PINFunc = (*asker)(nil).get
)
