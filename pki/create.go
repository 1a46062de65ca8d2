package pki

import (
	"crypto"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// CreateCertificate writes a version 3 certificate for pub as DER, signed by
// signer. parent is the issuer's certificate; nil makes a self-signed
// certificate, and signer must then hold pub. In either case signer's public
// key must be the issuer's. rand feeds the signature; nil gives a deterministic
// one where the key can do that.
//
// The issuer name is copied from the parent octet by octet; signature
// parameters are absent for GOST (RFC 9215, section 2).
func CreateCertificate(rand io.Reader, tmpl *CertificateTemplate, parent *Certificate, pub crypto.PublicKey, signer crypto.Signer) ([]byte, error) {
	out, err := createCertificate(rand, tmpl, parent, pub, signer)
	if err != nil {
		return nil, fmt.Errorf("pki: certificate: %w", err)
	}
	return out, nil
}

func createCertificate(rand io.Reader, tmpl *CertificateTemplate, parent *Certificate, pub crypto.PublicKey, signer crypto.Signer) ([]byte, error) {
	if signer == nil {
		return nil, errors.New("template, public key and signing key are required")
	}
	d, err := newDraft(tmpl, parent, pub, signer.Public())
	if err != nil {
		return nil, err
	}
	sig, err := alg.SignMessage(rand, signer, d.algorithm, d.tbs)
	if err != nil {
		return nil, err
	}
	return signedDER(d.tbs, d.algorithm, sig)
}

// tbsCertificate writes the part of a certificate that is signed, DER with tag
// and length; issuerKey is the key that will sign it by sigAlg.
func tbsCertificate(tmpl *CertificateTemplate, parent *Certificate, pub, issuerKey crypto.PublicKey, sigAlg alg.Identifier) ([]byte, error) {
	// "Conforming CAs MUST NOT use serialNumber values longer than 20 octets";
	// "The serial number MUST be a positive integer", RFC 5280, 4.1.2.2.
	if !positive(tmpl.SerialNumber, false) {
		return nil, errors.New("serialNumber: must be positive and at most 20 octets")
	}
	if tmpl.NotBefore.IsZero() || tmpl.NotAfter.IsZero() || tmpl.NotAfter.Before(tmpl.NotBefore) {
		return nil, errors.New("validity: notBefore and notAfter are required, notAfter not before notBefore")
	}
	spki, err := alg.MarshalPublicKey(pub)
	if err != nil {
		return nil, err
	}
	subject, err := tmpl.Subject.DER()
	if err != nil {
		return nil, err
	}
	issuer := subject
	if parent != nil {
		issuer = parent.RawSubject
	}
	if err := checkIssuer(parent, pub, issuerKey); err != nil {
		return nil, err
	}
	extensions, err := tmpl.extensions(parent, spki)
	if err != nil {
		return nil, err
	}
	b := cryptobyte.NewBuilder(make([]byte, 0, draftRoom))
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(ctx0|cons, func(b *cryptobyte.Builder) { b.AddASN1Int64(2) })
		b.AddASN1BigInt(tmpl.SerialNumber)
		sigAlg.Add(b)
		b.AddBytes(issuer)
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			der.AddTime(b, tmpl.NotBefore)
			der.AddTime(b, tmpl.NotAfter)
		})
		b.AddBytes(subject)
		b.AddBytes(spki)
		if len(extensions) > 0 {
			b.AddASN1(ctx3|cons, func(b *cryptobyte.Builder) { addExtensions(b, extensions) })
		}
	})
	return b.Bytes()
}

// checkIssuer refuses a key that is not the issuer's, which would give a
// certificate that nobody can verify.
func checkIssuer(parent *Certificate, pub, issuerKey crypto.PublicKey) error {
	if parent == nil {
		if !alg.EqualKeys(pub, issuerKey) {
			return errors.New("the signing key is not the key of the self-signed certificate")
		}
		return nil
	}
	if parent.PublicKey == nil || !alg.EqualKeys(parent.PublicKey, issuerKey) {
		return errors.New("the signing key is not the key of the issuer's certificate")
	}
	return nil
}

// signObject signs the to-be-signed part in tbs and returns the whole object.
func signObject(rand io.Reader, tbs *cryptobyte.Builder, signer crypto.Signer, sigAlg alg.Identifier) ([]byte, error) {
	body, err := tbs.Bytes()
	if err != nil {
		return nil, err
	}
	if sigAlg.IsZero() {
		return nil, fmt.Errorf("no signature algorithm is known for %s", alg.KeyName(signer.Public()))
	}
	sig, err := alg.SignMessage(rand, signer, sigAlg, body)
	if err != nil {
		return nil, err
	}
	return signedDER(body, sigAlg, sig)
}

