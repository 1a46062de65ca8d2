package cms

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// EvidenceRefs is what complete-certificate-refs and complete-revocation-refs
// hold (RFC 5126, sections 6.2.1 and 6.2.2).
type EvidenceRefs struct {
	Certificates []CertificateRef // the issuers; never the signer's own certificate
	Revocations  []RevocationRefs // of the signer's certificate, then of each of Certificates
}

// OtherHash is a digest with its algorithm (RFC 5126, section 5.7.3.3).
type OtherHash struct {
	Algorithm alg.Identifier // SHA-1 where none is named
	Value     []byte
}

// CertificateRef is OtherCertID (RFC 5126, section 5.7.3.3).
type CertificateRef struct {
	Hash   OtherHash
	Issuer []byte   // DER Name; nil if issuerSerial is absent
	Serial *big.Int // nil if issuerSerial is absent
}

// RevocationRefs is CrlOcspRef: what was used for one certificate.
type RevocationRefs struct {
	CRLs  []CRLRef
	OCSP  []OCSPRef
	Other bool // there is otherRev, which nothing here reads
}

// CRLRef is CrlValidatedID.
type CRLRef struct {
	Hash     OtherHash
	Issuer   []byte    // DER Name; nil if crlIdentifier is absent
	IssuedAt time.Time // zero if crlIdentifier is absent
	Number   *big.Int  // nil if absent
}

// OCSPRef is OcspResponsesID.
type OCSPRef struct {
	Responder  []byte // ResponderID, the CHOICE as it stands in the response
	ProducedAt time.Time
	Hash       OtherHash // of the BasicOCSPResponse; Value is nil if absent
}

// EvidenceRefs returns the references of si, nil if it has neither attribute.
func (si *SignerInfo) EvidenceRefs() (*EvidenceRefs, error) {
	certs, hasCerts, err := si.unsignedValue(oid.AttrCompleteCertificateRefs)
	if err != nil {
		return nil, err
	}
	revocations, hasRevocations, err := si.unsignedValue(oid.AttrCompleteRevocationRefs)
	if err != nil {
		return nil, err
	}
	if !hasCerts && !hasRevocations {
		return nil, nil
	}
	var r EvidenceRefs
	if hasCerts {
		if r.Certificates, err = parseCertificateRefs(certs); err != nil {
			return nil, err
		}
	}
	if hasRevocations {
		if r.Revocations, err = parseRevocationRefs(revocations); err != nil {
			return nil, err
		}
	}
	return &r, nil
}

// refsError says what is wrong with one of the attributes.
func refsError(t oid.OID, field string, n int) error {
	return &AttributeError{Type: t, Why: fmt.Sprintf("reference %d: %s cannot be read", n, field)}
}

// parseCertificateRefs reads
//
//	CompleteCertificateRefs ::=  SEQUENCE OF OtherCertID
//	OtherCertID ::= SEQUENCE {
//	  otherCertHash            OtherHash,
//	  issuerSerial             IssuerSerial OPTIONAL }
func parseCertificateRefs(value []byte) ([]CertificateRef, error) {
	const t = oid.AttrCompleteCertificateRefs
	body, ok := readSequence(value)
	if !ok {
		return nil, &AttributeError{Type: t, Why: "not a SEQUENCE"}
	}
	var out []CertificateRef
	for n := 1; !body.Empty(); n++ {
		if n > limits.EvidenceReferences {
			return nil, &LimitError{What: t.Name(), Max: limits.EvidenceReferences}
		}
		var id cryptobyte.String
		var ref CertificateRef
		if !body.ReadASN1(&id, asn1.SEQUENCE) || !readOtherHash(&id, &ref.Hash) {
			return nil, refsError(t, "otherCertHash", n)
		}
		if !id.Empty() {
			var ess essCertID
			if err := ess.readIssuerSerial(&id, t); err != nil {
				return nil, err
			}
			if ref.Serial, _, ok = der.Integer(ess.serial, smallElement); !ok {
				return nil, refsError(t, "serialNumber", n)
			}
			ref.Issuer = ess.issuer
		}
		out = append(out, ref)
	}
	return out, nil
}

