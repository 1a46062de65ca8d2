package cli

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/report"
)

// A line is one row of what a show command prints.
type line struct {
	name  text
	value string
}

// printLines prints rows with aligned names; rows without a value are left out.
func (a *app) printLines(lines []line) {
	width := 0
	for _, l := range lines {
		if l.value != "" {
			width = max(width, len([]rune(a.t(l.name))))
		}
	}
	for _, l := range lines {
		if l.value == "" {
			continue
		}
		name := a.t(l.name)
		pad := strings.Repeat(" ", width-len([]rune(name)))
		fmt.Fprintf(a.out, "%s:%s %s\n", name, pad, strings.ReplaceAll(safe(l.value), "\n", "\n"+strings.Repeat(" ", width+2)))
	}
}

// safe replaces control characters and those that change the direction of text
// or are not seen, so that a hostile name can neither drive a terminal nor show
// something else than it says. Line breaks stay: they are ours.
func safe(s string) string { return report.PrintableLines(s) }

// stamp prints a time as RFC 3339 in UTC, or "" for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// keyUsageNames are the names of RFC 5280, section 4.2.1.3, by bit.
var keyUsageNames = []string{
	"digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement",
	"keyCertSign", "cRLSign", "encipherOnly", "decipherOnly",
}

func keyUsageList(u pki.KeyUsage) (names []string) {
	for i, n := range keyUsageNames {
		if u&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	return names
}

func oidNames(list []oid.OID) (names []string) {
	for _, o := range list {
		names = append(names, o.Name())
	}
	return names
}

// A certificateView is `cert show --json`.
type certificateView struct {
	Subject         string        `json:"subject"`
	Issuer          string        `json:"issuer"`
	Serial          string        `json:"serial"`
	NotBefore       string        `json:"notBefore"`
	NotAfter        string        `json:"notAfter"`
	KeyNotBefore    string        `json:"privateKeyNotBefore,omitempty"`
	KeyNotAfter     string        `json:"privateKeyNotAfter,omitempty"`
	Key             string        `json:"key"`
	KeyError        string        `json:"keyError,omitempty"`
	SignatureAlg    string        `json:"signatureAlgorithm"`
	CA              bool          `json:"ca"`
	KeyUsage        []string      `json:"keyUsage,omitempty"`
	ExtKeyUsage     []string      `json:"extKeyUsage,omitempty"`
	Policies        []string      `json:"policies,omitempty"`
	SubjectSignTool string        `json:"subjectSignTool,omitempty"`
	CRLs            []string      `json:"crlDistributionPoints,omitempty"`
	OCSP            []string      `json:"ocsp,omitempty"`
	Issuers         []string      `json:"caIssuers,omitempty"`
	SubjectKeyID    string        `json:"subjectKeyIdentifier,omitempty"`
	AuthorityKeyID  string        `json:"authorityKeyIdentifier,omitempty"`
	SHA1            string        `json:"sha1"`
	SHA256          string        `json:"sha256"`
	Streebog256     string        `json:"streebog256"`
	Findings        []findingView `json:"findings,omitempty"`
}

// A findingView is one deviation met while parsing.
type findingView struct {
	Severity string `json:"severity"`
	Code     string `json:"code"`
	Field    string `json:"field,omitempty"`
	Detail   string `json:"detail,omitempty"`
	Cite     string `json:"cite,omitempty"`
}

func findingViews(list []pki.Finding) (out []findingView) {
	for _, f := range list {
		out = append(out, findingView{f.Severity.String(), f.Code, f.Field, f.Detail, f.Cite})
	}
	return out
}

func viewCertificate(c *pki.Certificate) certificateView {
	sha1, sha256, streebog := c.Thumbprints()
	v := certificateView{
		Subject: c.Subject.String(), Issuer: c.Issuer.String(), Serial: c.SerialHex(),
		NotBefore: stamp(c.NotBefore), NotAfter: stamp(c.NotAfter),
		KeyNotBefore: stamp(c.PrivateKeyNotBefore), KeyNotAfter: stamp(c.PrivateKeyNotAfter),
		SignatureAlg: c.SignatureAlgorithm.OID.Name(), CA: c.IsCA,
		KeyUsage: keyUsageList(c.KeyUsage), ExtKeyUsage: oidNames(c.ExtKeyUsage), Policies: oidNames(c.Policies),
		SubjectSignTool: c.SubjectSignTool, CRLs: c.CRLDistributionPoints, OCSP: c.OCSPServers, Issuers: c.IssuingCertificateURLs,
		SubjectKeyID: hex.EncodeToString(c.SubjectKeyID), AuthorityKeyID: hex.EncodeToString(c.AuthorityKeyID),
		SHA1: hex.EncodeToString(sha1), SHA256: hex.EncodeToString(sha256), Streebog256: hex.EncodeToString(streebog),
		Findings: findingViews(c.Findings),
	}
	if c.PublicKey != nil {
		v.Key = alg.KeyName(c.PublicKey)
	} else if c.PublicKeyError != nil {
		v.KeyError = c.PublicKeyError.Error()
	}
	return v
}

// printCertificate prints a certificate for a person.
func (a *app) printCertificate(c *pki.Certificate) {
	v := viewCertificate(c)
	ca := ""
	if v.CA {
		ca = a.t(text{"да", "yes"})
	}
	a.printLines([]line{
		{text{"Владелец", "Subject"}, v.Subject},
		{text{"Издатель", "Issuer"}, v.Issuer},
		{text{"Серийный номер", "Serial number"}, v.Serial},
		{text{"Действует с", "Valid from"}, v.NotBefore},
		{text{"Действует по", "Valid until"}, v.NotAfter},
		{text{"Ключ подписи с", "Private key from"}, v.KeyNotBefore},
		{text{"Ключ подписи по", "Private key until"}, v.KeyNotAfter},
		{text{"Открытый ключ", "Public key"}, v.Key + v.KeyError},
		{text{"Алгоритм подписи", "Signature algorithm"}, v.SignatureAlg},
		{text{"Удостоверяющий центр", "Certification authority"}, ca},
		{text{"Использование ключа", "Key usage"}, strings.Join(v.KeyUsage, ", ")},
		{text{"Расширенное использование", "Extended key usage"}, strings.Join(v.ExtKeyUsage, ", ")},
		{text{"Политики", "Policies"}, strings.Join(v.Policies, ", ")},
		{text{"Средство подписи владельца", "Subject's signature tool"}, v.SubjectSignTool},
		{text{"Списки отзыва", "Revocation lists"}, strings.Join(v.CRLs, "\n")},
		{text{"Служба OCSP", "OCSP service"}, strings.Join(v.OCSP, "\n")},
		{text{"Сертификат издателя", "Issuer's certificate"}, strings.Join(v.Issuers, "\n")},
		{text{"Идентификатор ключа", "Subject key identifier"}, v.SubjectKeyID},
		{text{"Идентификатор ключа издателя", "Authority key identifier"}, v.AuthorityKeyID},
		{text{"Отпечаток SHA-1", "SHA-1 thumbprint"}, v.SHA1},
		{text{"Отпечаток SHA-256", "SHA-256 thumbprint"}, v.SHA256},
		{text{"Отпечаток Стрибог-256", "Streebog-256 thumbprint"}, v.Streebog256},
	})
	a.printFindings(v.Findings)
}

func (a *app) printFindings(list []findingView) {
	for _, f := range list {
		fmt.Fprintf(a.out, "%s: %s (%s) %s\n", a.t(text{"Отклонение", "Deviation"}), safe(f.Field+": "+f.Detail), f.Severity, f.Cite)
	}
}
