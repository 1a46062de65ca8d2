package server

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/report"
	"github.com/gosklyuch/gosklyuch/verify"
)

// A format is a form in which the answer is given.
type format string

// The formats, as the field format names them.
const (
	formatJSON     format = "json"
	formatHTML     format = "html"
	formatPDF      format = "pdf"
	formatXML      format = "xml"
	formatProtocol format = "protocol" // the JSON answer and every protocol of the same run
)

// typeProtocol is the media type of formatProtocol.
const typeProtocol = "application/vnd.gosklyuch.protocol+json"

// formatTypes are the media types of the formats; the first is what "*/*" gets.
func formatTypes() []struct {
	format format
	media  string
} {
	return []struct {
		format format
		media  string
	}{
		{formatJSON, "application/json"},
		{formatHTML, "text/html"},
		{formatPDF, "application/pdf"},
		{formatXML, "application/xml"},
		{formatProtocol, typeProtocol},
	}
}

// negotiate chooses by the header Accept (RFC 9110, section 12.5.1). Without
// the header it is JSON.
func negotiate(accept string) (format, bool) {
	best, bestQ := formatJSON, -1.0
	if strings.TrimSpace(accept) == "" {
		return best, true
	}
	for field := range strings.SplitSeq(accept, ",") {
		media, params, err := mime.ParseMediaType(field)
		if err != nil {
			continue
		}
		q := 1.0
		if v, ok := params["q"]; ok {
			if q, err = strconv.ParseFloat(v, 64); err != nil || q < 0 || q > 1 {
				continue
			}
		}
		for _, t := range formatTypes() {
			major, _, _ := strings.Cut(t.media, "/")
			if (media == t.media || media == "*/*" || media == major+"/*") && q > bestQ {
				best, bestQ = t.format, q
				break
			}
		}
	}
	return best, bestQ > 0
}

// chosenFormat prefers the field to the header.
func (j *job) chosenFormat() (format, error) {
	if name := j.fields["format"]; name != "" {
		for _, t := range formatTypes() {
			if string(t.format) == name {
				return t.format, nil
			}
		}
		return "", badField("format", "Вид ответа: json, html, pdf, xml или protocol.", "The format is json, html, pdf, xml or protocol.")
	}
	f, ok := negotiate(j.req.Header.Get("Accept"))
	if !ok {
		return "", notAcceptable()
	}
	return f, nil
}

// languageOf is the language of an answer: the field, else the query, else the
// header Accept-Language, else Russian.
func languageOf(req *http.Request, field string) verify.Lang {
	for _, v := range []string{field, req.URL.Query().Get("lang")} {
		switch v {
		case "en":
			return verify.English
		case "ru":
			return verify.Russian
		}
	}
	for tag := range strings.SplitSeq(req.Header.Get("Accept-Language"), ",") {
		tag = strings.ToLower(strings.TrimSpace(tag))
		if strings.HasPrefix(tag, "ru") {
			return verify.Russian
		}
		if strings.HasPrefix(tag, "en") {
			return verify.English
		}
	}
	return verify.Russian
}

// bundle is the body of formatProtocol. The files are those of one run: the
// digest in the HTML and PDF protocols is that of the JSON file.
type bundle struct {
	Report      *verify.Report    `json:"report"`
	PolicyTitle string            `json:"policyTitle"`
	Titles      map[string]string `json:"titles"` // of the checks, by ID
	Digest      string            `json:"digest"` // Streebog-256 of the file json, hexadecimal
	Files       bundleFiles       `json:"files"`
}

type bundleFiles struct {
	JSON string `json:"json"`
	HTML string `json:"html"`
	XML  string `json:"xml"`
	PDF  string `json:"pdf"` // Base64
}

// answer writes the report in the format that was asked for. Everything is
// made before the first octet goes out, so that a failure can still be told.
func (j *job) answer(w http.ResponseWriter) error {
	var body bytes.Buffer
	if err := j.render(&body); err != nil {
		return internal(err)
	}
	hd := w.Header()
	for _, t := range formatTypes() {
		if t.format == j.format {
			hd.Set("Content-Type", t.media)
		}
	}
	switch j.format {
	case formatHTML:
		hd.Set("Content-Type", "text/html; charset=utf-8")
		hd.Set("Content-Security-Policy", policyForDocument(body.Bytes()))
	case formatPDF:
		hd.Set("Content-Disposition", `attachment; filename="protocol.pdf"`)
	case formatXML:
		hd.Set("Content-Disposition", `attachment; filename="protocol.xml"`)
	}
	lang := "ru"
	if j.lang == verify.English {
		lang = "en"
	}
	hd.Set("Content-Language", lang)
	hd.Set("Cache-Control", "no-store")
	hd.Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(http.StatusOK)
	w.Write(body.Bytes()) //nolint:errcheck,gosec // the client may be gone
	j.s.metrics.verdict(j.report)
	return nil
}

