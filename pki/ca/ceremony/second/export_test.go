package second

import "encoding/asn1"

// VerifyKey verifies a signature of a digest by a SubjectPublicKeyInfo.
func VerifyKey(spki, digest, sig []byte) bool {
	var info keyInfo
	if rest, err := asn1.Unmarshal(spki, &info); err != nil || len(rest) > 0 {
		return false
	}
	k, err := requestObject.key(info)
	return err == nil && k.curve.verify(k.point, digest, sig)
}
