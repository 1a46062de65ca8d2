package pkcs11

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
)

// ulong writes a number as the module's CK_ULONG.
func ulong(v uint) []byte {
	if ulongSize == 4 {
		return binary.NativeEndian.AppendUint32(nil, uint32(v))
	}
	return binary.NativeEndian.AppendUint64(nil, uint64(v))
}

// readUlong reads a CK_ULONG; a value of another length is ckUnavailable.
func readUlong(b []byte) uint {
	switch {
	case len(b) == 4 && ulongSize == 4:
		return uint(binary.NativeEndian.Uint32(b))
	case len(b) == 8 && ulongSize == 8:
		return uint(binary.NativeEndian.Uint64(b))
	}
	return ckUnavailable
}

func numberAttr(typ, v uint) attribute       { return attribute{typ, ulong(v)} }
func bytesAttr(typ uint, v []byte) attribute { return attribute{typ, v} }
func textAttr(typ uint, v string) attribute  { return attribute{typ, []byte(v)} }
func boolAttr(typ uint, v bool) attribute {
	if v {
		return attribute{typ, []byte{1}}
	}
	return attribute{typ, []byte{0}}
}

func isTrue(b []byte) bool { return len(b) == 1 && b[0] != 0 }

// attributes reads attributes of an object. One that the object does not have,
// or that is secret, is nil; some modules refuse the whole list for it, so it is
// then read one by one.
func (x *session) attributes(object uint, types ...uint) ([][]byte, error) {
	all, err := x.mod.Attributes(x.h, object, types)
	if !isCode(err, ckrAttributeTypeInvalid, ckrAttributeSensitive) {
		return all, err
	}
	out := make([][]byte, len(types))
	for i, t := range types {
		one, err := x.mod.Attributes(x.h, object, []uint{t})
		switch {
		case err == nil:
			out[i] = one[0]
		case !isCode(err, ckrAttributeTypeInvalid, ckrAttributeSensitive):
			return nil, err
		}
	}
	return out, nil
}

// find lists objects of one class with further attributes.
func (x *session) find(class uint, more ...attribute) ([]uint, error) {
	list, err := x.mod.Find(x.h, append([]attribute{numberAttr(ckaClass, class)}, more...), limits.TokenObjects+1)
	if err == nil && len(list) > limits.TokenObjects {
		err = fmt.Errorf("pkcs11: the token has more than %d objects of one kind", limits.TokenObjects)
	}
	return list, err
}

// Object is one object of a token.
type Object struct {
	Type        string // "private", "public", "cert", "data", "secret-key" as in URIs
	ID          []byte // CKA_ID
	Label       string
	Application string           // of data objects
	KeyName     string           // of keys, as alg.KeyName; empty if not known
	Certificate *pki.Certificate // of certificates that could be read
	Private     bool             // visible after a login only
	Passive     bool             // a data object that belongs to a passive key

	class  uint
	handle uint
}

// typeNames are the values of the URI attribute "type" (RFC 7512, section 2.3).
var typeNames = map[uint]string{
	ckoData: "data", ckoCertificate: "cert", ckoPublicKey: "public", ckoPrivateKey: "private", ckoSecretKey: "secret-key",
}

// Objects lists what is on the token, or what the URI's object, id and type fit.
// Private objects are listed if login is set, which may ask for the PIN, or if
// somebody is logged in already.
func (s *Store) Objects(ctx context.Context, login bool) ([]Object, error) {
	return use(ctx, s, login, func(x *session) ([]Object, error) { return x.objects(s.uri) })
}

func (x *session) objects(u *URI) ([]Object, error) {
	var out []Object
	for _, class := range []uint{ckoPrivateKey, ckoPublicKey, ckoCertificate, ckoSecretKey, ckoData} {
		list, err := x.find(class)
		if err != nil {
			return nil, err
		}
		for _, h := range list {
			o, err := x.object(class, h)
			if err != nil {
				return nil, err
			}
			if u.fitsObject(o) {
				out = append(out, o)
			}
		}
	}
	return out, nil
}

func (u *URI) fitsObject(o Object) bool {
	return fits(u.Object, o.Label) && fits(u.Type, o.Type) && (u.ID == nil || bytes.Equal(u.ID, o.ID))
}

func (x *session) object(class, h uint) (Object, error) {
	o := Object{Type: typeNames[class], class: class, handle: h}
	types := []uint{ckaLabel, ckaPrivate}
	switch class {
	case ckoData:
		types = append(types, ckaApplication)
	case ckoCertificate:
		types = append(types, ckaID, ckaValue)
	default:
		types = append(types, ckaID)
	}
	v, err := x.attributes(h, types...)
	if err != nil {
		return o, err
	}
	o.Label, o.Private = string(v[0]), isTrue(v[1])
	switch class {
	case ckoData:
		o.Application = string(v[2])
		o.ID, _, o.Passive = passiveID(o.Application)
	case ckoCertificate:
		o.ID = v[2]
		if c, err := pki.ParseCertificate(v[3]); err == nil {
			o.Certificate = c
		}
	default:
		o.ID = v[2]
	}
	if class == ckoPublicKey || class == ckoPrivateKey {
		o.KeyName = x.keyName(class, h)
	}
	return o, nil
}

// Delete removes objects, after confirm has agreed to each; a nil confirm
// agrees to none. Objects come from [Store.Objects] of the same store.
func (s *Store) Delete(ctx context.Context, list []Object, confirm func(Object) bool) (int, error) {
	return use(ctx, s, true, func(x *session) (int, error) {
		// Handles may be of an older session; the objects are found again.
		now, err := x.objects(&URI{})
		if err != nil {
			return 0, err
		}
		n := 0
		for _, o := range list {
			h, ok := match(now, o)
			if !ok {
				return n, fmt.Errorf("%w: object %q", ErrNotFound, o.Label)
			}
			if confirm == nil || !confirm(o) {
				return n, ErrConsent
			}
			x.committed = true
			if err := x.mod.DestroyObject(x.h, h); err != nil {
				return n, err
			}
			n++
		}
		return n, nil
	})
}

// match finds an object again: by its handle if that is still the same object,
// else the only one that looks like it.
func match(now []Object, o Object) (uint, bool) {
	var found []uint
	for _, c := range now {
		same := c.class == o.class && c.Label == o.Label && c.Application == o.Application && c.Private == o.Private && bytes.Equal(c.ID, o.ID)
		if same && c.Certificate != nil && o.Certificate != nil {
			same = bytes.Equal(c.Certificate.Raw, o.Certificate.Raw)
		}
		if same && c.handle == o.handle {
			return c.handle, true
		}
		if same {
			found = append(found, c.handle)
		}
	}
	if len(found) != 1 {
		return 0, false
	}
	return found[0], true
}
