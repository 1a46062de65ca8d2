package ca

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/journal"
	"github.com/gosklyuch/gosklyuch/pki"
)

// Settings are what an authority writes into its certificates and lists. They
// are kept in config.json. Zero values are replaced as the fields say.
type Settings struct {
	// CRLURLs, OCSPURLs and IssuerURLs are the addresses of the CRL, the OCSP
	// responder and the authority's own certificate that issued certificates
	// name. Absent ones are left out of certificates.
	CRLURLs    []string `json:"crlUrls,omitempty"`
	OCSPURLs   []string `json:"ocspUrls,omitempty"`
	IssuerURLs []string `json:"issuerUrls,omitempty"`
	// UserMonths is the validity of subscribers' certificates and keys in
	// calendar months; 0 is 15.
	UserMonths int `json:"userMonths,omitempty"`
	// CRLHours is thisUpdate to nextUpdate; 0 is 168, a week.
	CRLHours int `json:"crlHours,omitempty"`
	// Lists are the lists that are published in a folder, see
	// [Issuer.Publish]; nil is none. CRLURLs are named besides.
	Lists *Lists `json:"lists,omitempty"`
	// SubjectSignTool names the subscribers' signature tool where a request
	// does not; "" is a text that claims no certification.
	SubjectSignTool string `json:"subjectSignTool,omitempty"`
	// IssuerSignTool names the authority's tools; nil is a text that claims
	// no certification.
	IssuerSignTool *pki.IssuerSignTool `json:"issuerSignTool,omitempty"`
	// Ledger is the address of the ledger's database, see [CheckLedgerURI];
	// "" is the file ledger.db in the folder.
	Ledger string `json:"ledger,omitempty"`
	// Node is the name under which this folder's processes write the journal,
	// see [journal.CheckNode]; "" is "main". Folders that share a database
	// have different ones.
	Node string `json:"node,omitempty"`
}

// The defaults of Settings. This program is no certified cryptographic tool,
// and what it writes says so.
const (
	defaultUserMonths = 15
	defaultCRLHours   = 7 * 24
	defaultTool       = "ГосКлюч (не сертифицированное средство)"
	defaultToolCert   = "нет"
)

func (s Settings) withDefaults() Settings {
	if s.UserMonths == 0 {
		s.UserMonths = defaultUserMonths
	}
	if s.CRLHours == 0 {
		s.CRLHours = defaultCRLHours
	}
	if s.SubjectSignTool == "" {
		s.SubjectSignTool = defaultTool
	}
	if s.IssuerSignTool == nil {
		s.IssuerSignTool = &pki.IssuerSignTool{
			SignTool: defaultTool, CATool: defaultTool,
			SignToolCert: defaultToolCert, CAToolCert: defaultToolCert,
		}
	}
	return s
}

func (s Settings) crlValidity() time.Duration { return time.Duration(s.CRLHours) * time.Hour }

// Check reports settings that cannot be used and names the field.
func (s Settings) Check() error {
	if s.UserMonths < 0 || s.UserMonths > subscriberMonths {
		return errors.New("ca: userMonths: not from 0 to 36")
	}
	if err := CheckLedgerURI(s.Ledger); err != nil {
		return err
	}
	if s.Node != "" {
		if err := journal.CheckNode(s.Node); err != nil {
			return fmt.Errorf("ca: %w", err)
		}
	}
	if err := s.Lists.check(); err != nil {
		return err
	}
	if s.CRLHours < 0 || s.CRLHours > 24*366 {
		return errors.New("ca: crlHours: not from 0 to 8784")
	}
	for _, f := range []struct {
		name string
		urls []string
	}{{"crlUrls", s.CRLURLs}, {"ocspUrls", s.OCSPURLs}, {"issuerUrls", s.IssuerURLs}} {
		for _, text := range f.urls {
			// RFC 5280, section 4.2.1.13: a reader fetches by HTTP or LDAP.
			u, err := url.Parse(text)
			if err != nil || u.Host == "" && u.Scheme != "ldap" || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "ldap" {
				return fmt.Errorf("ca: %s: %q is not an http, https or ldap address", f.name, text)
			}
		}
	}
	return nil
}

// The files of an authority's directory; the package comment describes them.
const (
	CertificateFile = "ca.cer"
	ChainFile       = "chain.pem"
	SettingsFile    = "config.json"
	KeyFile         = "ca.key"
	LedgerFile      = "ledger.db"
	SocketFile      = "ca.sock"
)

// Dir is what an authority's directory holds beside the key and the ledger.
type Dir struct {
	Certificate *pki.Certificate
	Chain       []*pki.Certificate // issuer first; nil for a root
	Settings    Settings
	Profiles    *ProfileSet // WriteDir: nil is the shipped ones
}

// ReadDir reads the directory of an authority.
func ReadDir(path string) (*Dir, error) {
	der, err := readBounded(filepath.Join(path, CertificateFile), limits.AuthorityFile)
	if err != nil {
		return nil, err
	}
	d := new(Dir)
	if d.Certificate, err = pki.ParseCertificate(der); err != nil {
		return nil, fmt.Errorf("ca: %s: %w", CertificateFile, err)
	}
	if d.Chain, err = readChain(filepath.Join(path, ChainFile)); err != nil {
		return nil, err
	}
	text, err := readBounded(filepath.Join(path, SettingsFile), limits.AuthorityFile)
	if err != nil {
		return nil, err
	}
	if d.Settings, err = ParseSettings(text); err != nil {
		return nil, err
	}
	d.Profiles, err = ReadProfiles(path)
	return d, err
}

// ParseSettings reads the JSON of config.json. An unknown member is an error:
// a misspelt address would silently be left out of certificates.
func ParseSettings(text []byte) (Settings, error) {
	var s Settings
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		return Settings{}, fmt.Errorf("ca: %s: %w", SettingsFile, err)
	}
	if dec.More() {
		return Settings{}, fmt.Errorf("ca: %s: more than one JSON value", SettingsFile)
	}
	return s, s.Check()
}

// WriteDir creates the directory of an authority with mode 0700 if it does not
// exist and writes its files. It refuses to replace a certificate.
func WriteDir(path string, d *Dir) error {
	if err := d.Settings.Check(); err != nil {
		return err
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fmt.Errorf("ca: %w", err)
	}
	text, err := json.MarshalIndent(d.Settings, "", "  ")
	if err != nil {
		return fmt.Errorf("ca: %s: %w", SettingsFile, err)
	}
	if err := writeNew(filepath.Join(path, SettingsFile), append(text, '\n')); err != nil {
		return err
	}
	profiles := Profiles()
	if d.Profiles != nil {
		profiles = d.Profiles.All()
	}
	if err := WriteProfiles(path, profiles); err != nil {
		return err
	}
	if len(d.Chain) > 0 {
		if err := writeNew(filepath.Join(path, ChainFile), chainPEM(d.Chain)); err != nil {
			return err
		}
	}
	// Last: its presence makes the directory an authority's.
	return writeNew(filepath.Join(path, CertificateFile), d.Certificate.Raw)
}
