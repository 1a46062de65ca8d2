package ocsp

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// nonceLength is the length of the nonces that are made here: the greatest
// that every responder must take (RFC 8954, section 2.1).
const nonceLength = MaxNonce

// Request is an OCSPRequest (RFC 6960, section 4.1.1). The signature of a
// signed request is read over and not checked: nothing here depends on who
// asks.
type Request struct {
	Raw        []byte
	IDs        []CertID
	Nonce      []byte // 1 to 32 octets by RFC 8954; nil if absent
	Signed     bool   // the request carries a signature
	Extensions []pki.Extension

	nonceValue []byte // extnValue of the nonce as it came, for the echo
}

// NewRequest makes an unsigned request for the status of cert with a CertID
// computed by h (oid.SHA1 is what every responder knows), and with a fresh
// nonce of 32 octets if nonce is set. A nil rand is crypto/rand.
func NewRequest(rnd io.Reader, cert, issuer *pki.Certificate, h alg.Identifier, nonce bool) (*Request, error) {
	id, err := NewCertID(cert, issuer, h)
	if err != nil {
		return nil, err
	}
	var n []byte
	if nonce {
		if rnd == nil {
			rnd = rand.Reader
		}
		n = make([]byte, nonceLength)
		if _, err := io.ReadFull(rnd, n); err != nil {
			return nil, fmt.Errorf("ocsp: nonce: %w", err)
		}
	}
	return NewBatchRequest([]CertID{id}, n)
}

// NewBatchRequest makes an unsigned request for several certificates. The
// nonce has 1 to 32 octets, or is nil.
func NewBatchRequest(ids []CertID, nonce []byte) (*Request, error) {
	if len(ids) == 0 || len(ids) > limits.OCSPRequests {
		return nil, fmt.Errorf("ocsp: a request asks for 1 to %d certificates, not %d", limits.OCSPRequests, len(ids))
	}
	if nonce != nil && (len(nonce) == 0 || len(nonce) > MaxNonce) {
		return nil, fmt.Errorf("ocsp: a nonce has 1 to %d octets, not %d", MaxNonce, len(nonce))
	}
	req := &Request{IDs: ids, Nonce: nonce}
	if nonce != nil {
		req.nonceValue = nonceValue(nonce)
		req.Extensions = nonceExtension(req.nonceValue)
	}
	var err error
	if req.Raw, err = req.marshal(); err != nil {
		return nil, fmt.Errorf("ocsp: request: %w", err)
	}
	return req, nil
}

func (r *Request) marshal() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { // OCSPRequest
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { // TBSRequest
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { // requestList
				for _, id := range r.IDs {
					b.AddASN1(asn1.SEQUENCE, id.add)
				}
			})
			addExtensions(b, 2, r.Extensions)
		})
	})
	return b.Bytes()
}

// explicitTag is the tag of a constructed context-specific element.
func explicitTag(n uint8) asn1.Tag { return asn1.Tag(n).ContextSpecific().Constructed() }

// ParseRequest parses exactly one DER OCSPRequest:
//
//	OCSPRequest     ::=     SEQUENCE {
//	    tbsRequest                  TBSRequest,
//	    optionalSignature   [0]     EXPLICIT Signature OPTIONAL }
//	TBSRequest      ::=     SEQUENCE {
//	    version             [0]     EXPLICIT Version DEFAULT v1,
//	    requestorName       [1]     EXPLICIT GeneralName OPTIONAL,
//	    requestList                 SEQUENCE OF Request,
//	    requestExtensions   [2]     EXPLICIT Extensions OPTIONAL }
//
// The error is an [*Error] of [KindMalformed], or of [KindUnhandledCritical]
// where a critical extension is not understood.
func ParseRequest(der []byte) (*Request, error) {
	if len(der) > limits.OCSPRequestSize {
		return nil, malformed("OCSPRequest is longer than %d octets", limits.OCSPRequestSize)
	}
	req := &Request{Raw: bytes.Clone(der)} // and everything in it
	in := cryptobyte.String(req.Raw)
	var outer, tbs cryptobyte.String
	if !in.ReadASN1(&outer, asn1.SEQUENCE) {
		return nil, malformed("OCSPRequest is not a DER SEQUENCE")
	}
	if !in.Empty() {
		return nil, malformed("OCSPRequest: %d octets of trailing data", len(in))
	}
	if !outer.ReadASN1(&tbs, asn1.SEQUENCE) {
		return nil, malformed("OCSPRequest.tbsRequest is not a SEQUENCE")
	}
	if err := req.readTBS(&tbs); err != nil {
		return nil, err
	}
	rest := outer // what follows tbsRequest
	if !outer.SkipOptionalASN1(explicitTag(0)) || !outer.Empty() {
		return nil, malformed("OCSPRequest.optionalSignature is not one [0]")
	}
	req.Signed = !rest.Empty()
	return req, nil
}

func (r *Request) readTBS(tbs *cryptobyte.String) error {
	if err := readVersion(tbs, "tbsRequest.version"); err != nil {
		return err
	}
	if !tbs.SkipOptionalASN1(explicitTag(1)) {
		return malformed("tbsRequest.requestorName is not DER")
	}
	var list cryptobyte.String
	if !tbs.ReadASN1(&list, asn1.SEQUENCE) {
		return malformed("tbsRequest.requestList is not a SEQUENCE")
	}
	for !list.Empty() {
		if len(r.IDs) == limits.OCSPRequests {
			return malformed("tbsRequest.requestList has more than %d entries", limits.OCSPRequests)
		}
		if err := r.readOne(&list); err != nil {
			return err
		}
	}
	if len(r.IDs) == 0 {
		return malformed("tbsRequest.requestList is empty")
	}
	return r.readRequestExtensions(tbs)
}

// readOne consumes one element of requestList:
//
//	Request         ::=     SEQUENCE {
//	    reqCert                     CertID,
//	    singleRequestExtensions     [0] EXPLICIT Extensions OPTIONAL }
func (r *Request) readOne(list *cryptobyte.String) error {
	var one cryptobyte.String
	if !list.ReadASN1(&one, asn1.SEQUENCE) {
		return malformed("requestList: a Request is not a SEQUENCE")
	}
	id, err := readCertID(&one, "reqCert")
	if err != nil {
		return err
	}
	exts, err := readOptionalExtensions(&one, 0, "singleRequestExtensions")
	if err != nil {
		return err
	}
	if !one.Empty() {
		return malformed("requestList: data after singleRequestExtensions")
	}
	// RFC 6960, section 4.1.2: "Unrecognized extensions MUST be ignored
	// (unless they have the critical flag set and are not understood)."
	if err := refuseCritical(exts, "singleRequestExtensions", oid.OCSPServiceLocator); err != nil {
		return err
	}
	r.IDs = append(r.IDs, id)
	return nil
}

func (r *Request) readRequestExtensions(tbs *cryptobyte.String) error {
	exts, err := readOptionalExtensions(tbs, 2, "requestExtensions")
	if err != nil {
		return err
	}
	if !tbs.Empty() {
		return malformed("tbsRequest: data after requestExtensions")
	}
	if err := refuseCritical(exts, "requestExtensions", oid.OCSPNonce, oid.OCSPAcceptableResponses, oid.OCSPPreferredSignature); err != nil {
		return err
	}
	r.Extensions = exts
	r.Nonce, r.nonceValue = nonceOf(exts)
	return nil
}