// readOtherHash reads
//
//	OtherHash ::= CHOICE {
//	  sha1Hash OtherHashValue,
//	  otherHash OtherHashAlgAndValue }
func readOtherHash(s *cryptobyte.String, out *OtherHash) bool {
	var value cryptobyte.String
	if s.PeekASN1Tag(asn1.OCTET_STRING) {
		out.Algorithm = alg.Identifier{OID: oid.SHA1}
		ok := s.ReadASN1(&value, asn1.OCTET_STRING)
		out.Value = value
		return ok && len(value) > 0
	}
	var both cryptobyte.String
	var err error
	if !s.ReadASN1(&both, asn1.SEQUENCE) {
		return false
	}
	if out.Algorithm, err = alg.ReadIdentifier(&both, "hashAlgorithm"); err != nil {
		return false
	}
	ok := both.ReadASN1(&value, asn1.OCTET_STRING) && both.Empty()
	out.Value = value
	return ok && len(value) > 0
}

// parseRevocationRefs reads
//
//	CompleteRevocationRefs ::=  SEQUENCE OF CrlOcspRef
//	CrlOcspRef ::= SEQUENCE {
//	  crlids      [0]   CRLListID    OPTIONAL,
//	  ocspids     [1]   OcspListID   OPTIONAL,
//	  otherRev    [2]   OtherRevRefs OPTIONAL }
//	CRLListID ::=  SEQUENCE { crls SEQUENCE OF CrlValidatedID }
//	OcspListID ::=  SEQUENCE { ocspResponses SEQUENCE OF OcspResponsesID }
func parseRevocationRefs(value []byte) ([]RevocationRefs, error) {
	const t = oid.AttrCompleteRevocationRefs
	body, ok := readSequence(value)
	if !ok {
		return nil, &AttributeError{Type: t, Why: "not a SEQUENCE"}
	}
	var out []RevocationRefs
	left := limits.EvidenceReferences
	for n := 1; !body.Empty(); n++ {
		var ref cryptobyte.String
		var r RevocationRefs
		if left--; left < 0 {
			return nil, &LimitError{What: t.Name(), Max: limits.EvidenceReferences}
		}
		if !body.ReadASN1(&ref, asn1.SEQUENCE) {
			return nil, refsError(t, "CrlOcspRef", n)
		}
		err := errors.Join(
			eachRef(&ref, 0, n, &left, func(s *cryptobyte.String) bool { return r.addCRL(s) }),
			eachRef(&ref, 1, n, &left, func(s *cryptobyte.String) bool { return r.addOCSP(s) }))
		if err != nil {
			return nil, err
		}
		r.Other = !ref.Empty()
		if !ref.SkipOptionalASN1(asn1.Tag(2).ContextSpecific().Constructed()) || !ref.Empty() {
			return nil, refsError(t, "otherRev", n)
		}
		out = append(out, r)
	}
	return out, nil
}

// eachRef reads [tag] EXPLICIT SEQUENCE { SEQUENCE OF SEQUENCE } OPTIONAL.
func eachRef(s *cryptobyte.String, tag uint8, n int, left *int, read func(*cryptobyte.String) bool) error {
	const t = oid.AttrCompleteRevocationRefs
	field := [...]string{"crlids", "ocspids"}[tag]
	var explicit, outer, list cryptobyte.String
	var present bool
	if !s.ReadOptionalASN1(&explicit, &present, asn1.Tag(tag).ContextSpecific().Constructed()) {
		return refsError(t, field, n)
	}
	if !present {
		return nil
	}
	if !explicit.ReadASN1(&outer, asn1.SEQUENCE) || !explicit.Empty() || !outer.ReadASN1(&list, asn1.SEQUENCE) || !outer.Empty() {
		return refsError(t, field, n)
	}
	for !list.Empty() {
		if *left--; *left < 0 {
			return &LimitError{What: t.Name(), Max: limits.EvidenceReferences}
		}
		var item cryptobyte.String
		if !list.ReadASN1(&item, asn1.SEQUENCE) || !read(&item) || !item.Empty() {
			return refsError(t, field, n)
		}
	}
	return nil
}

