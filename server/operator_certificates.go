package server

import (
	"encoding/hex"
	"encoding/pem"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// certificateRow is a certificate in a list.
type certificateRow struct {
	ca.Entry
	Subject string // masked where it must be
	State   string // its status, or "expired"
}

func (v *visit) certificateRows(list []ca.Entry) []certificateRow {
	out := make([]certificateRow, 0, len(list))
	for _, e := range list {
		r := certificateRow{e, v.name(e.Subject), string(e.Status)}
		if e.Status != ca.Revoked && v.now().After(e.NotAfter) {
			r.State = "expired"
		}
		out = append(out, r)
	}
	return out
}

type certificatesView struct {
	Tabs        []tab
	Search      string
	Trouble     string // name of the text that says why nothing was looked for
	Rows        []certificateRow
	Next, First string
	Reveal      string
}

// certificates lists certificates, or those that a text finds.
func (p *operatorPage) certificates(v *visit) error {
	q := v.req.URL.Query()
	if err := v.reveal(); err != nil {
		return err
	}
	after, err := afterSerial(q.Get("after"))
	if err != nil {
		return err
	}
	status := ca.Status(q.Get("status"))
	view := certificatesView{Search: strings.TrimSpace(q.Get("q"))}
	var list []ca.Entry
	var next ca.Serial
	switch {
	case len(view.Search) > limits.PageSearchText:
		view.Search, view.Trouble = "", "search-text"
	case view.Search != "":
		list, next, view.Trouble, err = v.search(view.Search, after)
	case status != "" && status != ca.Valid && status != ca.OnHold && status != ca.Revoked:
		return badQuery("status")
	default:
		list, next, err = v.issuer().Page(v.req.Context(), status, after, limits.PageRows)
	}
	if err != nil {
		return err
	}
	for _, s := range []ca.Status{"", ca.Valid, ca.OnHold, ca.Revoked} {
		link := "/desk/certificates"
		if s != "" {
			link += "?status=" + string(s)
		}
		view.Tabs = append(view.Tabs, tab{"status-" + string(s), link, view.Search == "" && s == status})
	}
	view.Rows = v.certificateRows(list)
	if next != (ca.Serial{}) {
		view.Next = v.link(map[string]string{"after": next.String(), "lang": ""})
	}
	if q.Get("after") != "" {
		view.First = v.link(map[string]string{"after": "", "lang": ""})
	}
	if v.masked {
		view.Reveal = v.link(map[string]string{"personal": "1", "lang": ""})
	}
	return v.show("certificates", "certificates", view)
}

// afterSerial reads where a list goes on.
func afterSerial(text string) (ca.Serial, error) {
	if text == "" {
		return ca.Serial{}, nil
	}
	s, err := ca.ParseSerial(text)
	if err != nil {
		return s, badQuery("after")
	}
	return s, nil
}

// search finds certificates. Whoever is not shown personal data finds by serial
// number alone: what a name finds tells the name.
func (v *visit) search(text string, after ca.Serial) (list []ca.Entry, next ca.Serial, trouble string, err error) {
	if v.masked && !isHexPrefix(text) {
		return nil, next, "search-masked", nil
	}
	list, err = v.issuer().Search(v.req.Context(), text, after, limits.PageRows+1)
	switch {
	case errors.Is(err, ca.ErrSearchText):
		return nil, next, "search-text", nil
	case errors.Is(err, ca.ErrSearchBroad):
		return nil, next, "search-broad", nil
	case err != nil:
		return nil, next, "", err
	}
	if v.masked {
		// Digits begin an INN as well as a serial number.
		list = withSerial(list, text)
	}
	if len(list) > limits.PageRows {
		list = list[:limits.PageRows]
		next = list[limits.PageRows-1].Serial
	}
	return list, next, "", nil
}

func isHexPrefix(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return !strings.ContainsRune("0123456789abcdefABCDEF: ", r) })
}

// withSerial keeps the entries whose serial number begins with a text.
func withSerial(list []ca.Entry, text string) []ca.Entry {
	text = strings.ToLower(strings.NewReplacer(":", "", " ", "").Replace(text))
	var out []ca.Entry
	for _, e := range list {
		if strings.HasPrefix(e.Serial.String(), text) {
			out = append(out, e)
		}
	}
	return out
}

// A pageField is a line of a description: its name is that of a text.
type pageField struct {
	Name   string
	Values []string
}

type certificateView struct {
	certificateRow
	Attributes []attributeRow
	Issuer     string
	Fields     []pageField
	Prints     []attributeRow
	Text       string // PEM, where it may be shown
	Commands   []command
	Reveal     string
	Personal   bool // shown because the person asked
}

// serialOf is the serial number that the address names.
func (v *visit) serialOf() (ca.Serial, error) {
	s, err := ca.ParseSerial(v.req.PathValue("serial"))
	if err != nil {
		return s, ca.ErrNotFound
	}
	return s, nil
}

// entry returns a certificate with what the ledger knows about it.
func (v *visit) entry() (e ca.Entry, cert *pki.Certificate, err error) {
	serial, err := v.serialOf()
	if err != nil {
		return e, nil, err
	}
	var der []byte
	err = v.read(func(tx ca.ReadTx) (err error) {
		if e, err = tx.Entry(serial); err == nil {
			der, err = tx.Certificate(serial)
		}
		return err
	})
	if err == nil {
		cert, err = pki.ParseCertificate(der)
	}
	return e, cert, err
}

