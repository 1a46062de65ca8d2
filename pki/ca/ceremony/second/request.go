package second

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"
)

// request is CertificationRequest (RFC 2986, section 4).
type request struct {
	Info struct {
		Raw        asn1.RawContent
		Version    int
		Subject    asn1.RawValue
		Key        keyInfo
		Attributes []asn1.RawValue `asn1:"tag:0,set"`
	}
	Algorithm pkix.AlgorithmIdentifier
	Signature asn1.BitString
}

// CheckRequest checks the proof of possession of a request, DER, and returns its
// SubjectPublicKeyInfo, DER, and its subject in the order of [Attributes].
func CheckRequest(der []byte) (key []byte, subject []Attribute, err error) {
	const o = requestObject
	var r request
	if rest, err := asn1.Unmarshal(der, &r); err != nil || len(rest) > 0 {
		return nil, nil, o.broken("CertificationRequest", err)
	}
	k, err := o.key(r.Info.Key)
	if err != nil {
		return nil, nil, err
	}
	if err := o.checkSigned(k, r.Info.Raw, r.Algorithm, r.Signature); err != nil {
		return nil, nil, err
	}
	subject, err = o.decodeName("subject", r.Info.Subject.FullBytes)
	slices.Reverse(subject)
	return k.info, subject, err
}
