package ceremony

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/ceremony/second"
)

var (
	nameForm   = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$`)
	digestForm = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

const (
	// containerStore is a file under a password.
	containerStore = "container"
	// maxDays bounds every period: a century.
	maxDays = 36525
	// lineDetail says what line accepts.
	lineDetail = "one line of at most 1024 octets without control characters"
)

// line reports whether a text of a plan can stand in a line of the transcript,
// which people read aloud and sign.
func line(text string) bool {
	return text != "" && len(text) <= limits.CeremonyText && text == strings.TrimSpace(text) &&
		!strings.ContainsFunc(text, func(r rune) bool {
			return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029'
		})
}

// checker follows the steps of a plan and knows what there is before each.
type checker struct {
	plan        *Plan
	n           int
	first       string              // the first authority
	keys        map[string]*KeyStep // by name
	authorities map[string]string   // name: its key, or its own name if it was opened
	files       map[string]bool     // names in certs/ and exports
	backed      map[string]bool     // keys with a backup
	destroyed   bool
}

func (c *checker) bad(field, format string, args ...any) error {
	return &PlanError{Step: c.n, Field: field, Detail: fmt.Sprintf(format, args...)}
}

func (c *checker) step(n int, s *Step) error {
	c.n = n
	if s.count() != 1 {
		return c.bad("step", "exactly one of key, root, subordinate, open, certificate, cross, lists, backup, export and destroy is required")
	}
	if c.destroyed {
		return c.bad("destroy", "it must be the last step")
	}
	switch {
	case s.Key != nil:
		return c.key(s.Key)
	case s.Root != nil:
		return c.root(s.Root)
	case s.Subordinate != nil:
		return c.subordinate(s.Subordinate)
	case s.Open != nil:
		return c.open(s.Open)
	case s.Certificate != nil:
		return c.certificate("certificate", s.Certificate)
	case s.Cross != nil:
		return c.certificate("cross", s.Cross)
	case s.Lists != nil:
		return c.lists(s.Lists)
	case s.Backup != nil:
		return c.backup(s.Backup)
	case s.Export != nil:
		return c.fresh("export.to", s.Export.To)
	}
	return c.destroy(s.Destroy)
}

// count returns how many members are set.
func (s *Step) count() (n int) {
	for _, set := range []bool{
		s.Key != nil, s.Root != nil, s.Subordinate != nil, s.Open != nil, s.Certificate != nil,
		s.Cross != nil, s.Lists != nil, s.Backup != nil, s.Export != nil, s.Destroy != nil,
	} {
		if set {
			n++
		}
	}
	return n
}

// reserved are names in the folder of a ceremony.
var reserved = []string{"ca", "certs", "crl", "inputs", "keys"}

// fresh checks a name of a file or folder that the ceremony makes.
func (c *checker) fresh(field, name string) error {
	if !nameForm.MatchString(name) || slices.Contains(reserved, name) || c.files[name] || c.authorities[name] != "" {
		return c.bad(field, "a new name of a-z, 0-9 and hyphens is required, and none of %s", strings.Join(reserved, ", "))
	}
	c.files[name] = true
	return nil
}

func (c *checker) key(k *KeyStep) error {
	if c.keys[k.Name] != nil || c.authorities[k.Name] == k.Name || !nameForm.MatchString(k.Name) {
		return c.bad("key.name", "a new name of a-z, 0-9 and hyphens is required")
	}
	if k.Algorithm != "gost2012-256" && k.Algorithm != "gost2012-512" {
		// The second path knows these only.
		return c.bad("key.algorithm", "gost2012-256 or gost2012-512 is required")
	}
	if k.ParamSet == "" {
		k.ParamSet = map[string]string{"gost2012-256": "cryptopro-a", "gost2012-512": "tc26-512-a"}[k.Algorithm]
	}
	probe, err := alg.GenerateKey(k.Algorithm, k.ParamSet)
	if err != nil || alg.IsTestKey(probe.Public()) {
		return c.bad("key.paramset", "%q is no parameter set of %s", k.ParamSet, k.Algorithm)
	}
	alg.Destroy(probe)
	if k.Store == "" {
		k.Store = containerStore
	}
	if k.Store != containerStore && (!strings.HasPrefix(k.Store, "pkcs11:") || !line(k.Store)) {
		return c.bad("key.store", `"container" or the URI pkcs11:… of a token is required`)
	}
	if strings.Contains(k.Store, "pin-value") {
		return c.bad("key.store", "a PIN does not belong into a plan")
	}
	c.keys[k.Name] = k
	return nil
}

// subject checks a name for both readers.
func (c *checker) subject(field, text string) error {
	if !line(text) {
		return c.bad(field, lineDetail)
	}
	if _, err := pki.ParseDN(text); err != nil {
		return &PlanError{Step: c.n, Field: field, Detail: "not a name", Err: err}
	}
	if _, err := second.Attributes(text); err != nil {
		return &PlanError{Step: c.n, Field: field, Detail: "the second path cannot read this name", Err: err}
	}
	return nil
}

func (c *checker) days(field string, n int) error {
	if n < 1 || n > maxDays {
		return c.bad(field, "1 to %d days are required", maxDays)
	}
	return nil
}

func (c *checker) root(a *AuthorityStep) error {
	if a.Authority != "" || a.Profile != "" {
		return c.bad("root", "nobody issues a root: authority and profile do not belong here")
	}
	if a.KeyDays < 0 || a.KeyDays >= a.Days {
		return c.bad("root.keyDays", "the key's period is shorter than the certificate's")
	}
	if a.PathLength != nil && (*a.PathLength < 0 || *a.PathLength > 16) {
		return c.bad("root.pathLength", "not from 0 to 16")
	}
	return c.authority("root", a)
}

func (c *checker) subordinate(a *AuthorityStep) error {
	if a.KeyDays != 0 || a.PathLength != nil {
		return c.bad("subordinate", "keyDays and pathLength are those of the profile")
	}
	if err := c.issuer("subordinate.authority", a.Authority); err != nil {
		return err
	}
	if a.Profile == "" {
		a.Profile = ca.SubCA().Name
	}
	if !line(a.Profile) {
		return c.bad("subordinate.profile", lineDetail)
	}
	return c.authority("subordinate", a)
}

// authority checks what a root and a subordinate have in common.
func (c *checker) authority(kind string, a *AuthorityStep) error {
	if c.authorities[a.Name] != "" || c.files[a.Name] || !nameForm.MatchString(a.Name) {
		return c.bad(kind+".name", "a new name of a-z, 0-9 and hyphens is required")
	}
	if c.keys[a.Key] == nil {
		return c.bad(kind+".key", "%q is no key of a step before", a.Key)
	}
	for other, key := range c.authorities {
		if key == a.Key {
			// Two folders would number certificates and lists of one issuer.
			return c.bad(kind+".key", "the authority %s has this key already", other)
		}
	}
	if err := c.subject(kind+".subject", a.Subject); err != nil {
		return err
	}
	if err := c.days(kind+".days", a.Days); err != nil {
		return err
	}
	for _, list := range [][]string{a.CRLURLs, a.OCSPURLs, a.IssuerURLs} {
		if len(list) > limits.CeremonyAddresses || slices.ContainsFunc(list, func(u string) bool { return !line(u) }) {
			return c.bad(kind, "at most %d addresses of each kind, each in one line", limits.CeremonyAddresses)
		}
	}
	if err := a.settings().Check(); err != nil {
		return &PlanError{Step: c.n, Field: kind, Detail: "the addresses cannot be used", Err: err}
	}
	return c.add(a.Name, a.Key)
}

func (a *AuthorityStep) settings() ca.Settings {
	return ca.Settings{CRLURLs: a.CRLURLs, OCSPURLs: a.OCSPURLs, IssuerURLs: a.IssuerURLs}
}

func (c *checker) add(name, key string) error {
	c.authorities[name] = key
	if c.first == "" {
		c.first = name
	}
	return nil
}

func (c *checker) open(o *OpenStep) error {
	if c.authorities[o.Name] != "" || c.files[o.Name] || c.keys[o.Name] != nil || !nameForm.MatchString(o.Name) {
		return c.bad("open.name", "a new name of a-z, 0-9 and hyphens is required")
	}
	if !line(o.Folder) {
		return c.bad("open.folder", lineDetail)
	}
	if !digestForm.MatchString(o.Certificate) {
		return c.bad("open.certificate", "the Streebog-256 digest of its ca.cer in 64 lower-case hexadecimal digits is required")
	}
	return c.add(o.Name, o.Name)
}

func (c *checker) issuer(field, name string) error {
	if c.authorities[name] == "" {
		return c.bad(field, "%q is no authority of a step before", name)
	}
	return nil
}

func (c *checker) certificate(kind string, s *CertificateStep) error {
	if err := c.issuer(kind+".authority", s.Authority); err != nil {
		return err
	}
	switch {
	case kind == "cross" && (s.Request != "" || c.authorities[s.Of] == "" || s.Of == s.Authority):
		return c.bad("cross.of", "another authority of a step before is required, and no request")
	case kind == "certificate" && (s.Of != "" || !line(s.Request)):
		return c.bad("certificate.request", "the file of a request is required")
	case !line(s.Profile):
		return c.bad(kind+".profile", "a profile is required: subca, ocsp, tsa or a file")
	}
	if err := c.days(kind+".days", s.Days); err != nil {
		return err
	}
	return c.fresh(kind+".name", s.Name)
}

func (c *checker) lists(l *ListStep) error {
	if err := c.issuer("lists.authority", l.Authority); err != nil {
		return err
	}
	if l.Count == 0 {
		l.Count = 1
	}
	switch {
	case l.Count < 0 || l.Count > limits.CeremonyLists:
		return c.bad("lists.count", "1 to %d lists", limits.CeremonyLists)
	case l.Number < 0:
		return c.bad("lists.number", "not negative")
	case l.Overlap < 0 || l.Overlap > maxDays:
		return c.bad("lists.overlap", "0 to %d days", maxDays)
	}
	return c.days("lists.days", l.Days)
}

func (c *checker) backup(b *BackupStep) error {
	if !line(b.To) || filepath.Clean(b.To) == "." {
		return c.bad("backup.to", "a folder, "+lineDetail)
	}
	if err := c.containers("backup.keys", b.Keys); err != nil {
		return err
	}
	for _, k := range b.Keys {
		c.backed[k] = true
	}
	return nil
}

// containers checks a list of keys that are files.
func (c *checker) containers(field string, names []string) error {
	if len(names) == 0 {
		return c.bad(field, "names of keys are required")
	}
	for i, k := range names {
		if c.keys[k] == nil || c.keys[k].Store != containerStore || slices.Contains(names[:i], k) {
			return c.bad(field, "%q is no key in a container of a step before, or stands twice", k)
		}
	}
	return nil
}

func (c *checker) destroy(d *DestroyStep) error {
	if err := c.containers("destroy.keys", d.Keys); err != nil {
		return err
	}
	for _, k := range d.Keys {
		if !c.backed[k] {
			return c.bad("destroy.keys", "the key %s has no backup", k)
		}
	}
	c.destroyed = true
	return nil
}
