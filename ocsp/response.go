package ocsp

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// ParseResponse parses exactly one DER OCSPResponse, or the bare
// BasicOCSPResponse that CAdES keeps in revocation-values (RFC 6960, section
// 4.2.1):
//
//	OCSPResponse ::= SEQUENCE {
//	   responseStatus         OCSPResponseStatus,
//	   responseBytes          [0] EXPLICIT ResponseBytes OPTIONAL }
//	ResponseBytes ::=       SEQUENCE {
//	    responseType   OBJECT IDENTIFIER,
//	    response       OCTET STRING }
//
// A response with an error status parses without an error: Check reports it.
// The error is an [*Error] of [KindMalformed].
func ParseResponse(der []byte) (*Response, error) {
	if len(der) > limits.OCSPResponseSize {
		return nil, malformed("OCSPResponse is longer than %d octets", limits.OCSPResponseSize)
	}
	in := cryptobyte.String(der)
	var outer cryptobyte.String
	if !in.ReadASN1(&outer, asn1.SEQUENCE) {
		return nil, malformed("OCSPResponse is not a DER SEQUENCE, or truncated")
	}
	if !in.Empty() {
		return nil, malformed("OCSPResponse: %d octets of trailing data", len(in))
	}
	r := &Response{Raw: bytes.Clone(der)}
	if outer.PeekASN1Tag(asn1.SEQUENCE) {
		r.BasicRaw = r.Raw
		return r.orNil(r.parse())
	}
	var status []byte
	if !outer.ReadASN1Bytes(&status, asn1.ENUM) || len(status) != 1 {
		return nil, malformed("OCSPResponse.responseStatus is not an ENUMERATED of one octet")
	}
	r.Status = ResponseStatus(status[0])
	basic, err := readResponseBytes(&outer, r.Status)
	if err != nil || basic == nil {
		return r.orNil(err)
	}
	r.BasicRaw = bytes.Clone(basic)
	return r.orNil(r.parse())
}

func (r *Response) orNil(err error) (*Response, error) {
	if err != nil {
		return nil, err
	}
	return r, nil
}

// readResponseBytes returns the DER of the BasicOCSPResponse, or nil for an
// error status.
func readResponseBytes(s *cryptobyte.String, status ResponseStatus) ([]byte, error) {
	if status != Successful {
		// RFC 6960, section 4.2.1: "If the value of responseStatus is one of
		// the error conditions, the responseBytes field is not set."
		if !s.Empty() {
			return nil, malformed("OCSPResponse: responseBytes beside the error status %s", status)
		}
		return nil, nil
	}
	var explicit, body cryptobyte.String
	var kind oid.OID
	var basic []byte
	if !s.ReadASN1(&explicit, explicitTag(0)) || !s.Empty() {
		return nil, malformed("OCSPResponse.responseBytes is missing or followed by other data")
	}
	if !explicit.ReadASN1(&body, asn1.SEQUENCE) || !explicit.Empty() || !oid.Read(&body, &kind) {
		return nil, malformed("OCSPResponse.responseBytes is not ResponseBytes")
	}
	if kind != oid.OCSPBasic {
		return nil, malformed("OCSPResponse.responseType is %s, not id-pkix-ocsp-basic", kind.Name())
	}
	if !readOctets(&body, &basic) || !body.Empty() {
		return nil, malformed("OCSPResponse.response is not one OCTET STRING")
	}
	return basic, nil
}

// parse reads r.BasicRaw:
//
//	BasicOCSPResponse       ::= SEQUENCE {
//	   tbsResponseData      ResponseData,
//	   signatureAlgorithm   AlgorithmIdentifier,
//	   signature            BIT STRING,
//	   certs            [0] EXPLICIT SEQUENCE OF Certificate OPTIONAL }
func (r *Response) parse() error {
	in := cryptobyte.String(r.BasicRaw)
	var body, tbs cryptobyte.String
	if !in.ReadASN1(&body, asn1.SEQUENCE) || !in.Empty() {
		return malformed("BasicOCSPResponse is not one DER SEQUENCE")
	}
	if !body.ReadASN1Element(&tbs, asn1.SEQUENCE) {
		return malformed("tbsResponseData is not a SEQUENCE")
	}
	r.RawTBS = tbs
	if err := r.parseTBS(); err != nil {
		return err
	}
	var err error
	if r.SignatureAlgorithm, err = alg.ReadIdentifier(&body, "signatureAlgorithm"); err != nil {
		return &Error{Kind: KindMalformed, Detail: "BasicOCSPResponse", Err: err}
	}
	if !body.ReadASN1BitStringAsBytes(&r.Signature) {
		return malformed("BasicOCSPResponse.signature is not a BIT STRING of whole octets")
	}
	if err := r.readCertificates(&body); err != nil {
		return err
	}
	if !body.Empty() {
		return malformed("BasicOCSPResponse: data after certs")
	}
	return nil
}

