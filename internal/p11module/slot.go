package p11module

import (
	"os"
	"sync"
	"time"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/token/soft"
)

// slot is a slot with its token. Its fields are guarded by the module's mu, but
// for pinMu.
type slot struct {
	id          uint64
	name        string // of the container, "" for the keyring
	back        backend
	present     bool
	absentUntil time.Time // a fault pulled the token out
	reported    bool      // presence that C_WaitForSlotEvent told last

	loggedIn bool
	user     uint64
	objects  map[uint64]*object
	byName   map[string]uint64 // token objects

	pinMu sync.Mutex // one PIN at a time: checking one takes a while
}

// object is an object that has a handle.
type object struct {
	handle uint64
	slot   *slot
	owner  uint64 // the session of a session object, 0 for a token object
	name   string // in the backend, for a token object
	a      attrs
	key    *secret             // of a private key
	pub    *gost3410.PublicKey // of a public key, once it was used
}

// isPresent says whether a token is in the slot now.
func (s *slot) isPresent() bool { return s.present && !time.Now().Before(s.absentUntil) }

// scan looks for containers that came or went. The caller holds mu.
func (m *Module) scan() {
	found := map[string]bool{}
	if _, err := os.Stat(m.dir); err == nil {
		m.addContainers(found)
	}
	for _, s := range m.slots {
		if s.name == "" {
			continue
		}
		if was := s.present; was && !found[s.name] {
			m.dropSessions(s)
		}
		s.present = found[s.name]
	}
}

// addContainers makes a slot for each container that has none yet.
func (m *Module) addContainers(found map[string]bool) {
	store, err := soft.Open(m.dir)
	if err != nil {
		return
	}
	ctx, cancel := waiting()
	defer cancel()
	list, err := store.List(ctx)
	if err != nil {
		return
	}
	known := map[string]bool{}
	for _, s := range m.slots {
		known[s.name] = true
	}
	for _, info := range list {
		if _, gost := info.PublicKey.(*gost3410.PublicKey); info.Err != nil || !gost {
			continue // damaged containers and other algorithms are for other programs
		}
		found[info.Name] = true
		if !known[info.Name] && len(m.slots) < limits.TokenObjects {
			m.slots = append(m.slots, &slot{
				id: uint64(len(m.slots)), name: info.Name, back: &containerToken{store: store, name: info.Name},
			})
		}
	}
}

// SlotList is C_GetSlotList. A query looks for new containers first, so that
// the second call of a program finds what the first one counted.
func (m *Module) SlotList(tokenPresent, query bool, out []uint64) (int, RV) {
	m.faults.Load().before("C_GetSlotList")
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.on {
		return 0, rvCryptokiNotInitialized
	}
	if query {
		m.scan()
	}
	var ids []uint64
	for _, s := range m.slots {
		if s.isPresent() || !tokenPresent && (s.present || s.name == "") {
			ids = append(ids, s.id)
		}
	}
	switch {
	case query:
		return len(ids), RVOK
	case len(out) < len(ids):
		return len(ids), RVBufferTooSmall
	}
	return copy(out, ids), RVOK
}

// SlotInfo is the changing part of CK_SLOT_INFO.
type SlotInfo struct {
	Description string // at most 64 octets
	Flags       uint64
}

// GetSlotInfo is C_GetSlotInfo.
func (m *Module) GetSlotInfo(id uint64) (info SlotInfo, rv RV) {
	rv = m.withSlot("C_GetSlotInfo", id, func(s *slot) RV {
		info.Description, info.Flags = "GosKlyuch keyring", slotRemovable
		if s.name != "" {
			info.Description = cut("GosKlyuch container "+s.name, 64)
		}
		if s.isPresent() {
			info.Flags |= slotTokenPresent
		}
		return RVOK
	})
	return info, rv
}

// TokenInfo is what CK_TOKEN_INFO tells; texts are UTF-8 without padding.
type TokenInfo struct {
	Label, Model, Serial    string // at most 32, 16 and 16 octets
	Flags                   uint64
	MaxSessions             uint64
	Sessions, WriteSessions uint64
	MaxPIN, MinPIN          uint64
}

// GetTokenInfo is C_GetTokenInfo.
func (m *Module) GetTokenInfo(id uint64) (info TokenInfo, rv RV) {
	rv = m.withToken("C_GetTokenInfo", id, func(s *slot) RV {
		d, rv := s.back.describe()
		if rv != RVOK {
			return rv
		}
		if m.faults.Load().pinLocked() {
			d.flags |= tokenUserPINLocked
		}
		info = TokenInfo{
			Label: d.label, Model: d.model, Serial: d.serial, Flags: d.flags,
			MaxSessions: limits.TokenSessions, MaxPIN: limits.TokenPIN, MinPIN: uint64(d.minPIN),
		}
		info.Sessions, info.WriteSessions = m.countSessions(s)
		return RVOK
	})
	return info, rv
}

