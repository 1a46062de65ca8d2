package pfx

import (
	"fmt"
	"io"

	"github.com/gosklyuch/gosklyuch/gost/kdf"
	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// macDerivation is what the MAC key of RFC 9548, section 3, is derived from:
// PBKDF2 to 96 octets, of which the last 32 are the key.
func macDerivation(password, salt []byte, iterations int) kdf.Derivation {
	return kdf.Derivation{
		Password: password, Salt: salt, Iterations: iterations,
		Offset: macKeyEnd - macKeySize, Length: macKeySize,
	}
}

// deriveTogether derives the key of the MAC and, where the processor computes
// several side by side, as lanes says, the keys of what is in sight with it; nil where the MAC
// is of another kind. A wrong password then costs more than the MAC alone would,
// but no more than the right one: only as many keys are taken as go side by side,
// and none that takes longer than the MAC's.
func (d *decoder) deriveTogether(lanes int) (macKey []byte, err error) {
	if d.mac.algorithm.OID != oid.Streebog512 {
		return nil, nil
	}
	all := []kdf.Derivation{macDerivation(d.password, d.mac.salt, d.mac.iterations)}
	var names []string
	for _, id := range d.seen {
		one, ok := alg.PBES2Derivation(id, d.password)
		if !ok || one.Iterations > d.mac.iterations || one.Length > streebog.Size512 {
			continue
		}
		if len(all) >= lanes {
			break
		}
		all, names = append(all, one), append(names, string(id.Params))
	}
	keys, err := kdf.PBKDF2Many(all)
	if err != nil {
		return nil, fmt.Errorf("pfx: %w", err)
	}
	d.derived = make(map[string][]byte, len(names))
	for i, name := range names {
		clear(d.derived[name]) // of the same parameters
		d.derived[name] = keys[1+i]
	}
	return keys[0], nil
}

// wipe overwrites the derived keys.
func (d *decoder) wipe(macKey []byte) {
	clear(macKey)
	for _, key := range d.derived {
		clear(key)
	}
}

// sealing is how Encode encrypts the parts of a file and authenticates the whole.
type sealing struct {
	certificates, key sealed
	macSalt, macKey   []byte
}

// sealed is one encryption and its key.
type sealed struct {
	id  alg.Identifier
	key []byte
}

// newSealing chooses salts and initial values and derives all keys together.
// certificates says whether there are any to encrypt.
func newSealing(rand io.Reader, password []byte, o alg.PBES2, certificates bool) (*sealing, error) {
	s := &sealing{macSalt: make([]byte, 32)} // "at least 32 octets", RFC 9337, section 8
	if _, err := io.ReadFull(rand, s.macSalt); err != nil {
		return nil, fmt.Errorf("pfx: salt: %w", err)
	}
	all := []kdf.Derivation{macDerivation(password, s.macSalt, o.Iterations)}
	parts := []*sealed{&s.key}
	if certificates {
		parts = append(parts, &s.certificates)
	}
	for _, part := range parts {
		var err error
		if part.id, err = alg.NewPBES2(rand, o); err != nil {
			return nil, fmt.Errorf("pfx: %w", err)
		}
		one, ok := alg.PBES2Derivation(part.id, password)
		if !ok {
			return nil, fmt.Errorf("pfx: encryption with %s is not derived as it should be", part.id.OID.Name())
		}
		all = append(all, one)
	}
	keys, err := kdf.PBKDF2Many(all)
	if err != nil {
		return nil, fmt.Errorf("pfx: %w", err)
	}
	s.macKey = keys[0]
	for i, part := range parts {
		part.key = keys[1+i]
	}
	return s, nil
}

// wipe overwrites the keys.
func (s *sealing) wipe() {
	clear(s.macKey)
	clear(s.certificates.key)
	clear(s.key.key)
}