// addCRL reads the content of
//
//	CrlValidatedID ::=  SEQUENCE {
//	  crlHash                   OtherHash,
//	  crlIdentifier             CrlIdentifier OPTIONAL }
//	CrlIdentifier ::= SEQUENCE {
//	  crlissuer                 Name,
//	  crlIssuedTime             UTCTime,
//	  crlNumber                 INTEGER OPTIONAL }
func (r *RevocationRefs) addCRL(s *cryptobyte.String) bool {
	var ref CRLRef
	if !readOtherHash(s, &ref.Hash) {
		return false
	}
	if !s.Empty() {
		var id, name, number cryptobyte.String
		if !s.ReadASN1(&id, asn1.SEQUENCE) || !id.ReadASN1Element(&name, asn1.SEQUENCE) || !readTime(&id, &ref.IssuedAt) {
			return false
		}
		ref.Issuer = name
		if !id.Empty() {
			var ok bool
			if !id.ReadASN1(&number, asn1.INTEGER) || !id.Empty() {
				return false
			}
			if ref.Number, _, ok = der.Integer(number, limits.SerialBytes); !ok {
				return false
			}
		}
	}
	r.CRLs = append(r.CRLs, ref)
	return true
}

// readTime reads UTCTime, or the GeneralizedTime that some write in its place.
func readTime(s *cryptobyte.String, out *time.Time) bool {
	if s.PeekASN1Tag(asn1.UTCTime) {
		return s.ReadASN1UTCTime(out)
	}
	return s.ReadASN1GeneralizedTime(out)
}

// addOCSP reads the content of
//
//	OcspResponsesID ::=  SEQUENCE {
//	  ocspIdentifier              OcspIdentifier,
//	  ocspRepHash                 OtherHash    OPTIONAL }
//	OcspIdentifier ::= SEQUENCE {
//	  ocspResponderID    ResponderID,
//	  producedAt         GeneralizedTime }
func (r *RevocationRefs) addOCSP(s *cryptobyte.String) bool {
	var id, responder cryptobyte.String
	var tag asn1.Tag
	var ref OCSPRef
	if !s.ReadASN1(&id, asn1.SEQUENCE) || !id.ReadAnyASN1Element(&responder, &tag) ||
		!id.ReadASN1GeneralizedTime(&ref.ProducedAt) || !id.Empty() {
		return false
	}
	ref.Responder = responder
	if !s.Empty() && !readOtherHash(s, &ref.Hash) {
		return false
	}
	r.OCSP = append(r.OCSP, ref)
	return true
}

// Matches says whether b has the digest. An algorithm that is not known is an
// [*alg.UnknownError].
func (h OtherHash) Matches(b []byte) (bool, error) {
	digest, err := digestOctets(h.Algorithm, b)
	return err == nil && bytes.Equal(digest, h.Value), err
}

// Matches says whether the reference is to c: "The certHash shall match the
// hash of the certificate referenced" (RFC 5126, section 6.2.1).
func (r CertificateRef) Matches(c *pki.Certificate) (bool, error) {
	if r.Serial != nil && !sameSerial(r.Serial, c.SerialNumber) {
		return false, nil
	}
	return r.Hash.Matches(c.Raw)
}

// Matches says whether the reference is to l: "the crlHash is computed over the
// entire DER encoded CRL including the signature" (RFC 5126, section 6.2.2).
func (r CRLRef) Matches(l *pki.RevocationList) (bool, error) {
	if r.Number != nil && l.Number != nil && r.Number.Cmp(l.Number) != 0 {
		return false, nil
	}
	return r.Hash.Matches(l.Raw)
}

// Matches says whether the reference is to the OCSP answer raw, an
// OCSPResponse or a BasicOCSPResponse: by the digest of the latter where there
// is one, else by responder and producedAt.
func (r OCSPRef) Matches(raw []byte) (bool, error) {
	basic, err := BasicOCSP(raw)
	if err != nil {
		return false, err
	}
	if r.Hash.Value != nil {
		return r.Hash.Matches(basic)
	}
	responder, produced, err := ocspIdentifier(basic)
	if err != nil {
		return false, err
	}
	return bytes.Equal(responder, r.Responder) && produced.Equal(r.ProducedAt), nil
}

