package verify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// A tunable is a check whose strictness a policy decides. Everything else, the
// signature value above all, is not a matter of policy.
type tunable struct {
	id     string // of the check, as reports have it
	action func(*Policy) *Action
}

// tunables has a row for every check of a policy file.
var tunables = []tunable{
	{"signing-certificate", func(p *Policy) *Action { return &p.SigningCertificate }},
	{"signing-time", func(p *Policy) *Action { return &p.SigningTime }},
	{"signer-identifier", func(p *Policy) *Action { return &p.SubjectKeyID }},
	{"private-key-usage-period", func(p *Policy) *Action { return &p.KeyUsagePeriod }},
	{"best-time", func(p *Policy) *Action { return &p.TimeStamp }},
	{"detached", func(p *Policy) *Action { return &p.Detached }},
	{"certificates-included", func(p *Policy) *Action { return &p.CertificatesIncluded }},
	{"level", func(p *Policy) *Action { return &p.MinimumLevel }},
	{"qualified-form", func(p *Policy) *Action { return &p.QualifiedForm }},
	{"accreditation", func(p *Policy) *Action { return &p.Accreditation }},
}

// PolicyChecks lists the IDs of the checks whose strictness a policy decides.
func PolicyChecks() []string {
	out := make([]string, len(tunables))
	for i, t := range tunables {
		out[i] = t.id
	}
	return out
}

// Action returns what the policy says about one of [PolicyChecks]; false for
// any other check.
func (p *Policy) Action(check string) (Action, bool) {
	for _, t := range tunables {
		if t.id == check {
			return *t.action(p), true
		}
	}
	return Fail, false
}

// PolicyError says which field of a policy file is wrong.
type PolicyError struct{ Field, Why string }

// Error names the field.
func (e *PolicyError) Error() string {
	if e.Field == "" {
		return "verify: policy: " + e.Why
	}
	return "verify: policy: " + e.Field + ": " + e.Why
}

// algorithmNames are those that a policy may accept.
var algorithmNames = []string{
	alg.NameGOST2012_256, alg.NameGOST2012_512, alg.NameStreebog256, alg.NameStreebog512, alg.NameGOST2001, alg.NameGOST341194,
	alg.NameRSA, alg.NameECDSA, alg.NameEd25519, alg.NameDSA, alg.NameMD5, alg.NameSHA1, alg.NameSHA224, alg.NameSHA256, alg.NameSHA384,
	alg.NameSHA512, alg.NameSHA3_256, alg.NameSHA3_384, alg.NameSHA3_512,
}

// policyFile is the form of a policy as JSON. Every field is always written, in
// this order, so that two files can be compared line by line.
type policyFile struct {
	Name        string               `json:"name"`
	Title       LocalText            `json:"title"`
	Description LocalText            `json:"description"`
	Checks      map[string]string    `json:"checks"`
	Level       string               `json:"level"`
	OwnAnchors  bool                 `json:"ownAnchors"`
	Algorithms  []policyFileAlg      `json:"algorithms"`
	Path        policyFilePath       `json:"path"`
	Evidence    policyFileRevocation `json:"evidence"`
	Unsafe      policyFileUnsafe     `json:"unsafe"`
}

type policyFileAlg struct {
	Name  string `json:"name"`
	Until string `json:"until,omitempty"` // RFC 3339
}

type policyFilePath struct {
	InitialPolicies  []string `json:"initialPolicies"`
	ExplicitPolicy   bool     `json:"explicitPolicy"`
	InhibitMapping   bool     `json:"inhibitMapping"`
	InhibitAnyPolicy bool     `json:"inhibitAnyPolicy"`
}

type policyFileRevocation struct {
	Order  []string `json:"order"`
	Skew   string   `json:"skew"`
	MaxAge string   `json:"maxAge"`
}

type policyFileUnsafe struct {
	TestParameters bool `json:"testParameters"`
	Legacy         bool `json:"legacy"`
	NoRevocation   bool `json:"noRevocation"`
	NoChain        bool `json:"noChain"`
}

