package cli

import (
	"bytes"
	"fmt"
	"io"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/verify"
)

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
	a.printOutcome(rep.Lang, &rep.Outcome, "")
	fmt.Fprintf(a.out, "\n%s: %s. %s: %s\n", a.t(text{"Проверено на момент", "Checked for the moment"}), stamp(rep.At),
		a.t(text{"Политика", "Policy"}), rep.Policy.Name)
	fmt.Fprintf(a.out, "%s\n", verify.Notice(rep.Lang))
}

// printSignature prints one signature: who, when, what was checked.
func (a *app) printSignature(rep *verify.Report, s *verify.Signature, indent string) {
	who := s.SignerName
	if s.Signer != nil {
		who = s.Signer.Subject.String()
	}
	row := func(name text, value string) {
		if value != "" {
			fmt.Fprintf(a.out, "%s  %s: %s\n", indent, a.t(name), safe(value))
		}
	}
	row(text{"Подписал", "Signed by"}, who)
	if s.Signer != nil {
		row(text{"Сертификат выдал", "Certificate issued by"}, s.Signer.Issuer.String())
		row(text{"Серийный номер", "Serial number"}, s.Signer.SerialHex())
	}
	row(text{"Время со слов подписанта", "Time as the signer claims"}, stamp(s.ClaimedTime))
	row(text{"Доказанное время", "Proven time"}, stamp(s.BestTime))
	row(text{"Уровень", "Level"}, s.Level)
	a.printOutcome(rep.Lang, &s.Outcome, indent)
	for i, c := range s.Counter {
		fmt.Fprintf(a.out, "%s  %s %d: %s\n", indent, a.t(text{"Заверяющая подпись", "Countersignature"}), i+1,
			verify.StatusText(verify.KindSignature, c.Verdict(), rep.Lang))
		a.printSignature(rep, c, indent+"    ")
	}
}

// marks stand before a check.
var marks = map[string]string{"passed": "+", "failed": "-", "warning": "!", "skipped": "?"}

// printOutcome prints the checks, and for what did not pass the reason and the
// remedy.
func (a *app) printOutcome(lang verify.Lang, o *verify.Outcome, indent string) {
	for _, c := range o.Checks {
		detail := c.Detail
		if detail != "" {
			detail = ": " + detail
		}
		fmt.Fprintf(a.out, "%s  %s %s%s\n", indent, marks[c.Result()], c.ID, safe(detail))
	}
	if o.Status == verify.Passed || o.Reason == "" || len(o.Checks) == 0 {
		return
	}
	fmt.Fprintf(a.out, "%s  %s: %s (%s)\n", indent, a.t(text{"Причина", "Reason"}), o.Reason.Text(lang), o.Reason)
	if remedy := o.Reason.Remedy(lang); remedy != "" {
		fmt.Fprintf(a.out, "%s  %s: %s\n", indent, a.t(text{"Что делать", "What to do"}), remedy)
	}
}

// sniffArmored says what a file is from its first octets, through PEM or Base64.
func sniffArmored(head []byte) der.Kind {
	r, _, err := der.NewReader(bytes.NewReader(head))
	if err != nil {
		return der.Sniff(head)
	}
	inner, err := io.ReadAll(r) // the armor of a head may end anywhere
	if err != nil && len(inner) == 0 {
		return der.Sniff(head)
	}
	return der.Sniff(inner)
}
