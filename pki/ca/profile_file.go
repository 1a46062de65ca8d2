package ca

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/internal/strictyaml"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// profileFile is the form of a profile in a file. Its members are written in
// this order; the guide for operators describes each.
type profileFile struct {
	Name    string `yaml:"name"`
	Version int    `yaml:"version"`
	Subject struct {
		Required  []string `yaml:"required,flow,omitempty"`
		Allowed   []string `yaml:"allowed,flow,omitempty"`
		LongNames bool     `yaml:"longNames,omitempty"`
	} `yaml:"subject,omitempty"`
	Validity struct {
		Years     int `yaml:"years,omitempty"`
		Months    int `yaml:"months,omitempty"`
		MaxMonths int `yaml:"maxMonths,omitempty"`
	} `yaml:"validity,omitempty"`
	KeyPeriod struct {
		Months int `yaml:"months,omitempty"`
	} `yaml:"keyPeriod,omitempty"`
	CA *struct {
		PathLength int `yaml:"pathLength"`
	} `yaml:"ca,omitempty"`
	Keys                []string `yaml:"keys,flow,omitempty"`
	KeyUsage            []string `yaml:"keyUsage,flow"`
	ExtKeyUsage         []string `yaml:"extKeyUsage,flow,omitempty"`
	ExtKeyUsageCritical bool     `yaml:"extKeyUsageCritical,omitempty"`
	Policies            []string `yaml:"policies,flow,omitempty"`
	AltNames            []string `yaml:"altNames,flow,omitempty"`
	Subscriber          bool     `yaml:"subscriber,omitempty"`
	Tools               bool     `yaml:"tools,omitempty"`
	OCSPNoCheck         bool     `yaml:"ocspNoCheck,omitempty"`
	Strict              bool     `yaml:"strict,omitempty"`
	RenewSameKey        bool     `yaml:"renewSameKey,omitempty"`
	Approvals           *struct {
		Count int    `yaml:"count"`
		Roles []Role `yaml:"roles,flow"`
	} `yaml:"approvals,omitempty"`
}

// YAML returns the canonical text of a profile: the same profile gives the same
// octets, and [ParseProfile] reads it back. It fails as [Profile.Check] does.
func (p Profile) YAML() ([]byte, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	f := profileFile{
		Name: p.Name, Version: p.version(), Keys: p.Keys, KeyUsage: usageTexts(p.KeyUsage),
		ExtKeyUsage: names(p.ExtKeyUsage), ExtKeyUsageCritical: p.ExtKeyUsageCritical, Policies: names(p.Policies),
		Subscriber: p.Subscriber, Tools: p.Tools, OCSPNoCheck: p.OCSPNoCheck, Strict: p.Strict, RenewSameKey: p.RenewSameKey,
	}
	f.Subject.Required, f.Subject.Allowed, f.Subject.LongNames = names(p.Required), names(p.Allowed), p.LongNames
	f.Validity.Years, f.Validity.Months, f.Validity.MaxMonths = p.Years, p.Months, p.MaxMonths
	f.KeyPeriod.Months = p.KeyMonths
	for _, k := range p.AltNames {
		text, _ := altNameText(k) // Check has seen them
		f.AltNames = append(f.AltNames, text)
	}
	if p.CA {
		f.CA = &struct {
			PathLength int `yaml:"pathLength"`
		}{p.MaxPathLen}
	}
	if a := p.Approvals; a.Count > 0 {
		f.Approvals = &struct {
			Count int    `yaml:"count"`
			Roles []Role `yaml:"roles,flow"`
		}{a.Count, a.Roles}
	}
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := errors.Join(enc.Encode(f), enc.Close()); err != nil {
		return nil, fmt.Errorf("ca: profile %s: %w", p.Ref(), err)
	}
	return out.Bytes(), nil
}

// ParseProfile reads a profile from YAML of at most 64 KiB
// (limits.ProfileFile) in UTF-8. An unknown or repeated member, an anchor or an
// alias, a second document and everything that [Profile.Check] refuses is an
// error: a misspelt rule must not silently be no rule. The error is a
// *[ProfileError].
func ParseProfile(text []byte) (Profile, error) {
	var f profileFile
	if err := strictyaml.Decode(text, limits.ProfileFile, &f); err != nil {
		return Profile{}, &ProfileError{Profile: "file", Detail: "not a profile", Err: err}
	}
	p, err := f.profile()
	if err != nil {
		return Profile{}, err
	}
	return p, p.Check()
}

