package pki

import (
	"bytes"
	"math/big"
	"testing"
	"time"
)

// TestShortEntries compares the entries that are written octet by octet with the
// same ones of the Builder.
func TestShortEntries(t *testing.T) {
	at := time.Date(2026, 11, 22, 3, 4, 5, 6, time.FixedZone("", 3*3600))
	serials := []*big.Int{new(big.Int), big.NewInt(1), big.NewInt(127), big.NewInt(128), big.NewInt(255), big.NewInt(256)}
	for _, bits := range []uint{63, 64, 127, 128, 158, 159, 160} {
		top := new(big.Int).Lsh(big.NewInt(1), bits)
		serials = append(serials, new(big.Int).Sub(top, big.NewInt(1)), new(big.Int).Rsh(top, 1))
	}
	for _, serial := range serials {
		for _, when := range []time.Time{at, time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2049, 12, 31, 23, 59, 59, 999, time.UTC)} {
			for reason := ReasonAbsent; reason <= ReasonAACompromise; reason++ {
				e := &RevokedEntry{Serial: serial, At: when, Reason: reason}
				short, ok := e.appendShort([]byte("before"))
				long, err := e.appendLong([]byte("before"), Name{}, false)
				if !ok || err != nil || !bytes.Equal(short, long) {
					t.Errorf("%x, %v, %d: %t, %v\n%x\n%x", serial, when, reason, ok, err, short, long)
				}
			}
		}
	}
}

// TestLongEntries has what is left to the Builder.
func TestLongEntries(t *testing.T) {
	at := time.Date(2026, 11, 22, 3, 4, 5, 0, time.UTC)
	one := big.NewInt(1)
	for name, e := range map[string]*RevokedEntry{
		"after 2049":      {Serial: one, At: time.Date(2050, 1, 1, 0, 0, 0, 0, time.UTC)},
		"2050 in UTC":     {Serial: one, At: time.Date(2049, 12, 31, 23, 0, 0, 0, time.FixedZone("", -2*3600))},
		"before 1950":     {Serial: one, At: time.Date(1949, 12, 31, 23, 59, 59, 0, time.UTC)},
		"invalidity date": {Serial: one, At: at, InvalidityDate: at},
		"negative":        {Serial: big.NewInt(-1), At: at},
		"long":            {Serial: new(big.Int).Lsh(one, 160), At: at},
	} {
		dst, ok := e.appendShort([]byte("before"))
		if ok || string(dst) != "before" {
			t.Errorf("%s: %t, %x", name, ok, dst)
		}
	}
}
