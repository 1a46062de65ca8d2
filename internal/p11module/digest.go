package p11module

import (
	"hash"
	"sync"

	"github.com/gosklyuch/gosklyuch/gost/streebog"
)

// digestOp is an active digest operation. mu guards the hash: a program may
// break the rule of one thread a session, and memory must stay whole.
type digestOp struct {
	mu    sync.Mutex
	h     hash.Hash
	multi bool // guarded by the module's mu
}

// DigestInit is C_DigestInit.
func (m *Module) DigestInit(h uint64, mech Mechanism) RV {
	return m.withSession("C_DigestInit", h, func(s *session) RV {
		if s.digest != nil {
			return rvOperationActive
		}
		op := &digestOp{}
		switch mech.Type {
		case mechStreebog256:
			op.h = streebog.New256()
		case mechStreebog512:
			op.h = streebog.New512()
		default:
			return rvMechanismInvalid
		}
		if !emptyOr(mech.Param, digestParams(op.h.Size())) {
			return rvMechanismParamInvalid
		}
		s.digest = op
		return RVOK
	})
}

// emptyOr accepts no parameter, or the one that says nothing new.
func emptyOr(param, allowed []byte) bool { return len(param) == 0 || string(param) == string(allowed) }

// Digest is C_Digest. "cannot be used to terminate a multiple-part operation"
// (section 5.10).
func (m *Module) Digest(h uint64, data []byte, out Output) (n int, rv RV) {
	return m.endDigest("C_Digest", h, false, data, out)
}

// DigestFinal is C_DigestFinal.
func (m *Module) DigestFinal(h uint64, out Output) (n int, rv RV) {
	return m.endDigest("C_DigestFinal", h, true, nil, out)
}

func (m *Module) endDigest(function string, h uint64, final bool, data []byte, out Output) (n int, rv RV) {
	var op *digestOp
	rv = m.withSession(function, h, func(s *session) RV {
		switch {
		case s.digest == nil:
			return rvOperationNotInitialized
		case s.digest.multi && !final:
			s.digest = nil
			return rvOperationNotInitialized
		}
		n = s.digest.h.Size()
		if done, rv := out.fits(n); done {
			return rv
		}
		op, s.digest = s.digest, nil
		return RVOK
	})
	if op == nil {
		return n, rv
	}
	op.mu.Lock()
	defer op.mu.Unlock()
	op.h.Write(data)
	op.h.Sum(out.Buf[:0])
	return n, RVOK
}

// DigestUpdate is C_DigestUpdate.
func (m *Module) DigestUpdate(h uint64, data []byte) RV {
	var op *digestOp
	rv := m.withSession("C_DigestUpdate", h, func(s *session) RV {
		if s.digest == nil {
			return rvOperationNotInitialized
		}
		op = s.digest
		op.multi = true
		return RVOK
	})
	if rv != RVOK {
		return rv
	}
	op.mu.Lock()
	defer op.mu.Unlock()
	op.h.Write(data)
	return RVOK
}
