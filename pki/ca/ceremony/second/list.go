package second

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"time"
)

// WantList says what a list of revoked certificates must be.
type WantList struct {
	Number                 *big.Int
	ThisUpdate, NextUpdate time.Time
	// Revoked are the serial numbers, in the order of the list.
	Revoked []*big.Int
}

// list is CertificateList (RFC 5280, section 5.1).
type list struct {
	TBS struct {
		Raw        asn1.RawContent
		Version    int
		Algorithm  pkix.AlgorithmIdentifier
		Issuer     asn1.RawValue
		ThisUpdate time.Time
		NextUpdate time.Time
		Revoked    []revoked        `asn1:"optional"`
		Extensions []pkix.Extension `asn1:"explicit,tag:0"`
	}
	Algorithm pkix.AlgorithmIdentifier
	Signature asn1.BitString
}

type revoked struct {
	Serial     *big.Int
	Date       time.Time
	Extensions []pkix.Extension `asn1:"optional"`
}

// CheckList checks a complete list against its issuer's certificate, DER, and
// against what it must be. It has a number and the issuer's key identifier and
// no other extension.
func CheckList(der, issuer []byte, w WantList) error {
	const o = listObject
	above, err := certificateObject.parse(issuer)
	if err != nil {
		return err
	}
	var l list
	if rest, err := asn1.Unmarshal(der, &l); err != nil || len(rest) > 0 {
		return o.broken("CertificateList", err)
	}
	if err := o.checkSigned(above.key, l.TBS.Raw, l.Algorithm, l.Signature); err != nil {
		return err
	}
	bits, err := above.keyUsage()
	if err != nil {
		return err
	}
	mayList := false
	for _, b := range bits {
		mayList = mayList || b == 6 // cRLSign (6)
	}
	switch {
	case l.TBS.Version != 1:
		return o.bad("version", "%d, want 1 (version 2)", l.TBS.Version)
	case !l.TBS.Algorithm.Algorithm.Equal(l.Algorithm.Algorithm):
		return o.bad("signature", "the two algorithm identifiers differ")
	case !bytes.Equal(l.TBS.Issuer.FullBytes, above.TBS.Subject.FullBytes) || !mayList:
		return o.bad("issuer", "not the subject of the issuer's certificate, or it may sign no lists")
	case !l.TBS.ThisUpdate.Equal(w.ThisUpdate) || !l.TBS.NextUpdate.Equal(w.NextUpdate):
		return o.bad("thisUpdate, nextUpdate", "%s and %s, want %s and %s", rfc3339(l.TBS.ThisUpdate), rfc3339(l.TBS.NextUpdate), rfc3339(w.ThisUpdate), rfc3339(w.NextUpdate))
	case len(l.TBS.Revoked) != len(w.Revoked):
		return o.bad("revokedCertificates", "%d entries, want %d", len(l.TBS.Revoked), len(w.Revoked))
	}
	for i, r := range l.TBS.Revoked {
		if r.Serial.Cmp(w.Revoked[i]) != 0 {
			return o.bad("revokedCertificates", "entry %d is %x, want %x", i, r.Serial, w.Revoked[i])
		}
	}
	return l.checkExtensions(above, w)
}

func (l *list) checkExtensions(above *parsed, w WantList) error {
	const o = listObject
	var number *big.Int
	var issuers []byte
	if _, err := above.decode(extSubjectKeyID, "subjectKeyIdentifier", false, &issuers, ""); err != nil {
		return err
	}
	seen := make(map[string]bool)
	for _, e := range l.TBS.Extensions {
		id := e.Id.String()
		if seen[id] {
			return o.bad("crlExtensions", "%s stands twice", id)
		}
		seen[id] = true
		var err error
		switch id {
		case extCRLNumber:
			err = o.decode(e, "cRLNumber", false, &number, "")
		case extAuthorityKeyID:
			err = o.checkAuthorityKeyID(e, issuers)
		default:
			err = o.bad("crlExtensions", "%s was not asked for", id)
		}
		if err != nil {
			return err
		}
	}
	if number == nil || w.Number == nil || number.Cmp(w.Number) != 0 || !seen[extAuthorityKeyID] {
		return o.bad("cRLNumber", "%v, want %v with authorityKeyIdentifier", number, w.Number)
	}
	return nil
}
