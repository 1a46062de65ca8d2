package p11module

import (
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// FaultVariable names the environment variable that makes the module fail on
// purpose, for the tests of programs that use tokens. It is empty by default,
// and no fault lets anything through that would have been refused. It holds
// faults separated by commas:
//
//	NAME[@FUNCTION][#CALL][:DURATION]
//
//	pin-locked      every login answers CKR_PIN_LOCKED, and the token says so
//	removed         the token is pulled out: CKR_DEVICE_REMOVED, its sessions
//	                are gone, and it is back after DURATION (300 ms)
//	session-lost    the token forgets its sessions: CKR_SESSION_HANDLE_INVALID
//	device-error    CKR_DEVICE_ERROR
//	slow            the function waits DURATION (1 s) first
//	panic           the module's own code panics, to show that the C edge holds
//
// FUNCTION is a name such as C_Sign; without one every function that names a
// session or a slot is meant. CALL is the number of the call that fails, counted
// from 1; without one, every call does.
const FaultVariable = "GOSKLYUCH_PKCS11_FAULT"

// faultKind is what goes wrong.
type faultKind uint8

const (
	faultPINLocked faultKind = iota
	faultRemoved
	faultSessionLost
	faultDeviceError
	faultSlow
	faultPanic
)

// fault is one entry of the variable.
type fault struct {
	kind     faultKind
	function string // "" means every one
	call     int64  // 0 means every one
	wait     time.Duration
	calls    atomic.Int64
}

type faults struct{ list []*fault }

// parseFaults reads the variable; nil means that there are none.
func parseFaults(text string) (*faults, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // no faults is the ordinary case and no error
	}
	var out faults
	for entry := range strings.SplitSeq(text, ",") {
		f, err := parseFault(strings.TrimSpace(entry))
		if err != nil {
			return nil, err
		}
		out.list = append(out.list, f)
	}
	return &out, nil
}

func parseFault(entry string) (*fault, error) {
	rest, wait, hasWait := strings.Cut(entry, ":")
	rest, call, hasCall := strings.Cut(rest, "#")
	name, function, hasFunction := strings.Cut(rest, "@")
	f := &fault{function: function}
	switch name {
	case "pin-locked":
		f.kind = faultPINLocked
	case "removed":
		f.kind, f.wait = faultRemoved, defaultAbsence
	case "session-lost":
		f.kind = faultSessionLost
	case "device-error":
		f.kind = faultDeviceError
	case "slow":
		f.kind, f.wait = faultSlow, time.Second
	case "panic":
		f.kind = faultPanic
	default:
		return nil, fmt.Errorf("p11module: %s: unknown fault %q", FaultVariable, entry)
	}
	var err error
	if hasWait {
		f.wait, err = time.ParseDuration(wait)
	}
	if hasCall && err == nil {
		f.call, err = strconv.ParseInt(call, 10, 32)
	}
	if err != nil || f.call < 0 || f.wait < 0 || hasCall && f.call == 0 || hasFunction && !strings.HasPrefix(function, "C_") {
		return nil, fmt.Errorf("p11module: %s: fault %q is not NAME[@C_FUNCTION][#CALL][:DURATION]", FaultVariable, entry)
	}
	return f, nil
}

// due counts a call and says whether this one fails.
func (f *fault) due(function string) bool {
	if f.function != "" && f.function != function {
		return false
	}
	n := f.calls.Add(1)
	return f.call == 0 || n == f.call
}

// before applies what happens before the module's lock is taken.
func (s *faults) before(function string) {
	if s == nil {
		return
	}
	for _, f := range s.list {
		if f.kind == faultSlow && f.due(function) {
			time.Sleep(f.wait)
		}
		if f.kind == faultPanic && f.due(function) {
			panic("p11module: a panic that " + FaultVariable + " asked for") //nolint:forbidigo // what the fault is for
		}
	}
}

// pinLocked says whether logins are locked by a fault.
func (s *faults) pinLocked() bool {
	if s == nil {
		return false
	}
	for _, f := range s.list {
		if f.kind == faultPINLocked {
			return true
		}
	}
	return false
}

// strike applies the faults of a slot; inSession says that the function names a
// session. The caller holds mu.
func (m *Module) strike(function string, s *slot, inSession bool) RV {
	all := m.faults.Load()
	if all == nil {
		return RVOK
	}
	for _, f := range all.list {
		switch f.kind {
		case faultRemoved, faultSessionLost, faultDeviceError:
			if f.kind == faultSessionLost && !inSession || !f.due(function) {
				continue
			}
		default:
			continue
		}
		switch f.kind {
		case faultRemoved:
			m.dropSessions(s)
			s.absentUntil = time.Now().Add(f.wait)
			return rvDeviceRemoved
		case faultSessionLost:
			m.dropSessions(s)
			return rvSessionHandleInvalid
		default:
			return rvDeviceError
		}
	}
	return RVOK
}
