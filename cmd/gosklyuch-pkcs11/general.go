//go:build cgo && unix

package main

// #include "cryptoki.h"
import "C"

import (
	"unsafe"

	"github.com/gosklyuch/gosklyuch/internal/p11module"
)

const manufacturer = "GosKlyuch"

//export go_check
func go_check(rv C.ck_rv) C.ck_rv {
	return guarded(func() p11module.RV { return module.Check(p11module.RV(rv)) })
}

//export go_Initialize
func go_Initialize() C.ck_rv { return guarded(module.Initialize) }

//export go_Finalize
func go_Finalize() C.ck_rv { return guarded(module.Finalize) }

//export go_GetInfo
func go_GetInfo(info *C.struct_ck_info) C.ck_rv {
	return guarded(func() p11module.RV {
		if rv := module.Check(p11module.RVOK); rv != p11module.RVOK {
			return rv
		}
		if info == nil {
			return p11module.RVArgumentsBad
		}
		*info = C.struct_ck_info{cryptoki: C.struct_ck_version{major: 2, minor: 40}, version: C.struct_ck_version{minor: 1}}
		pad(info.manufacturer[:], manufacturer)
		pad(info.library[:], "GosKlyuch software containers")
		return p11module.RVOK
	})
}

//export go_GetSlotList
func go_GetSlotList(present C.ck_byte, slots, n *C.ck_ulong) C.ck_rv {
	return guarded(func() p11module.RV {
		return list(slots, n, func(query bool, out []uint64) (int, p11module.RV) {
			return module.SlotList(present != 0, query, out)
		})
	})
}

//export go_GetSlotInfo
func go_GetSlotInfo(slot C.ck_ulong, info *C.struct_ck_slot_info) C.ck_rv {
	return guarded(func() p11module.RV {
		if info == nil {
			return module.Check(p11module.RVArgumentsBad)
		}
		s, rv := module.GetSlotInfo(uint64(slot))
		if rv != p11module.RVOK {
			return rv
		}
		*info = C.struct_ck_slot_info{flags: C.ck_ulong(s.Flags)}
		pad(info.description[:], s.Description)
		pad(info.manufacturer[:], manufacturer)
		return rv
	})
}

//export go_GetTokenInfo
func go_GetTokenInfo(slot C.ck_ulong, info *C.struct_ck_token_info) C.ck_rv {
	return guarded(func() p11module.RV {
		if info == nil {
			return module.Check(p11module.RVArgumentsBad)
		}
		t, rv := module.GetTokenInfo(uint64(slot))
		if rv != p11module.RVOK {
			return rv
		}
		const unknown = ^C.ck_ulong(0)
		*info = C.struct_ck_token_info{
			flags: C.ck_ulong(t.Flags), max_sessions: C.ck_ulong(t.MaxSessions), sessions: C.ck_ulong(t.Sessions),
			max_rw_sessions: C.ck_ulong(t.MaxSessions), rw_sessions: C.ck_ulong(t.WriteSessions),
			max_pin: C.ck_ulong(t.MaxPIN), min_pin: C.ck_ulong(t.MinPIN),
			total_public: unknown, free_public: unknown, total_private: unknown, free_private: unknown,
		}
		pad(info.label[:], t.Label)
		pad(info.manufacturer[:], manufacturer)
		pad(info.model[:], t.Model)
		pad(info.serial[:], t.Serial)
		pad(info.utc_time[:], "")
		return rv
	})
}

//export go_GetMechanismList
func go_GetMechanismList(slot C.ck_ulong, mechs, n *C.ck_ulong) C.ck_rv {
	return guarded(func() p11module.RV {
		return list(mechs, n, func(query bool, out []uint64) (int, p11module.RV) {
			return module.MechanismList(uint64(slot), query, out)
		})
	})
}

//export go_GetMechanismInfo
func go_GetMechanismInfo(slot, mech C.ck_ulong, info *C.struct_ck_mechanism_info) C.ck_rv {
	return guarded(func() p11module.RV {
		if info == nil {
			return module.Check(p11module.RVArgumentsBad)
		}
		i, rv := module.GetMechanismInfo(uint64(slot), uint64(mech))
		if rv == p11module.RVOK {
			*info = C.struct_ck_mechanism_info{min_key: C.ck_ulong(i.MinKey), max_key: C.ck_ulong(i.MaxKey), flags: C.ck_ulong(i.Flags)}
		}
		return rv
	})
}

