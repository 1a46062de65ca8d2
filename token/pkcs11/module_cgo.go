//go:build cgo

package pkcs11

// typedef unsigned long ck_ulong;
import "C"

import (
	"errors"
	"unsafe"

	"github.com/miekg/pkcs11"
)

// ulongSize is the size of the module's CK_ULONG in octets.
const ulongSize = C.sizeof_ck_ulong

// library calls a module through github.com/miekg/pkcs11.
type library struct{ ctx *pkcs11.Ctx }

// load opens the library and asks it for its functions.
func load(path string) (api, error) {
	ctx := pkcs11.New(path)
	if ctx == nil {
		return nil, errors.New("this is not a PKCS #11 module for this system, or a library that it needs is missing")
	}
	return &library{ctx}, nil
}

// failed turns the binding's error into ours.
func failed(op string, err error) error {
	if err == nil {
		return nil
	}
	var code pkcs11.Error
	if errors.As(err, &code) {
		return &Error{Op: op, Code: Code(code)}
	}
	return &Error{Op: op, Code: ckrGeneralError}
}

// text lends the octets of a PIN to the binding, which takes strings: no copy
// is made, so that the caller's wipe wipes it.
func text(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b)) // lent for one call, during which nobody writes to it
}

func (l *library) Initialize() error { return failed("C_Initialize", l.ctx.Initialize()) }
func (l *library) Finalize() error   { return failed("C_Finalize", l.ctx.Finalize()) }

func (l *library) Info() (moduleInfo, error) {
	i, err := l.ctx.GetInfo()
	return moduleInfo{
		manufacturer: i.ManufacturerID, description: i.LibraryDescription,
		major: i.LibraryVersion.Major, minor: i.LibraryVersion.Minor,
	}, failed("C_GetInfo", err)
}

func (l *library) SlotList(withToken bool) ([]uint, error) {
	s, err := l.ctx.GetSlotList(withToken)
	return s, failed("C_GetSlotList", err)
}

func (l *library) SlotInfo(slot uint) (slotInfo, error) {
	i, err := l.ctx.GetSlotInfo(slot)
	return slotInfo{description: i.SlotDescription, manufacturer: i.ManufacturerID}, failed("C_GetSlotInfo", err)
}

func (l *library) TokenInfo(slot uint) (tokenInfo, error) {
	i, err := l.ctx.GetTokenInfo(slot)
	return tokenInfo{
		label: i.Label, manufacturer: i.ManufacturerID, model: i.Model, serial: i.SerialNumber,
		flags: i.Flags, maxRWSessions: i.MaxRwSessionCount, minPIN: i.MinPinLen, maxPIN: i.MaxPinLen,
	}, failed("C_GetTokenInfo", err)
}

func (l *library) Mechanisms(slot uint) ([]uint, error) {
	list, err := l.ctx.GetMechanismList(slot)
	out := make([]uint, len(list))
	for i, m := range list {
		out[i] = m.Mechanism
	}
	return out, failed("C_GetMechanismList", err)
}

func (l *library) InitToken(slot uint, pin []byte, label string) error {
	return failed("C_InitToken", l.ctx.InitToken(slot, text(pin), label))
}

func (l *library) InitPIN(session uint, pin []byte) error {
	return failed("C_InitPIN", l.ctx.InitPIN(pkcs11.SessionHandle(session), text(pin)))
}

func (l *library) SetPIN(session uint, old, pin []byte) error {
	return failed("C_SetPIN", l.ctx.SetPIN(pkcs11.SessionHandle(session), text(old), text(pin)))
}

func (l *library) OpenSession(slot, flags uint) (uint, error) {
	h, err := l.ctx.OpenSession(slot, flags)
	return uint(h), failed("C_OpenSession", err)
}

func (l *library) CloseSession(session uint) error {
	return failed("C_CloseSession", l.ctx.CloseSession(pkcs11.SessionHandle(session)))
}

func (l *library) SessionState(session uint) (uint, error) {
	i, err := l.ctx.GetSessionInfo(pkcs11.SessionHandle(session))
	return i.State, failed("C_GetSessionInfo", err)
}

