package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/verify"
)

// A protocol is what HTML, PDF and text show, in one order and one wording. All
// its strings went through clean: nothing below needs to think of who wrote them.
type protocol struct {
	Lang     string // "ru" or "en"
	Title    string
	Headline string // «Подпись действительна»
	Verdict  string // "valid", "invalid", "revoked", "indeterminate"
	Lead     string // the verdict in plain words
	Remedy   string
	Sections []section
	Notice   string
	Digest   string // hex
	QR       *code
	Moment   string

	lang verify.Lang
}

// A section has a heading and rows, then a table of checks.
type section struct {
	Title   string
	Verdict string // "" where the section judges nothing
	Depth   int    // 1: belongs to the section before it
	Rows    []row
	Checks  []check
}

// A row is a label with its value.
type row struct {
	Name, Value string
	Strong      bool // the first thing to read
}

// A check is one line of the table of checks.
type check struct {
	Result, Mark, Outcome string
	Title, ID, Cite       string
	Detail                string
}

// builder collects the sections of a protocol.
type builder struct {
	protocol
	in      Input
	rep     *verify.Report
	omitted int
}

// build makes the protocol of an input.
func build(in Input) (*protocol, error) {
	digest, err := Digest(in)
	if err != nil {
		return nil, err
	}
	qr, err := encodeQR("streebog256:" + digest)
	if err != nil {
		return nil, err
	}
	rep := in.Report
	b := &builder{in: in, rep: rep, protocol: protocol{
		lang: rep.Lang, Lang: word{"ru", "en"}.in(rep.Lang), Title: titles[rep.Kind].in(rep.Lang),
		Headline: clean(rep.StatusText()), Verdict: rep.Verdict().String(), Notice: verify.Notice(rep.Lang),
		Digest: digest, QR: qr, Moment: when(rep.At, rep.Lang),
	}}
	b.verdict()
	b.subject()
	if rep.Kind != verify.KindSignature {
		b.object()
	}
	if len(rep.Checks) > 0 {
		b.add(section{Title: wOwnChecks.in(b.lang), Checks: b.checks(rep.Checks)})
	}
	for i, s := range rep.Signatures {
		if i == limits.ReportSigners {
			b.omitted += len(rep.Signatures) - i
			break
		}
		title := fmt.Sprintf("%s %d %s %d", wSignature.in(b.lang), i+1, wOf.in(b.lang), len(rep.Signatures))
		b.signature(title, s, 0)
	}
	b.policy()
	b.about()
	return &b.protocol, nil
}

// add appends a section; beyond the bound it only counts.
func (b *builder) add(s section) {
	if len(b.Sections) >= limits.ReportSections {
		b.omitted++
		return
	}
	b.Sections = append(b.Sections, s)
}

// row adds a row; one without a value is left out.
func (b *builder) row(s *section, name word, value string) {
	if value != "" {
		s.Rows = append(s.Rows, row{Name: name.in(b.lang), Value: clean(value)})
	}
}

// verdict writes what the answer means.
func (b *builder) verdict() {
	r := b.rep
	if r.Status != verify.Passed {
		b.Lead, b.Remedy = clean(r.Text(r.Lang)), clean(r.Remedy(r.Lang))
		return
	}
	if r.Kind == verify.KindSignature && len(r.Signatures) > 0 {
		b.Lead = b.holds(r.Signatures)
	}
}

// holds is the sentence about valid signatures. That a certificate has the form
// of a qualified one is said only where it is true of every signature.
func (b *builder) holds(signatures []*verify.Signature) string {
	for _, s := range signatures {
		if s.Kind != "qualified-form" {
			return holds.in(b.lang)
		}
	}
	return clean(verify.QualifiedForm(b.lang))
}

// subject says which files were checked, when and by which policy.
func (b *builder) subject() {
	s := section{Title: wWhat.in(b.lang)}
	b.row(&s, wDocument, b.in.DocumentName)
	b.digests(&s, b.in.DocumentDigests)
	switch {
	case b.in.SignatureName != "":
		b.row(&s, wSignatureFile, b.in.SignatureName)
	case b.rep.Kind == verify.KindSignature && b.in.DocumentName != "":
		b.row(&s, wSignatureFile, wInside.in(b.lang))
	}
	b.digests(&s, b.in.SignatureDigests)
	if b.rep.Kind == verify.KindSignature {
		b.row(&s, wSignatures, fmt.Sprint(len(b.rep.Signatures)))
	}
	b.row(&s, wCheckedFor, b.Moment)
	if p := b.rep.Policy; p != nil {
		name := p.Name
		if title := p.Title.In(b.lang); title != "" {
			name = title + " (" + p.Name + ")"
		}
		b.row(&s, wPolicy, name)
	}
	b.add(s)
}

