package p11module

import (
	"bytes"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/internal/limits"
)

// findOp is what C_FindObjectsInit found and C_FindObjects has not returned.
type findOp struct{ left []uint64 }

// refresh brings the handles of token objects up to date with the backend. The
// caller holds mu.
func (m *Module) refresh(s *slot) RV {
	list, rv := s.back.load()
	if rv == rvTokenNotPresent {
		return rvDeviceRemoved
	}
	if rv != RVOK {
		return rv
	}
	seen := make(map[string]bool, len(list))
	for _, one := range list {
		seen[one.name] = true
		h, known := s.byName[one.name]
		if !known {
			m.adopt(s, &object{name: one.name, a: one.a, key: one.key})
			continue
		}
		o := s.objects[h]
		if !o.a.equal(one.a) {
			o.a, o.pub = one.a, nil
		}
		if o.key == nil {
			o.key = one.key
		}
	}
	for name, h := range s.byName {
		if !seen[name] {
			s.objects[h].key.wipe()
			delete(s.objects, h)
			delete(s.byName, name)
		}
	}
	return RVOK
}

// adopt gives an object a handle. The caller holds mu.
func (m *Module) adopt(s *slot, o *object) uint64 {
	if s.objects == nil {
		s.objects, s.byName = map[uint64]*object{}, map[string]uint64{}
	}
	o.handle, o.slot = m.handle(), s
	s.objects[o.handle] = o
	if o.owner == 0 {
		s.byName[o.name] = o.handle
	}
	return o.handle
}

// object finds an object by its handle. invalid is the code for one that does
// not exist, or that is private while nobody is logged in.
func (s *session) object(h uint64, invalid RV) (*object, RV) {
	o, ok := s.slot.objects[h]
	if !ok || o.a.is(attrPrivate) && !s.isUser() {
		return nil, invalid
	}
	return o, RVOK
}

// FindObjectsInit is C_FindObjectsInit.
func (m *Module) FindObjectsInit(h uint64, template []Attribute) RV {
	return m.withSession("C_FindObjectsInit", h, func(s *session) RV {
		if s.find != nil {
			return rvOperationActive
		}
		want, rv := m.decode(template)
		if rv != RVOK {
			return rv
		}
		if rv := m.refresh(s.slot); rv != RVOK {
			return rv
		}
		op := &findOp{}
		for handle, o := range s.slot.objects {
			if o.matches(want) && (!o.a.is(attrPrivate) || s.isUser()) {
				op.left = append(op.left, handle)
			}
		}
		sortHandles(op.left)
		s.find = op
		return RVOK
	})
}

// matches compares every attribute of a search. A secret value matches nothing,
// or a search could guess it octet by octet.
func (o *object) matches(want attrs) bool {
	for attr, v := range want {
		have, ok := o.a[attr]
		if !ok || o.hides(attr) || !bytes.Equal(have, v) {
			return false
		}
	}
	return true
}

// hides says whether the value of an attribute cannot be revealed: it is the
// secret part of a key that is sensitive or not extractable.
func (o *object) hides(attr uint64) bool {
	class := o.a.number(attrClass)
	return attr == attrValue && (class == classPrivateKey || class == classSecretKey) &&
		(o.a.is(attrSensitive) || !o.a.is(attrExtractable))
}

// FindObjects is C_FindObjects: it fills out and returns how many.
func (m *Module) FindObjects(h uint64, out []uint64) (n int, rv RV) {
	rv = m.withSession("C_FindObjects", h, func(s *session) RV {
		if s.find == nil {
			return rvOperationNotInitialized
		}
		n = copy(out, s.find.left)
		s.find.left = s.find.left[n:]
		return RVOK
	})
	return n, rv
}

// FindObjectsFinal is C_FindObjectsFinal.
func (m *Module) FindObjectsFinal(h uint64) RV {
	return m.withSession("C_FindObjectsFinal", h, func(s *session) RV {
		if s.find == nil {
			return rvOperationNotInitialized
		}
		s.find = nil
		return RVOK
	})
}

// Query is one entry of C_GetAttributeValue: Buf is nil where only the length
// is asked for. Len is the answer, -1 for CK_UNAVAILABLE_INFORMATION.
type Query struct {
	Type uint64
	Buf  []byte
	Len  int
}

// GetAttributeValue is C_GetAttributeValue. Every entry is answered, whatever
// happens to the others (section 5.7).
func (m *Module) GetAttributeValue(h, obj uint64, queries []Query) RV {
	return m.withSession("C_GetAttributeValue", h, func(s *session) RV {
		o, rv := s.object(obj, rvObjectHandleInvalid)
		if rv != RVOK {
			return rv
		}
		if len(queries) > limits.TokenAttributes {
			return RVArgumentsBad
		}
		worst := RVOK
		for i := range queries {
			if rv := m.answer(o, &queries[i]); rv != RVOK {
				worst = rv
			}
		}
		return worst
	})
}