// signedDER puts the to-be-signed part and its signature together.
func signedDER(tbs []byte, sigAlg alg.Identifier, sig []byte) ([]byte, error) {
	b := cryptobyte.NewBuilder(make([]byte, 0, len(tbs)+len(sig)+64))
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(tbs)
		sigAlg.Add(b)
		b.AddASN1BitString(sig)
	})
	return b.Bytes()
}

// addExtensions appends Extensions ::= SEQUENCE OF Extension.
func addExtensions(b *cryptobyte.Builder, list []Extension) {
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, e := range list {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				e.ID.Add(b)
				if e.Critical { // DEFAULT FALSE is not encoded (X.690, 11.5)
					b.AddASN1Boolean(true)
				}
				b.AddASN1OctetString(e.Value)
			})
		}
	})
}

// extensionList collects extensions and the first error of their encoding.
type extensionList struct {
	list []Extension
	err  error
}

// put appends an extension whose value is what f writes.
func (l *extensionList) put(id oid.OID, critical bool, f func(b *cryptobyte.Builder)) {
	var b cryptobyte.Builder
	f(&b)
	value, err := b.Bytes()
	if err != nil && l.err == nil {
		l.err = fmt.Errorf("%s: %w", id.Name(), err)
	}
	l.list = append(l.list, Extension{ID: id, Critical: critical, Value: value})
}

// finish appends the caller's own extensions; one that occurs twice is an error.
func (l *extensionList) finish(extra []Extension) ([]Extension, error) {
	for _, e := range extra {
		if slices.ContainsFunc(l.list, func(o Extension) bool { return o.ID == e.ID }) {
			return nil, fmt.Errorf("extension %s is given twice", e.ID.Name())
		}
		l.list = append(l.list, e)
	}
	return l.list, l.err
}

// extensions returns what the template asks for, in the usual order.
func (t *CertificateTemplate) extensions(parent *Certificate, spki []byte) ([]Extension, error) {
	var l extensionList
	if t.BasicConstraints || t.IsCA {
		// "Conforming CAs MUST include this extension in all CA certificates
		// ... and MUST mark the extension as critical", RFC 5280, 4.2.1.9.
		l.put(oid.BasicConstraints, true, t.addBasicConstraints)
	}
	l.usage(t.KeyUsage, t.ExtKeyUsage, t.ExtKeyUsageCritical)
	if err := t.keyIdentifiers(&l, parent, spki); err != nil {
		return nil, err
	}
	l.names(t.SubjectAltNames, t.SubjectAltNamesCritical)
	l.policies(t.Policies)
	if !t.PrivateKeyNotBefore.IsZero() || !t.PrivateKeyNotAfter.IsZero() {
		l.put(oid.PrivateKeyUsagePeriod, false, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				addImplicitTime(b, ctx0, t.PrivateKeyNotBefore)
				addImplicitTime(b, ctx1, t.PrivateKeyNotAfter)
			})
		})
	}
	l.qualified(t.SubjectSignTool, t.IdentificationKind)
	if t.IssuerSignTool != nil {
		l.put(oid.IssuerSignTool, false, t.IssuerSignTool.add)
	}
	if len(t.CRLDistributionPoints) > 0 {
		l.put(oid.CRLDistributionPoints, false, func(b *cryptobyte.Builder) { addDistributionPoints(b, t.CRLDistributionPoints) })
	}
	if len(t.FreshestCRL) > 0 {
		l.put(oid.FreshestCRL, false, func(b *cryptobyte.Builder) { addDistributionPoints(b, t.FreshestCRL) })
	}
	if len(t.OCSPServers)+len(t.IssuingCertificateURLs) > 0 {
		l.put(oid.AuthorityInfoAccess, false, t.addInfoAccess)
	}
	if t.OCSPNoCheck {
		l.put(oid.OCSPNoCheck, false, func(b *cryptobyte.Builder) { b.AddASN1NULL() })
	}
	return l.finish(t.ExtraExtensions)
}

// extensions returns what the request template asks for.
func (t *RequestTemplate) extensions() ([]Extension, error) {
	var l extensionList
	l.usage(t.KeyUsage, t.ExtKeyUsage, false)
	l.names(t.SubjectAltNames, false)
	l.policies(t.Policies)
	l.qualified(t.SubjectSignTool, t.IdentificationKind)
	return l.finish(t.ExtraExtensions)
}

func (t *CertificateTemplate) addBasicConstraints(b *cryptobyte.Builder) {
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		if !t.IsCA {
			return
		}
		b.AddASN1Boolean(true)
		if t.MaxPathLen >= 0 {
			b.AddASN1Int64(int64(t.MaxPathLen))
		}
	})
}

