//go:build cgo && unix

package main

// #include "cryptoki.h"
import "C"

import "github.com/gosklyuch/gosklyuch/internal/p11module"

//export go_DigestInit
func go_DigestInit(session C.ck_ulong, mech *C.struct_ck_mechanism) C.ck_rv {
	return guarded(func() p11module.RV {
		m, ok := mechanism(mech)
		if !ok {
			return module.Check(p11module.RVArgumentsBad)
		}
		return module.DigestInit(uint64(session), m)
	})
}

//export go_Digest
func go_Digest(session C.ck_ulong, data *C.ck_byte, n C.ck_ulong, out *C.ck_byte, outLen *C.ck_ulong) C.ck_rv {
	return transform(data, n, out, outLen, func(d []byte, o p11module.Output) (int, p11module.RV) {
		return module.Digest(uint64(session), d, o)
	})
}

// transform runs a function from one buffer into another.
func transform(data *C.ck_byte, n C.ck_ulong, out *C.ck_byte, outLen *C.ck_ulong,
	f func([]byte, p11module.Output) (int, p11module.RV),
) C.ck_rv {
	return guarded(func() p11module.RV {
		d, ok := input(data, n)
		if !ok || outLen == nil {
			return module.Check(p11module.RVArgumentsBad)
		}
		return output(out, outLen, func(o p11module.Output) (int, p11module.RV) { return f(d, o) })
	})
}

// update runs a function that takes a part of a message.
func update(session C.ck_ulong, data *C.ck_byte, n C.ck_ulong, f func(uint64, []byte) p11module.RV) C.ck_rv {
	return guarded(func() p11module.RV {
		d, ok := input(data, n)
		if !ok {
			return module.Check(p11module.RVArgumentsBad)
		}
		return f(uint64(session), d)
	})
}

//export go_DigestUpdate
func go_DigestUpdate(session C.ck_ulong, data *C.ck_byte, n C.ck_ulong) C.ck_rv {
	return update(session, data, n, module.DigestUpdate)
}

//export go_DigestFinal
func go_DigestFinal(session C.ck_ulong, out *C.ck_byte, outLen *C.ck_ulong) C.ck_rv {
	return transform(nil, 0, out, outLen, func(_ []byte, o p11module.Output) (int, p11module.RV) {
		return module.DigestFinal(uint64(session), o)
	})
}

//export go_SignInit
func go_SignInit(session C.ck_ulong, mech *C.struct_ck_mechanism, key C.ck_ulong) C.ck_rv {
	return guarded(func() p11module.RV {
		m, ok := mechanism(mech)
		if !ok {
			return module.Check(p11module.RVArgumentsBad)
		}
		return module.SignInit(uint64(session), m, uint64(key))
	})
}

//export go_Sign
func go_Sign(session C.ck_ulong, data *C.ck_byte, n C.ck_ulong, out *C.ck_byte, outLen *C.ck_ulong) C.ck_rv {
	return transform(data, n, out, outLen, func(d []byte, o p11module.Output) (int, p11module.RV) {
		return module.Sign(uint64(session), d, o)
	})
}

//export go_SignUpdate
func go_SignUpdate(session C.ck_ulong, data *C.ck_byte, n C.ck_ulong) C.ck_rv {
	return update(session, data, n, module.SignUpdate)
}

//export go_SignFinal
func go_SignFinal(session C.ck_ulong, out *C.ck_byte, outLen *C.ck_ulong) C.ck_rv {
	return transform(nil, 0, out, outLen, func(_ []byte, o p11module.Output) (int, p11module.RV) {
		return module.SignFinal(uint64(session), o)
	})
}

//export go_VerifyInit
func go_VerifyInit(session C.ck_ulong, mech *C.struct_ck_mechanism, key C.ck_ulong) C.ck_rv {
	return guarded(func() p11module.RV {
		m, ok := mechanism(mech)
		if !ok {
			return module.Check(p11module.RVArgumentsBad)
		}
		return module.VerifyInit(uint64(session), m, uint64(key))
	})
}

//export go_Verify
func go_Verify(session C.ck_ulong, data *C.ck_byte, n C.ck_ulong, sig *C.ck_byte, sigLen C.ck_ulong) C.ck_rv {
	return guarded(func() p11module.RV {
		d, ok1 := input(data, n)
		s, ok2 := input(sig, sigLen)
		if !ok1 || !ok2 {
			return module.Check(p11module.RVArgumentsBad)
		}
		return module.Verify(uint64(session), d, s)
	})
}

//export go_VerifyUpdate
func go_VerifyUpdate(session C.ck_ulong, data *C.ck_byte, n C.ck_ulong) C.ck_rv {
	return update(session, data, n, module.VerifyUpdate)
}

//export go_VerifyFinal
func go_VerifyFinal(session C.ck_ulong, sig *C.ck_byte, n C.ck_ulong) C.ck_rv {
	return update(session, sig, n, module.VerifyFinal)
}

//export go_SeedRandom
func go_SeedRandom(session C.ck_ulong) C.ck_rv {
	return guarded(func() p11module.RV { return module.SeedRandom(uint64(session)) })
}

//export go_GenerateRandom
func go_GenerateRandom(session C.ck_ulong, out *C.ck_byte, n C.ck_ulong) C.ck_rv {
	return guarded(func() p11module.RV {
		o, ok := input(out, n)
		if !ok || out == nil {
			return module.Check(p11module.RVArgumentsBad)
		}
		return module.GenerateRandom(uint64(session), o)
	})
}
