package second

import (
	"crypto/sha1" // a key identifier is a name, not a protection
	"crypto/x509/pkix"
	"encoding/asn1"
)

// The algorithms (RFC 9215, sections 2 and 4).
const (
	key256       = "1.2.643.7.1.1.1.1"
	key512       = "1.2.643.7.1.1.1.2"
	digest256    = "1.2.643.7.1.1.2.2"
	digest512    = "1.2.643.7.1.1.2.3"
	signature256 = "1.2.643.7.1.1.3.2"
	signature512 = "1.2.643.7.1.1.3.3"
)

// publicKey is a key of GOST R 34.10-2012.
type publicKey struct {
	curve curve
	point point
	info  []byte // SubjectPublicKeyInfo as it was read
}

// keyInfo is SubjectPublicKeyInfo (RFC 5280, section 4.1).
type keyInfo struct {
	Raw       asn1.RawContent
	Algorithm pkix.AlgorithmIdentifier
	Key       asn1.BitString
}

// keyParameters is GostR3410-2012-PublicKeyParameters (RFC 9215, section 4.1).
type keyParameters struct {
	Set    asn1.ObjectIdentifier
	Digest asn1.ObjectIdentifier `asn1:"optional"`
}

func (o object) key(info keyInfo) (publicKey, error) {
	name := info.Algorithm.Algorithm.String()
	if name != key256 && name != key512 {
		return publicKey{}, o.bad("subjectPublicKeyInfo", "the algorithm %s is no key of GOST R 34.10-2012", name)
	}
	var p keyParameters
	if rest, err := asn1.Unmarshal(info.Algorithm.Parameters.FullBytes, &p); err != nil || len(rest) > 0 {
		return publicKey{}, o.broken("subjectPublicKeyInfo.parameters", err)
	}
	c, ok := readCurve(curveNames[p.Set.String()])
	if !ok || c.size() != map[string]int{key256: 32, key512: 64}[name] {
		return publicKey{}, o.bad("subjectPublicKeyInfo.parameters", "the parameter set %s is unknown or not one of %s", p.Set, name)
	}
	var octets []byte
	if rest, err := asn1.Unmarshal(info.Key.Bytes, &octets); err != nil || len(rest) > 0 || len(octets) != 2*c.size() || info.Key.BitLength%8 != 0 {
		return publicKey{}, o.broken("subjectPublicKey", err)
	}
	k := publicKey{c, point{little(octets[:c.size()]), little(octets[c.size():])}, info.Raw}
	if !c.contains(k.point) {
		return publicKey{}, o.bad("subjectPublicKey", "not a point of the curve's subgroup")
	}
	return k, nil
}

// hash is the digest that belongs to a key.
func (k publicKey) hash(message []byte) []byte { return streebog(message, k.curve.size()) }

// checkSigned checks the signature of an object over its first part.
func (o object) checkSigned(k publicKey, body []byte, a pkix.AlgorithmIdentifier, sig asn1.BitString) error {
	want := map[int]string{32: signature256, 64: signature512}[k.curve.size()]
	// RFC 9215, section 2: the parameters of the signature algorithms MUST be
	// omitted.
	if a.Algorithm.String() != want || len(a.Parameters.FullBytes) > 0 {
		return o.bad("signatureAlgorithm", "%s, want %s without parameters", a.Algorithm, want)
	}
	if sig.BitLength != 8*len(sig.Bytes) || !k.curve.verify(k.point, k.hash(body), sig.Bytes) {
		return o.bad("signatureValue", "it does not verify")
	}
	return nil
}

// keyID is "the 160-bit SHA-1 hash of the value of the BIT STRING
// subjectPublicKey" (RFC 5280, section 4.2.1.2).
func keyID(info keyInfo) []byte {
	sum := sha1.Sum(info.Key.Bytes)
	return sum[:]
}
