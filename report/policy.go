package report

import (
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/verify"
)

// policy prints the rules by which was decided.
func (b *builder) policy() {
	p := b.rep.Policy
	if p == nil {
		return
	}
	s := section{Title: wRules.in(b.lang)}
	b.row(&s, wPolicy, p.Name)
	b.row(&s, wMeaning, p.Description.In(b.lang))
	for _, id := range verify.PolicyChecks() {
		a, _ := p.Action(id)
		s.Rows = append(s.Rows, row{Name: clean(verify.CheckTitle(id, b.lang)), Value: clean(named(actions, a.String(), b.lang))})
	}
	level := p.Level
	if level == "" {
		level = "bes"
	}
	b.row(&s, wMinimum, named(levels, level, b.lang))
	b.row(&s, wAlgorithms, b.algorithms(p))
	b.row(&s, wPath, pathInputs(p))
	if p.OwnAnchors {
		b.row(&s, wAnchors, wOwnAnchors.in(b.lang))
	}
	order := wDefault.in(b.lang)
	if len(p.Evidence) > 0 {
		order = strings.ToUpper(strings.Join(p.Evidence, ", "))
	}
	b.row(&s, wOrder, order)
	b.row(&s, wSkew, b.duration(p.Skew))
	b.row(&s, wMaxAge, b.duration(p.MaxAge))
	b.unsafe(&s, p)
	b.add(s)
}

// duration prints a duration of a policy: zero is the default, negative none.
func (b *builder) duration(d time.Duration) string {
	switch {
	case d == 0:
		return wDefault.in(b.lang)
	case d < 0:
		return wNone.in(b.lang)
	}
	return d.String()
}

func (b *builder) algorithms(p *verify.Policy) string {
	var out []string
	for _, a := range p.Algorithms {
		name := a.Name
		if !a.Until.IsZero() {
			name += " (" + wUntil.in(b.lang) + " " + when(a.Until, b.lang) + ")"
		}
		out = append(out, name)
	}
	if len(out) == 0 {
		return wDefault.in(b.lang)
	}
	return strings.Join(out, ", ")
}

// pathInputs prints the inputs of RFC 5280, section 6.1.1 that are not the usual
// ones.
func pathInputs(p *verify.Policy) string {
	var out []string
	for _, id := range p.InitialPolicies {
		out = append(out, "user-initial-policy-set "+id.String())
	}
	for _, f := range []struct {
		set  bool
		name string
	}{
		{p.ExplicitPolicy, "initial-explicit-policy"},
		{p.InhibitMapping, "initial-policy-mapping-inhibit"},
		{p.InhibitAnyPolicy, "initial-any-policy-inhibit"},
	} {
		if f.set {
			out = append(out, f.name)
		}
	}
	return strings.Join(out, "; ")
}

// unsafe prints what was switched off: a reader must see that.
func (b *builder) unsafe(s *section, p *verify.Policy) {
	for _, f := range []struct {
		set  bool
		text word
	}{
		{p.UnsafeNoRevocation, word{"отзыв сертификатов мог остаться непроверенным", "whether certificates are revoked may not have been checked"}},
		{p.UnsafeNoChain, word{"цепочка сертификатов не проверялась: чья это подпись, неизвестно", "the certificate chain was not checked: whose signature it is remains open"}},
		{p.UnsafeLegacy, word{"отменённые алгоритмы приняты за любое время", "withdrawn algorithms are accepted at any time"}},
		{p.AllowTest, word{"приняты параметры ключей только для испытаний", "key parameters that are for tests only are accepted"}},
	} {
		if f.set {
			s.Rows = append(s.Rows, row{Name: wUnsafe.in(b.lang), Value: f.text.in(b.lang), Strong: true})
		}
	}
}
