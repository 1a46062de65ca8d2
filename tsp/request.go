package tsp

import (
	"bytes"
	"errors"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// Request is a TimeStampReq (RFC 3161, section 2.4.1).
type Request struct {
	Raw           []byte
	HashAlgorithm alg.Identifier
	HashedMessage []byte
	Policy        oid.OID  // "" if absent
	Nonce         *big.Int // nil if absent
	CertReq       bool
	Extensions    []pki.Extension
}

// ParseRequest parses exactly one DER TimeStampReq:
//
//	TimeStampReq ::= SEQUENCE  {
//	   version                      INTEGER  { v1(1) },
//	   messageImprint               MessageImprint,
//	   reqPolicy             TSAPolicyId              OPTIONAL,
//	   nonce                 INTEGER                  OPTIONAL,
//	   certReq               BOOLEAN                  DEFAULT FALSE,
//	   extensions            [0] IMPLICIT Extensions  OPTIONAL  }
//
// The error is an [*Error] of [KindMalformed].
func ParseRequest(der []byte) (*Request, error) {
	if len(der) > limits.TimeStampSize {
		return nil, malformed("TimeStampReq is longer than %d octets", limits.TimeStampSize)
	}
	in := cryptobyte.String(der)
	var s cryptobyte.String
	if !in.ReadASN1(&s, asn1.SEQUENCE) || !in.Empty() {
		return nil, malformed("TimeStampReq is not one DER SEQUENCE")
	}
	r := &Request{Raw: bytes.Clone(der)}
	var version int64
	if !s.ReadASN1Integer(&version) {
		return nil, malformed("TimeStampReq.version is not an INTEGER")
	}
	if version != 1 {
		return nil, &Error{Kind: KindMalformed, Detail: "TimeStampReq.version", Err: errVersion}
	}
	var err error
	if r.HashAlgorithm, r.HashedMessage, err = readImprint(&s, "TimeStampReq"); err != nil {
		return nil, err
	}
	if s.PeekASN1Tag(asn1.OBJECT_IDENTIFIER) && !oid.Read(&s, &r.Policy) {
		return nil, malformed("TimeStampReq.reqPolicy is not an OBJECT IDENTIFIER")
	}
	if r.Nonce, err = readNonce(&s, "TimeStampReq"); err != nil {
		return nil, err
	}
	if s.PeekASN1Tag(asn1.BOOLEAN) && !s.ReadASN1Boolean(&r.CertReq) {
		return nil, malformed("TimeStampReq.certReq is not a DER BOOLEAN")
	}
	if r.Extensions, err = readExtensions(&s, 0, "TimeStampReq"); err != nil {
		return nil, err
	}
	if !s.Empty() {
		return nil, malformed("TimeStampReq: data after extensions")
	}
	return r, nil
}

// errVersion tells a request of another version from one that cannot be read.
var errVersion = errors.New("is not v1 (1)")

// readImprint consumes
//
//	MessageImprint ::= SEQUENCE  {
//	     hashAlgorithm                AlgorithmIdentifier,
//	     hashedMessage                OCTET STRING  }
func readImprint(s *cryptobyte.String, field string) (id alg.Identifier, hashed []byte, err error) {
	var body cryptobyte.String
	if !s.ReadASN1(&body, asn1.SEQUENCE) {
		return id, nil, malformed("%s.messageImprint is not a SEQUENCE", field)
	}
	if id, err = alg.ReadIdentifier(&body, "messageImprint.hashAlgorithm"); err != nil {
		return id, nil, &Error{Kind: KindMalformed, Detail: field, Err: err}
	}
	if !body.ReadASN1Bytes(&hashed, asn1.OCTET_STRING) || !body.Empty() {
		return id, nil, malformed("%s: messageImprint.hashedMessage is not one OCTET STRING", field)
	}
	// RFC 3161, section 2.4.1: "Its length MUST match the length of the hash
	// value for that algorithm".
	if h, err := alg.NewHash(id); err == nil && h.Size() != len(hashed) {
		return id, nil, malformed("%s: messageImprint.hashedMessage has %d octets, %s has %d",
			field, len(hashed), id.OID.Name(), h.Size())
	}
	return id, hashed, nil
}

// readInteger consumes an INTEGER of bounded size.
func readInteger(s *cryptobyte.String, out *big.Int) bool {
	var raw cryptobyte.String
	rest := *s
	return rest.ReadASN1(&raw, asn1.INTEGER) && len(raw) <= limits.SerialBytes && s.ReadASN1Integer(out)
}

// readNonce consumes an optional INTEGER; the result is nil if it is absent.
func readNonce(s *cryptobyte.String, field string) (*big.Int, error) {
	if !s.PeekASN1Tag(asn1.INTEGER) {
		return nil, nil
	}
	n := new(big.Int)
	if !readInteger(s, n) {
		return nil, malformed("%s.nonce is not an INTEGER of at most %d octets", field, limits.SerialBytes)
	}
	return n, nil
}

// readExtensions consumes [n] IMPLICIT Extensions OPTIONAL.
func readExtensions(s *cryptobyte.String, n uint8, field string) ([]pki.Extension, error) {
	var list cryptobyte.String
	var present bool
	if !s.ReadOptionalASN1(&list, &present, explicitTag(n)) {
		return nil, malformed("%s.extensions is not DER", field)
	}
	var out []pki.Extension
	for !list.Empty() {
		var raw, body cryptobyte.String
		var ext pki.Extension
		if len(out) == limits.Extensions {
			return nil, malformed("%s.extensions has more than %d entries", field, limits.Extensions)
		}
		if !list.ReadASN1Element(&raw, asn1.SEQUENCE) {
			return nil, malformed("%s.extensions: an extension is not a SEQUENCE", field)
		}
		ext.Raw = bytes.Clone(raw)
		if !raw.ReadASN1(&body, asn1.SEQUENCE) || !oid.Read(&body, &ext.ID) ||
			body.PeekASN1Tag(asn1.BOOLEAN) && !body.ReadASN1Boolean(&ext.Critical) ||
			!body.ReadASN1Bytes(&ext.Value, asn1.OCTET_STRING) || !body.Empty() {
			return nil, malformed("%s.extensions: an extension is not an Extension", field)
		}
		for _, e := range out {
			if e.ID == ext.ID {
				return nil, malformed("%s.extensions: extension %s twice", field, ext.ID.Name())
			}
		}
		out = append(out, ext)
	}
	return out, nil
}