// certificate shows one certificate.
func (p *operatorPage) certificate(v *visit) error {
	e, cert, err := v.entry()
	if err != nil {
		return err
	}
	if err := v.reveal(); err != nil {
		return err
	}
	view := certificateView{
		certificateRow: v.certificateRows([]ca.Entry{e})[0], Attributes: v.attributes(cert.Subject),
		Issuer: cert.Issuer.String(), Fields: v.certificateFields(cert), Commands: v.certificateCommands(e),
	}
	if v.masked {
		view.Reveal = v.link(map[string]string{"personal": "1", "lang": ""})
	} else {
		sha1Sum, sha256Sum, streebog := cert.Thumbprints()
		view.Prints = []attributeRow{
			{"Streebog-256", hex.EncodeToString(streebog)}, {"SHA-256", hex.EncodeToString(sha256Sum)}, {"SHA-1", hex.EncodeToString(sha1Sum)},
		}
		view.Personal = v.req.URL.Query().Get("personal") == "1"
		view.Text = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}))
	}
	return v.show("certificate", "certificates", view)
}

// certificateFields describe what is in a certificate beside its names.
func (v *visit) certificateFields(c *pki.Certificate) []pageField {
	days := func(from, to time.Time) []string {
		if to.IsZero() {
			return nil
		}
		return []string{pageMoment(v.lang, from) + " – " + pageMoment(v.lang, to)}
	}
	var alt []string
	for _, n := range c.SubjectAltNames {
		alt = append(alt, v.altName(n))
	}
	var kind []string
	if c.IdentificationKind != nil {
		kind = []string{pageText(v.lang, "identification-"+strconv.Itoa(*c.IdentificationKind))}
	}
	_, signature := alg.SignatureNames(c.SignatureAlgorithm, v.issuer().Certificate().PublicKey)
	var tool []string
	if c.SubjectSignTool != "" {
		tool = []string{c.SubjectSignTool}
	}
	all := []pageField{
		{"field-validity", days(c.NotBefore, c.NotAfter)},
		{"field-key-period", days(c.PrivateKeyNotBefore, c.PrivateKeyNotAfter)},
		{"field-key", []string{alg.KeyName(c.PublicKey)}},
		{"field-signature", []string{signature}},
		{"field-key-usage", keyUsages(c.KeyUsage)},
		{"field-ext-usage", oidNames(c.ExtKeyUsage)},
		{"field-policies", oidNames(c.Policies)},
		{"field-alt-names", alt},
		{"field-identification", kind},
		{"field-tool", tool},
		{"field-crl", c.CRLDistributionPoints},
		{"field-ocsp", c.OCSPServers},
		{"field-issuer-url", c.IssuingCertificateURLs},
		{"field-key-id", []string{hex.EncodeToString(c.SubjectKeyID)}},
	}
	var out []pageField
	for _, f := range all {
		if len(f.Values) > 0 && f.Values[0] != "" {
			out = append(out, f)
		}
	}
	return out
}

func oidNames(list []oid.OID) []string {
	var out []string
	for _, o := range list {
		out = append(out, o.Name())
	}
	return out
}

// keyUsages are the names of RFC 5280, section 4.2.1.3, by bit.
func keyUsages(u pki.KeyUsage) []string {
	var out []string
	for i, name := range []string{
		"digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement",
		"keyCertSign", "cRLSign", "encipherOnly", "decipherOnly",
	} {
		if u&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	return out
}

// certificateCommands are what may happen to a certificate now.
func (v *visit) certificateCommands(e ca.Entry) []command {
	if !v.operator.Has(ca.RoleOperator) || e.Status == ca.Revoked {
		return nil
	}
	serial := e.Serial.String()
	out := []command{{"command-revoke", "gosklyuch ca revoke " + serial + " --dir D --reason keyCompromise"}}
	if e.Status == ca.OnHold {
		return append(out, command{"command-release", "gosklyuch ca release " + serial + " --dir D"})
	}
	return append(out, command{"command-hold", "gosklyuch ca hold " + serial + " --dir D"})
}

// certificateFile gives a certificate as a file: it names its holder.
func (p *operatorPage) certificateFile(v *visit) error {
	e, cert, err := v.entry()
	if err != nil {
		return err
	}
	if err := v.reveal(); err != nil {
		return err
	}
	if v.masked {
		return maskedFile()
	}
	if v.req.URL.Query().Get("form") == "pem" {
		v.attach(e.Serial.String()+".pem", "application/x-pem-file", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}))
		return nil
	}
	v.attach(e.Serial.String()+".cer", "application/pkix-cert", cert.Raw) // RFC 2585, section 4.1
	return nil
}

func maskedFile() *problem {
	return &problem{
		status: 403, kind: "masked",
		ru: "В сертификате есть персональные данные. Откройте его страницу и запросите их показ.",
		en: "The certificate has personal data. Open its page and ask to see them.",
	}
}

// authorityName is how a page calls the authority.
func authorityName(c *pki.Certificate) string {
	for _, t := range []oid.OID{oid.CommonName, oid.Organization} {
		if s := c.Subject.Get(t); s != "" {
			return s
		}
	}
	return c.Subject.String()
}
