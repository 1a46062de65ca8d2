package ceremony

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// t returns one of two texts, in the plan's language.
func (p *Plan) t(ru, en string) string {
	if p.Language == "ru" {
		return ru
	}
	return en
}

// stamp is how times stand in a transcript.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// title says what a step does.
func (p *Plan) title(s *Step) string {
	f := func(ru, en string, args ...any) string { return fmt.Sprintf(p.t(ru, en), args...) }
	switch {
	case s.Key != nil:
		k := s.Key
		if k.Store == containerStore {
			return f("Создать ключ «%s» (%s, %s) в контейнере под паролем", "Make the key %q (%s, %s) in a container under a password", k.Name, k.Algorithm, k.ParamSet)
		}
		return f("Создать ключ «%s» (%s, %s) на токене %s", "Make the key %q (%s, %s) on the token %s", k.Name, k.Algorithm, k.ParamSet, k.Store)
	case s.Root != nil:
		a := s.Root
		return f("Выпустить самоподписанный сертификат корневого УЦ «%s»: ключ «%s», имя %s, срок %d дн.", "Make the self-signed certificate of the root %q: key %q, name %s, %d days", a.Name, a.Key, a.Subject, a.Days)
	case s.Subordinate != nil:
		a := s.Subordinate
		return f("Выпустить сертификат подчинённого УЦ «%s»: издатель «%s», ключ «%s», имя %s, профиль %s, срок %d дн.", "Issue the certificate of the subordinate authority %q: issuer %q, key %q, name %s, profile %s, %d days", a.Name, a.Authority, a.Key, a.Subject, a.Profile, a.Days)
	case s.Open != nil:
		return f("Взять существующий УЦ «%s» из папки %s", "Take the existing authority %q from the folder %s", s.Open.Name, s.Open.Folder)
	case s.Certificate != nil:
		c := s.Certificate
		return f("Выпустить сертификат «%s» по запросу %s: издатель «%s», профиль %s, срок %d дн.", "Issue the certificate %q for the request %s: issuer %q, profile %s, %d days", c.Name, c.Request, c.Authority, c.Profile, c.Days)
	case s.Cross != nil:
		c := s.Cross
		return f("Выпустить кросс-сертификат «%s»: издатель «%s», для УЦ «%s», профиль %s, срок %d дн.", "Issue the cross certificate %q: issuer %q, for the authority %q, profile %s, %d days", c.Name, c.Authority, c.Of, c.Profile, c.Days)
	case s.Lists != nil:
		l := s.Lists
		return f("Подписать списки отзыва УЦ «%s»: %d, каждый на %d дн. и ещё на %d дн. внахлёст", "Sign lists of revoked certificates of the authority %q: %d, each for %d days and %d more to overlap", l.Authority, l.Count, l.Days, l.Overlap)
	case s.Backup != nil:
		return f("Сделать резервные копии ключей (%s) в %s", "Back up keys (%s) to %s", strings.Join(s.Backup.Keys, ", "), s.Backup.To)
	case s.Export != nil:
		return f("Собрать открытые файлы в папку «%s»", "Put the public files into the folder %q", s.Export.To)
	}
	return f("Уничтожить рабочие копии ключей (%s)", "Destroy the working copies of keys (%s)", strings.Join(s.Destroy.Keys, ", "))
}

// say adds a line to the results of the present step. Texts that are not the
// plan's (names in certificates) are quoted by their own packages.
func (r *run) say(ru, en string, args ...any) {
	r.lines = append(r.lines, fmt.Sprintf(r.plan.t(ru, en), args...))
}

// fingerprint adds a digest as people read it aloud: in groups of four digits,
// eight to a line.
func (r *run) fingerprint(digits string) {
	r.lines = append(r.lines, groups(digits)...)
}

func groups(digits string) (out []string) {
	for len(digits) > 0 {
		row := digits[:min(32, len(digits))]
		digits = digits[len(row):]
		var words []string
		for ; len(row) > 0; row = row[min(4, len(row)):] {
			words = append(words, row[:min(4, len(row))])
		}
		out = append(out, "  "+strings.Join(words, " "))
	}
	return out
}

// digests adds a file of the ceremony with its digests.
func (r *run) digests(name string, b []byte) {
	r.say("файл %s (байтов: %d):", "file %s (%d octets):", slashed(name), len(b))
	r.digestLines(DigestOf(b))
}

func (r *run) digestLines(d Digest) {
	r.lines = append(r.lines, "  "+r.plan.t("Стрибог-256", "Streebog-256"))
	r.fingerprint(d.String())
	r.lines = append(r.lines, "  SHA-256")
	r.fingerprint(hex.EncodeToString(d.SHA256[:]))
}

// slashed writes a path in one way on every system.
func slashed(name string) string { return strings.ReplaceAll(name, `\`, "/") }

// paragraph adds a heading with lines to the transcript.
func (r *run) paragraph(head string, lines []string) {
	r.transcript.WriteString(head + "\n")
	for _, l := range lines {
		r.transcript.WriteString("   " + l + "\n")
	}
	r.transcript.WriteString("\n")
}

// head writes what stands before the steps.
func (r *run) head() {
	p := r.plan
	r.lines = nil
	r.say("название: %s", "name: %s", p.Name)
	if p.Title != "" {
		r.lines = append(r.lines, p.Title)
	}
	r.say("время церемонии: %s", "time of the ceremony: %s", stamp(p.date))
	if p.Place != "" {
		r.say("место: %s", "place: %s", p.Place)
	}
	r.say("программа: gosklyuch %s", "program: gosklyuch %s", r.state.Program)
	r.say("план (%s):", "plan (%s):", planFile)
	r.digestLines(p.digest)
	r.paragraph(p.t("ПРОТОКОЛ ЦЕРЕМОНИИ КЛЮЧЕЙ", "TRANSCRIPT OF A KEY CEREMONY"), r.lines)
}

// people writes the participants with the certificates of those who countersign.
func (r *run) people() error {
	r.lines = nil
	for i, who := range r.plan.Participants {
		r.lines = append(r.lines, fmt.Sprintf("%d) %s, %s", i+1, who.Name, who.Role))
		if who.Certificate == "" {
			continue
		}
		raw, err := r.witnessCertificate(i)
		if err != nil {
			return err
		}
		r.say("заверяет протокол сертификатом, Стрибог-256:", "countersigns with the certificate, Streebog-256:")
		r.fingerprint(DigestOf(raw).String())
	}
	r.paragraph(r.plan.t("Участники", "Participants"), r.lines)
	return nil
}

// end writes what stands behind the steps.
func (r *run) end() error {
	if err := r.people(); err != nil {
		return err
	}
	r.lines = nil
	r.say("Всё подписанное проверено дважды: программами, которые его создали, и вторым путём, который не имеет с ними общего кода.",
		"Everything that was signed was checked twice: by the programs that made it, and by a second path that shares no code with them.")
	r.say("Протокол подписан ключом УЦ «%s» (%s).", "The transcript is signed with the key of the authority %q (%s).", r.plan.Sign, signatureFile)
	r.paragraph(r.plan.t("Проверка и подпись", "Checks and signature"), r.lines)
	return nil
}
