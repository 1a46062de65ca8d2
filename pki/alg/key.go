package alg

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
)

// EqualKeys says whether both public keys are the same key: for GOST the same
// point on the same curve, whatever name the parameter set has. A key of GOST
// R 34.10-2001 is never equal to one of GOST R 34.10-2012.
func EqualKeys(a, b crypto.PublicKey) bool {
	switch x := a.(type) {
	case *gost3410.PublicKey:
		y, ok := b.(*gost3410.PublicKey)
		return ok && x.Equal(y)
	case *GOST2001PublicKey:
		y, ok := b.(*GOST2001PublicKey)
		return ok && x.Equal(y)
	case *rsa.PublicKey:
		return x.Equal(b)
	case *ecdsa.PublicKey:
		return x.Equal(b)
	case ed25519.PublicKey:
		y, ok := b.(ed25519.PublicKey)
		return ok && bytes.Equal(x, y)
	case *DSAPublicKey:
		y, ok := b.(*DSAPublicKey)
		return ok && equalDSA(x, y)
	}
	return false
}

// KeyName names a key for people and scripts: its algorithm as the command
// line spells it and, for GOST, the parameter set: "gost2012-256
// cryptopro-xcha", "ecdsa-p256", "rsa-3072".
func KeyName(pub crypto.PublicKey) string {
	switch k := pub.(type) {
	case *gost3410.PublicKey:
		return fmt.Sprintf("gost2012-%d %s", 8*k.Curve().Size(), k.Curve().Name())
	case *GOST2001PublicKey:
		return "gost2001 " + k.ParamSet()
	case *rsa.PublicKey:
		return fmt.Sprintf("rsa-%d", k.N.BitLen())
	case *ecdsa.PublicKey:
		return fmt.Sprintf("ecdsa-p%d", k.Curve.Params().BitSize)
	case ed25519.PublicKey:
		return "ed25519"
	case *DSAPublicKey:
		return fmt.Sprintf("dsa-%d", k.P.BitLen())
	}
	return fmt.Sprintf("unknown (%T)", pub)
}

// IsTestKey says whether the key is on a test parameter set, which MUST NOT be
// used outside testing (RFC 9215, section 4.2).
func IsTestKey(pub crypto.PublicKey) bool {
	switch k := pub.(type) {
	case *gost3410.PublicKey:
		row, ok := curveRowByName(k.Curve().Name())
		return ok && row.test
	case *GOST2001PublicKey:
		row, ok := curveRowByName(k.ParamSet())
		return ok && row.test
	}
	return false
}

// IsLegacy says whether the key is one of an algorithm that is only checked in
// what already exists: GOST R 34.10-2001.
func IsLegacy(pub crypto.PublicKey) bool {
	_, ok := pub.(*GOST2001PublicKey)
	return ok
}

// GenerateKey makes a key pair. algName is one of gost2012-256, gost2012-512,
// ecdsa-p256, ecdsa-p384, ecdsa-p521, rsa-2048, rsa-3072, rsa-4096, ed25519.
// paramset names the GOST parameter set; "" is cryptopro-xcha for 256 and
// tc26-512-a for 512 bits. Test sets are refused.
func GenerateKey(algName, paramset string) (crypto.Signer, error) {
	size := 0
	switch algName {
	case "gost2012-256":
		size = 32
		if paramset == "" {
			paramset = "cryptopro-xcha"
		}
	case "gost2012-512":
		size = 64
		if paramset == "" {
			paramset = "tc26-512-a"
		}
	}
	if size == 0 {
		if paramset != "" {
			return nil, fmt.Errorf("alg: %s has no parameter sets (got %q)", algName, paramset)
		}
		return generateForeign(algName)
	}
	row, ok := curveRowByName(paramset)
	if !ok {
		return nil, fmt.Errorf("alg: unknown parameter set %q", paramset)
	}
	if row.test {
		return nil, fmt.Errorf("alg: parameter set %s is for tests only (RFC 9215, section 4.2)", paramset)
	}
	c, err := gostCurve(row.oid)
	if err != nil {
		return nil, err
	}
	if c.Size() != size {
		return nil, fmt.Errorf("alg: parameter set %s has %d bits, not those of %s", paramset, 8*c.Size(), algName)
	}
	return gost3410.GenerateKey(c)
}

func generateForeign(algName string) (crypto.Signer, error) {
	switch algName {
	case "ecdsa-p256":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ecdsa-p384":
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ecdsa-p521":
		return ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "rsa-2048":
		return rsa.GenerateKey(rand.Reader, 2048)
	case "rsa-3072":
		return rsa.GenerateKey(rand.Reader, 3072)
	case "rsa-4096":
		return rsa.GenerateKey(rand.Reader, 4096)
	case "ed25519":
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	return nil, fmt.Errorf("alg: unknown key algorithm %q", algName)
}

// Destroy wipes a private key that is not needed any more, as far as its type
// lets us: GOST and Ed25519 keys wholly, RSA and ECDSA keys in the numbers that
// they export. Keys of other types, such as those of tokens, are left alone.
func Destroy(key crypto.Signer) {
	switch k := key.(type) {
	case *gost3410.PrivateKey:
		k.Destroy()
	case *GOST2001PrivateKey:
		k.key.Destroy()
	case ed25519.PrivateKey:
		clear(k)
	case *rsa.PrivateKey:
		clear(k.D.Bits())
		for _, p := range k.Primes {
			clear(p.Bits())
		}
	case *ecdsa.PrivateKey:
		//lint:ignore SA1019 the field is deprecated for computing with it, not for wiping it
		clear(k.D.Bits()) //nolint:staticcheck // deprecated for computing with it, not for wiping it
	}
}
