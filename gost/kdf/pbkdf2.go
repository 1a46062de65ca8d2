package kdf

import (
	"crypto/hmac"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/gosklyuch/gosklyuch/gost/streebog"
)

// PBKDF2 returns keyLength bytes derived from password with HMAC-Streebog-512
// (RFC 9337, section 4). The password is UTF-8 without a terminating zero.
// Iterations and keyLength must be positive; RFC 9337, sections 5.1.1 and 6.1,
// requires at least 1000 iterations and a salt of 8 to 32 bytes, which is for
// the caller to enforce, as must be an upper bound on numbers that come from a
// file: the time is proportional to iterations*keyLength/64.
func PBKDF2(password, salt []byte, iterations, keyLength int) ([]byte, error) {
	keys, err := PBKDF2Many([]Derivation{{Password: password, Salt: salt, Iterations: iterations, Length: keyLength}})
	if err != nil {
		return nil, err
	}
	return keys[0], nil
}

// A Derivation is what PBKDF2 with HMAC-Streebog-512 makes a key from.
type Derivation struct {
	// Password is UTF-8 without a terminating zero, and Salt what the file
	// says. Neither is changed.
	Password, Salt []byte
	// Iterations must be positive.
	Iterations int
	// Offset is where the key begins in PBKDF2's output and Length, positive, how
	// many bytes it has. Only the blocks of 64 bytes that hold it are computed.
	Offset, Length int
}

// check says what [PBKDF2Many] cannot compute.
func (d Derivation) check() error {
	switch {
	case d.Iterations < 1:
		return fmt.Errorf("kdf: %d PBKDF2 iterations, want at least 1", d.Iterations)
	case d.Length < 1:
		return errors.New("kdf: PBKDF2 output must have at least 1 byte")
	case d.Offset < 0 || d.Length > math.MaxInt32-d.Offset:
		// RFC 8018, section 5.2, step 1, allows 2^32 - 1 blocks.
		return fmt.Errorf("kdf: %d bytes at offset %d of PBKDF2's output, want at most 2^31", d.Length, d.Offset)
	}
	return nil
}

// blocks returns the numbers of the first block and of the one behind the last,
// from 0.
func (d Derivation) blocks() (first, end int) {
	return d.Offset / streebog.Size512, (d.Offset+d.Length-1)/streebog.Size512 + 1
}

// PBKDF2Many returns the key of each derivation. All blocks of all of them are
// independent and go side by side where the processor can ([streebog.Lanes]):
// with AVX-512 two take a quarter and three a third less time than one after the
// other. A caller who needs several keys does better to ask for them together.
func PBKDF2Many(derivations []Derivation) ([][]byte, error) {
	n := 0
	for _, d := range derivations {
		if err := d.check(); err != nil {
			return nil, err
		}
		first, end := d.blocks()
		n += end - first
	}
	loops := make([]streebog.Loop, 0, n) // at once: what a growing slice leaves behind would not be wiped
	defer func() { clear(loops) }()
	for _, d := range derivations {
		loops = d.begin(loops)
	}
	streebog.RunLoops(loops)
	keys := make([][]byte, len(derivations))
	rest := loops
	for i, d := range derivations {
		first, end := d.blocks()
		out := make([]byte, 0, (end-first)*streebog.Size512)
		for _, l := range rest[:end-first] {
			out = append(out, l.Value[:]...)
		}
		rest = rest[end-first:]
		at := d.Offset - first*streebog.Size512
		clear(out[:at])
		clear(out[at+d.Length:])
		keys[i] = out[at:][:d.Length:d.Length]
	}
	return keys, nil
}

// begin appends the loops of the blocks.
func (d Derivation) begin(loops []streebog.Loop) []streebog.Loop {
	prf := hmac.New(streebog.New512, d.Password)
	first, end := d.blocks()
	for i := first; i < end; i++ {
		loops = append(loops, streebog.Loop{Key: d.Password, Count: d.Iterations - 1})
		// "U_1 = PRF (P, S || INT (i))", RFC 8018, section 5.2, step 3.
		var number [4]byte
		binary.BigEndian.PutUint32(number[:], uint32(i+1))
		prf.Reset()
		prf.Write(d.Salt)
		prf.Write(number[:])
		prf.Sum(loops[len(loops)-1].Value[:0])
	}
	return loops
}
