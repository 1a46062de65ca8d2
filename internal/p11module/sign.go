package p11module

import (
	"crypto/rand"
	"hash"
	"sync"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// signOp is an active signature or verification.
type signOp struct {
	size int // of a digest: half a signature
	key  *secret
	pub  *gost3410.PublicKey

	multi bool // guarded by the module's mu

	mu   sync.Mutex
	h    hash.Hash // nil where the caller brings the digest
	data []byte    // the digest that arrived so far
}

// newSignOp checks mechanism and key of C_SignInit and C_VerifyInit.
func newSignOp(mech Mechanism, o *object, class, permission uint64) (*signOp, RV) {
	op := &signOp{size: size256}
	switch mech.Type {
	case mechGOSTR3410:
	case mechGOSTR3410x512:
		op.size = size512
	case mechGOSTR3410WithStreebog256:
		op.h = streebog.New256()
	case mechGOSTR3410WithStreebog512:
		op.size, op.h = size512, streebog.New512()
	default:
		return nil, rvMechanismInvalid
	}
	switch {
	case !emptyOr(mech.Param, digestParams(op.size)):
		return nil, rvMechanismParamInvalid
	case o.a.number(attrClass) != class, keySize(o.a.number(attrKeyType)) != op.size:
		return nil, rvKeyTypeInconsistent
	case op.h != nil && isLegacy(o.a):
		return nil, rvKeyTypeInconsistent // Streebog is not the digest of GOST R 34.10-2001
	case !o.a.is(permission):
		return nil, rvKeyFunctionNotPermitted
	}
	return op, RVOK
}

// SignInit is C_SignInit.
func (m *Module) SignInit(h uint64, mech Mechanism, key uint64) RV {
	return m.withSession("C_SignInit", h, func(s *session) RV {
		if s.sign != nil {
			return rvOperationActive
		}
		o, rv := s.object(key, rvKeyHandleInvalid)
		if rv != RVOK {
			return rv
		}
		op, rv := newSignOp(mech, o, classPrivateKey, attrSign)
		if rv != RVOK {
			return rv
		}
		op.key = o.key
		s.sign = op
		return RVOK
	})
}

// Sign is C_Sign.
func (m *Module) Sign(h uint64, data []byte, out Output) (int, RV) {
	return m.endSign("C_Sign", h, false, data, out)
}

// SignFinal is C_SignFinal.
func (m *Module) SignFinal(h uint64, out Output) (int, RV) {
	return m.endSign("C_SignFinal", h, true, nil, out)
}

// SignUpdate is C_SignUpdate. A mechanism without a digest takes the caller's
// digest in parts as well.
func (m *Module) SignUpdate(h uint64, data []byte) RV {
	return m.updateSign("C_SignUpdate", h, data, func(s *session) **signOp { return &s.sign })
}

// VerifyUpdate is C_VerifyUpdate.
func (m *Module) VerifyUpdate(h uint64, data []byte) RV {
	return m.updateSign("C_VerifyUpdate", h, data, func(s *session) **signOp { return &s.verify })
}

func (m *Module) updateSign(function string, h uint64, data []byte, which func(*session) **signOp) RV {
	var op *signOp
	rv := m.withSession(function, h, func(s *session) RV {
		if op = *which(s); op == nil {
			return rvOperationNotInitialized
		}
		op.multi = true
		return RVOK
	})
	if rv != RVOK {
		return rv
	}
	if rv = op.write(data); rv == RVOK {
		return RVOK
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if s, ok := m.sessions[h]; ok && *which(s) == op {
		*which(s) = nil // an error ends the operation
	}
	return rv
}

// write adds a part of the message or of the digest.
func (op *signOp) write(data []byte) RV {
	op.mu.Lock()
	defer op.mu.Unlock()
	if op.h != nil {
		op.h.Write(data)
		return RVOK
	}
	if len(data) > op.size-len(op.data) {
		return rvDataLenRange
	}
	op.data = append(op.data, data...)
	return RVOK
}

// digest returns what is signed, after the last part.
func (op *signOp) digest(data []byte) ([]byte, RV) {
	if rv := op.write(data); rv != RVOK {
		return nil, rv
	}
	op.mu.Lock()
	defer op.mu.Unlock()
	switch {
	case op.h != nil:
		return op.h.Sum(nil), RVOK
	case len(op.data) != op.size:
		return nil, rvDataLenRange
	}
	return op.data, RVOK
}

func (m *Module) endSign(function string, h uint64, final bool, data []byte, out Output) (n int, rv RV) {
	var op *signOp
	rv = m.withSession(function, h, func(s *session) RV {
		switch {
		case s.sign == nil:
			return rvOperationNotInitialized
		case s.sign.multi && !final:
			s.sign = nil // as for C_Digest
			return rvOperationNotInitialized
		}
		n = 2 * s.sign.size
		if done, rv := out.fits(n); done {
			return rv
		}
		op, s.sign = s.sign, nil
		return RVOK
	})
	if op == nil {
		return n, rv
	}
	digest, rv := op.digest(data)
	if rv != RVOK {
		return 0, rv
	}
	return n, op.key.use(func(k *gost3410.PrivateKey) RV {
		sig, err := k.Sign(rand.Reader, digest, nil)
		if err != nil || len(sig) != n {
			return rvFunctionFailed
		}
		copy(out.Buf, sig)
		return RVOK
	})
}

// VerifyInit is C_VerifyInit.
func (m *Module) VerifyInit(h uint64, mech Mechanism, key uint64) RV {
	return m.withSession("C_VerifyInit", h, func(s *session) RV {
		if s.verify != nil {
			return rvOperationActive
		}
		o, rv := s.object(key, rvKeyHandleInvalid)
		if rv != RVOK {
			return rv
		}
		op, rv := newSignOp(mech, o, classPublicKey, attrVerify)
		if rv != RVOK {
			return rv
		}
		if o.pub == nil {
			if o.pub, rv = publicKey(o.a); rv != RVOK {
				return rv
			}
		}
		op.pub = o.pub
		s.verify = op
		return RVOK
	})
}

// publicKey rebuilds the key of a public key object.
func publicKey(a attrs) (*gost3410.PublicKey, RV) {
	o, ok := parseOID(a[attrGOSTR3410Params])
	if !ok {
		return nil, rvDeviceError
	}
	curve, err := alg.CurveByOID(o)
	if err != nil {
		return nil, rvDeviceError
	}
	pub, ok := publicValue(curve, a[attrValue])
	if !ok {
		return nil, rvDeviceError
	}
	return pub, RVOK
}

// Verify is C_Verify.
func (m *Module) Verify(h uint64, data, sig []byte) RV {
	return m.endVerify("C_Verify", h, false, data, sig)
}

// VerifyFinal is C_VerifyFinal.
func (m *Module) VerifyFinal(h uint64, sig []byte) RV {
	return m.endVerify("C_VerifyFinal", h, true, nil, sig)
}

func (m *Module) endVerify(function string, h uint64, final bool, data, sig []byte) RV {
	var op *signOp
	rv := m.withSession(function, h, func(s *session) RV {
		if s.verify == nil {
			return rvOperationNotInitialized
		}
		op, s.verify = s.verify, nil // "always terminates the active operation" (section 5.12)
		if op.multi && !final {
			return rvOperationNotInitialized
		}
		return RVOK
	})
	if rv != RVOK {
		return rv
	}
	digest, rv := op.digest(data)
	switch {
	case rv != RVOK:
		return rv
	case len(sig) != 2*op.size:
		return rvSignatureLenRange
	case !gost3410.Verify(op.pub, digest, sig):
		return rvSignatureInvalid
	}
	return RVOK
}