// withToken is withSlot for functions that need a token in the slot.
func (m *Module) withToken(function string, id uint64, f func(*slot) RV) RV {
	return m.withSlot(function, id, func(s *slot) RV {
		if !s.isPresent() {
			return rvTokenNotPresent
		}
		return f(s)
	})
}

// MechanismInfo is CK_MECHANISM_INFO. The sizes are bits.
type MechanismInfo struct{ MinKey, MaxKey, Flags uint64 }

// mechanisms returns the mechanisms in the order of C_GetMechanismList.
func mechanisms() []uint64 {
	return []uint64{
		mechGOSTR3410KeyPairGen, mechGOSTR3410, mechGOSTR3410WithStreebog256,
		mechGOSTR3410KeyPairGen512, mechGOSTR3410x512, mechGOSTR3410WithStreebog512,
		MechanismDerive, mechStreebog256, mechStreebog512,
	}
}

func mechanismInfo(mech uint64) (MechanismInfo, bool) {
	switch mech {
	case mechGOSTR3410KeyPairGen:
		return MechanismInfo{256, 256, flagGenerateKeyPair}, true
	case mechGOSTR3410KeyPairGen512:
		return MechanismInfo{512, 512, flagGenerateKeyPair}, true
	case mechGOSTR3410, mechGOSTR3410WithStreebog256:
		return MechanismInfo{256, 256, flagSign | flagVerify}, true
	case mechGOSTR3410x512, mechGOSTR3410WithStreebog512:
		return MechanismInfo{512, 512, flagSign | flagVerify}, true
	case MechanismDerive:
		return MechanismInfo{256, 512, flagDerive}, true
	case mechStreebog256, mechStreebog512:
		return MechanismInfo{0, 0, flagDigest}, true
	}
	return MechanismInfo{}, false
}

// MechanismList is C_GetMechanismList. A container makes no keys.
func (m *Module) MechanismList(id uint64, query bool, out []uint64) (n int, rv RV) {
	rv = m.withToken("C_GetMechanismList", id, func(s *slot) RV {
		var list []uint64
		for _, mech := range mechanisms() {
			if s.offers(mech) {
				list = append(list, mech)
			}
		}
		n = len(list)
		if query {
			return RVOK
		}
		if len(out) < n {
			return RVBufferTooSmall
		}
		copy(out, list)
		return RVOK
	})
	return n, rv
}

// offers says whether the token of a slot has a mechanism.
func (s *slot) offers(mech uint64) bool {
	info, ok := mechanismInfo(mech)
	return ok && (s.name == "" || info.Flags&flagGenerateKeyPair == 0)
}

// GetMechanismInfo is C_GetMechanismInfo.
func (m *Module) GetMechanismInfo(id, mech uint64) (info MechanismInfo, rv RV) {
	rv = m.withToken("C_GetMechanismInfo", id, func(s *slot) RV {
		if !s.offers(mech) {
			return rvMechanismInvalid
		}
		info, _ = mechanismInfo(mech)
		return RVOK
	})
	return info, rv
}

// eventPoll is how often WaitForSlotEvent looks at the folder.
const eventPoll = 200 * time.Millisecond

// WaitForSlotEvent is C_WaitForSlotEvent: it returns a slot whose token came or
// went since the last call. C_Finalize ends the wait.
func (m *Module) WaitForSlotEvent(flags uint64) (uint64, RV) {
	for {
		id, stop, rv := m.slotEvent()
		switch {
		case rv != rvNoEvent:
			return id, rv
		case flags&eventDontBlock != 0:
			return 0, rvNoEvent
		}
		select {
		case <-stop:
			return 0, rvCryptokiNotInitialized
		case <-time.After(eventPoll):
		}
	}
}

// slotEvent finds one change, or says CKR_NO_EVENT. stop is closed when the
// module is finalized.
func (m *Module) slotEvent() (id uint64, stop <-chan struct{}, rv RV) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.on {
		return 0, nil, rvCryptokiNotInitialized
	}
	m.scan()
	for _, s := range m.slots {
		if now := s.isPresent(); now != s.reported {
			s.reported = now
			return s.id, nil, RVOK
		}
	}
	return 0, m.stop, rvNoEvent
}
