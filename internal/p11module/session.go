package p11module

import (
	"strings"
	"unicode/utf8"

	"github.com/gosklyuch/gosklyuch/internal/limits"
)

// session is an open session. Its fields are guarded by the module's mu.
type session struct {
	handle uint64
	slot   *slot
	rw     bool

	find   *findOp
	digest *digestOp
	sign   *signOp
	verify *signOp
}

// SessionInfo is CK_SESSION_INFO.
type SessionInfo struct{ Slot, State, Flags, DeviceError uint64 }

// OpenSession is C_OpenSession. The callback is never called: nothing here
// takes long enough to be cancelled.
func (m *Module) OpenSession(id, flags uint64) (h uint64, rv RV) {
	rv = m.withToken("C_OpenSession", id, func(s *slot) RV {
		rw := flags&sessionReadWrite != 0
		switch {
		case flags&sessionSerial == 0:
			return rvSessionParallelNotSupport // "must always be set" (section 5.6, C_OpenSession)
		case len(m.sessions) >= limits.TokenSessions:
			return rvSessionCount
		case !rw && s.loggedIn && s.user == userSO:
			return rvSessionReadWriteSOExists
		}
		switch d, rv := s.back.describe(); {
		case rv != RVOK:
			return rv
		case d.flags&tokenInitialized == 0:
			return rvTokenNotRecognized // C_InitToken comes first
		}
		h = m.handle()
		m.sessions[h] = &session{handle: h, slot: s, rw: rw}
		return RVOK
	})
	return h, rv
}

// CloseSession is C_CloseSession. With the last session of a token its user is
// logged out.
func (m *Module) CloseSession(h uint64) RV {
	return m.withSession("C_CloseSession", h, func(s *session) RV {
		m.closeSession(s)
		return RVOK
	})
}

// CloseAllSessions is C_CloseAllSessions.
func (m *Module) CloseAllSessions(id uint64) RV {
	return m.withSlot("C_CloseAllSessions", id, func(s *slot) RV {
		m.dropSessions(s)
		return RVOK
	})
}

// closeSession ends one session. The caller holds mu.
func (m *Module) closeSession(s *session) {
	delete(m.sessions, s.handle)
	for h, o := range s.slot.objects {
		if o.owner == s.handle {
			o.wipe()
			delete(s.slot.objects, h)
		}
	}
	if all, _ := m.countSessions(s.slot); all == 0 {
		m.logout(s.slot)
	}
}

// wipe clears the secrets of a session object.
func (o *object) wipe() {
	o.key.wipe()
	if o.a.number(attrClass) == classSecretKey {
		clear(o.a[attrValue])
	}
}

// dropSessions ends all sessions of a slot. The caller holds mu.
func (m *Module) dropSessions(s *slot) {
	for _, one := range m.sessions {
		if one.slot == s {
			m.closeSession(one)
		}
	}
	m.logout(s)
}

// logout forgets private objects. The caller holds mu.
func (m *Module) logout(s *slot) {
	if s.back != nil {
		s.back.logout()
	}
	s.loggedIn = false
	for h, o := range s.objects {
		if o.a.is(attrPrivate) {
			o.wipe()
			delete(s.objects, h)
			delete(s.byName, o.name)
		}
	}
	for _, one := range m.sessions {
		if one.slot == s {
			one.find, one.sign = nil, nil // they may hold private objects
		}
	}
}

// countSessions counts the sessions of a slot, and those that may write.
func (m *Module) countSessions(s *slot) (all, rw uint64) {
	for _, one := range m.sessions {
		if one.slot == s {
			all++
			if one.rw {
				rw++
			}
		}
	}
	return all, rw
}

// GetSessionInfo is C_GetSessionInfo.
func (m *Module) GetSessionInfo(h uint64) (info SessionInfo, rv RV) {
	rv = m.withSession("C_GetSessionInfo", h, func(s *session) RV {
		info = SessionInfo{Slot: s.slot.id, Flags: sessionSerial, State: stateROPublic}
		if s.rw {
			info.Flags |= sessionReadWrite
			info.State = stateRWPublic
		}
		switch {
		case s.slot.loggedIn && s.slot.user == userSO:
			info.State = stateRWSO
		case s.slot.loggedIn:
			info.State++ // from public to user
		}
		return RVOK
	})
	return info, rv
}

// isUser says whether the user of the session's token is logged in.
func (s *session) isUser() bool { return s.slot.loggedIn && s.slot.user == userUser }

