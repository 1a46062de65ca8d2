package second

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"slices"
	"time"
)

// Want says what a certificate must be. Every field is checked.
type Want struct {
	Serial              *big.Int    // nil: any positive number of at most 20 octets
	Subject             []Attribute // as [Attributes] returns it
	NotBefore, NotAfter time.Time
	// KeyNotBefore and KeyNotAfter are the private key usage period.
	KeyNotBefore, KeyNotAfter time.Time
	CA                        bool
	PathLen                   int      // of a CA; -1 is no limit
	KeyUsage                  []int    // the numbers of the bits that are set, ascending
	ExtKeyUsage               []string // dotted
	// PublicKey is the SubjectPublicKeyInfo, DER.
	PublicKey []byte
	// CRLURLs, OCSPURLs and IssuerURLs are the addresses in the certificate.
	CRLURLs, OCSPURLs, IssuerURLs []string
	OCSPNoCheck                   bool
}

// certificate is Certificate (RFC 5280, section 4.1).
type certificate struct {
	TBS       tbsCertificate
	Algorithm pkix.AlgorithmIdentifier
	Signature asn1.BitString
}

type tbsCertificate struct {
	Raw        asn1.RawContent
	Version    int `asn1:"explicit,tag:0"`
	Serial     *big.Int
	Algorithm  pkix.AlgorithmIdentifier
	Issuer     asn1.RawValue
	Validity   struct{ NotBefore, NotAfter time.Time }
	Subject    asn1.RawValue
	Key        keyInfo
	Extensions []pkix.Extension `asn1:"explicit,tag:3"`
}

// parsed is a certificate whose structure was read.
type parsed struct {
	certificate
	key        publicKey
	extensions map[string]pkix.Extension
}

func (o object) parse(der []byte) (*parsed, error) {
	p := &parsed{extensions: make(map[string]pkix.Extension)}
	if rest, err := asn1.Unmarshal(der, &p.certificate); err != nil || len(rest) > 0 {
		return nil, o.broken("Certificate", err)
	}
	if p.TBS.Version != 2 {
		return nil, o.bad("version", "%d, want 2 (version 3)", p.TBS.Version)
	}
	// RFC 5280, section 4.1.1.2: this field "MUST contain the same algorithm
	// identifier as the signature field in the sequence tbsCertificate".
	if !p.Algorithm.Algorithm.Equal(p.TBS.Algorithm.Algorithm) || !bytes.Equal(p.Algorithm.Parameters.FullBytes, p.TBS.Algorithm.Parameters.FullBytes) {
		return nil, o.bad("signature", "the two algorithm identifiers differ")
	}
	for _, e := range p.TBS.Extensions {
		id := e.Id.String()
		// RFC 5280, section 4.2: "A certificate MUST NOT include more than one
		// instance of a particular extension."
		if _, twice := p.extensions[id]; twice {
			return nil, o.bad("extensions", "%s stands twice", id)
		}
		p.extensions[id] = e
	}
	var err error
	p.key, err = o.key(p.TBS.Key)
	return p, err
}

// CheckCertificate checks a certificate against its issuer's and against what
// it must be: signature, names, key identifiers, validity and every extension.
// issuer is the DER of a CA certificate, nil for a self-signed one. An
// extension that w does not speak of is refused, but for certificatePolicies
// and the names of signature tools, which only have to parse.
func CheckCertificate(der, issuer []byte, w Want) error {
	const o = certificateObject
	c, err := o.parse(der)
	if err != nil {
		return err
	}
	above := c
	if issuer != nil {
		if above, err = o.parse(issuer); err != nil {
			return err
		}
	}
	if err := o.checkSigned(above.key, c.TBS.Raw, c.Algorithm, c.Signature); err != nil {
		return err
	}
	// RFC 5280, section 6.1.3 (a) (4): "The certificate issuer name is the
	// working_issuer_name." Here octet by octet.
	if !bytes.Equal(c.TBS.Issuer.FullBytes, above.TBS.Subject.FullBytes) {
		return o.bad("issuer", "not the subject of the issuer's certificate")
	}
	if err := c.checkFields(w); err != nil {
		return err
	}
	if err := c.checkKeyIDs(above); err != nil {
		return err
	}
	if err := above.checkIssues(c, issuer == nil); err != nil {
		return err
	}
	return c.checkExtensions(w)
}

func (c *parsed) checkFields(w Want) error {
	const o = certificateObject
	switch {
	case c.TBS.Serial.Sign() <= 0 || c.TBS.Serial.BitLen() > 159:
		// RFC 5280, section 4.1.2.2: a "positive integer", and CAs "MUST NOT
		// use serialNumber values longer than 20 octets".
		return o.bad("serialNumber", "not positive, or longer than 20 octets")
	case w.Serial != nil && c.TBS.Serial.Cmp(w.Serial) != 0:
		return o.bad("serialNumber", "%x, want %x", c.TBS.Serial, w.Serial)
	case !c.TBS.Validity.NotBefore.Equal(w.NotBefore) || !c.TBS.Validity.NotAfter.Equal(w.NotAfter):
		return o.bad("validity", "%s to %s, want %s to %s", rfc3339(c.TBS.Validity.NotBefore), rfc3339(c.TBS.Validity.NotAfter), rfc3339(w.NotBefore), rfc3339(w.NotAfter))
	case !bytes.Equal(c.key.info, w.PublicKey):
		return o.bad("subjectPublicKeyInfo", "not the key that is to be certified")
	}
	names, err := o.decodeName("subject", c.TBS.Subject.FullBytes)
	if err != nil {
		return err
	}
	// RFC 4514, section 2.1: the text has the RDNs "starting with the last
	// element of the sequence and moving backwards toward the first".
	slices.Reverse(names)
	if !slices.Equal(names, w.Subject) {
		return o.bad("subject", "%q, want %q", names, w.Subject)
	}
	return nil
}

// checkIssues checks that the certificate above may issue c.
func (c *parsed) checkIssues(below *parsed, self bool) error {
	const o = certificateObject
	b, err := c.basicConstraints()
	if err != nil {
		return err
	}
	bits, err := c.keyUsage()
	if err != nil {
		return err
	}
	if self {
		return nil // what a self-signed certificate must be is in its Want
	}
	if !b.CA || !slices.Contains(bits, 5) { // keyCertSign (5)
		return o.bad("issuer", "its certificate is not one of a certification authority")
	}
	// What is valid longer than its issuer cannot be validated then.
	if below.TBS.Validity.NotAfter.After(c.TBS.Validity.NotAfter) || below.TBS.Validity.NotBefore.Before(c.TBS.Validity.NotBefore) {
		return o.bad("validity", "outside that of the issuer's certificate")
	}
	sub, err := below.basicConstraints()
	// RFC 5280, section 4.2.1.9: pathLenConstraint is "the maximum number of
	// non-self-issued intermediate certificates that may follow".
	if err == nil && sub.CA && b.PathLen == 0 {
		return o.bad("basicConstraints", "the issuer may have no authority below it")
	}
	return err
}

func rfc3339(t time.Time) string { return t.UTC().Format(time.RFC3339) }
