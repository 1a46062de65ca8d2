package second

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"
	"time"
)

// The extensions that a ceremony writes (RFC 5280, section 4.2; RFC 6960,
// section 4.2.2.2.1; RFC 9215, section 5).
const (
	extSubjectKeyID        = "2.5.29.14"
	extKeyUsage            = "2.5.29.15"
	extPrivateKeyUsage     = "2.5.29.16"
	extBasicConstraints    = "2.5.29.19"
	extCRLNumber           = "2.5.29.20"
	extCRLPoints           = "2.5.29.31"
	extPolicies            = "2.5.29.32"
	extAuthorityKeyID      = "2.5.29.35"
	extExtKeyUsage         = "2.5.29.37"
	extInfoAccess          = "1.3.6.1.5.5.7.1.1"
	extOCSPNoCheck         = "1.3.6.1.5.5.7.48.1.5"
	extSubjectSignTool     = "1.2.643.100.111"
	extIssuerSignTool      = "1.2.643.100.112"
	accessOCSP             = "1.3.6.1.5.5.7.48.1"
	accessIssuers          = "1.3.6.1.5.5.7.48.2"
	keyUsageBits           = 9
	extKeyUsageTimeStamped = "1.3.6.1.5.5.7.3.8"
)

func (c *parsed) has(id string) bool { _, ok := c.extensions[id]; return ok }

// decode reads the value of an extension into out and checks criticality. It
// reports whether the extension is there.
func (c *parsed) decode(id, name string, critical bool, out any, params string) (bool, error) {
	e, ok := c.extensions[id]
	if !ok {
		return false, nil
	}
	return true, certificateObject.decode(e, name, critical, out, params)
}

func (o object) decode(e pkix.Extension, name string, critical bool, out any, params string) error {
	if e.Critical != critical {
		return o.bad(name, "critical is %t", e.Critical)
	}
	if rest, err := asn1.UnmarshalWithParams(e.Value, out, params); err != nil || len(rest) > 0 {
		return o.broken(name, err)
	}
	return nil
}

type basicConstraints struct {
	CA      bool `asn1:"optional"`
	PathLen int  `asn1:"optional,default:-1"`
}

func (c *parsed) basicConstraints() (b basicConstraints, err error) {
	b.PathLen = -1
	_, err = c.decode(extBasicConstraints, "basicConstraints", true, &b, "")
	return b, err
}

func (c *parsed) keyUsage() (set []int, err error) {
	var bits asn1.BitString
	_, err = c.decode(extKeyUsage, "keyUsage", true, &bits, "")
	for i := range keyUsageBits {
		if bits.At(i) == 1 {
			set = append(set, i)
		}
	}
	return set, err
}

// authorityKeyID is AuthorityKeyIdentifier with its first member only.
type authorityKeyID struct {
	ID []byte `asn1:"tag:0"`
}

// checkKeyIDs checks both identifiers: its own is that of the key, and the
// issuer's is the one in the issuer's certificate.
func (c *parsed) checkKeyIDs(above *parsed) error {
	const o = certificateObject
	var own, issuers []byte
	if ok, err := c.decode(extSubjectKeyID, "subjectKeyIdentifier", false, &own, ""); err != nil {
		return err
	} else if !ok || !bytes.Equal(own, keyID(c.TBS.Key)) {
		return o.bad("subjectKeyIdentifier", "not that of the key")
	}
	if _, err := above.decode(extSubjectKeyID, "subjectKeyIdentifier", false, &issuers, ""); err != nil {
		return err
	}
	return o.checkAuthorityKeyID(c.extensions[extAuthorityKeyID], issuers)
}

func (o object) checkAuthorityKeyID(e pkix.Extension, want []byte) error {
	var a authorityKeyID
	if err := o.decode(e, "authorityKeyIdentifier", false, &a, ""); err != nil {
		return err
	}
	if len(want) == 0 || !bytes.Equal(a.ID, want) {
		return o.bad("authorityKeyIdentifier", "not the subjectKeyIdentifier of the issuer")
	}
	return nil
}

func (c *parsed) checkExtensions(w Want) error {
	for _, check := range []func(Want) error{c.checkKnown, c.checkUses, c.checkPeriod, c.checkAddresses} {
		if err := check(w); err != nil {
			return err
		}
	}
	return nil
}

// checkKnown refuses extensions that nobody asked for.
func (c *parsed) checkKnown(w Want) error {
	known := []string{
		extSubjectKeyID, extKeyUsage, extPrivateKeyUsage, extBasicConstraints, extCRLPoints, extPolicies,
		extAuthorityKeyID, extExtKeyUsage, extInfoAccess, extSubjectSignTool, extIssuerSignTool,
	}
	if w.OCSPNoCheck {
		known = append(known, extOCSPNoCheck)
	}
	for _, e := range c.TBS.Extensions {
		id := e.Id.String()
		if !slices.Contains(known, id) {
			return certificateObject.bad("extensions", "%s was not asked for", id)
		}
		var value asn1.RawValue
		if rest, err := asn1.Unmarshal(e.Value, &value); err != nil || len(rest) > 0 {
			return certificateObject.broken(id, err)
		}
	}
	if w.OCSPNoCheck != c.has(extOCSPNoCheck) {
		return certificateObject.bad("ocsp-nocheck", "it is missing")
	}
	return nil
}