func (b *builder) digests(s *section, d map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(d)) {
		s.Rows = append(s.Rows, row{Name: wDigest.in(b.lang) + " " + clean(name), Value: clean(d[name])})
	}
}

// object describes what a report other than that of a signature is about.
func (b *builder) object() {
	r := b.rep
	s := section{Title: wResult.in(b.lang), Verdict: b.Verdict}
	b.row(&s, wStampedTime, when(r.GenTime, b.lang))
	if r.Certificate != nil {
		b.holder(&s, wHolder, r.Certificate)
		b.certificate(&s, r.Certificate)
	}
	b.chain(&s, r.Chain)
	if r.Certificate != nil && len(r.Chain) > 0 {
		b.evidence(&s, r.Evidence)
	}
	b.add(s)
}

// holder says who stands in a certificate: the person, the organisation and
// their numbers, by the reading rule for qualified certificates.
func (b *builder) holder(s *section, label word, c *pki.Certificate) {
	h := c.Subject.Holder()
	who := h.Person
	if who == "" {
		who = h.Organization
	}
	if who == "" {
		who = c.Subject.String()
	}
	s.Rows = append(s.Rows, row{Name: label.in(b.lang), Value: clean(who), Strong: true})
	if h.Organization != who {
		b.row(s, wOrganization, h.Organization)
	}
	b.row(s, wPosition, c.Subject.Get(oid.Title))
	b.row(s, wSNILS, h.SNILS)
	b.row(s, wINN, h.INN)
	b.row(s, wINNLE, h.INNLE)
	b.row(s, wOGRN, h.OGRN)
	b.row(s, wOGRNIP, h.OGRNIP)
}

func (b *builder) certificate(s *section, c *pki.Certificate) {
	b.row(s, wSubject, c.Subject.String())
	b.row(s, wIssuer, c.Issuer.String())
	b.row(s, wSerial, c.SerialHex())
	b.row(s, wValidity, when(c.NotBefore, b.lang)+" – "+when(c.NotAfter, b.lang))
}

// chain names the certificates above the first.
func (b *builder) chain(s *section, chain []*pki.Certificate) {
	if len(chain) < 2 {
		return
	}
	var names []string
	for _, c := range chain[1:] {
		name := c.Subject.Get(oid.CommonName)
		if name == "" {
			name = c.Subject.String()
		}
		names = append(names, b.quoted(name))
	}
	b.row(s, wChain, strings.Join(names, " ← "))
}

// reason writes why something is not valid and what to do.
func (b *builder) reason(s *section, o *verify.Outcome) {
	if o.Status == verify.Passed {
		return
	}
	b.row(s, wReason, strings.TrimSpace(o.Text(b.lang)+" ("+o.Status.String()+" / "+string(o.Reason)+")"))
	if c, ok := o.Deciding(); ok {
		b.row(s, word{"Подробно", "In detail"}, c.Detail)
	}
	b.row(s, wRemedy, o.Remedy(b.lang))
}

// checks makes the table of checks.
func (b *builder) checks(list []verify.Check) []check {
	out := make([]check, 0, len(list))
	for _, c := range list {
		r := results[c.Result()]
		out = append(out, check{
			Result: c.Result(), Mark: r.mark, Outcome: r.name.in(b.lang),
			Title: clean(verify.CheckTitle(c.ID, b.lang)), ID: clean(c.ID), Cite: clean(c.Cite), Detail: clean(c.Detail),
		})
	}
	return out
}

// about closes the protocol: the program, its digest, what was left out.
func (b *builder) about() {
	s := section{Title: wAbout.in(b.lang)}
	b.row(&s, wProgram, strings.TrimSpace(b.in.Program+" "+b.in.Version))
	b.row(&s, wReportDigest, b.Digest)
	b.row(&s, wCompare, wHowTo.in(b.lang))
	if b.omitted > 0 {
		b.row(&s, wOmitted, fmt.Sprint(b.omitted))
	}
	b.Sections = append(b.Sections, s)
}
