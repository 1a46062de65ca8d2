// Package cms reads and writes signed messages: SignedData of the
// Cryptographic Message Syntax ([RFC 5652], section 5), attached and detached,
// as DER or BER, and checks DigestedData (section 7). Content streams: a
// document of any size is hashed in constant memory.
//
// The package decides nothing. It builds one SignerInfo and checks one
// SignerInfo cryptographically; whom to trust, which attributes are required
// and which moment counts is the business of its callers.
//
// What was received is what is hashed: the octets of certificates and of
// signed attributes are kept as they came and nothing is re-encoded before it
// is checked.
//
// [RFC 5652]: https://www.rfc-editor.org/rfc/rfc5652
package cms

import (
	"io"
	"math/big"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// Limits bounds what a message may cost the reader. A zero field means the
// default of package internal/limits, which is given there with its reason.
type Limits struct {
	Certificates int   // certificates in the message
	Revocations  int   // CRLs and OCSP responses in the message
	Signers      int   // SignerInfos
	Attributes   int   // attributes in one SignerInfo, and values in one attribute
	Element      int64 // octets of one part that is held in memory
	Total        int64 // octets of all parts that are held in memory; the content is not
}

// Evidence is what a signature can carry, or a verifier can return, to support
// a decision: certificates and revocation data.
type Evidence struct {
	Certificates []*pki.Certificate
	CRLs         []*pki.RevocationList
	OCSP         [][]byte // DER of OCSPResponse (RFC 5940, section 2.1) or of BasicOCSPResponse
}

// SignedData is a signed message as it was read (RFC 5652, section 5.1).
type SignedData struct {
	Evidence                          // what the message itself carries, unverified
	Version          int              // CMSVersion as it was written
	DigestAlgorithms []alg.Identifier // in the order of the message
	ContentType      oid.OID          // eContentType
	Detached         bool             // the message holds no content
	ContentLength    int64            // octets of content that were hashed; 0 before DigestContent
	Signers          []*SignerInfo    // in the order of the message
	Findings         []pki.Finding    // deviations met while reading
	Armor            der.Armor        // how the message was wrapped
	BER              bool             // some length was indefinite or some string in pieces

	// Again returns the content once more, from its beginning, for an archive
	// time stamp of the second version, which covers it octet for octet. The
	// caller sets it where the document can be read twice; nil means it cannot.
	Again func() (io.Reader, error)

	certificates [][]byte           // CertificateChoices as they came
	revocations  [][]byte           // RevocationInfoChoice as they came
	digests      map[oid.OID][]byte // of the content, by digest algorithm
	head         []byte             // first octets of the content
	limits       Limits
	parse        func(der []byte) (*pki.Certificate, error)
	verify       alg.GOSTVerifier
	sorted       bool // the SignerInfos stood in the order of DER
	extended     bool // AddEvidence added something
}

// Attribute is a CMS attribute (RFC 5652, section 5.3). Raw and each value are
// whole DER elements, tag and length included.
type Attribute struct {
	Type   oid.OID
	Values [][]byte
	Raw    []byte
}

// SignerInfo is one signature of a message (RFC 5652, section 5.3).
type SignerInfo struct {
	Raw            []byte // the whole element as it came
	RawSignedAttrs []byte // [0] IMPLICIT SignedAttributes as it came; nil if absent

	Version            int
	Issuer             pki.Name // with Serial: issuerAndSerialNumber; Issuer.Raw is nil if SubjectKeyID identifies the signer
	Serial             *big.Int
	SubjectKeyID       []byte // nil if issuerAndSerialNumber identifies the signer
	DigestAlgorithm    alg.Identifier
	SignatureAlgorithm alg.Identifier
	Signature          []byte
	SignedAttrs        []Attribute // nil if absent
	UnsignedAttrs      []Attribute
	Findings           []pki.Finding

	limits Limits
	depth  int // 0 for a signature of content, 1 for its countersignature, …
}

// Check is one thing that was checked about a signature. ID is stable and in
// the set of the Check… constants; Cite is the clause that demands it.
type Check struct {
	ID      string
	Cite    string
	OK      bool // false: the signature must not be accepted
	Warning bool // OK, but a deviation that Detail describes
	Detail  string
	Err     error // what failed, typed; nil if and only if OK
}

// Identifiers of the checks of CheckSigner and CheckCounterSigner.
const (
	CheckVersion            = "signer-info-version"
	CheckDuplicateAttribute = "duplicate-attributes"
	CheckDigestAlgorithm    = "digest-algorithm"
	CheckContentType        = "content-type"
	CheckMessageDigest      = "message-digest"
	CheckSigningCertificate = "signing-certificate"
	CheckAttributesOrder    = "signed-attributes-order"
	CheckSignatureValue     = "signature-value"
)
