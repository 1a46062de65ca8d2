package pki

import (
	"math/big"
	"time"

	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// The values of CRLReason (RFC 5280, section 5.3.1). Value 7 is not used.
const (
	ReasonAbsent               = -1 // no reasonCode extension
	ReasonUnspecified          = 0
	ReasonKeyCompromise        = 1
	ReasonCACompromise         = 2
	ReasonAffiliationChanged   = 3
	ReasonSuperseded           = 4
	ReasonCessationOfOperation = 5
	ReasonCertificateHold      = 6
	ReasonRemoveFromCRL        = 8
	ReasonPrivilegeWithdrawn   = 9
	ReasonAACompromise         = 10
)

// RevokedEntry is one entry of a CRL.
type RevokedEntry struct {
	Serial         *big.Int
	At             time.Time // revocationDate
	Reason         int       // CRLReason, or ReasonAbsent
	InvalidityDate time.Time // zero: absent
	// Issuer is the certificate issuer if it is not the issuer of the CRL. It
	// stays in force for the entries that follow (RFC 5280, section 5.3.3).
	Issuer *Name
	// Extensions are all that were read, nil when the entry has none. CreateCRL
	// writes from the fields above and does not look at them.
	Extensions []Extension
}

// RevocationList is a parsed CRL. Its entries stay encoded in Raw: Find and
// Entries scan them, so that a list of a million entries costs its octets.
type RevocationList struct {
	Raw, RawTBS         []byte // nil after OpenRevocationList
	RawIssuer           []byte
	Version             int // 1 or 2
	Issuer              Name
	ThisUpdate          time.Time
	NextUpdate          time.Time // zero: absent
	Number              *big.Int  // nil: absent
	BaseNumber          *big.Int  // not nil: a delta CRL
	AuthorityKeyID      []byte
	AuthorityCertSerial *big.Int
	IDP                 *IssuingDistributionPoint
	FreshestCRL         []string
	// ExpiredSince is expiredCertsOnCRL of X.509: certificates
	// that expired at this moment or later stay on the list. Zero: absent.
	ExpiredSince          time.Time
	SignatureAlgorithm    alg.Identifier
	TBSSignatureAlgorithm alg.Identifier
	Signature             []byte
	Extensions            []Extension
	UnhandledCritical     []oid.OID // of the list and of its entries
	Findings              []Finding

	signatureUnused int
	store           entryStore
	count           int
	file            *listFile // nil: the list is in memory
	digests         *listDigests
}

// IssuingDistributionPoint is the extension that limits the scope of a CRL
// (RFC 5280, section 5.2.5).
type IssuingDistributionPoint struct {
	FullName           []GeneralName
	RelativeName       []byte
	OnlyUserCerts      bool
	OnlyCACerts        bool
	OnlyAttributeCerts bool
	IndirectCRL        bool
	OnlySomeReasons    ReasonFlags // 0: all reasons
	Raw                []byte
}

// Len returns the number of entries.
func (l *RevocationList) Len() int { return l.count }