func (l *extensionList) usage(ku KeyUsage, eku []oid.OID, critical bool) {
	if ku != 0 {
		// "When present, conforming CAs SHOULD mark this extension as
		// critical", RFC 5280, 4.2.1.3.
		l.put(oid.KeyUsage, true, func(b *cryptobyte.Builder) { der.AddBitString(b, uint32(ku&0x1ff)) })
	}
	if len(eku) > 0 {
		l.put(oid.ExtKeyUsage, critical, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				for _, id := range eku {
					id.Add(b)
				}
			})
		})
	}
}

func (l *extensionList) names(names []GeneralName, critical bool) {
	if len(names) == 0 {
		return
	}
	l.put(oid.SubjectAltName, critical, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, g := range names {
				g.add(b)
			}
		})
	})
}

func (l *extensionList) policies(ids []oid.OID) {
	if len(ids) == 0 {
		return
	}
	l.put(oid.CertificatePolicies, false, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, id := range ids {
				b.AddASN1(asn1.SEQUENCE, id.Add)
			}
		})
	})
}

func (l *extensionList) qualified(signTool string, kind *int) {
	if signTool != "" {
		l.put(oid.SubjectSignTool, false, func(b *cryptobyte.Builder) { addText(b, signTool, maxToolName, "subjectSignTool") })
	}
	if kind != nil {
		l.put(oid.IdentificationKind, false, func(b *cryptobyte.Builder) {
			if *kind < 0 || *kind > 3 {
				b.SetError(fmt.Errorf("value %d, must be 0 to 3", *kind))
				return
			}
			b.AddASN1Int64(int64(*kind))
		})
	}
}

// keyIdentifiers appends subjectKeyIdentifier and authorityKeyIdentifier.
func (t *CertificateTemplate) keyIdentifiers(l *extensionList, parent *Certificate, spki []byte) error {
	own := t.SubjectKeyID
	if own == nil {
		id, err := alg.KeyIdentifier(spki)
		if err != nil {
			return err
		}
		own = id
	}
	if !t.OmitSubjectKeyID {
		l.put(oid.SubjectKeyIdentifier, false, func(b *cryptobyte.Builder) { b.AddASN1OctetString(own) })
	}
	if t.OmitAuthorityKeyID {
		return nil
	}
	authority := t.AuthorityKeyID
	switch {
	case authority != nil:
	case parent == nil:
		authority = own
	default:
		// "the value of the subject key identifier MUST be the value placed in
		// the key identifier field of the authority key identifier extension
		// ... of certificates issued by the subject", RFC 5280, 4.2.1.2.
		authority = parent.KeyID()
	}
	l.put(oid.AuthorityKeyIdentifier, false, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(ctx0, func(b *cryptobyte.Builder) { b.AddBytes(authority) })
			if !t.AuthorityIssuerSerial || parent == nil {
				return
			}
			b.AddASN1(ctx1|cons, func(b *cryptobyte.Builder) {
				GeneralName{Kind: DirectoryName, Name: &parent.Issuer}.add(b)
			})
			b.AddASN1(ctx2, func(b *cryptobyte.Builder) { b.AddBytes(parent.RawSerial) })
		})
	})
	return nil
}

func addImplicitTime(b *cryptobyte.Builder, tag asn1.Tag, t time.Time) {
	if t.IsZero() {
		return
	}
	b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes([]byte(t.UTC().Format("20060102150405Z"))) })
}

// addDistributionPoints writes one DistributionPoint a URL.
func addDistributionPoints(b *cryptobyte.Builder, urls []string) {
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, u := range urls {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				addDistributionPointName(b, []GeneralName{{Kind: URIName, Text: u}})
			})
		}
	})
}

func addDistributionPointName(b *cryptobyte.Builder, names []GeneralName) {
	b.AddASN1(ctx0|cons, func(b *cryptobyte.Builder) {
		b.AddASN1(ctx0|cons, func(b *cryptobyte.Builder) {
			for _, g := range names {
				g.add(b)
			}
		})
	})
}

func (t *CertificateTemplate) addInfoAccess(b *cryptobyte.Builder) {
	add := func(b *cryptobyte.Builder, method oid.OID, urls []string) {
		for _, u := range urls {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				method.Add(b)
				GeneralName{Kind: URIName, Text: u}.add(b)
			})
		}
	}
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		add(b, oid.AccessOCSP, t.OCSPServers)
		add(b, oid.AccessCAIssuers, t.IssuingCertificateURLs)
	})
}