// Login is C_Login. pin is not wiped: it belongs to the caller.
func (m *Module) Login(h, user uint64, pin []byte) RV {
	var sl *slot
	rv := m.withSession("C_Login", h, func(s *session) RV {
		sl = s.slot
		return m.mayLogin(s, user)
	})
	if rv != RVOK {
		return rv
	}
	switch {
	case len(pin) > limits.TokenPIN:
		return rvPINIncorrect // section 5.6, C_Login, names no other code for a length
	case m.faults.Load().pinLocked():
		return rvPINLocked
	}
	sl.pinMu.Lock()
	defer sl.pinMu.Unlock()
	return m.finishLogin(h, user, pin)
}

// finishLogin checks the PIN without holding mu, and looks again afterwards at
// what another thread may have done meanwhile. The caller holds pinMu.
func (m *Module) finishLogin(h, user uint64, pin []byte) RV {
	check := func(f func(*session) RV) RV {
		m.mu.Lock()
		defer m.mu.Unlock()
		s, ok := m.sessions[h]
		if !ok {
			return rvSessionHandleInvalid
		}
		if rv := m.mayLogin(s, user); rv != RVOK {
			return rv
		}
		return f(s)
	}
	var back backend
	rv := check(func(s *session) RV {
		back = s.slot.back
		return RVOK
	})
	if rv != RVOK {
		return rv // another thread logged in first: no try is spent
	}
	if rv := back.login(user, pin); rv != RVOK {
		return rv
	}
	rv = check(func(s *session) RV {
		s.slot.loggedIn, s.slot.user = true, user
		return RVOK
	})
	if rv != RVOK {
		back.logout()
	}
	return rv
}

// mayLogin holds the conditions of section 5.6, C_Login.
func (m *Module) mayLogin(s *session, user uint64) RV {
	switch user {
	case userSO, userUser:
	case userContextSpecific:
		return rvOperationNotInitialized // no key here has CKA_ALWAYS_AUTHENTICATE
	default:
		return rvUserTypeInvalid
	}
	switch all, rw := m.countSessions(s.slot); {
	case s.slot.loggedIn && s.slot.user == user:
		return rvUserAlreadyLoggedIn
	case s.slot.loggedIn:
		return rvUserAnotherAlreadyLoggedIn
	case user == userSO && rw < all:
		return rvSessionReadOnlyExists
	}
	return RVOK
}

// Logout is C_Logout.
func (m *Module) Logout(h uint64) RV {
	return m.withSession("C_Logout", h, func(s *session) RV {
		if !s.slot.loggedIn {
			return rvUserNotLoggedIn
		}
		m.logout(s.slot)
		return RVOK
	})
}

// InitToken is C_InitToken; label has at most 32 octets, its padding removed.
func (m *Module) InitToken(id uint64, pin []byte, label string) RV {
	var sl *slot
	rv := m.withToken("C_InitToken", id, func(s *slot) RV {
		if all, _ := m.countSessions(s); all > 0 {
			return rvSessionExists
		}
		sl = s
		return RVOK
	})
	if rv != RVOK {
		return rv
	}
	label = strings.TrimRight(label, " ")
	if len(label) > labelSize || !utf8.ValidString(label) || strings.ContainsRune(label, 0) {
		return RVArgumentsBad // "must not be null-terminated" (section 5.5, C_InitToken)
	}
	if len(pin) > limits.TokenPIN {
		return rvPINIncorrect
	}
	sl.pinMu.Lock()
	defer sl.pinMu.Unlock()
	if rv := sl.back.initToken(pin, label); rv != RVOK {
		return rv
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	sl.objects, sl.byName = nil, nil
	return RVOK
}

// InitPIN is C_InitPIN.
func (m *Module) InitPIN(h uint64, pin []byte) RV {
	var sl *slot
	rv := m.withSession("C_InitPIN", h, func(s *session) RV {
		// "can only be called in the R/W SO Functions state" (section 5.5, C_InitPIN).
		if !s.slot.loggedIn || s.slot.user != userSO {
			return rvUserNotLoggedIn
		}
		sl = s.slot
		return RVOK
	})
	if rv != RVOK {
		return rv
	}
	sl.pinMu.Lock()
	defer sl.pinMu.Unlock()
	return sl.back.initPIN(pin)
}

// SetPIN is C_SetPIN: it changes the PIN of who is logged in, and the user's if
// nobody is.
func (m *Module) SetPIN(h uint64, old, pin []byte) RV {
	var sl *slot
	user := uint64(userUser)
	rv := m.withSession("C_SetPIN", h, func(s *session) RV {
		if !s.rw {
			return rvSessionReadOnly
		}
		if s.slot.loggedIn {
			user = s.slot.user
		}
		sl = s.slot
		return RVOK
	})
	switch {
	case rv != RVOK:
		return rv
	case len(old) > limits.TokenPIN:
		return rvPINIncorrect
	case m.faults.Load().pinLocked():
		return rvPINLocked
	}
	sl.pinMu.Lock()
	defer sl.pinMu.Unlock()
	return sl.back.setPIN(user, old, pin)
}
