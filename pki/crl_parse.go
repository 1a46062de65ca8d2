package pki

import (
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// ParseCRL parses one DER certificate revocation list. Octets after it are left
// out of Raw and recorded: CAs that overwrite a published list by a shorter one
// leave the end of the old one behind. data is kept, not copied, and must not
// be changed afterwards: lists have tens of megabytes. The entries are walked
// once, to count them and to find critical extensions that are not processed,
// and stay encoded.
func ParseCRL(data []byte) (*RevocationList, error) {
	if len(data) > limits.CRLBytes {
		return nil, fmt.Errorf("pki: crl: larger than %d octets", limits.CRLBytes)
	}
	r := new(recorder)
	s := cryptobyte.String(data)
	var whole cryptobyte.String
	if s.ReadASN1Element(&whole, asn1.SEQUENCE) && !s.Empty() {
		trailing(r, int64(len(s)))
		data = whole
	}
	o, err := parseSigned(data, "crl", r)
	if err != nil {
		return nil, wrap(err)
	}
	l := &RevocationList{
		Raw: o.raw, RawTBS: o.tbs, SignatureAlgorithm: o.algorithm,
		Signature: o.signature, signatureUnused: o.unused, digests: &listDigests{},
	}
	if err := l.parseTBS(o.body, r); err != nil {
		return nil, wrap(err)
	}
	l.finish(r)
	return l, nil
}

// trailing records n octets after the list.
func trailing(r *recorder, n int64) {
	r.add(Warn, "trailing-octets", "certificateList", fmt.Sprintf("%d octets after the end of the list are ignored", n), "X.690, 8.1.1.1")
}

// finish compares the algorithms and keeps the findings.
func (l *RevocationList) finish(r *recorder) {
	// "This field MUST contain the same algorithm identifier as the signature
	// field in the sequence tbsCertList", RFC 5280, 5.1.1.2.
	if !l.SignatureAlgorithm.Equivalent(l.TBSSignatureAlgorithm) {
		r.add(Error, "algorithm-mismatch", "signatureAlgorithm",
			fmt.Sprintf("%s outside, %s inside", l.SignatureAlgorithm.OID.Name(), l.TBSSignatureAlgorithm.OID.Name()), "RFC 5280, 5.1.1.2")
	}
	l.Findings = r.list
}

// parseTBS reads the contents of
//
//	TBSCertList ::= SEQUENCE {
//	    version              Version OPTIONAL,
//	    signature            AlgorithmIdentifier,
//	    issuer               Name,
//	    thisUpdate           Time,
//	    nextUpdate           Time OPTIONAL,
//	    revokedCertificates  SEQUENCE OF SEQUENCE { ... } OPTIONAL,
//	    crlExtensions        [0] EXPLICIT Extensions OPTIONAL }
func (l *RevocationList) parseTBS(s cryptobyte.String, r *recorder) (err error) {
	if err := l.parseHead(&s, r); err != nil {
		return err
	}
	if s.PeekASN1Tag(asn1.SEQUENCE) {
		entries, err := der.Read(&s, asn1.SEQUENCE, "tbsCertList.revokedCertificates")
		if err != nil {
			return err
		}
		l.store.mem, l.store.size = entries, int64(len(entries))
		if entries.Empty() {
			emptyEntries(r)
		}
	}
	if err := l.parseTail(s, r); err != nil {
		return err
	}
	return l.walk(r)
}

// emptyEntries: "When there are no revoked certificates, the revoked
// certificates list MUST be absent", RFC 5280, 5.1.2.6.
func emptyEntries(r *recorder) {
	r.add(Warn, "entries-empty", "tbsCertList.revokedCertificates", "an empty sequence", "RFC 5280, 5.1.2.6")
}

// parseTail reads what follows the entries.
func (l *RevocationList) parseTail(s cryptobyte.String, r *recorder) error {
	if err := l.readExtensions(&s, r); err != nil {
		return err
	}
	if !s.Empty() {
		return der.Bad("tbsCertList", "unknown elements at the end")
	}
	return nil
}

// parseHead reads what precedes the entries.
func (l *RevocationList) parseHead(s *cryptobyte.String, r *recorder) (err error) {
	l.Version = 1
	if s.PeekASN1Tag(asn1.INTEGER) {
		content, err := der.Read(s, asn1.INTEGER, "tbsCertList.version")
		if err != nil {
			return err
		}
		n, ok := der.SmallInteger(content)
		if !ok {
			return der.Bad("tbsCertList.version", "not a small INTEGER")
		}
		if l.Version = n + 1; n != 1 {
			// v2 has the integer value 1 (RFC 5280, 5.1.2.1); there is no other.
			r.add(Error, "version-unknown", "tbsCertList.version", fmt.Sprintf("version number %d", n), "RFC 5280, 5.1.2.1")
		}
	}
	if l.TBSSignatureAlgorithm, err = alg.ReadIdentifier(s, "tbsCertList.signature"); err != nil {
		return err
	}
	if l.Issuer, err = readName(s, "tbsCertList.issuer", r); err != nil {
		return err
	}
	if l.RawIssuer = l.Issuer.Raw; l.Issuer.IsEmpty() {
		r.add(Error, "issuer-empty", "tbsCertList.issuer", "no attribute", "RFC 5280, 5.1.2.3")
	}
	if l.ThisUpdate, err = readTime(s, "tbsCertList.thisUpdate", r); err != nil {
		return err
	}
	if s.PeekASN1Tag(asn1.UTCTime) || s.PeekASN1Tag(asn1.GeneralizedTime) {
		if l.NextUpdate, err = readTime(s, "tbsCertList.nextUpdate", r); err != nil {
			return err
		}
		if l.NextUpdate.Before(l.ThisUpdate) {
			r.add(Warn, "update-inverted", "tbsCertList.nextUpdate", "before thisUpdate", "RFC 5280, 5.1.2.5")
		}
	} else {
		// "Conforming CRL issuers MUST include the nextUpdate field in all
		// CRLs", RFC 5280, 5.1.2.5.
		r.add(Warn, "next-update-missing", "tbsCertList.nextUpdate", "the field is absent", "RFC 5280, 5.1.2.5")
	}
	return nil
}

func (l *RevocationList) readExtensions(s *cryptobyte.String, r *recorder) error {
	if !s.PeekASN1Tag(ctx0 | cons) {
		return nil
	}
	outer, err := der.Read(s, ctx0|cons, "tbsCertList.crlExtensions")
	if err != nil {
		return err
	}
	list, err := der.Read(&outer, asn1.SEQUENCE, "tbsCertList.crlExtensions")
	if err != nil {
		return err
	}
	if !outer.Empty() {
		return der.Bad("tbsCertList.crlExtensions", "octets after the extensions")
	}
	if l.Extensions, err = readExtensions(list, "crlExtensions", r); err != nil {
		return err
	}
	if l.Version == 1 && len(l.Extensions) > 0 {
		r.add(Error, "extensions-in-old-version", "tbsCertList.version", "version 1 with extensions", "RFC 5280, 5.1.2.1")
	}
	for _, e := range l.Extensions {
		field := "crlExtensions." + e.ID.Name()
		known, err := l.process(e, field, r)
		if err != nil {
			severity := Warn
			// A scope, base or freshness that cannot be read must not be
			// taken for a complete list.
			if e.Critical || e.ID == oid.IssuingDistributionPoint || e.ID == oid.DeltaCRLIndicator {
				severity = Error
			}
			r.add(severity, "extension-malformed", field, err.Error(), "RFC 5280, 5.2")
		}
		if !known && e.Critical {
			l.UnhandledCritical = append(l.UnhandledCritical, e.ID)
		}
	}
	return nil
}

// process fills the field of one extension; known is false if there is none.
func (l *RevocationList) process(e Extension, field string, r *recorder) (known bool, err error) {
	switch e.ID {
	case oid.CRLNumber, oid.DeltaCRLIndicator:
		content, err := der.Single(e.Value, asn1.INTEGER, field)
		if err != nil {
			return true, err
		}
		n, strict, ok := der.Integer(content, limits.SerialBytes)
		if !ok {
			return true, der.Bad(field, "not an INTEGER of 1 to 64 octets")
		}
		if !strict || n.Sign() < 0 || len(content) > 20 {
			// "Conforming CRL issuers MUST NOT use CRLNumber values longer than 20
			// octets", RFC 5280, 5.2.3.
			r.add(Warn, "crl-number", field, "negative, not minimal or longer than 20 octets", "RFC 5280, 5.2.3")
		}
		if e.ID == oid.CRLNumber {
			l.Number = n
			return true, nil
		}
		l.BaseNumber = n
		if !e.Critical {
			// "The delta CRL indicator is a critical CRL extension", RFC 5280, 5.2.4.
			r.add(Warn, "delta-not-critical", field, "the extension is not critical", "RFC 5280, 5.2.4")
		}
	case oid.AuthorityKeyIdentifier:
		l.AuthorityKeyID, _, l.AuthorityCertSerial, err = readAuthorityKeyID(e.Value, field, r)
	case oid.IssuingDistributionPoint:
		if !e.Critical {
			// "The issuing distribution point is a critical CRL extension",
			// RFC 5280, 5.2.5.
			r.add(Warn, "idp-not-critical", field, "the extension is not critical", "RFC 5280, 5.2.5")
		}
		l.IDP, err = readIDP(e.Value, field, r)
	case oid.FreshestCRL:
		points, err := readDistributionPoints(e.Value, field, r)
		if err != nil {
			return true, err
		}
		l.FreshestCRL = uris(points)
	case oid.ExpiredCertsOnCRL:
		v := cryptobyte.String(e.Value)
		at, err := readTime(&v, field, new(recorder))
		if err != nil || !v.Empty() {
			return true, der.Bad(field, "not a GeneralizedTime")
		}
		l.ExpiredSince = at
	case oid.IssuerAltName:
		s, err := der.Single(e.Value, asn1.SEQUENCE, field)
		if err != nil {
			return true, err
		}
		_, err = readGeneralNames(s, field, r)
		return true, err
	default:
		return false, nil
	}
	return true, err
}

// readIDP reads IssuingDistributionPoint ::= SEQUENCE { distributionPoint [0],
// onlyContainsUserCerts [1] BOOLEAN, onlyContainsCACerts [2] BOOLEAN,
// onlySomeReasons [3], indirectCRL [4] BOOLEAN, onlyContainsAttributeCerts [5]
// BOOLEAN } (RFC 5280, section 5.2.5).
func readIDP(value []byte, field string, r *recorder) (*IssuingDistributionPoint, error) {
	s, err := der.Single(value, asn1.SEQUENCE, field)
	if err != nil {
		return nil, err
	}
	p := &IssuingDistributionPoint{Raw: value}
	var inner cryptobyte.String
	var has bool
	if s.ReadOptionalASN1(&inner, &has, ctx0|cons) && has {
		if p.FullName, p.RelativeName, err = readDistributionPointName(inner, field, r); err != nil {
			return nil, err
		}
	}
	flag := func(tag asn1.Tag, out *bool) error {
		if !s.ReadOptionalASN1(&inner, &has, tag) || !has {
			return nil
		}
		v, strict, ok := der.Boolean(inner)
		if !ok {
			return der.Bad(field, "a BOOLEAN is not one octet")
		}
		if !strict {
			r.add(Warn, "boolean-not-der", field, "TRUE is not FF", "X.690, 11.1")
		}
		*out = v
		return nil
	}
	if err := flag(ctx1, &p.OnlyUserCerts); err != nil {
		return nil, err
	}
	if err := flag(ctx2, &p.OnlyCACerts); err != nil {
		return nil, err
	}
	if s.ReadOptionalASN1(&inner, &has, ctx3) && has {
		if p.OnlySomeReasons, err = readReasonFlags(inner, field); err != nil {
			return nil, err
		}
	}
	if err := flag(ctx4, &p.IndirectCRL); err != nil {
		return nil, err
	}
	if err := flag(ctx5, &p.OnlyAttributeCerts); err != nil {
		return nil, err
	}
	if !s.Empty() {
		return nil, der.Bad(field, "unknown elements")
	}
	return p, nil
}

// rawEntry is one entry with its parts still encoded.
type rawEntry struct {
	serial     []byte // contents octets
	timeTag    asn1.Tag
	time       []byte            // contents octets
	extensions cryptobyte.String // contents of Extensions, nil if absent
}

// nextEntry consumes
//
//	SEQUENCE { userCertificate CertificateSerialNumber, revocationDate Time,
//	           crlEntryExtensions Extensions OPTIONAL }
func nextEntry(s *cryptobyte.String, e *rawEntry) bool {
	var body, part cryptobyte.String
	if !s.ReadASN1(&body, asn1.SEQUENCE) || !body.ReadASN1(&part, asn1.INTEGER) {
		return false
	}
	if len(part) == 0 || len(part) > limits.SerialBytes {
		return false
	}
	e.serial = part
	if !body.ReadAnyASN1(&part, &e.timeTag) {
		return false
	}
	e.time, e.extensions = part, nil
	if !body.Empty() && !body.ReadASN1(&e.extensions, asn1.SEQUENCE) {
		return false
	}
	return body.Empty()
}

// knownEntryExtension: these are the contents octets of the entry extensions that are
// processed: reasonCode, invalidityDate, certificateIssuer.
func knownEntryExtension(id []byte) bool {
	return len(id) == 3 && id[0] == 0x55 && id[1] == 0x1d && (id[2] == 21 || id[2] == 24 || id[2] == 29)
}
