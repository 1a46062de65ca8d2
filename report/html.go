package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
)

//go:embed report.html
var htmlSource string

//go:embed report.css
var htmlStyle string

// StyleHash is the source expression of the protocol's one <style> element for
// a Content-Security-Policy header (CSP Level 3, section 2.3.1):
// 'sha256-…'. The HTML protocol carries a policy of its own that allows nothing
// but this style; a server that sends a header must allow it too.
func StyleHash() string {
	sum := sha256.Sum256([]byte(htmlStyle))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// htmlPage is what the template sees.
type htmlPage struct {
	*protocol
	Style template.CSS
	CSP   string
}

// HTML writes the protocol as one HTML page that loads nothing: no script, one
// <style> element, the QR code as SVG. It prints on A4.
func HTML(w io.Writer, in Input) error {
	p, err := build(in)
	if err != nil {
		return err
	}
	t, err := template.New("report").Funcs(template.FuncMap{
		"t": func(ru, en string) string { return word{ru, en}.in(p.lang) },
	}).Parse(htmlSource)
	if err != nil {
		return fmt.Errorf("report: template: %w", err)
	}
	var b bytes.Buffer
	page := htmlPage{
		protocol: p, Style: template.CSS(htmlStyle), //nolint:gosec // a constant of this package
		CSP: "default-src 'none'; base-uri 'none'; form-action 'none'; style-src " + StyleHash(),
	}
	if err := t.Execute(&b, page); err != nil {
		return fmt.Errorf("report: template: %w", err)
	}
	_, err = b.WriteTo(w)
	return err
}