// ocspIdentifier returns responderID and producedAt of
//
//	ResponseData ::= SEQUENCE {
//	  version              [0] EXPLICIT Version DEFAULT v1,
//	  responderID              ResponderID,
//	  producedAt               GeneralizedTime,
//	  … }
func ocspIdentifier(basic []byte) (responder []byte, produced time.Time, err error) {
	const field = "BasicOCSPResponse"
	body, ok := readSequence(basic)
	var data, id cryptobyte.String
	var tag asn1.Tag
	if !ok || !body.ReadASN1(&data, asn1.SEQUENCE) {
		return nil, time.Time{}, bad(field, "not a SEQUENCE that begins with one")
	}
	if !data.SkipOptionalASN1(asn1.Tag(0).ContextSpecific().Constructed()) ||
		!data.ReadAnyASN1Element(&id, &tag) || !data.ReadASN1GeneralizedTime(&produced) {
		return nil, time.Time{}, bad(field, "responderID or producedAt cannot be read")
	}
	return id, produced, nil
}

// Missing returns a description of each reference to which nothing in e
// belongs, bounded in number. An algorithm that is not known is an error. Every
// value is hashed once by every algorithm in use, whatever the number of
// references.
func (r *EvidenceRefs) Missing(e Evidence) ([]string, error) {
	m := refMatcher{digests: make(map[oid.OID]map[string]bool)}
	if err := m.load(e); err != nil {
		return nil, err
	}
	var out []string
	miss := func(format string, args ...any) {
		if len(out) < limits.Findings {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	for i, ref := range r.Certificates {
		ok, err := m.has(ref.Hash)
		if err != nil {
			return nil, err
		}
		if !ok {
			miss("certificate %d, serial number %x", i+1, ref.Serial)
		}
	}
	for i, refs := range r.Revocations {
		for _, ref := range refs.CRLs {
			ok, err := m.has(ref.Hash)
			if err != nil {
				return nil, err
			}
			if !ok {
				miss("CRL of %s, reference %d", ref.IssuedAt.UTC().Format(time.RFC3339), i+1)
			}
		}
		for _, ref := range refs.OCSP {
			ok, err := m.hasOCSP(ref)
			if err != nil {
				return nil, err
			}
			if !ok {
				miss("OCSP answer of %s, reference %d", ref.ProducedAt.UTC().Format(time.RFC3339), i+1)
			}
		}
	}
	return out, nil
}

// refMatcher holds values by their digests, computed when first needed.
type refMatcher struct {
	values  [][]byte
	names   map[string]bool // responderID and producedAt of the OCSP answers
	digests map[oid.OID]map[string]bool
}

func (m *refMatcher) load(e Evidence) error {
	for _, c := range e.Certificates {
		m.values = append(m.values, c.Raw)
	}
	for _, l := range e.CRLs {
		m.values = append(m.values, l.Raw)
	}
	m.names = make(map[string]bool, len(e.OCSP))
	for _, raw := range e.OCSP {
		basic, err := BasicOCSP(raw)
		if err != nil {
			return err
		}
		m.values = append(m.values, basic)
		responder, produced, err := ocspIdentifier(basic)
		if err != nil {
			return err
		}
		m.names[ocspKey(responder, produced)] = true
	}
	return nil
}

func ocspKey(responder []byte, produced time.Time) string {
	return string(responder) + produced.UTC().Format(time.RFC3339Nano)
}

// has says whether a value has the digest.
func (m *refMatcher) has(h OtherHash) (bool, error) {
	o := digestOID(h.Algorithm)
	known, ok := m.digests[o]
	if !ok {
		known = make(map[string]bool, len(m.values))
		for _, v := range m.values {
			digest, err := digestOctets(alg.Identifier{OID: o}, v)
			if err != nil {
				return false, err
			}
			known[string(digest)] = true
		}
		m.digests[o] = known
	}
	return known[string(h.Value)], nil
}

func (m *refMatcher) hasOCSP(r OCSPRef) (bool, error) {
	if r.Hash.Value != nil {
		return m.has(r.Hash)
	}
	return m.names[ocspKey(r.Responder, r.ProducedAt)], nil
}
