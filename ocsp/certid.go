package ocsp

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// CertID names a certificate by its issuer and serial number (RFC 6960,
// section 4.1.1):
//
//	CertID ::= SEQUENCE {
//	    hashAlgorithm       AlgorithmIdentifier,
//	    issuerNameHash      OCTET STRING, -- Hash of issuer's DN
//	    issuerKeyHash       OCTET STRING, -- Hash of issuer's public key
//	    serialNumber        CertificateSerialNumber }
//
// The key hash is over the content of the BIT STRING of the issuer's key: for
// a GOST key that includes the header 04 40 or 04 81 80 of the OCTET STRING
// inside.
type CertID struct {
	Hash           alg.Identifier
	IssuerNameHash []byte
	IssuerKeyHash  []byte
	Serial         *big.Int
	Raw            []byte // DER as received; nil in one that was made here
}

// NewCertID computes the identifier of cert with the digest h.
func NewCertID(cert, issuer *pki.Certificate, h alg.Identifier) (CertID, error) {
	if cert == nil || issuer == nil {
		return CertID{}, errors.New("ocsp: a CertID needs the certificate and its issuer")
	}
	// RFC 6960, section 4.1.1: "The hash shall be calculated over the DER
	// encoding of the issuer's name field in the certificate being checked."
	name, key, err := issuerHashes(cert.RawIssuer, issuer, h)
	if err != nil {
		return CertID{}, err
	}
	return CertID{Hash: h, IssuerNameHash: name, IssuerKeyHash: key, Serial: cert.SerialNumber}, nil
}

// Matches says whether the identifier names cert as issued by issuer. An
// unknown digest matches nothing. The name counts as encoded in the
// certificate or as in the issuer: real issuers re-encode their own name.
func (id CertID) Matches(cert, issuer *pki.Certificate) bool {
	return NewMatcher(cert, issuer).Matches(id)
}

// Matcher compares many identifiers with one certificate: the hashes of its
// issuer are computed once for each digest. It is not safe for concurrent use.
type Matcher struct {
	cert, issuer *pki.Certificate
	hashes       map[oid.OID][]issuerHash
}

type issuerHash struct{ name, key []byte }

// NewMatcher makes a Matcher for cert as issued by issuer.
func NewMatcher(cert, issuer *pki.Certificate) *Matcher {
	return &Matcher{cert: cert, issuer: issuer, hashes: map[oid.OID][]issuerHash{}}
}

// Matches is [CertID.Matches] for the certificate of m.
func (m *Matcher) Matches(id CertID) bool {
	if m.cert == nil || m.issuer == nil || id.Serial == nil || m.cert.SerialNumber == nil {
		return false
	}
	if id.Serial.Cmp(m.cert.SerialNumber) != 0 {
		return false
	}
	for _, h := range m.issuerHashes(id.Hash) {
		if bytes.Equal(h.name, id.IssuerNameHash) && bytes.Equal(h.key, id.IssuerKeyHash) {
			return true
		}
	}
	return false
}

// issuerHashes returns the hashes by h with either encoding of the name.
func (m *Matcher) issuerHashes(h alg.Identifier) []issuerHash {
	list, ok := m.hashes[h.OID]
	if ok {
		return list
	}
	for _, raw := range [][]byte{m.cert.RawIssuer, m.issuer.RawSubject} {
		name, key, err := issuerHashes(raw, m.issuer, h)
		if err != nil {
			return nil
		}
		list = append(list, issuerHash{name, key})
	}
	m.hashes[h.OID] = list
	return list
}

func issuerHashes(rawName []byte, issuer *pki.Certificate, h alg.Identifier) (name, key []byte, err error) {
	if name, err = digest(h, rawName); err != nil {
		return nil, nil, fmt.Errorf("ocsp: CertID.hashAlgorithm: %w", err)
	}
	bits, err := alg.PublicKeyBits(issuer.RawSubjectPublicKeyInfo)
	if err != nil {
		return nil, nil, fmt.Errorf("ocsp: the key of the issuer: %w", err)
	}
	key, err = digest(h, bits)
	return name, key, err
}

func digest(id alg.Identifier, data []byte) ([]byte, error) {
	h, err := alg.NewHash(id)
	if err != nil {
		return nil, err
	}
	h.Write(data)
	return h.Sum(nil), nil
}

// readCertID consumes one CertID, whose parts are parts of s. The error names
// field.
func readCertID(s *cryptobyte.String, field string) (CertID, error) {
	var raw, body cryptobyte.String
	if !s.ReadASN1Element(&raw, asn1.SEQUENCE) {
		return CertID{}, malformed("%s is not a SEQUENCE", field)
	}
	id := CertID{Raw: raw, Serial: new(big.Int)}
	if !raw.ReadASN1(&body, asn1.SEQUENCE) {
		return CertID{}, malformed("%s is not a SEQUENCE", field)
	}
	var err error
	if id.Hash, err = alg.ReadIdentifier(&body, "hashAlgorithm"); err != nil {
		return CertID{}, &Error{Kind: KindMalformed, Detail: field, Err: err}
	}
	if !readOctets(&body, &id.IssuerNameHash) || !readOctets(&body, &id.IssuerKeyHash) {
		return CertID{}, malformed("%s: an issuer hash is not an OCTET STRING", field)
	}
	if !readSerial(&body, id.Serial) || !body.Empty() {
		return CertID{}, malformed("%s.serialNumber is not one INTEGER of at most %d octets", field, limits.SerialBytes)
	}
	return id, nil
}

// readSerial consumes an INTEGER of bounded size.
func readSerial(s *cryptobyte.String, out *big.Int) bool {
	var content cryptobyte.String
	rest := *s
	return rest.ReadASN1(&content, asn1.INTEGER) && len(content) <= limits.SerialBytes && s.ReadASN1Integer(out)
}

// add writes the identifier: as it was received where it was received, so
// that a responder echoes the bytes that the client will compare.
func (id CertID) add(b *cryptobyte.Builder) {
	if id.Raw != nil {
		b.AddBytes(id.Raw)
		return
	}
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		id.Hash.Add(b)
		b.AddASN1OctetString(id.IssuerNameHash)
		b.AddASN1OctetString(id.IssuerKeyHash)
		b.AddASN1BigInt(id.Serial)
	})
}

// readOctets consumes an OCTET STRING; the result is a part of s, which belongs
// to what is being parsed.
func readOctets(s *cryptobyte.String, out *[]byte) bool {
	var v cryptobyte.String
	if !s.ReadASN1(&v, asn1.OCTET_STRING) {
		return false
	}
	*out = v[:len(v):len(v)]
	return true
}

// SHA1 is the digest of a CertID that every responder knows (RFC 5019, section
// 2.1.1: "Clients MUST use SHA1 as the hashing algorithm"). It identifies, it
// protects nothing.
func SHA1() alg.Identifier { return alg.NULL(oid.SHA1) }

// Streebog256 is the digest that Russian responders know beside SHA-1.
func Streebog256() alg.Identifier { return alg.Identifier{OID: oid.Streebog256} }
