package fsb795

import (
	"bytes"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// SubjectKeyIdentifier says where the key identifier is not the digest that
// production certificates have. Other identifiers are allowed.
func SubjectKeyIdentifier() profile.Rule {
	return profile.Rule{
		ID:        "fsb795-subject-key-identifier",
		Title:     "subjectKeyIdentifier is the SHA-1 digest of the key's BIT STRING",
		TitleRU:   "subjectKeyIdentifier – это SHA-1 от содержимого BIT STRING ключа",
		Cite:      "RFC 5280, section 4.2.1.2",
		Severity:  pki.Info,
		Effective: original(),
		Applies:   claims,
		Check: func(c *pki.Certificate) []profile.Problem {
			// "composed of the 160-bit SHA-1 hash of the value of the BIT STRING
			// subjectPublicKey (excluding the tag, length, and number of unused
			// bits)": for GOST the header of the inner OCTET STRING is hashed too.
			if len(c.SubjectKeyID) == 0 {
				return profile.Found("subjectKeyIdentifier", "absent", "отсутствует")
			}
			sum, err := alg.KeyIdentifier(c.RawSubjectPublicKeyInfo)
			if err != nil || !bytes.Equal(sum, c.SubjectKeyID) {
				return profile.Found("subjectKeyIdentifier", "not the SHA-1 digest of the key", "не SHA-1 от ключа")
			}
			return nil
		},
	}
}