// answer fills one query.
func (m *Module) answer(o *object, q *Query) RV {
	buf := q.Buf
	q.Len = -1
	v, rv := m.value(o, q.Type)
	switch {
	case rv != RVOK:
		return rv
	case buf == nil:
		q.Len = len(v)
		return RVOK
	case len(buf) < len(v):
		return RVBufferTooSmall
	}
	q.Len = copy(buf, v)
	return RVOK
}

// value returns an attribute as C wants it.
func (m *Module) value(o *object, attr uint64) ([]byte, RV) {
	private := o.a.number(attrClass) == classPrivateKey
	switch v, ok := o.a[attr]; {
	case o.hides(attr):
		return nil, RVAttributeSensitive
	case attr == attrValue && private:
		var scalar []byte
		rv := o.key.use(func(k *gost3410.PrivateKey) RV {
			scalar = k.Bytes()
			return RVOK
		})
		return scalar, rv
	case !ok:
		return nil, RVAttributeTypeInvalid
	default:
		return m.wire(attr, v), RVOK
	}
}

// ObjectSize is C_GetObjectSize: about what the object takes on disk.
func (m *Module) ObjectSize(h, obj uint64) (n uint64, rv RV) {
	rv = m.withSession("C_GetObjectSize", h, func(s *session) RV {
		o, rv := s.object(obj, rvObjectHandleInvalid)
		if rv != RVOK {
			return rv
		}
		for _, v := range o.a {
			n += uint64(len(v)) + 8
		}
		return RVOK
	})
	return n, rv
}

// mayChange holds the conditions for writing an object.
func (s *session) mayChange(o *object, permission uint64) RV {
	switch {
	case o.owner == 0 && !s.rw:
		return rvSessionReadOnly
	case !o.a.is(permission):
		return rvActionProhibited
	}
	return RVOK
}

// DestroyObject is C_DestroyObject.
func (m *Module) DestroyObject(h, obj uint64) RV {
	return m.withSession("C_DestroyObject", h, func(s *session) RV {
		o, rv := s.object(obj, rvObjectHandleInvalid)
		if rv != RVOK {
			return rv
		}
		if rv := s.mayChange(o, attrDestroyable); rv != RVOK {
			return rv
		}
		if o.owner == 0 {
			if rv := s.slot.back.remove(o.name); rv != RVOK {
				return rv
			}
			delete(s.slot.byName, o.name)
		}
		o.wipe()
		delete(s.slot.objects, obj)
		return RVOK
	})
}

// SetAttributeValue is C_SetAttributeValue: all of the template or nothing.
func (m *Module) SetAttributeValue(h, obj uint64, template []Attribute) RV {
	return m.withSession("C_SetAttributeValue", h, func(s *session) RV {
		o, rv := s.object(obj, rvObjectHandleInvalid)
		if rv != RVOK {
			return rv
		}
		if rv := s.mayChange(o, attrModifiable); rv != RVOK {
			return rv
		}
		change, rv := m.decode(template)
		if rv != RVOK {
			return rv
		}
		a := o.a.clone()
		for attr, v := range change {
			if rv := mayUpdate(o.a, attr, v); rv != RVOK {
				return rv
			}
			a[attr] = v
		}
		if o.owner == 0 {
			if rv := s.slot.back.update(o.name, a); rv != RVOK {
				return rv
			}
		}
		o.a = a
		return RVOK
	})
}

// mayUpdate says whether an attribute of an existing object may get a value.
func mayUpdate(a attrs, attr uint64, v []byte) RV {
	class := a.number(attrClass)
	if !classHas(class, attr) {
		return RVAttributeTypeInvalid
	}
	switch attr {
	case attrLabel, attrID, attrStartDate, attrEndDate, attrApplication, attrObjectID, attrSign, attrVerify, attrDerive:
		return RVOK
	case attrSubject:
		if class != classCertificate {
			return RVOK
		}
	case attrValue:
		if class == classData {
			return RVOK
		}
	case attrSensitive: // "can only be set to true" (section 4.9, footnote 11)
		if v[0] == 1 {
			return RVOK
		}
	case attrExtractable: // "can only be set to false" (footnote 12)
		if v[0] == 0 {
			return RVOK
		}
	}
	if bytes.Equal(a[attr], v) && attr != attrValue {
		return RVOK // nothing would change
	}
	return rvAttributeReadOnly
}