//export go_WaitForSlotEvent
func go_WaitForSlotEvent(flags C.ck_ulong, slot *C.ck_ulong, reserved unsafe.Pointer) C.ck_rv {
	return guarded(func() p11module.RV {
		if slot == nil || reserved != nil {
			return module.Check(p11module.RVArgumentsBad)
		}
		id, rv := module.WaitForSlotEvent(uint64(flags))
		if rv == p11module.RVOK {
			*slot = C.ck_ulong(id)
		}
		return rv
	})
}

//export go_InitToken
func go_InitToken(slot C.ck_ulong, pin *C.ck_byte, n C.ck_ulong, label *C.ck_byte) C.ck_rv {
	return guarded(func() p11module.RV {
		p, ok := secretInput(pin, n)
		l, _ := input(label, 32)
		if !ok || label == nil {
			return module.Check(p11module.RVArgumentsBad)
		}
		return module.InitToken(uint64(slot), p, string(l))
	})
}

// secretInput is input for PINs: NULL would ask for a protected path, such as a
// PIN pad, and this token has none.
func secretInput(p *C.ck_byte, n C.ck_ulong) ([]byte, bool) {
	b, ok := input(p, n)
	return b, ok && p != nil
}

//export go_InitPIN
func go_InitPIN(session C.ck_ulong, pin *C.ck_byte, n C.ck_ulong) C.ck_rv {
	return guarded(func() p11module.RV {
		p, ok := secretInput(pin, n)
		if !ok {
			return module.Check(p11module.RVArgumentsBad)
		}
		return module.InitPIN(uint64(session), p)
	})
}

//export go_SetPIN
func go_SetPIN(session C.ck_ulong, old *C.ck_byte, oldLen C.ck_ulong, pin *C.ck_byte, n C.ck_ulong) C.ck_rv {
	return guarded(func() p11module.RV {
		o, ok1 := secretInput(old, oldLen)
		p, ok2 := secretInput(pin, n)
		if !ok1 || !ok2 {
			return module.Check(p11module.RVArgumentsBad)
		}
		return module.SetPIN(uint64(session), o, p)
	})
}

//export go_OpenSession
func go_OpenSession(slot, flags C.ck_ulong, session *C.ck_ulong) C.ck_rv {
	return guarded(func() p11module.RV {
		if session == nil {
			return module.Check(p11module.RVArgumentsBad)
		}
		h, rv := module.OpenSession(uint64(slot), uint64(flags))
		if rv == p11module.RVOK {
			*session = C.ck_ulong(h)
		}
		return rv
	})
}

//export go_CloseSession
func go_CloseSession(session C.ck_ulong) C.ck_rv {
	return guarded(func() p11module.RV { return module.CloseSession(uint64(session)) })
}

//export go_CloseAllSessions
func go_CloseAllSessions(slot C.ck_ulong) C.ck_rv {
	return guarded(func() p11module.RV { return module.CloseAllSessions(uint64(slot)) })
}

//export go_GetSessionInfo
func go_GetSessionInfo(session C.ck_ulong, info *C.struct_ck_session_info) C.ck_rv {
	return guarded(func() p11module.RV {
		if info == nil {
			return module.Check(p11module.RVArgumentsBad)
		}
		i, rv := module.GetSessionInfo(uint64(session))
		if rv == p11module.RVOK {
			*info = C.struct_ck_session_info{slot: C.ck_ulong(i.Slot), state: C.ck_ulong(i.State), flags: C.ck_ulong(i.Flags)}
		}
		return rv
	})
}

//export go_Login
func go_Login(session, user C.ck_ulong, pin *C.ck_byte, n C.ck_ulong) C.ck_rv {
	return guarded(func() p11module.RV {
		p, ok := secretInput(pin, n)
		if !ok {
			return module.Check(p11module.RVArgumentsBad)
		}
		return module.Login(uint64(session), uint64(user), p)
	})
}

//export go_Logout
func go_Logout(session C.ck_ulong) C.ck_rv {
	return guarded(func() p11module.RV { return module.Logout(uint64(session)) })
}
