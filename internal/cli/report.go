package cli

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/verify"
)

// verboseFlag adds -v to a command that prints a report.
func (a *app) verboseFlag(c *cobra.Command) {
	c.Flags().BoolVarP(&a.verbose, "verbose", "v", false, a.t(text{"показать каждую проверку", "show every check"}))
}

// printReport prints a report and returns the verdict that gives the exit code.
func (a *app) printReport(rep *verify.Report) error {
	rep.Lang = a.reportLang()
	if a.json {
		if err := a.printJSON(rep); err != nil {
			return err
		}
	} else {
		a.printReportText(rep)
	}
	if code := verdictCodes[rep.Verdict()]; code != exitOK {
		return verdict{code}
	}
	return nil
}

func (a *app) printReportText(rep *verify.Report) {
	fmt.Fprintf(a.out, "%s\n", rep.StatusText())
	for i, s := range rep.Signatures {
		if len(rep.Signatures) > 1 {
			fmt.Fprintf(a.out, "\n%s %d: %s\n", a.t(text{"Подпись", "Signature"}), i+1, verify.StatusText(verify.KindSignature, s.Verdict(), rep.Lang))
		}
		a.printSignature(rep, s, "")
	}
	if rep.Kind != verify.KindSignature && rep.Certificate != nil {
		a.printSubject(rep.Certificate)
	}
	a.reportRow("", text{"Время метки", "Stamped time"}, stamp(rep.GenTime))
	a.printOutcome(rep.Lang, &rep.Outcome, rep.Chain, "")
	fmt.Fprintf(a.out, "\n%s: %s. %s: %s\n", a.t(text{"Проверено на момент", "Checked for the moment"}), stamp(rep.At),
		a.t(text{"Политика", "Policy"}), rep.Policy.Name)
	fmt.Fprintf(a.out, "%s\n", verify.Notice(rep.Lang))
}

// reportRow prints one row of a report; a row without a value is left out.
func (a *app) reportRow(indent string, name text, value string) {
	if value != "" {
		fmt.Fprintf(a.out, "%s  %s: %s\n", indent, a.t(name), safe(value))
	}
}

// printSubject prints which certificate a report is about.
func (a *app) printSubject(c *pki.Certificate) {
	a.reportRow("", text{"Сертификат", "Certificate"}, c.Subject.String())
	a.reportRow("", text{"Выдал", "Issued by"}, c.Issuer.String())
	a.reportRow("", text{"Серийный номер", "Serial number"}, c.SerialHex())
	a.reportRow("", text{"Действует по", "Valid until"}, stamp(c.NotAfter))
}

// levels are the levels of a signature for a person.
var levels = map[string]text{
	"cms": {"простая CMS, без реквизитов CAdES", "plain CMS without the attributes of CAdES"},
	"bes": {"bes (без метки времени)", "bes (without a time stamp)"},
	"t":   {"t (с меткой времени)", "t (with a time stamp)"},
	"xl":  {"xl (с меткой времени и доказательствами, XLT1)", "xl (with a time stamp and evidence, XL Type 1)"},
	"a":   {"a (архивная: с доказательствами и архивной меткой времени)", "a (archived: with evidence and an archive time stamp)"},
}

// printSignature prints one signature: who, when, what was checked.
func (a *app) printSignature(rep *verify.Report, s *verify.Signature, indent string) {
	who := s.SignerName
	if s.Signer != nil {
		who = s.Signer.Subject.String()
	}
	a.reportRow(indent, text{"Подписал", "Signed by"}, who)
	if s.Signer != nil {
		a.reportRow(indent, text{"Сертификат выдал", "Certificate issued by"}, s.Signer.Issuer.String())
		a.reportRow(indent, text{"Серийный номер", "Serial number"}, s.Signer.SerialHex())
	}
	a.reportRow(indent, text{"Время со слов подписанта", "Time as the signer claims"}, stamp(s.ClaimedTime))
	a.reportRow(indent, text{"Доказанное время", "Proven time"}, stamp(s.BestTime))
	if l, ok := levels[s.Level]; ok {
		a.reportRow(indent, text{"Уровень", "Level"}, a.t(l))
	}
	if s.Status == verify.Passed && s.Kind == "qualified-form" {
		fmt.Fprintf(a.out, "%s  %s\n", indent, verify.QualifiedForm(rep.Lang))
	}
	a.printOutcome(rep.Lang, &s.Outcome, s.Chain, indent)
	if a.verbose {
		for i, t := range s.TimeStamps {
			fmt.Fprintf(a.out, "%s  %s %d: %s\n", indent, a.t(text{"Метка времени", "Time stamp"}), i+1,
				verify.StatusText(verify.KindTimeStamp, t.Verdict(), rep.Lang))
			a.printOutcome(rep.Lang, &t.Outcome, t.Chain, indent+"    ")
		}
	}
	for i, c := range s.Counter {
		fmt.Fprintf(a.out, "%s  %s %d: %s\n", indent, a.t(text{"Заверяющая подпись", "Countersignature"}), i+1,
			verify.StatusText(verify.KindSignature, c.Verdict(), rep.Lang))
		a.printSignature(rep, c, indent+"    ")
	}
}

