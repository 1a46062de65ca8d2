package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/report"
	"github.com/gosklyuch/gosklyuch/verify"
)

// batchMarks stand before a document.
var batchMarks = map[string]string{
	verify.VerdictValid.String(): "+", verify.VerdictInvalid.String(): "-", verify.VerdictRevoked.String(): "-",
	verify.VerdictIndeterminate.String(): "?", batchError: "x", batchUnsigned: " ",
}

// textLine prints one document for a person. An error says that nobody reads any
// more.
func (r *batchRun) textLine(i *batchItem) error {
	name := i.doc
	if name == "" {
		name = i.sig
	}
	_, err := fmt.Fprintf(r.lines, "%s %s: %s\n", batchMarks[i.status()], report.Printable(name), report.Printable(r.outcome(i)))
	return err
}

// outcome says in one line what is known of a document.
func (r *batchRun) outcome(i *batchItem) string {
	switch {
	case i.err != nil:
		return r.t(r.sentence(i.err).message)
	case i.rep == nil:
		return r.t(text{"подписи нет", "no signature"})
	}
	s := i.rep.StatusText()
	if i.doc == "" && i.rep.Reason == verify.SignedDataNotFound {
		return r.t(text{"документа к этой подписи нет", "the document of this signature is missing"})
	}
	if i.rep.Status != verify.Passed {
		return s + " (" + string(i.rep.Reason) + ")"
	}
	if who := signers(i.rep); who != "" {
		s += ": " + who
	}
	return s
}

// signers names who signed, several one after the other.
func signers(rep *verify.Report) string {
	var out []string
	for _, s := range rep.Signatures {
		switch {
		case s.Signer == nil:
			out = append(out, s.SignerName)
		case s.Signer.Subject.Get(oid.CommonName) != "":
			out = append(out, s.Signer.Subject.Get(oid.CommonName))
		default:
			out = append(out, s.Signer.Subject.String())
		}
	}
	return strings.Join(out, "; ")
}

// batchLine is one line of --json.
type batchLine struct {
	Document      string         `json:"document,omitempty"`
	SignatureFile string         `json:"signatureFile,omitempty"`
	Status        string         `json:"status"` // of a report, or "error" or "unsigned"
	Error         string         `json:"error,omitempty"`
	Hint          string         `json:"hint,omitempty"`
	Report        *verify.Report `json:"report,omitempty"`
}

// jsonLine prints one document as one line of JSON.
func (r *batchRun) jsonLine(i *batchItem) error {
	l := batchLine{Document: i.doc, SignatureFile: i.sig, Status: i.status(), Report: i.rep}
	if i.err != nil {
		u := r.sentence(i.err)
		l.Error, l.Hint = r.t(u.message), r.t(u.hint)
	}
	enc := json.NewEncoder(r.lines)
	enc.SetEscapeHTML(false)
	return enc.Encode(l)
}

// csvHeader are the columns of the summary; they are stable.
var csvHeader = []string{
	"document", "signature_file", "status", "indication", "sub_indication", "signers", "serials",
	"claimed_time", "proven_time", "level", "signature_kind", "detail",
}

// csvRow is one document in the summary. Of several signatures the columns have
// a value each, one after the other.
func (r *batchRun) csvRow(i *batchItem) []string {
	row := make([]string, len(csvHeader))
	row[0], row[1], row[2], row[11] = i.doc, i.sig, i.status(), r.outcome(i)
	if i.err == nil && i.rep != nil {
		row[3], row[4], row[5] = i.rep.Status.String(), string(i.rep.Reason), signers(i.rep)
		columns := make([][]string, 5)
		for _, s := range i.rep.Signatures {
			serial := ""
			if s.Signer != nil {
				serial = s.Signer.SerialHex()
			}
			for k, v := range []string{serial, stamp(s.ClaimedTime), stamp(s.BestTime), s.Level, s.Kind} {
				columns[k] = append(columns[k], v)
			}
		}
		for k, c := range columns {
			row[6+k] = strings.Join(c, "; ")
		}
	}
	for k, v := range row {
		row[k] = csvCell(v)
	}
	return row
}

// formulaStarts are the characters with which a formula begins, in their
// full-width and small forms too (Unicode, Halfwidth and Fullwidth Forms and
// Small Form Variants), which some spreadsheets take for the plain ones.
const formulaStarts = "=+-@|%＝＋－＠｜％﹢﹣﹦﹪﹫−"

// csvCell makes a value harmless for a spreadsheet: a cell that begins with one
// of formulaStarts would be computed there, and a name in a certificate is a stranger's
// text. An apostrophe before it makes it text. A Russian spreadsheet takes the
// semicolon for the separator and begins a cell behind each.
func csvCell(s string) string {
	parts := strings.Split(report.Printable(s), ";")
	for i, p := range parts {
		bare := strings.TrimLeftFunc(p, func(c rune) bool { return unicode.IsSpace(c) || c == utf8.RuneError || c == '"' })
		if first, _ := utf8.DecodeRuneInString(bare); bare != "" && strings.ContainsRune(formulaStarts, first) {
			parts[i] = "'" + p
		}
	}
	return strings.Join(parts, ";")
}
