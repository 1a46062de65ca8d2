package verify

import (
	"context"
	"slices"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// The demands of a policy on a signature as a whole (EN 319 102-1, section
// 5.2.8; 63-FZ, article 11).

// rule adds a check whose strictness the policy decides, in every outcome; one
// that the policy ignores is left out.
func (r *run) rule(s *Outcome, c Check, detail string) {
	switch {
	case c.Action == Skip:
		return
	case !c.OK && c.Action != Fail:
		c.Reason = ""
	case c.OK:
		c.Action, c.Reason = Fail, ""
	}
	c.Detail = detail
	s.Checks = append(s.Checks, c)
}

// rules applies what the policy demands of a signature as a whole.
func (r *run) rules(ctx context.Context, s *Signature, a *attached) {
	r.rule(&s.Outcome, Check{
		ID: "detached", Cite: "RFC 5652, section 5.2", OK: a.sd.Detached, Action: r.pol.Detached, Reason: SigConstraints, stage: stageAcceptance,
	}, pickIf(a.sd.Detached, r.Lang.pick("подпись отделена от документа", "the signature is detached"),
		r.Lang.pick("документ внутри подписи, а требуется отдельный файл подписи", "the document is inside the signature; a detached one is required")))
	r.certificatesIncluded(s, a)
	r.levelDemanded(s)
	if s.Signer == nil {
		return
	}
	r.qualified(s)
	r.accreditation(ctx, s)
	r.restrictions(s)
}

func pickIf(ok bool, yes, no string) string {
	if ok {
		return yes
	}
	return no
}

// certificatesIncluded: the signer's certificate and its chain below the anchor
// stand in the message.
func (r *run) certificatesIncluded(s *Signature, a *attached) {
	if s.Signer == nil {
		return
	}
	need := []*pki.Certificate{s.Signer}
	for _, c := range s.Chain {
		if !r.Roots.Contains(c) {
			need = append(need, c)
		}
	}
	i := slices.IndexFunc(need, func(c *pki.Certificate) bool { return !a.carried.pool.Contains(c) && !a.values.pool.Contains(c) })
	detail := ""
	if i >= 0 {
		detail = r.Lang.pick("в подписи нет сертификата: ", "the message lacks the certificate of: ") + need[i].Subject.String()
	}
	r.rule(&s.Outcome, Check{
		ID: "certificates-included", Cite: "RFC 5652, section 5.1", OK: i < 0, Action: r.pol.CertificatesIncluded, Reason: SigConstraints, stage: stageAcceptance,
	}, detail)
}

// levelDemanded compares the level that was reached with the policy's. Level
// "bes" asks for nothing that the check signing-certificate does not.
func (r *run) levelDemanded(s *Signature) {
	if r.pol.Level == "" || r.pol.Level == levels[0] {
		return
	}
	reason := SigConstraints
	if reachesLevel(s.ClaimedLevel, r.pol.Level) {
		reason = NoPOE // it is there, and does not prove what it should
	}
	r.rule(&s.Outcome, Check{
		ID: "level", Cite: "EN 319 122-1, clause 6", OK: reachesLevel(s.Level, r.pol.Level), Action: r.pol.MinimumLevel, Reason: reason, stage: stageAcceptance,
	}, r.Lang.sprintf("уровень %s, требуется не ниже %s", "level %s; at least %s is required", s.Level, r.pol.Level))
}

// formFaults are the rules of the qualified certificate that c breaks; nil: it
// has the form of one.
func (r *run) formFaults(c *pki.Certificate) []profile.Result {
	if r.Qualified == nil {
		if qualifiedForm(c) {
			return nil
		}
		return []profile.Result{{}}
	}
	var out []profile.Result
	for _, x := range r.Cache.lint(r.Qualified, c) {
		if x.Outcome == profile.Broken && x.Severity == pki.Error {
			out = append(out, x)
		}
	}
	return out
}

// qualified: the signer's certificate has the form of a qualified one (63-FZ,
// article 17; order of the FSB No. 795).
func (r *run) qualified(s *Signature) {
	faults := r.formFaults(s.Signer)
	detail := r.Lang.pick("сертификат по форме квалифицированный", "the certificate has the form of a qualified one")
	if len(faults) > 0 {
		detail = r.Lang.pick("сертификат не по форме квалифицированного", "the certificate does not have the form of a qualified one")
		if f := faults[0]; f.Rule != "" {
			detail += ": " + f.Rule
			if len(f.Problems) > 0 {
				detail += ": " + f.Problems[0].Field + ": " + f.Problems[0].Text(r.Lang == Russian)
			}
		}
	}
	r.rule(&s.Outcome, Check{
		ID: "qualified-form", Cite: "order of the FSB No. 795", OK: len(faults) == 0, Action: r.pol.QualifiedForm, Reason: ChainConstraints, stage: stageAcceptance,
	}, detail)
}

// accredited asks about the authority that issued the first certificate of a
// chain.
func (r *run) accredited(ctx context.Context, chain []*pki.Certificate, day time.Time) AccreditationAnswer {
	if r.Accreditation == nil || len(chain) < 2 {
		return AccreditationAnswer{}
	}
	return r.Accreditation(ctx, chain[1], chain, day)
}

// accreditation: 63-FZ, article 11, clause 1: the certificate was issued by an
// authority "аккредитация которого действительна на день выдачи указанного
// сертификата".
func (r *run) accreditation(ctx context.Context, s *Signature) {
	if r.pol.Accreditation == Skip {
		return
	}
	day := s.Signer.NotBefore
	a := r.accredited(ctx, s.Chain, day)
	reason := ChainConstraints
	detail := r.Lang.sprintf("аккредитация центра на день выдачи сертификата %s: %s", "accreditation of the authority on the day of issue %s: %s",
		day.UTC().Format(time.DateOnly), r.accreditationWord(a.State))
	if a.State == AccreditationUnknown {
		reason = PolicyProcessingError // what the policy asks for cannot be found out
	}
	for _, more := range []string{a.Authority, a.Detail} {
		if more != "" {
			detail += "; " + more
		}
	}
	r.rule(&s.Outcome, Check{
		ID: "accreditation", Cite: "63-FZ, article 11, clause 1", OK: a.State == Accredited, Action: r.pol.Accreditation, Reason: reason, stage: stageAcceptance,
	}, detail)
}

func (r *run) accreditationWord(s AccreditationState) string {
	switch s {
	case Accredited:
		return r.Lang.pick("да", "yes")
	case NotAccredited:
		return r.Lang.pick("нет", "no")
	}
	return r.Lang.pick("неизвестно", "unknown")
}

// stampAccreditation is the line about a trusted time stamp that the order of
// the Ministry of Digital Development No. 580 asks for. It decides nothing: who
// may keep a service of time stamps is not for the list of authorities alone.
func (r *run) stampAccreditation(ctx context.Context, t *TimeStamp) {
	if r.pol.Accreditation == Skip {
		return
	}
	a := r.accredited(ctx, t.Chain, t.GenTime)
	checked := r.Lang.pick("метка проверена", "the stamp was checked")
	if t.failed() {
		checked = r.Lang.pick("метка не подтверждена", "the stamp is not confirmed")
	}
	r.rule(&t.Outcome, Check{
		ID: "time-stamp-accreditation", Cite: "order No. 580 of 06.11.2020", OK: a.State == Accredited, Action: Inform, stage: stageTime,
	}, checked+r.Lang.pick("; служба меток – аккредитованный УЦ: ", "; the service is of an accredited authority: ")+r.accreditationWord(a.State))
}

// restrictions names the purposes that the certificate is limited to: 63-FZ,
// article 11, clause 4 lets a signature be used within them alone, and whether
// the document is within them only its recipient can tell.
func (r *run) restrictions(s *Signature) {
	var own []string
	for _, id := range s.Signer.ExtKeyUsage {
		if !slices.Contains(ordinaryPurposes, id) {
			own = append(own, id.Name())
		}
	}
	if len(own) == 0 {
		return
	}
	detail := r.Lang.pick("сертификат выдан для целей: ", "the certificate is for the purposes: ")
	for i, name := range own {
		if i > 0 {
			detail += ", "
		}
		if i == maxPurposes {
			detail += "…"
			break
		}
		detail += name
	}
	s.skip(stageAcceptance, "restrictions", "63-FZ, article 11, clause 4", detail+
		r.Lang.pick("; относится ли к ним документ, решает получатель", "; whether the document is within them is for its recipient to tell"))
}

// maxPurposes is how many purposes a detail names.
const maxPurposes = 8

// ordinaryPurposes restrict nothing about documents.
var ordinaryPurposes = []oid.OID{oid.EKUAny, oid.EKUClientAuth, oid.EKUEmailProtection}
