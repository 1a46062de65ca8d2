package kdf_test

import (
	"bytes"
	"crypto/hmac"
	"math"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/kdf"
	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest"
)

// A derivation with an offset gives that part of the whole output, whatever is
// derived with it.
func TestPBKDF2Many(t *testing.T) {
	var all []kdf.Derivation
	var want [][]byte
	for i, c := range []struct{ iterations, offset, length int }{
		{1, 0, 1},
		{2, 64, 32},
		{200, 63, 2},
		{3, 0, 200},
		{129, 127, 66},
		{5, 128, 64},
		{200, 10, 300},
	} {
		password, salt := cryptotest.Bytes(uint64(i), 20*i), cryptotest.Bytes(uint64(i+100), 8+i)
		whole, err := kdf.PBKDF2(password, salt, c.iterations, c.offset+c.length)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, kdf.Derivation{Password: password, Salt: salt, Iterations: c.iterations, Offset: c.offset, Length: c.length})
		want = append(want, whole[c.offset:])
	}
	for n := range len(all) + 1 {
		keys, err := kdf.PBKDF2Many(all[:n])
		if err != nil {
			t.Fatal(err)
		}
		if len(keys) != n {
			t.Fatalf("%d keys of %d derivations", len(keys), n)
		}
		for i, key := range keys {
			if !bytes.Equal(key, want[i]) {
				t.Errorf("key %d of %d: %x, want %x", i, n, key, want[i])
			}
		}
	}
}

// The last block that there may be: its number does not overflow where int has 32
// bits.
func TestPBKDF2ManyEnd(t *testing.T) {
	keys, err := kdf.PBKDF2Many([]kdf.Derivation{{Password: []byte("p"), Salt: []byte("salt"), Iterations: 2, Offset: math.MaxInt32 - 1, Length: 1}})
	if err != nil || len(keys) != 1 {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	// U_1 and U_2 of block 2^25, RFC 8018, section 5.2, step 3.
	prf := hmac.New(streebog.New512, []byte("p"))
	prf.Write([]byte("salt\x02\x00\x00\x00"))
	u1 := prf.Sum(nil)
	prf.Reset()
	prf.Write(u1)
	u2 := prf.Sum(nil)
	if want := u1[62] ^ u2[62]; keys[0][0] != want {
		t.Errorf("%x, want %x", keys[0], want)
	}
}

func TestPBKDF2ManyRefuses(t *testing.T) {
	good := kdf.Derivation{Password: []byte("p"), Salt: []byte("salt"), Iterations: 1, Length: 32}
	for name, change := range map[string]func(d *kdf.Derivation){
		"no iterations":       func(d *kdf.Derivation) { d.Iterations = 0 },
		"negative iterations": func(d *kdf.Derivation) { d.Iterations = math.MinInt },
		"no length":           func(d *kdf.Derivation) { d.Length = 0 },
		"negative length":     func(d *kdf.Derivation) { d.Length = -1 },
		"negative offset":     func(d *kdf.Derivation) { d.Offset = -64 },
		"beyond the end":      func(d *kdf.Derivation) { d.Offset = math.MaxInt32 },
	} {
		d := good
		change(&d)
		if _, err := kdf.PBKDF2Many([]kdf.Derivation{good, d}); err == nil {
			t.Errorf("%s: derived", name)
		}
	}
}