func (l *library) Login(session, user uint, pin []byte) error {
	return failed("C_Login", l.ctx.Login(pkcs11.SessionHandle(session), user, text(pin)))
}

func (l *library) Logout(session uint) error {
	return failed("C_Logout", l.ctx.Logout(pkcs11.SessionHandle(session)))
}

func list(template []attribute) []*pkcs11.Attribute {
	out := make([]*pkcs11.Attribute, len(template))
	for i, a := range template {
		out[i] = &pkcs11.Attribute{Type: a.typ, Value: a.value}
	}
	return out
}

func (l *library) CreateObject(session uint, template []attribute) (uint, error) {
	h, err := l.ctx.CreateObject(pkcs11.SessionHandle(session), list(template))
	return uint(h), failed("C_CreateObject", err)
}

func (l *library) DestroyObject(session, object uint) error {
	return failed("C_DestroyObject", l.ctx.DestroyObject(pkcs11.SessionHandle(session), pkcs11.ObjectHandle(object)))
}

func (l *library) Attributes(session, object uint, types []uint) ([][]byte, error) {
	ask := make([]*pkcs11.Attribute, len(types))
	for i, t := range types {
		ask[i] = &pkcs11.Attribute{Type: t}
	}
	got, err := l.ctx.GetAttributeValue(pkcs11.SessionHandle(session), pkcs11.ObjectHandle(object), ask)
	if err != nil {
		return nil, failed("C_GetAttributeValue", err)
	}
	out := make([][]byte, len(got))
	for i, a := range got {
		out[i] = a.Value
	}
	return out, nil
}

func (l *library) SetAttributes(session, object uint, template []attribute) error {
	return failed("C_SetAttributeValue", l.ctx.SetAttributeValue(pkcs11.SessionHandle(session), pkcs11.ObjectHandle(object), list(template)))
}

func (l *library) Find(session uint, template []attribute, limit int) ([]uint, error) {
	h := pkcs11.SessionHandle(session)
	if err := l.ctx.FindObjectsInit(h, list(template)); err != nil {
		return nil, failed("C_FindObjectsInit", err)
	}
	var out []uint
	var err error
	for len(out) < limit {
		var part []pkcs11.ObjectHandle
		if part, _, err = l.ctx.FindObjects(h, min(64, limit-len(out))); err != nil || len(part) == 0 {
			break
		}
		for _, o := range part {
			out = append(out, uint(o))
		}
	}
	// The search must end whatever happened, or the session stays busy.
	end := l.ctx.FindObjectsFinal(h)
	if err != nil {
		return nil, failed("C_FindObjects", err)
	}
	return out, failed("C_FindObjectsFinal", end)
}

func mech(m mechanism) []*pkcs11.Mechanism {
	return []*pkcs11.Mechanism{pkcs11.NewMechanism(m.typ, m.param)}
}

func (l *library) SignInit(session uint, m mechanism, key uint) error {
	return failed("C_SignInit", l.ctx.SignInit(pkcs11.SessionHandle(session), mech(m), pkcs11.ObjectHandle(key)))
}

func (l *library) Sign(session uint, data []byte) ([]byte, error) {
	sig, err := l.ctx.Sign(pkcs11.SessionHandle(session), data)
	return sig, failed("C_Sign", err)
}

func (l *library) GenerateKeyPair(session uint, m mechanism, public, private []attribute) (pub, priv uint, err error) {
	p, s, err := l.ctx.GenerateKeyPair(pkcs11.SessionHandle(session), mech(m), list(public), list(private))
	return uint(p), uint(s), failed("C_GenerateKeyPair", err)
}

func (l *library) DeriveKey(session uint, m mechanism, key uint, template []attribute) (uint, error) {
	h, err := l.ctx.DeriveKey(pkcs11.SessionHandle(session), mech(m), pkcs11.ObjectHandle(key), list(template))
	return uint(h), failed("C_DeriveKey", err)
}
