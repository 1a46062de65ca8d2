package pki

import (
	"crypto"
	"math/big"
	"time"

	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// Certificate is a parsed X.509 certificate (RFC 5280, section 4.1). All byte
// slices point into one private copy of what ParseCertificate was given; the
// fields are to be read, not changed.
type Certificate struct {
	Raw                     []byte // the whole certificate
	RawTBSCertificate       []byte // what was signed, with tag and length
	RawSubject              []byte // DER of the subject Name
	RawIssuer               []byte // DER of the issuer Name
	RawSubjectPublicKeyInfo []byte

	Version                int // 1, 2 or 3 (other numbers leave an Error finding)
	SerialNumber           *big.Int
	RawSerial              []byte // contents octets of the INTEGER
	SignatureAlgorithm     alg.Identifier
	TBSSignatureAlgorithm  alg.Identifier
	Signature              []byte // GOST: s || r, each big-endian
	signatureUnused        int
	Issuer, Subject        Name
	NotBefore, NotAfter    time.Time // UTC, both inclusive (RFC 5280, section 4.1.2.5)
	PublicKey              crypto.PublicKey
	PublicKeyAlgorithm     alg.Identifier
	PublicKeyError         error // why PublicKey is nil: unknown kind or broken key
	IssuerUniqueID         []byte
	SubjectUniqueID        []byte
	Extensions             []Extension
	UnhandledCritical      []oid.OID // critical extensions that this package does not process
	BasicConstraintsValid  bool      // the extension is present and was read
	IsCA                   bool
	MaxPathLen             int // -1: no limit
	KeyUsage               KeyUsage
	HasKeyUsage            bool
	ExtKeyUsage            []oid.OID // nil: extension absent
	ExtKeyUsageCritical    bool
	SubjectKeyID           []byte
	AuthorityKeyID         []byte
	AuthorityCertIssuer    []GeneralName
	AuthorityCertSerial    *big.Int
	CRLDistributionPoints  []string // every URI of DistributionPoints
	DistributionPoints     []DistributionPoint
	FreshestCRL            []string
	OCSPServers            []string
	IssuingCertificateURLs []string
	TimeStampingURLs       []string
	Policies               []oid.OID // identifiers of certificatePolicies; nil: extension absent
	PolicyQualifiers       []PolicyQualifier
	PolicyMappings         []PolicyMapping
	PolicyConstraints      *PolicyConstraints
	InhibitAnyPolicy       int // -1: extension absent
	NameConstraints        *NameConstraints
	PrivateKeyNotBefore    time.Time // zero: absent
	PrivateKeyNotAfter     time.Time // zero: absent
	SubjectSignTool        string
	IssuerSignTool         *IssuerSignTool
	IdentificationKind     *int // 0 personal, 1 certificate, 2 passport, 3 system
	SubjectAltNames        []GeneralName
	IssuerAltNames         []GeneralName
	OCSPNoCheck            bool // id-pkix-ocsp-nocheck (RFC 6960, section 4.2.2.2.1)
	Findings               []Finding
}

// IssuerSignTool is the extension that names the tools of the issuer (order of
// the FSB No. 795; OID 1.2.643.100.112).
type IssuerSignTool struct {
	SignTool     string // signature tool, at most 200 characters
	CATool       string // CA tool, at most 200 characters
	SignToolCert string // conformity certificate of SignTool, at most 100 characters
	CAToolCert   string // conformity certificate of CATool, at most 100 characters
}
