//go:build cgo && unix

package main

// #include "cryptoki.h"
import "C"

import (
	"unsafe"

	"github.com/gosklyuch/gosklyuch/internal/p11module"
)

//export go_CreateObject
func go_CreateObject(session C.ck_ulong, t *C.struct_ck_attribute, n C.ck_ulong, object *C.ck_ulong) C.ck_rv {
	return guarded(func() p11module.RV {
		list, ok := template(t, n)
		if !ok || object == nil {
			return module.Check(p11module.RVArgumentsBad)
		}
		h, rv := module.CreateObject(uint64(session), list)
		if rv == p11module.RVOK {
			*object = C.ck_ulong(h)
		}
		return rv
	})
}

//export go_CopyObject
func go_CopyObject(session, object C.ck_ulong, t *C.struct_ck_attribute, n C.ck_ulong, made *C.ck_ulong) C.ck_rv {
	return guarded(func() p11module.RV {
		list, ok := template(t, n)
		if !ok || made == nil {
			return module.Check(p11module.RVArgumentsBad)
		}
		h, rv := module.CopyObject(uint64(session), uint64(object), list)
		if rv == p11module.RVOK {
			*made = C.ck_ulong(h)
		}
		return rv
	})
}

//export go_DestroyObject
func go_DestroyObject(session, object C.ck_ulong) C.ck_rv {
	return guarded(func() p11module.RV { return module.DestroyObject(uint64(session), uint64(object)) })
}

//export go_GetObjectSize
func go_GetObjectSize(session, object C.ck_ulong, size *C.ck_ulong) C.ck_rv {
	return guarded(func() p11module.RV {
		if size == nil {
			return module.Check(p11module.RVArgumentsBad)
		}
		n, rv := module.ObjectSize(uint64(session), uint64(object))
		if rv == p11module.RVOK {
			*size = C.ck_ulong(n)
		}
		return rv
	})
}

//export go_GetAttributeValue
func go_GetAttributeValue(session, object C.ck_ulong, t *C.struct_ck_attribute, n C.ck_ulong) C.ck_rv {
	return guarded(func() p11module.RV {
		list, ok := attributes(t, n)
		if !ok || n == 0 {
			return module.Check(p11module.RVArgumentsBad)
		}
		queries := make([]p11module.Query, len(list))
		for i, a := range list {
			queries[i] = p11module.Query{Type: uint64(a._type), Len: int(min(a.len, maxLength))}
			if a.value != nil {
				queries[i].Buf = unsafe.Slice((*byte)(a.value), int(min(a.len, maxLength)))
			}
		}
		rv := module.GetAttributeValue(uint64(session), uint64(object), queries)
		switch rv {
		case p11module.RVOK, p11module.RVAttributeSensitive, p11module.RVAttributeTypeInvalid, p11module.RVBufferTooSmall:
			for i, q := range queries {
				list[i].len = C.ck_ulong(q.Len) // -1 is CK_UNAVAILABLE_INFORMATION
			}
		}
		return rv
	})
}

//export go_SetAttributeValue
func go_SetAttributeValue(session, object C.ck_ulong, t *C.struct_ck_attribute, n C.ck_ulong) C.ck_rv {
	return guarded(func() p11module.RV {
		list, ok := template(t, n)
		if !ok || n == 0 {
			return module.Check(p11module.RVArgumentsBad)
		}
		return module.SetAttributeValue(uint64(session), uint64(object), list)
	})
}

//export go_FindObjectsInit
func go_FindObjectsInit(session C.ck_ulong, t *C.struct_ck_attribute, n C.ck_ulong) C.ck_rv {
	return guarded(func() p11module.RV {
		list, ok := template(t, n)
		if !ok {
			return module.Check(p11module.RVArgumentsBad)
		}
		return module.FindObjectsInit(uint64(session), list)
	})
}

//export go_FindObjects
func go_FindObjects(session C.ck_ulong, objects *C.ck_ulong, limit C.ck_ulong, n *C.ck_ulong) C.ck_rv {
	return guarded(func() p11module.RV {
		if n == nil || objects == nil {
			return module.Check(p11module.RVArgumentsBad)
		}
		found := make([]uint64, min(limit, maxAttributes*4))
		got, rv := module.FindObjects(uint64(session), found)
		if rv == p11module.RVOK {
			numbers(objects, found[:got])
			*n = C.ck_ulong(got)
		}
		return rv
	})
}

//export go_FindObjectsFinal
func go_FindObjectsFinal(session C.ck_ulong) C.ck_rv {
	return guarded(func() p11module.RV { return module.FindObjectsFinal(uint64(session)) })
}

//export go_GenerateKeyPair
func go_GenerateKeyPair(session C.ck_ulong, mech *C.struct_ck_mechanism, pub *C.struct_ck_attribute, pubLen C.ck_ulong,
	priv *C.struct_ck_attribute, privLen C.ck_ulong, pubKey, privKey *C.ck_ulong,
) C.ck_rv {
	return guarded(func() p11module.RV {
		m, ok1 := mechanism(mech)
		pt, ok2 := template(pub, pubLen)
		st, ok3 := template(priv, privLen)
		if !ok1 || !ok2 || !ok3 || pubKey == nil || privKey == nil {
			return module.Check(p11module.RVArgumentsBad)
		}
		p, s, rv := module.GenerateKeyPair(uint64(session), m, pt, st)
		if rv == p11module.RVOK {
			*pubKey, *privKey = C.ck_ulong(p), C.ck_ulong(s)
		}
		return rv
	})
}

//export go_DeriveKey
func go_DeriveKey(session C.ck_ulong, mech *C.struct_ck_mechanism, base C.ck_ulong, t *C.struct_ck_attribute, n C.ck_ulong,
	key *C.ck_ulong,
) C.ck_rv {
	return guarded(func() p11module.RV {
		m, ok1 := mechanism(mech)
		list, ok2 := template(t, n)
		if !ok1 || !ok2 || key == nil {
			return module.Check(p11module.RVArgumentsBad)
		}
		h, rv := module.DeriveKey(uint64(session), m, uint64(base), list)
		if rv == p11module.RVOK {
			*key = C.ck_ulong(h)
		}
		return rv
	})
}