// marks stand before a check.
var marks = map[string]string{"passed": "+", "failed": "-", "warning": "!", "skipped": "?"}

// alwaysShown are checks that are worth a line although they passed: where the
// answer about revocation and the time come from.
var alwaysShown = map[string]bool{"revocation": true, "ocsp-certificate-status": true, "crl-dates": true, "signature-time-stamp": true}

// printOutcome prints the checks: every one with --verbose, else those that did
// not pass and those that a person wants to see, and how many passed. For what
// did not pass the reason and the remedy follow.
func (a *app) printOutcome(lang verify.Lang, o *verify.Outcome, chain []*pki.Certificate, indent string) {
	if len(o.Checks) == 0 {
		return
	}
	passed := 0
	for _, c := range o.Checks {
		if c.Result() == "passed" {
			passed++
			if !a.verbose && !alwaysShown[c.ID] {
				continue
			}
		}
		a.printCheck(lang, c, chain, indent)
	}
	if !a.verbose {
		fmt.Fprintf(a.out, "%s  %s\n", indent, fmt.Sprintf(a.t(text{
			"Проверок пройдено: %d из %d (все: --verbose)", "Checks passed: %d of %d (all of them: --verbose)",
		}), passed, len(o.Checks)))
	}
	if o.Status == verify.Passed || o.Reason == "" {
		return
	}
	if _, own := o.Deciding(); !own {
		return // a part of the document decided, and says so itself
	}
	fmt.Fprintf(a.out, "%s  %s: %s (%s)\n", indent, a.t(text{"Причина", "Reason"}), o.Text(lang), o.Reason)
	if remedy := o.Remedy(lang); remedy != "" {
		fmt.Fprintf(a.out, "%s  %s: %s\n", indent, a.t(text{"Что делать", "What to do"}), remedy)
	}
}

// printCheck prints one check: its title, and its detail as far as it is meant
// for a person; with --verbose its ID, clause and whole detail.
func (a *app) printCheck(lang verify.Lang, c verify.Check, chain []*pki.Certificate, indent string) {
	title, detail := verify.CheckTitle(c.ID, lang), c.Detail
	if a.verbose {
		title = fmt.Sprintf("%s [%s; %s]", title, c.ID, c.Cite)
	} else {
		detail = a.forPerson(c, chain)
	}
	if detail != "" {
		detail = ": " + detail
	}
	fmt.Fprintf(a.out, "%s  %s %s%s\n", indent, marks[c.Result()], title, safe(detail))
}

// evidenceNames are the sources of an answer about revocation.
var evidenceNames = map[string]text{"crl": {"список отзыва", "revocation list"}, "ocsp": {"ответ OCSP", "OCSP response"}}

// forPerson shortens a detail: the certificates of the chain by their common
// names, and in Russian without what a lower package says in English.
func (a *app) forPerson(c verify.Check, chain []*pki.Certificate) string {
	detail := withoutPackages(c.Detail)
	for _, x := range chain {
		if cn := x.Subject.Get(oid.CommonName); cn != "" {
			detail = strings.ReplaceAll(detail, x.Subject.String(), cn)
		}
	}
	if c.ID == "revocation" {
		for source, name := range evidenceNames {
			detail = strings.Replace(detail, "("+source+" ", "("+a.t(name)+" ", 1)
		}
	}
	if network, ok := a.networkDetail(detail); ok {
		return network
	}
	if a.lang != "ru" {
		return detail
	}
	short := withoutEnglish(detail)
	if short != detail && c.ID == "revocation" {
		short += ": нет пригодных сведений"
	}
	return short
}

// englishProse is two Latin words in small letters, one after the other: no
// name, number or identifier looks so.
var englishProse = regexp.MustCompile(`(?:^|[ (])[a-z]{2,}[,;]? [a-z]{2,}`)

// sourceWords are what stands before the words of a lower package.
var sourceWords = map[string]bool{"OCSP": true, "CRL": true, "fetch": true, "ocsp": true, "pki": true, "revocation": true}

// withoutEnglish cuts a detail where the words of a lower package begin, which
// speaks English only. --verbose and --json have them.
func withoutEnglish(detail string) string {
	parts := strings.Split(detail, ": ")
	for i, p := range parts {
		if !englishProse.MatchString(p) {
			continue
		}
		for i > 0 && sourceWords[parts[i-1]] { // who says so: nothing without what it says
			i--
		}
		return strings.Join(parts[:i], ": ")
	}
	return detail
}
