package ca

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"time"
)

// SerialSize is the number of octets of a serial number.
//
// RFC 5280, section 4.1.2.2: "Conforming CAs MUST NOT use serialNumber values
// longer than 20 octets."
const SerialSize = 20

// Serial is the serial number of a certificate, big-endian and padded with
// zeros on the left. The zero Serial is no certificate's.
//
// RFC 5280, section 4.1.2.2: "The serial number MUST be a positive integer
// assigned by the CA to each certificate. It MUST be unique for each
// certificate issued by a given CA".
type Serial [SerialSize]byte

// errSerial is what every malformed serial number gives.
var errSerial = errors.New("ca: a serial number is a positive integer of at most 20 octets")

// NewSerial returns 20 octets from random with the top bit clear, so that the
// DER INTEGER is positive and has no more than 20 content octets. Zero is
// drawn again. Uniqueness is the ledger's: see [Tx].
func NewSerial(random io.Reader) (Serial, error) {
	for range 8 { // zero comes once in 2^159 draws: a second one is a broken source
		var s Serial
		if _, err := io.ReadFull(random, s[:]); err != nil {
			return Serial{}, fmt.Errorf("ca: serial number: %w", err)
		}
		s[0] &= 0x7f
		if s != (Serial{}) {
			return s, nil
		}
	}
	return Serial{}, errors.New("ca: serial number: the source of randomness returns zeros")
}

// newSerialAt returns the serial number of a certificate that is issued now: 6
// octets of milliseconds since 1970, then 14 octets from random. Numbers that
// rise keep together what is written together: where they are random all over,
// every certificate dirties pages of its own in a large ledger and costs several
// times as much. 112 bits remain that nobody can foretell, and the first octet
// is below 0x80 until the year 6429.
func newSerialAt(random io.Reader, now time.Time) (Serial, error) {
	s, err := NewSerial(random)
	if err != nil || now.UnixMilli() <= 0 {
		return s, err
	}
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(now.UnixMilli()))
	copy(s[:6], ms[2:])
	return s, nil
}

// SerialFrom converts a number; it fails unless 0 < n < 2^160.
func SerialFrom(n *big.Int) (Serial, error) {
	var s Serial
	if n == nil || n.Sign() <= 0 || n.BitLen() > 8*SerialSize {
		return s, errSerial
	}
	n.FillBytes(s[:])
	return s, nil
}

// ParseSerial reads hexadecimal digits, upper or lower case, with an optional
// "0x" before them and colons or spaces between them, as programs print serial
// numbers.
func ParseSerial(text string) (Serial, error) {
	if len(text) > 4*SerialSize {
		return Serial{}, errSerial
	}
	t := strings.TrimSpace(text)
	t = strings.TrimPrefix(strings.TrimPrefix(t, "0x"), "0X")
	t = strings.NewReplacer(":", "", " ", "").Replace(t)
	if len(t)%2 == 1 {
		t = "0" + t
	}
	b, err := hex.DecodeString(t)
	if err != nil || len(b) == 0 {
		return Serial{}, errSerial
	}
	return SerialFrom(new(big.Int).SetBytes(b))
}

// Big returns the number.
func (s Serial) Big() *big.Int { return new(big.Int).SetBytes(s[:]) }

// String returns the octets of the number in lower-case hexadecimal digits
// without leading zero octets.
func (s Serial) String() string { return hex.EncodeToString(s.Big().Bytes()) }

// MarshalText implements encoding.TextMarshaler.
func (s Serial) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler by [ParseSerial].
func (s *Serial) UnmarshalText(text []byte) error {
	// What MarshalText writes is read without detours: a responder does it for
	// every answer.
	var v Serial
	if n := len(text); n > 0 && n%2 == 0 && n <= 2*SerialSize {
		if _, err := hex.Decode(v[SerialSize-n/2:], text); err == nil && v != (Serial{}) {
			*s = v
			return nil
		}
	}
	v, err := ParseSerial(string(text))
	if err != nil {
		return err
	}
	*s = v
	return nil
}