// render makes the body.
func (j *job) render(w io.Writer) error {
	if j.format == formatJSON {
		return jsonTo(w, j.report)
	}
	in, err := j.input()
	if err != nil {
		return err
	}
	switch j.format {
	case formatHTML:
		return report.HTML(w, in)
	case formatPDF:
		return report.PDF(w, in)
	case formatXML:
		return report.XML(w, in)
	}
	out := bundle{Report: j.report, PolicyTitle: policyTitle(j.report.Policy, j.lang), Titles: map[string]string{}}
	addTitles(out.Titles, j.report.Checks, j.lang)
	for _, sig := range j.report.Signatures {
		signatureTitles(out.Titles, sig, j.lang)
	}
	if out.Digest, err = report.Digest(in); err != nil {
		return err
	}
	var pdf string
	for f, to := range map[report.Format]*string{
		report.FormatJSON: &out.Files.JSON, report.FormatHTML: &out.Files.HTML,
		report.FormatXML: &out.Files.XML, report.FormatPDF: &pdf,
	} {
		var b strings.Builder
		if err := report.Write(&b, in, f); err != nil {
			return fmt.Errorf("server: protocol %s: %w", f, err)
		}
		*to = b.String()
	}
	out.Files.PDF = base64.StdEncoding.EncodeToString([]byte(pdf))
	return jsonTo(w, out)
}

func addTitles(to map[string]string, checks []verify.Check, lang verify.Lang) {
	for _, c := range checks {
		to[c.ID] = verify.CheckTitle(c.ID, lang)
	}
}

func signatureTitles(to map[string]string, s *verify.Signature, lang verify.Lang) {
	addTitles(to, s.Checks, lang)
	for _, t := range s.TimeStamps {
		addTitles(to, t.Checks, lang)
	}
	for _, c := range s.Counter {
		signatureTitles(to, c, lang)
	}
}

// jsonTo writes JSON exactly as the command line's --json does.
func jsonTo(w io.Writer, doc any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(doc)
}

// input is what a protocol is made of.
func (j *job) input() (report.Input, error) {
	in := report.Input{
		Report: j.report, SignatureName: j.sigName, DocumentName: j.docName,
		DocumentDigests: sums(j.digests), Program: "gosklyuch", Version: j.s.o.Version,
	}
	sig, err := j.signature.reader()
	if err != nil {
		return in, err
	}
	hashes := digests()
	if _, err := io.Copy(writerOf(hashes), sig); err != nil {
		return in, err
	}
	in.SignatureDigests = sums(hashes)
	if !j.hasDoc && !j.documentMissing() { // the one file has both
		in.DocumentName, in.DocumentDigests = j.sigName, in.SignatureDigests
		in.SignatureName, in.SignatureDigests = "", nil
	}
	return in, nil
}

// documentMissing says that a detached signature came without its document.
func (j *job) documentMissing() bool {
	for _, sig := range j.report.Signatures {
		for _, c := range sig.Checks {
			if c.Reason == verify.SignedDataNotFound {
				return true
			}
		}
	}
	return false
}

// log writes one line about the request: sizes, times and the outcome; no name
// of a person, a file or a certificate, no address.
func (j *job) log(err error, took time.Duration) {
	attrs := []any{"request", j.id, "took", took.String(), "document", j.docOctets}
	if j.signature != nil {
		attrs = append(attrs, "signature", j.signature.size)
	}
	if err != nil {
		p := asProblem(err)
		level := slog.LevelInfo
		if p.status == http.StatusInternalServerError || p.kind == "no-space" {
			level = slog.LevelError
		}
		j.s.o.Log.Log(j.req.Context(), level, "verify", append(attrs, "http", p.status, "problem", p.kind)...)
		return
	}
	j.s.o.Log.Info("verify", append(attrs, "http", http.StatusOK, "verdict", j.report.Verdict().String(),
		"reason", string(j.report.Reason), "signatures", len(j.report.Signatures), "policy", j.report.Policy.Name, "format", string(j.format))...)
}