// MarshalJSON writes the policy as a policy file; what is left to a default is
// written out.
func (p *Policy) MarshalJSON() ([]byte, error) {
	f := policyFile{
		Name: p.Name, Title: p.Title, Description: p.Description, Checks: map[string]string{}, Level: p.Level, OwnAnchors: p.OwnAnchors,
		Algorithms: []policyFileAlg{},
		Path: policyFilePath{
			InitialPolicies: []string{}, ExplicitPolicy: p.ExplicitPolicy, InhibitMapping: p.InhibitMapping, InhibitAnyPolicy: p.InhibitAnyPolicy,
		},
		Evidence: policyFileRevocation{Order: p.Evidence, Skew: p.Skew.String(), MaxAge: p.MaxAge.String()},
		Unsafe:   policyFileUnsafe{TestParameters: p.AllowTest, Legacy: p.UnsafeLegacy, NoRevocation: p.UnsafeNoRevocation, NoChain: p.UnsafeNoChain},
	}
	if f.Level == "" {
		f.Level = levels[0]
	}
	if f.Evidence.Order == nil {
		f.Evidence.Order = evidenceKinds
	}
	for _, t := range tunables {
		f.Checks[t.id] = t.action(p).String()
	}
	rules := p.Algorithms
	if rules == nil {
		rules = DefaultPolicy().Algorithms
	}
	for _, r := range rules {
		a := policyFileAlg{Name: r.Name}
		if !r.Until.IsZero() {
			a.Until = r.Until.UTC().Format(time.RFC3339)
		}
		f.Algorithms = append(f.Algorithms, a)
	}
	for _, id := range p.InitialPolicies {
		f.Path.InitialPolicies = append(f.Path.InitialPolicies, id.String())
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(f); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// UnmarshalJSON reads a policy file; see [ParsePolicy].
func (p *Policy) UnmarshalJSON(data []byte) error {
	q, err := ParsePolicy(data)
	if err == nil {
		*p = *q
	}
	return err
}

// evidenceKinds are the sources of revocation evidence in their usual order.
var evidenceKinds = []string{"ocsp", "crl"}

// ParsePolicy reads a policy file: JSON in UTF-8. A field that is not known is
// an error, and so is a check that is not named: a policy that forgets a check
// must not be the laxer for it. The error is a [*PolicyError], or that of the
// JSON decoder.
func ParsePolicy(data []byte) (*Policy, error) {
	if len(data) > limits.PolicyFile {
		return nil, &PolicyError{Why: fmt.Sprintf("longer than %d octets", limits.PolicyFile)}
	}
	var f policyFile
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("verify: policy: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, &PolicyError{Why: "there is something after the object"}
	}
	p := &Policy{
		Name: f.Name, Title: f.Title, Description: f.Description, Level: f.Level, OwnAnchors: f.OwnAnchors,
		ExplicitPolicy: f.Path.ExplicitPolicy, InhibitMapping: f.Path.InhibitMapping, InhibitAnyPolicy: f.Path.InhibitAnyPolicy,
		AllowTest: f.Unsafe.TestParameters, UnsafeLegacy: f.Unsafe.Legacy, UnsafeNoRevocation: f.Unsafe.NoRevocation, UnsafeNoChain: f.Unsafe.NoChain,
	}
	for _, read := range []func(*policyFile) error{p.readName, p.readChecks, p.readAlgorithms, p.readPath, p.readEvidence} {
		if err := read(&f); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *Policy) readName(f *policyFile) error {
	const most = 64
	if f.Name == "" || len(f.Name) > most || strings.Trim(f.Name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return &PolicyError{"name", "is not 1 to 64 lower-case letters, digits and hyphens"}
	}
	for _, t := range []struct{ field, text string }{
		{"title.ru", f.Title.RU}, {"title.en", f.Title.EN}, {"description.ru", f.Description.RU}, {"description.en", f.Description.EN},
	} {
		if len(t.text) > limits.PolicyText {
			return &PolicyError{t.field, fmt.Sprintf("longer than %d octets", limits.PolicyText)}
		}
	}
	if f.Level != "" && !slices.Contains(levels, f.Level) {
		return &PolicyError{"level", "is none of " + strings.Join(levels, ", ")}
	}
	return nil
}

func (p *Policy) readChecks(f *policyFile) error {
	for _, t := range tunables {
		word, ok := f.Checks[t.id]
		if !ok {
			return &PolicyError{"checks", "does not say what " + t.id + " is worth"}
		}
		found := false
		for a, name := range actionNames {
			if word == name {
				*t.action(p), found = a, true
			}
		}
		if !found {
			return &PolicyError{"checks." + t.id, "is none of fail, warn, inform, ignore"}
		}
		delete(f.Checks, t.id)
	}
	for _, id := range slices.Sorted(maps.Keys(f.Checks)) {
		return &PolicyError{"checks", fmt.Sprintf("%.64q is no check that a policy decides", id)}
	}
	return nil
}

func (p *Policy) readAlgorithms(f *policyFile) error {
	p.Algorithms = []AlgorithmRule{}
	for i, a := range f.Algorithms {
		field := fmt.Sprintf("algorithms[%d]", i)
		if !slices.Contains(algorithmNames, a.Name) {
			return &PolicyError{field, fmt.Sprintf("%.64q is none of %s", a.Name, strings.Join(algorithmNames, ", "))}
		}
		if _, known := p.sunset(a.Name); known {
			return &PolicyError{field, a.Name + " is there twice"}
		}
		r := AlgorithmRule{Name: a.Name}
		if a.Until != "" {
			t, err := time.Parse(time.RFC3339, a.Until)
			if err != nil || t.IsZero() || t.UTC().Year() < 1 || t.UTC().Year() > 9999 {
				return &PolicyError{field, "until is not an RFC 3339 time"}
			}
			r.Until = t.UTC()
		}
		p.Algorithms = append(p.Algorithms, r)
	}
	return nil
}

func (p *Policy) readPath(f *policyFile) error {
	if len(f.Path.InitialPolicies) > limits.PolicyInitial {
		return &PolicyError{"path.initialPolicies", fmt.Sprintf("more than %d", limits.PolicyInitial)}
	}
	for i, text := range f.Path.InitialPolicies {
		id, err := oid.Parse(text)
		if err != nil || len(text) > limits.PolicyText {
			return &PolicyError{fmt.Sprintf("path.initialPolicies[%d]", i), "is not an object identifier"}
		}
		p.InitialPolicies = append(p.InitialPolicies, id)
	}
	return nil
}

func (p *Policy) readEvidence(f *policyFile) error {
	for i, kind := range f.Evidence.Order {
		if !slices.Contains(evidenceKinds, kind) || slices.Contains(f.Evidence.Order[:i], kind) {
			return &PolicyError{"evidence.order", "does not name ocsp and crl at most once each"}
		}
	}
	if p.Evidence = f.Evidence.Order; len(p.Evidence) == 0 {
		p.Evidence = nil
	}
	for _, d := range []struct {
		field, text string
		to          *time.Duration
	}{{"evidence.skew", f.Evidence.Skew, &p.Skew}, {"evidence.maxAge", f.Evidence.MaxAge, &p.MaxAge}} {
		if d.text == "" {
			continue
		}
		v, err := time.ParseDuration(d.text)
		if err != nil {
			return &PolicyError{d.field, `is not a duration such as "5m" or "24h"`}
		}
		*d.to = v
	}
	return nil
}
