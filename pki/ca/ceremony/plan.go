package ceremony

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/gosklyuch/gosklyuch/gost/streebog"
)

// A Plan says everything that a ceremony does. It is read from YAML by
// [ParsePlan] and not changed.
type Plan struct {
	Name  string `yaml:"name"`  // a-z, 0-9 and hyphens, 1 to 64
	Title string `yaml:"title"` // for people
	// Language of the transcript: "ru" or "en".
	Language string `yaml:"language"`
	// Date is the time of the ceremony, RFC 3339 in UTC and whole seconds. All
	// times in what the ceremony makes derive from it.
	Date  string `yaml:"date"`
	Place string `yaml:"place"`
	// Program is the version of the program that must run; "" is any.
	Program string `yaml:"program"`
	// Sign names the authority whose key signs the transcript; "" is the first.
	Sign         string        `yaml:"sign"`
	Participants []Participant `yaml:"participants"`
	Steps        []Step        `yaml:"steps"`

	date   time.Time
	digest Digest
}

// A Participant is a person at the ceremony.
type Participant struct {
	Name string `yaml:"name"`
	Role string `yaml:"role"`
	// Certificate is the file of the certificate with whose key the person
	// countersigns the transcript; "" for those who do not.
	Certificate string `yaml:"certificate"`
}

// A Step is one thing that is done: exactly one of its members is set.
type Step struct {
	Key         *KeyStep         `yaml:"key"`
	Root        *AuthorityStep   `yaml:"root"`
	Subordinate *AuthorityStep   `yaml:"subordinate"`
	Open        *OpenStep        `yaml:"open"`
	Certificate *CertificateStep `yaml:"certificate"`
	Cross       *CertificateStep `yaml:"cross"`
	Lists       *ListStep        `yaml:"lists"`
	Backup      *BackupStep      `yaml:"backup"`
	Export      *ExportStep      `yaml:"export"`
	Destroy     *DestroyStep     `yaml:"destroy"`
}

// A KeyStep creates a private key.
type KeyStep struct {
	Name      string `yaml:"name"`
	Algorithm string `yaml:"algorithm"` // gost2012-256 or gost2012-512
	ParamSet  string `yaml:"paramset"`
	// Store is "container", a file under a password, or an RFC 7512 URI of a
	// token.
	Store string `yaml:"store"`
}

// An AuthorityStep makes an authority's folder with its certificate: a root's,
// which its own key signs, or one below an authority of the same ceremony.
type AuthorityStep struct {
	Name    string `yaml:"name"`
	Key     string `yaml:"key"` // of a KeyStep before
	Subject string `yaml:"subject"`
	Days    int    `yaml:"days"`
	// KeyDays is the private key usage period of a root; 0 is three quarters of
	// the validity.
	KeyDays int `yaml:"keyDays"`
	// PathLength of a root; absent is no limit.
	PathLength *int `yaml:"pathLength"`
	// Authority issues the certificate of a subordinate, by Profile ("subca").
	Authority string `yaml:"authority"`
	Profile   string `yaml:"profile"`
	// The addresses that certificates of this authority will name.
	CRLURLs    []string `yaml:"crlUrls"`
	OCSPURLs   []string `yaml:"ocspUrls"`
	IssuerURLs []string `yaml:"issuerUrls"`
}

// An OpenStep takes the folder of an authority that exists into the ceremony, as
// a copy. The copy goes on; the original is put away.
type OpenStep struct {
	Name   string `yaml:"name"`
	Folder string `yaml:"folder"`
	// Certificate is the Streebog-256 digest of the folder's certificate in
	// hexadecimal digits: no other authority is opened.
	Certificate string `yaml:"certificate"`
}

// A CertificateStep issues a certificate: for a request in a file, or as a cross
// certificate for the name and key of another authority of the ceremony.
type CertificateStep struct {
	Name      string `yaml:"name"`      // of the file in certs/
	Authority string `yaml:"authority"` // the issuer
	Request   string `yaml:"request"`   // a file with a request, DER or PEM
	Of        string `yaml:"of"`        // of a cross certificate: whose
	// Profile is one that ships with the program (subca, ocsp, tsa) or a YAML
	// file beside the plan.
	Profile string `yaml:"profile"`
	Days    int    `yaml:"days"`
}

// A ListStep signs lists of revoked certificates for periods that follow each
// other, so that an authority may sleep.
type ListStep struct {
	Authority string `yaml:"authority"`
	// Number of the first list; 0 is the next one.
	Number int `yaml:"number"`
	Count  int `yaml:"count"` // 0 is 1
	// Days is the length of a period. A list is valid Overlap days longer, so
	// that its successor can be published in time.
	Days    int `yaml:"days"`
	Overlap int `yaml:"overlap"`
}

// A BackupStep copies containers to another folder and compares them.
type BackupStep struct {
	Keys []string `yaml:"keys"`
	To   string   `yaml:"to"`
}

// An ExportStep puts all public files into one folder, with their digests.
type ExportStep struct {
	To string `yaml:"to"` // a name in the folder of the ceremony
}

// A DestroyStep overwrites and removes the working copies of containers, after
// the transcript was signed. It is the last, and each key has a backup.
type DestroyStep struct {
	Keys []string `yaml:"keys"`
}

// Time returns the time of the ceremony, in UTC and whole seconds.
func (p *Plan) Time() time.Time { return p.date }

// Digest returns the digests of the plan's text.
func (p *Plan) Digest() Digest { return p.digest }

// Digest is what a file is recognised by.
type Digest struct {
	Streebog256 [32]byte
	SHA256      [32]byte
}

// DigestOf returns the digests of b.
func DigestOf(b []byte) Digest {
	return Digest{streebog.Sum256(b), sha256.Sum256(b)}
}

// String returns the Streebog-256 digest in hexadecimal digits.
func (d Digest) String() string { return hex.EncodeToString(d.Streebog256[:]) }

// PlanError says what is wrong with a plan.
type PlanError struct {
	Step   int    // from 1; 0 for what stands before the steps
	Field  string // as the file spells it
	Detail string
	Err    error // the cause where there is one
}

// Error names step and field.
func (e *PlanError) Error() string {
	s := "ceremony: plan: "
	if e.Step > 0 {
		s += fmt.Sprintf("step %d: ", e.Step)
	}
	s += e.Field + ": " + e.Detail
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *PlanError) Unwrap() error { return e.Err }
