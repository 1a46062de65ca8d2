package pki

import (
	"math/big"
	"time"

	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// CertificateTemplate says what CreateCertificate writes. Fields that are zero
// leave their extension out, unless noted.
type CertificateTemplate struct {
	SerialNumber        *big.Int  // required: positive, at most 20 octets
	Subject             Name      // Raw is written if set, else RDNs
	NotBefore, NotAfter time.Time // required; whole seconds are written

	// BasicConstraints writes the extension (critical); IsCA and MaxPathLen
	// (-1: none) fill it. For an end entity the extension is an empty SEQUENCE.
	BasicConstraints bool
	IsCA             bool
	MaxPathLen       int

	KeyUsage            KeyUsage  // 0: extension absent; else critical
	ExtKeyUsage         []oid.OID // critical if ExtKeyUsageCritical
	ExtKeyUsageCritical bool

	SubjectKeyID     []byte // nil: SHA-1 of the subjectPublicKey BIT STRING
	OmitSubjectKeyID bool
	// AuthorityKeyID: nil means the parent's SubjectKeyID, or SHA-1 over its
	// key if it has none; self-signed certificates repeat their own.
	AuthorityKeyID          []byte
	OmitAuthorityKeyID      bool
	AuthorityIssuerSerial   bool // also write authorityCertIssuer and -SerialNumber of the parent
	CRLDistributionPoints   []string
	FreshestCRL             []string
	OCSPServers             []string
	IssuingCertificateURLs  []string
	Policies                []oid.OID
	PrivateKeyNotBefore     time.Time
	PrivateKeyNotAfter      time.Time
	SubjectSignTool         string
	IssuerSignTool          *IssuerSignTool
	IdentificationKind      *int
	SubjectAltNames         []GeneralName
	SubjectAltNamesCritical bool
	OCSPNoCheck             bool
	ExtraExtensions         []Extension // appended as they are; an ID written above is an error
}

// RequestTemplate says what CreateRequest writes.
type RequestTemplate struct {
	Subject            Name
	KeyUsage           KeyUsage
	ExtKeyUsage        []oid.OID
	SubjectSignTool    string
	IdentificationKind *int
	SubjectAltNames    []GeneralName
	Policies           []oid.OID
	ExtraExtensions    []Extension
}

// CRLTemplate says what CreateCRL writes: a version 2 list with
// authorityKeyIdentifier and cRLNumber (RFC 5280, section 5.2).
type CRLTemplate struct {
	Number          *big.Int // required: positive or zero, at most 20 octets
	BaseNumber      *big.Int // not nil: a delta CRL (critical deltaCRLIndicator)
	ThisUpdate      time.Time
	NextUpdate      time.Time // required by RFC 5280, section 5.1.2.5
	Entries         []RevokedEntry
	IDP             *IssuingDistributionPoint
	FreshestCRL     []string
	ExtraExtensions []Extension
}
