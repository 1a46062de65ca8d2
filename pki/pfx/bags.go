package pfx

import (
	"bytes"
	"fmt"
	"unicode/utf16"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// attributes are the two attributes of a bag that matter.
type attributes struct {
	id    []byte // localKeyId
	label string // friendlyName
}

// eachBag walks SafeContents ::= SEQUENCE OF SafeBag:
//
//	SafeBag ::= SEQUENCE {
//	    bagId          OBJECT IDENTIFIER,
//	    bagValue       [0] EXPLICIT ANY,
//	    bagAttributes  SET OF PKCS12Attribute OPTIONAL }
func (d *decoder) eachBag(content []byte, depth int, f func(oid.OID, []byte, attributes) error) error {
	if depth > limits.PFXDepth {
		return fmt.Errorf("pfx: SafeContents nested deeper than %d", limits.PFXDepth)
	}
	converted, err := der.ToDER(content)
	if err != nil {
		return damaged("SafeContents: %v", err)
	}
	in := cryptobyte.String(converted)
	var list cryptobyte.String
	if !in.ReadASN1(&list, asn1.SEQUENCE) || !in.Empty() {
		return damaged("SafeContents is not a SEQUENCE")
	}
	for !list.Empty() {
		// Each bag is counted when it is surveyed and when it is read.
		if d.count++; d.count > 2*limits.PFXBags {
			return fmt.Errorf("pfx: more than %d bags", limits.PFXBags)
		}
		var bag, value, set cryptobyte.String
		var id oid.OID
		var has bool
		if !list.ReadASN1(&bag, asn1.SEQUENCE) || !oid.Read(&bag, &id) ||
			!bag.ReadASN1(&value, asn1.Tag(0).ContextSpecific().Constructed()) ||
			!bag.ReadOptionalASN1(&set, &has, asn1.SET) || !bag.Empty() {
			return damaged("SafeBag")
		}
		a, err := parseAttributes(set)
		if err != nil {
			return err
		}
		if id == oid.SafeContentsBag {
			err = d.eachBag(value, depth+1, f)
		} else {
			err = f(id, value, a)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// parseAttributes reads localKeyId and friendlyName (RFC 2985, section 5.5).
func parseAttributes(set cryptobyte.String) (attributes, error) {
	var a attributes
	for !set.Empty() {
		var attr, values, value cryptobyte.String
		var id oid.OID
		if !set.ReadASN1(&attr, asn1.SEQUENCE) || !oid.Read(&attr, &id) ||
			!attr.ReadASN1(&values, asn1.SET) || !attr.Empty() {
			return a, damaged("bagAttributes")
		}
		switch id {
		case oid.LocalKeyID:
			if values.ReadASN1(&value, asn1.OCTET_STRING) {
				a.id = value
			}
		case oid.FriendlyName:
			if values.ReadASN1(&value, asn1.Tag(30)) { // BMPString
				a.label = bmpText(value)
			}
		}
	}
	return a, nil
}

// bmpText decodes a BMPString; what is no UTF-16 comes out as U+FFFD.
func bmpText(b []byte) string {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = uint16(b[2*i])<<8 | uint16(b[2*i+1])
	}
	return string(utf16.Decode(units))
}

// bag collects one key or certificate; CRLs, secrets and what is unknown are
// left alone.
func (d *decoder) bag(id oid.OID, value []byte, a attributes) error {
	switch id {
	case oid.KeyBag:
		d.keys = append(d.keys, keyBag{p8: bytes.Clone(value), id: bytes.Clone(a.id), label: a.label})
	case oid.PKCS8ShroudedKeyBag:
		enc, data, err := alg.ParseEncryptedPKCS8(value)
		if err != nil {
			return damaged("pkcs8ShroudedKeyBag: %v", err)
		}
		return d.shroudedBag(enc, data, a)
	case oid.CertBag:
		return d.certBag(value, a)
	}
	return nil
}

// shroudedBag opens an encrypted key.
func (d *decoder) shroudedBag(enc alg.Identifier, data []byte, a attributes) error {
	k := keyBag{id: bytes.Clone(a.id), label: a.label}
	var err error
	if enc.OID == oid.CryptoProPBE {
		err = d.openCryptoPro(enc, data, &k)
	} else {
		k.p8, err = d.shrouded(enc, data)
	}
	if err != nil {
		return err
	}
	d.keys = append(d.keys, k)
	return nil
}

// certBag reads CertBag ::= SEQUENCE { certId OBJECT IDENTIFIER, certValue [0]
// EXPLICIT OCTET STRING }.
func (d *decoder) certBag(value []byte, a attributes) error {
	in := cryptobyte.String(value)
	var body, explicit, raw cryptobyte.String
	var id oid.OID
	if !in.ReadASN1(&body, asn1.SEQUENCE) || !in.Empty() || !oid.Read(&body, &id) {
		return damaged("certBag")
	}
	if id != oid.X509CertificateBag {
		return nil
	}
	if !body.ReadASN1(&explicit, asn1.Tag(0).ContextSpecific().Constructed()) || !body.Empty() ||
		!explicit.ReadASN1(&raw, asn1.OCTET_STRING) || !explicit.Empty() {
		return damaged("certBag.certValue")
	}
	cert, err := pki.ParseCertificate(bytes.Clone(raw))
	if err != nil {
		return damaged("certBag: %v", err)
	}
	d.certs = append(d.certs, certBag{cert, bytes.Clone(a.id), a.label})
	return nil
}

// shrouded decrypts a key that is protected by an algorithm of PKCS #5.
func (d *decoder) shrouded(enc alg.Identifier, data []byte) ([]byte, error) {
	p8, err := d.decrypt(enc, data, alg.IsPKCS8)
	if err != nil {
		return nil, err
	}
	// What is inside may be BER (RFC 5958, section 3).
	if p8, err = der.ToDER(p8); err != nil {
		return nil, damaged("pkcs8ShroudedKeyBag: %v", err)
	}
	return p8, nil
}
