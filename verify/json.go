package verify

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
)

// The JSON form. Keys, statuses, reasons and check IDs are stable and never
// translated; statusText is Russian, details and remedies are in the report's
// language. The order of keys is that of the fields.

type jsonReport struct {
	Status        string          `json:"status"`
	StatusText    string          `json:"statusText"`
	Kind          string          `json:"kind"`
	At            string          `json:"at"`
	Policy        string          `json:"policy"`
	Indication    string          `json:"indication"`
	SubIndication string          `json:"subIndication,omitempty"`
	Certificate   *jsonCert       `json:"certificate,omitempty"`
	GenTime       string          `json:"genTime,omitempty"`
	Signatures    []jsonSignature `json:"signatures,omitempty"`
	Checks        []jsonCheck     `json:"checks"`
	Warnings      []string        `json:"warnings,omitempty"`
	Explanation   string          `json:"explanation,omitempty"`
	Remedy        string          `json:"remedy,omitempty"`
	Notice        string          `json:"notice"`
}

type jsonSignature struct {
	Status            string          `json:"status"`
	StatusText        string          `json:"statusText"`
	Indication        string          `json:"indication"`
	SubIndication     string          `json:"subIndication,omitempty"`
	Signer            *jsonCert       `json:"signer"`
	ClaimedTime       string          `json:"claimedTime,omitempty"`
	BestTime          string          `json:"bestTime,omitempty"`
	Level             string          `json:"level"`
	ClaimedLevel      string          `json:"claimedLevel,omitempty"` // where it is not level
	SignatureKind     string          `json:"signatureKind"`
	Checks            []jsonCheck     `json:"checks"`
	TimeStamps        []jsonTimeStamp `json:"timeStamps,omitempty"`
	CounterSignatures []jsonSignature `json:"counterSignatures,omitempty"`
	Warnings          []string        `json:"warnings,omitempty"`
	Explanation       string          `json:"explanation,omitempty"`
	Remedy            string          `json:"remedy,omitempty"`
}

type jsonTimeStamp struct {
	Kind          string      `json:"kind,omitempty"`
	Status        string      `json:"status"`
	Indication    string      `json:"indication"`
	SubIndication string      `json:"subIndication,omitempty"`
	GenTime       string      `json:"genTime,omitempty"`
	Serial        string      `json:"serial,omitempty"` // hex
	Policy        string      `json:"policy,omitempty"` // object identifier
	TSA           *jsonCert   `json:"tsa"`
	Checks        []jsonCheck `json:"checks"`
}

type jsonCert struct {
	Subject   string `json:"subject"`
	Issuer    string `json:"issuer"`
	Serial    string `json:"serial"`
	NotBefore string `json:"notBefore"`
	NotAfter  string `json:"notAfter"`
}

type jsonCheck struct {
	ID     string `json:"id"`
	Cite   string `json:"cite"`
	Result string `json:"result"`
	Detail string `json:"detail"`
}

// MarshalJSON returns the report in the form of `verify --json`. The same
// report always gives the same octets.
func (r *Report) MarshalJSON() ([]byte, error) {
	out := jsonReport{
		Status: r.Verdict().String(), StatusText: StatusText(r.Kind, r.Verdict(), Russian), Kind: r.Kind.String(),
		At: stamp(r.At), Indication: r.Status.String(), SubIndication: string(r.Reason),
		Certificate: certOf(r.Certificate), GenTime: stamp(r.GenTime), Checks: checksOf(r.Checks), Warnings: r.Warnings(), Notice: Notice(r.Lang),
	}
	if r.Policy != nil {
		out.Policy = r.Policy.Name
	}
	if r.Status != Passed {
		out.Explanation, out.Remedy = r.Text(r.Lang), r.Remedy(r.Lang)
	}
	for _, s := range r.Signatures {
		out.Signatures = append(out.Signatures, r.signature(s))
	}
	return json.Marshal(out)
}

func (r *Report) signature(s *Signature) jsonSignature {
	out := jsonSignature{
		Status: s.Verdict().String(), StatusText: StatusText(KindSignature, s.Verdict(), Russian),
		Indication: s.Status.String(), SubIndication: string(s.Reason), Signer: certOf(s.Signer),
		ClaimedTime: stamp(s.ClaimedTime), BestTime: stamp(s.BestTime), Level: s.Level, SignatureKind: s.Kind,
		Checks: checksOf(s.Checks), Warnings: s.Warnings(),
	}
	if s.Status != Passed {
		out.Explanation, out.Remedy = s.Text(r.Lang), s.Remedy(r.Lang)
	}
	if s.Status == Passed && s.Kind == kindQualified {
		out.Explanation = QualifiedForm(r.Lang)
	}
	if s.ClaimedLevel != s.Level {
		out.ClaimedLevel = s.ClaimedLevel
	}
	for _, t := range s.TimeStamps {
		out.TimeStamps = append(out.TimeStamps, jsonTimeStamp{
			Kind: t.Kind, Serial: hexOf(t.Serial), Policy: string(t.Policy), Status: t.Verdict().String(), Indication: t.Status.String(),
			SubIndication: string(t.Reason), GenTime: stamp(t.GenTime), TSA: certOf(t.TSA), Checks: checksOf(t.Checks),
		})
	}
	for _, c := range s.Counter {
		out.CounterSignatures = append(out.CounterSignatures, r.signature(c))
	}
	return out
}

func certOf(c *pki.Certificate) *jsonCert {
	if c == nil {
		return nil
	}
	return &jsonCert{
		Subject: c.Subject.String(), Issuer: c.Issuer.String(), Serial: c.SerialHex(),
		NotBefore: stamp(c.NotBefore), NotAfter: stamp(c.NotAfter),
	}
}

// hexOf writes a number as a certificate's serial number is written; nil is the
// empty string.
func hexOf(n *big.Int) string {
	if n == nil {
		return ""
	}
	if n.Sign() <= 0 {
		return fmt.Sprintf("%02x", n)
	}
	return hex.EncodeToString(n.Bytes())
}

func checksOf(checks []Check) []jsonCheck {
	out := make([]jsonCheck, 0, len(checks))
	for _, c := range checks {
		out = append(out, jsonCheck{ID: c.ID, Cite: c.Cite, Result: c.Result(), Detail: c.Detail})
	}
	return out
}

// stamp formats a time as RFC 3339 in UTC; a zero time is the empty string.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