// checkUses checks what the key and the certificate may be used for.
func (c *parsed) checkUses(w Want) error {
	const o = certificateObject
	b, err := c.basicConstraints()
	if err != nil {
		return err
	}
	pathLen := -1
	if w.CA {
		pathLen = w.PathLen
	}
	if b.CA != w.CA || b.PathLen != pathLen {
		return o.bad("basicConstraints", "cA %t with path length %d, want %t with %d", b.CA, b.PathLen, w.CA, pathLen)
	}
	bits, err := c.keyUsage()
	if err != nil {
		return err
	}
	if !slices.Equal(bits, w.KeyUsage) {
		return o.bad("keyUsage", "bits %v, want %v", bits, w.KeyUsage)
	}
	var uses []asn1.ObjectIdentifier
	// RFC 3161, section 2.3: for time stamping it "MUST be critical".
	critical := slices.Contains(w.ExtKeyUsage, extKeyUsageTimeStamped)
	if _, err := c.decode(extExtKeyUsage, "extKeyUsage", critical, &uses, ""); err != nil {
		return err
	}
	var have []string
	for _, u := range uses {
		have = append(have, u.String())
	}
	if !slices.Equal(have, w.ExtKeyUsage) {
		return o.bad("extKeyUsage", "%v, want %v", have, w.ExtKeyUsage)
	}
	return nil
}

// privateKeyUsage is PrivateKeyUsagePeriod (RFC 3280, section 4.2.1.4).
type privateKeyUsage struct {
	NotBefore time.Time `asn1:"optional,generalized,tag:0"`
	NotAfter  time.Time `asn1:"optional,generalized,tag:1"`
}

func (c *parsed) checkPeriod(w Want) error {
	var p privateKeyUsage
	if ok, err := c.decode(extPrivateKeyUsage, "privateKeyUsagePeriod", false, &p, ""); err != nil {
		return err
	} else if !ok || !p.NotBefore.Equal(w.KeyNotBefore) || !p.NotAfter.Equal(w.KeyNotAfter) {
		return certificateObject.bad("privateKeyUsagePeriod", "%s to %s, want %s to %s", rfc3339(p.NotBefore), rfc3339(p.NotAfter), rfc3339(w.KeyNotBefore), rfc3339(w.KeyNotAfter))
	}
	if p.NotAfter.After(c.TBS.Validity.NotAfter) || p.NotBefore.Before(c.TBS.Validity.NotBefore) {
		return certificateObject.bad("privateKeyUsagePeriod", "outside the validity")
	}
	return nil
}

// distributionPoint is DistributionPoint with a full name only.
type distributionPoint struct {
	Name struct {
		Full []asn1.RawValue `asn1:"tag:0"`
	} `asn1:"tag:0"`
}

type accessDescription struct {
	Method   asn1.ObjectIdentifier
	Location asn1.RawValue
}

func (c *parsed) checkAddresses(w Want) error {
	const o = certificateObject
	var points []distributionPoint
	var access []accessDescription
	if _, err := c.decode(extCRLPoints, "cRLDistributionPoints", false, &points, ""); err != nil {
		return err
	}
	if _, err := c.decode(extInfoAccess, "authorityInfoAccess", false, &access, ""); err != nil {
		return err
	}
	var lists, responders, issuers []string
	for _, p := range points {
		for _, n := range p.Name.Full {
			lists = append(lists, address(n))
		}
	}
	for _, a := range access {
		switch a.Method.String() {
		case accessOCSP:
			responders = append(responders, address(a.Location))
		case accessIssuers:
			issuers = append(issuers, address(a.Location))
		default:
			return o.bad("authorityInfoAccess", "the method %s was not asked for", a.Method)
		}
	}
	for _, l := range []struct {
		field      string
		have, want []string
	}{{"cRLDistributionPoints", lists, w.CRLURLs}, {"authorityInfoAccess.ocsp", responders, w.OCSPURLs}, {"authorityInfoAccess.caIssuers", issuers, w.IssuerURLs}} {
		if !slices.Equal(l.have, l.want) {
			return o.bad(l.field, "%q, want %q", l.have, l.want)
		}
	}
	return nil
}

// address returns uniformResourceIdentifier [6], or "" for other names.
func address(n asn1.RawValue) string {
	if n.Class == asn1.ClassContextSpecific && n.Tag == 6 {
		return string(n.Bytes)
	}
	return ""
}
