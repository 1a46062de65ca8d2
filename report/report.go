// Package report writes the answer of package verify for people and for other
// programs: a protocol as HTML, PDF or text («Протокол проверки электронной
// подписи»), the validation report of ETSI TS 119 102-2, and JSON.
//
// What the package promises:
//   - it decides nothing: every word comes from a [verify.Report];
//   - the same input gives the same octets, in every form;
//   - what a stranger wrote into a certificate or a file's name is shown as
//     text and cannot be anything else: see [Printable];
//   - every protocol carries the digest of its JSON form ([Digest]) as text and
//     as a QR code, and the line that the program is not a certified tool
//     ([verify.Notice]).
//
// The language of a protocol is that of the report.
package report

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/verify"
)

// Input is what a report is made of. Only Report is required.
type Input struct {
	Report *verify.Report

	DocumentName  string // name of the document's file; "": there was none, or it has no name
	SignatureName string // name of the signature's file; "": the document holds its signatures

	// Digests of the two files: the names are those of `gosklyuch hash`
	// ("streebog256", "streebog512") and "sha256", the values are hex.
	DocumentDigests, SignatureDigests map[string]string

	Program, Version string // who made the report, for example "gosklyuch", "1.0"
}

// Errors that callers may want to tell apart.
var (
	// ErrNoReport is returned for an Input without a report.
	ErrNoReport = errors.New("report: there is no report to write")
	// ErrNotSignature is returned by XML for a report about a certificate, a
	// list, an answer or a request: ETSI TS 119 102-2 has no form for them.
	ErrNotSignature = errors.New("report: the ETSI validation report is about signatures and time stamps only")
)

// Format is a form in which a report is written.
type Format string

// The formats, by the extension of their files.
const (
	FormatHTML Format = ".html"
	FormatPDF  Format = ".pdf"
	FormatXML  Format = ".xml"
	FormatJSON Format = ".json"
	FormatText Format = ".txt"
)

// Formats lists the formats.
func Formats() []Format {
	return []Format{FormatHTML, FormatPDF, FormatXML, FormatJSON, FormatText}
}

// Write writes the report in the given format.
func Write(w io.Writer, in Input, f Format) error {
	switch f {
	case FormatHTML:
		return HTML(w, in)
	case FormatPDF:
		return PDF(w, in)
	case FormatXML:
		return XML(w, in)
	case FormatJSON:
		return JSON(w, in)
	case FormatText:
		return Text(w, in)
	}
	return fmt.Errorf("report: no report is written as %q", string(f))
}

// jsonFile is what the JSON form says about one file.
type jsonFile struct {
	Name    string            `json:"name,omitempty"`
	Digests map[string]string `json:"digests,omitempty"`
}

type jsonProgram struct {
	Name    string `json:"name,omitempty"`
	Version string `json:"version,omitempty"`
}

// jsonInput is the JSON form of an Input. The report itself is that of
// `verify --json`, the policy that of a policy file.
type jsonInput struct {
	Document  *jsonFile      `json:"document,omitempty"`
	Signature *jsonFile      `json:"signature,omitempty"`
	Program   *jsonProgram   `json:"program,omitempty"`
	Policy    *verify.Policy `json:"policy,omitempty"`
	Report    *verify.Report `json:"report"`
}

// JSON writes the report as JSON: "report" is the document of `verify --json`,
// beside it stand the names and digests of the files, the whole policy, and the
// program. Text is UTF-8; the octets are those that [Digest] covers.
func JSON(w io.Writer, in Input) error {
	b, err := canonical(in)
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

func canonical(in Input) ([]byte, error) {
	if in.Report == nil {
		return nil, ErrNoReport
	}
	out := jsonInput{
		Document: fileOf(in.DocumentName, in.DocumentDigests), Signature: fileOf(in.SignatureName, in.SignatureDigests),
		Policy: in.Report.Policy, Report: in.Report,
	}
	if in.Program != "" {
		out.Program = &jsonProgram{in.Program, in.Version}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(out); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	return b.Bytes(), nil
}

func fileOf(name string, digests map[string]string) *jsonFile {
	if name == "" && len(digests) == 0 {
		return nil
	}
	return &jsonFile{name, digests}
}

// Digest returns the Streebog-256 digest (GOST R 34.11-2012) of what [JSON]
// writes, as 64 hex digits: the number that stands in every protocol. Who has
// the JSON file compares it with `gosklyuch hash`.
func Digest(in Input) (string, error) {
	b, err := canonical(in)
	if err != nil {
		return "", err
	}
	h, err := alg.NewHash(alg.Identifier{OID: oid.Streebog256})
	if err != nil {
		return "", fmt.Errorf("report: %w", err)
	}
	h.Write(b)
	return hex.EncodeToString(h.Sum(nil)), nil
}