// profile converts what was read; Check follows.
func (f *profileFile) profile() (Profile, error) {
	bad := func(field, detail string) (Profile, error) {
		return Profile{}, &ProfileError{Profile: f.Name, Field: field, Detail: detail}
	}
	if f.Version < 1 {
		return bad("version", "1 or more is required")
	}
	p := Profile{
		Name: f.Name, Version: f.Version, LongNames: f.Subject.LongNames,
		Years: f.Validity.Years, Months: f.Validity.Months, MaxMonths: f.Validity.MaxMonths, KeyMonths: f.KeyPeriod.Months,
		Keys: f.Keys, ExtKeyUsageCritical: f.ExtKeyUsageCritical, Subscriber: f.Subscriber, Tools: f.Tools,
		OCSPNoCheck: f.OCSPNoCheck, Strict: f.Strict, RenewSameKey: f.RenewSameKey,
	}
	if f.CA != nil {
		p.CA, p.MaxPathLen = true, f.CA.PathLength
	}
	if f.Approvals != nil {
		if f.Approvals.Count < 1 {
			return bad("approvals.count", "1 or more; leave approvals out where nobody has to agree")
		}
		p.Approvals = ApprovalRule{Count: f.Approvals.Count, Roles: f.Approvals.Roles}
	}
	for _, l := range []struct {
		field string
		from  []string
		to    *[]oid.OID
	}{
		{"subject.required", f.Subject.Required, &p.Required},
		{"subject.allowed", f.Subject.Allowed, &p.Allowed},
		{"extKeyUsage", f.ExtKeyUsage, &p.ExtKeyUsage},
		{"policies", f.Policies, &p.Policies},
	} {
		for _, text := range l.from {
			o, ok := identifier(text)
			if !ok {
				return bad(l.field, fmt.Sprintf("%q is neither a known name nor an object identifier", text))
			}
			*l.to = append(*l.to, o)
		}
	}
	for _, text := range f.KeyUsage {
		bit, ok := usageBit(text)
		if !ok || p.KeyUsage&bit != 0 {
			return bad("keyUsage", fmt.Sprintf("%q is unknown or stands twice", text))
		}
		p.KeyUsage |= bit
	}
	for _, text := range f.AltNames {
		kind, ok := altNameKind(text)
		if !ok {
			return bad("altNames", fmt.Sprintf("%q: email, dns, uri or ip", text))
		}
		p.AltNames = append(p.AltNames, kind)
	}
	return p, nil
}

// names returns the known name of each identifier, or its dotted form.
func names(list []oid.OID) []string {
	var out []string
	for _, o := range list {
		text := string(o)
		// Two identifiers may share a name: only one that leads back is used.
		if info, ok := oid.Lookup(o); ok {
			if back, ok := oid.ByName(info.Name); ok && back == o {
				text = info.Name
			}
		}
		out = append(out, text)
	}
	return out
}

// identifier reads a known name or a dotted identifier.
func identifier(text string) (oid.OID, bool) {
	if o, ok := oid.ByName(text); ok {
		return o, true
	}
	o, err := oid.Parse(text)
	return o, err == nil && strings.Count(string(o), ".") > 1
}

// usageNames are the names of the bits of keyUsage (RFC 5280, section 4.2.1.3),
// bit 0 first.
var usageNames = [...]string{
	"digitalSignature", "contentCommitment", "keyEncipherment", "dataEncipherment", "keyAgreement",
	"keyCertSign", "cRLSign", "encipherOnly", "decipherOnly",
}

func usageTexts(ku pki.KeyUsage) []string {
	var out []string
	for i, name := range usageNames {
		if ku&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	return out
}

func usageBit(name string) (pki.KeyUsage, bool) {
	i := slices.Index(usageNames[:], name)
	return 1 << max(i, 0), i >= 0
}

// altNames are the kinds of subjectAltName that a profile can allow.
var altNames = [...]struct {
	text string
	kind pki.GeneralNameKind
}{{"email", pki.RFC822Name}, {"dns", pki.DNSName}, {"uri", pki.URIName}, {"ip", pki.IPAddress}}

func altNameText(kind pki.GeneralNameKind) (string, bool) {
	for _, a := range altNames {
		if a.kind == kind {
			return a.text, true
		}
	}
	return "", false
}

func altNameKind(text string) (pki.GeneralNameKind, bool) {
	for _, a := range altNames {
		if a.text == text {
			return a.kind, true
		}
	}
	return 0, false
}

// keyAlgorithms are the key algorithms that a profile may name; RSA keys of
// any accepted length are "rsa".
func keyAlgorithms() []string {
	return []string{"gost2012-256", "gost2012-512", "ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "rsa", "ed25519"}
}