// parseTBS reads r.RawTBS:
//
//	ResponseData ::= SEQUENCE {
//	   version              [0] EXPLICIT Version DEFAULT v1,
//	   responderID              ResponderID,
//	   producedAt               GeneralizedTime,
//	   responses                SEQUENCE OF SingleResponse,
//	   responseExtensions   [1] EXPLICIT Extensions OPTIONAL }
func (r *Response) parseTBS() error {
	raw := cryptobyte.String(r.RawTBS)
	var s cryptobyte.String
	if !raw.ReadASN1(&s, asn1.SEQUENCE) {
		return malformed("tbsResponseData is not a SEQUENCE")
	}
	if err := readVersion(&s, "tbsResponseData.version"); err != nil {
		return err
	}
	if err := r.readResponderID(&s); err != nil {
		return err
	}
	if !readTime(&s, &r.ProducedAt) {
		return malformed("tbsResponseData.producedAt is not a GeneralizedTime in UTC")
	}
	var list cryptobyte.String
	if !s.ReadASN1(&list, asn1.SEQUENCE) {
		return malformed("tbsResponseData.responses is not a SEQUENCE")
	}
	for !list.Empty() {
		if len(r.Singles) == limits.OCSPSingles {
			return malformed("tbsResponseData.responses has more than %d entries", limits.OCSPSingles)
		}
		if err := r.readSingle(&list); err != nil {
			return err
		}
	}
	exts, err := readOptionalExtensions(&s, 1, "responseExtensions")
	if err != nil {
		return err
	}
	if !s.Empty() {
		return malformed("tbsResponseData: data after responseExtensions")
	}
	r.Extensions = exts
	r.noteCritical(exts, oid.OCSPNonce, oid.OCSPExtendedRevoke)
	r.readNonce(exts)
	return nil
}

func (r *Response) readNonce(exts []pki.Extension) {
	r.Nonce, _ = nonceOf(exts)
	// RFC 8954, section 2.1: "Nonce ::= OCTET STRING(SIZE(1..32))".
	if r.Nonce != nil && (len(r.Nonce) == 0 || len(r.Nonce) > MaxNonce) {
		r.note("ocsp-nonce-length", "responseExtensions.nonce",
			fmt.Sprintf("the nonce has %d octets", len(r.Nonce)), "RFC 8954, section 2.1")
	}
}

func (r *Response) note(code, field, detail, cite string) {
	if len(r.Findings) < limits.Findings {
		r.Findings = append(r.Findings, pki.Finding{Code: code, Field: field, Detail: detail, Cite: cite, Severity: pki.Warn})
	}
}

func (r *Response) noteCritical(exts []pki.Extension, known ...oid.OID) {
	for _, e := range exts {
		if e.Critical && !slices.Contains(known, e.ID) && !slices.Contains(r.UnhandledCritical, e.ID) {
			r.UnhandledCritical = append(r.UnhandledCritical, e.ID)
		}
	}
}

// readResponderID consumes
//
//	ResponderID ::= CHOICE {
//	   byName               [1] Name,
//	   byKey                [2] KeyHash }
//
// The module of RFC 6960 has EXPLICIT tags.
func (r *Response) readResponderID(s *cryptobyte.String) error {
	var inner cryptobyte.String
	switch {
	case s.PeekASN1Tag(explicitTag(1)):
		if !s.ReadASN1(&inner, explicitTag(1)) {
			return malformed("responderID.byName is not DER")
		}
		name, err := pki.ParseName(bytes.Clone(inner))
		if err != nil {
			return &Error{Kind: KindMalformed, Detail: "responderID.byName", Err: err}
		}
		r.ResponderName = &name
	case s.PeekASN1Tag(explicitTag(2)):
		if !s.ReadASN1(&inner, explicitTag(2)) || !readOctets(&inner, &r.ResponderKeyHash) || !inner.Empty() {
			return malformed("responderID.byKey is not one OCTET STRING")
		}
	default:
		return malformed("responderID is neither byName nor byKey")
	}
	return nil
}

// readCertificates consumes certs. A certificate that cannot be parsed is
// recorded and skipped: the one that matters may be another.
func (r *Response) readCertificates(s *cryptobyte.String) error {
	var explicit, list cryptobyte.String
	var present bool
	if !s.ReadOptionalASN1(&explicit, &present, explicitTag(0)) {
		return malformed("BasicOCSPResponse.certs is not DER")
	}
	if !present {
		return nil
	}
	if !explicit.ReadASN1(&list, asn1.SEQUENCE) || !explicit.Empty() {
		return malformed("BasicOCSPResponse.certs is not one SEQUENCE")
	}
	for n := 0; !list.Empty(); n++ {
		if n == limits.OCSPCertificates {
			return malformed("BasicOCSPResponse.certs has more than %d certificates", limits.OCSPCertificates)
		}
		var raw cryptobyte.String
		if !list.ReadASN1Element(&raw, asn1.SEQUENCE) {
			return malformed("BasicOCSPResponse.certs[%d] is not a SEQUENCE", n)
		}
		cert, err := pki.ParseCertificate(bytes.Clone(raw))
		if err != nil {
			r.note("ocsp-certificate", fmt.Sprintf("certs[%d]", n), err.Error(), "RFC 6960, section 4.2.1")
			continue
		}
		r.Certificates = append(r.Certificates, cert)
	}
	return nil
}

// readTime consumes a GeneralizedTime as RFC 5280, section 4.1.2.5.2 has it:
// "MUST be expressed in Greenwich Mean Time (Zulu) and MUST include seconds".
func readTime(s *cryptobyte.String, out *time.Time) bool {
	var raw cryptobyte.String
	if !s.ReadASN1(&raw, asn1.GeneralizedTime) || len(raw) != len("20060102150405Z") {
		return false
	}
	t, err := time.Parse("20060102150405Z", string(raw))
	*out = t.UTC()
	return err == nil
}
