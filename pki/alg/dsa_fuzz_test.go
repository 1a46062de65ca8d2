package alg

import (
	//lint:ignore SA1019 what is tested
	"crypto/dsa" //nolint:staticcheck // what is tested
	"math/big"
	"testing"

	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// FuzzParseDSA: no key and no signature makes the check panic.
func FuzzParseDSA(f *testing.F) {
	seven, five, two := big.NewInt(7), big.NewInt(193), big.NewInt(2)
	f.Add(dsaInfo(two, integers(big.NewInt(773), five, two)), []byte{0x30, 6, 2, 1, 1, 2, 1, 1})
	f.Add(dsaInfo(seven, nil), []byte{0x30, 0})
	f.Fuzz(func(t *testing.T, spki, sig []byte) {
		inherited := &dsa.Parameters{P: big.NewInt(773), Q: big.NewInt(193), G: big.NewInt(4)}
		key, err := ParseDSA(spki, inherited)
		if err != nil {
			return
		}
		if !EqualKeys(key, key) || KeyAlgorithmName(key) != NameDSA {
			t.Error("a key is not itself")
		}
		_ = VerifyMessage(key, Identifier{OID: oid.DSAWithSHA256}, Identifier{}, []byte("m"), sig) // must not panic
	})
}
