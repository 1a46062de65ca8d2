package server

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// OCSPIssuers answers for several authorities at one address: a request goes to
// the responder of the authority that its first known CertID names, by SHA-1,
// SHA-256, SHA-384, SHA-512, Streebog-256 or Streebog-512. That one answers
// "unknown" for certificates of the others in the same request (RFC 6960,
// section 2.2). The zero OCSPIssuers answers for nobody.
type OCSPIssuers struct {
	byID map[string]Answerer
	some Answerer // says in its own words that a request is malformed or names nobody
	n    int
}

// issuerDigests are the digests by which an authority may be named.
func issuerDigests() []oid.OID {
	return []oid.OID{oid.SHA1, oid.SHA256, oid.SHA384, oid.SHA512, oid.Streebog256, oid.Streebog512}
}

// Add registers the responder of an authority, all before the first request. An
// authority that is there already, or one too many (limits.OCSPIssuers), is an
// error.
func (s *OCSPIssuers) Add(issuer *pki.Certificate, r Answerer) error {
	if issuer == nil || r == nil {
		return errors.New("server: ocsp: an issuer and its responder are required")
	}
	if s.n == limits.OCSPIssuers {
		return fmt.Errorf("server: ocsp: more than %d issuers", limits.OCSPIssuers)
	}
	ids := make([]string, 0, len(issuerDigests()))
	// What a client would hash: a certificate of this issuer with any number.
	child := &pki.Certificate{RawIssuer: issuer.RawSubject, SerialNumber: big.NewInt(1)}
	for _, d := range issuerDigests() {
		id, err := ocsp.NewCertID(child, issuer, alg.Identifier{OID: d})
		if err != nil {
			return fmt.Errorf("server: %w", err)
		}
		key := issuerKey(id)
		if _, ok := s.byID[key]; ok {
			return errors.New("server: ocsp: the issuer is there already")
		}
		ids = append(ids, key)
	}
	if s.byID == nil {
		s.byID, s.some = map[string]Answerer{}, r
	}
	for _, key := range ids {
		s.byID[key] = r
	}
	s.n++
	return nil
}

// issuerKey names the issuer of a CertID.
func issuerKey(id ocsp.CertID) string { return string(appendIssuerKey(nil, id)) }

// appendIssuerKey appends it: digest, its length, name hash and key hash.
func appendIssuerKey(b []byte, id ocsp.CertID) []byte {
	b = append(append(b, id.Hash.OID...), 0)
	b = binary.BigEndian.AppendUint32(b, uint32(len(id.IssuerNameHash)))
	return append(append(b, id.IssuerNameHash...), id.IssuerKeyHash...)
}

var _ requestAnswerer = (*OCSPIssuers)(nil)

// Answer implements [Answerer].
func (s *OCSPIssuers) Answer(ctx context.Context, request []byte) (ocsp.Answered, error) {
	req, err := ocsp.ParseRequest(request)
	if err != nil && s.some != nil {
		return s.some.Answer(ctx, request)
	}
	return s.answerRequest(ctx, req)
}

// of returns the responder for a request, nil where there is none at all.
func (s *OCSPIssuers) of(req *ocsp.Request) Answerer {
	var room [256]byte
	for _, id := range req.IDs {
		if r, ok := s.byID[string(appendIssuerKey(room[:0], id))]; ok {
			return r
		}
	}
	return s.some
}

// keptAnswer implements requestAnswerer.
func (s *OCSPIssuers) keptAnswer(req *ocsp.Request) (ocsp.Answered, bool) {
	if r, ok := ownAnswerer(s.of(req)); ok {
		return r.keptAnswer(req)
	}
	return ocsp.Answered{}, false
}

// answerRequest implements requestAnswerer.
func (s *OCSPIssuers) answerRequest(ctx context.Context, req *ocsp.Request) (ocsp.Answered, error) {
	if s.some == nil {
		return ocsp.Answered{DER: ocsp.CreateErrorResponse(ocsp.Unauthorized), Status: ocsp.Unauthorized}, errors.New("server: ocsp: no issuer")
	}
	return answerParsed(ctx, s.of(req), req)
}
