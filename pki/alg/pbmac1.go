package alg

import (
	"crypto/hmac"
	"errors"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// PBMAC1 computes the MAC of a message under a password (RFC 8018, section 7.1;
// RFC 9337, section 6). id carries
//
//	PBMAC1-params ::= SEQUENCE {
//	    keyDerivationFunc AlgorithmIdentifier {{PBMAC1-KDFs}},
//	    messageAuthScheme AlgorithmIdentifier {{PBMAC1-MACs}} }
//
// The caller compares the result in constant time.
func PBMAC1(id Identifier, message, password []byte) ([]byte, error) {
	p, scheme, err := parsePBMAC1(id)
	if err != nil {
		return nil, err
	}
	h, err := hmacHash(scheme.OID)
	if err != nil {
		return nil, err
	}
	// RFC 9337, section 7.1: keyLength "MUST be present for the PBMAC1 scheme
	// and MUST be at least 32 octets"; RFC 9579, section 5 demands it too.
	if p.keyLength == 0 {
		return nil, errors.New("alg: PBMAC1: keyLength is missing")
	}
	key, err := p.derive(password, p.keyLength)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	use := key
	if scheme.OID == oid.HMACStreebog256 || scheme.OID == oid.HMACStreebog512 {
		if len(key) < dkSize {
			return nil, errors.New("alg: PBMAC1: keyLength is below 32 octets")
		}
		use = key[len(key)-dkSize:] // DK = LSB_32(K), RFC 9337, section 6.1, step 5
	}
	m := hmac.New(h, use)
	m.Write(message)
	return m.Sum(nil), nil
}

// PBMAC1Iterations returns the iterations that checking a MAC under id costs.
func PBMAC1Iterations(id Identifier) (int, error) {
	p, _, err := parsePBMAC1(id)
	return p.iterations, err
}

func parsePBMAC1(id Identifier) (kdfParams, Identifier, error) {
	if id.OID != oid.PBMAC1 {
		return kdfParams{}, Identifier{}, &UnknownError{Kind: "password-based MAC", OID: id.OID}
	}
	in := cryptobyte.String(id.Params)
	var body cryptobyte.String
	if !in.ReadASN1(&body, asn1.SEQUENCE) || !in.Empty() {
		return kdfParams{}, Identifier{}, errors.New("alg: PBMAC1-params is not a SEQUENCE")
	}
	kdfID, err := ReadIdentifier(&body, "PBMAC1-params.keyDerivationFunc")
	if err != nil {
		return kdfParams{}, Identifier{}, err
	}
	scheme, err := ReadIdentifier(&body, "PBMAC1-params.messageAuthScheme")
	if err != nil {
		return kdfParams{}, Identifier{}, err
	}
	if !body.Empty() {
		return kdfParams{}, Identifier{}, errors.New("alg: PBMAC1-params: trailing data")
	}
	p, err := parseKDF(kdfID)
	return p, scheme, err
}
