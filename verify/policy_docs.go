package verify

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Reasons lists every sub-indication that a report can hold, in the order of
// the alphabet.
func Reasons() []Reason { return slices.Sorted(maps.Keys(reasons)) }

// CheckIDs lists the IDs of all checks that a report can hold, in the order of
// the alphabet.
func CheckIDs() []string { return slices.Sorted(maps.Keys(titles)) }

// Reference returns the page that explains every reason and every check for a
// person, in Markdown: docs/reasons.md and docs/reasons.ru.md are its output.
func Reference(l Lang) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n\n", l.pick("Что значит причина в отчёте", "What a reason in the report means"), l.pick(
		"Эта страница составлена программой из её собственных текстов. Слово в первом столбце не меняется: на него могут полагаться сценарии.",
		"This page is made by the program out of its own texts. The word in the first column is stable: scripts compare it."))
	fmt.Fprintf(&b, "| %s | %s | %s | %s |\n|---|---|---|---|\n",
		l.pick("причина", "reason"), l.pick("итог", "verdict"), l.pick("что случилось", "what happened"), l.pick("что делать", "what to do"))
	for _, r := range Reasons() {
		fmt.Fprintf(&b, "| `%s` | %s · %s | %s | %s |\n", r, r.Status(), r.Verdict(), r.Text(l), r.Remedy(l))
	}
	fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| %s | %s | %s |\n|---|---|---|\n", l.pick("Проверки", "Checks"), l.pick(
		"Строгость некоторых проверок задаёт политика; в последнем столбце – их строгость в политике default. Остальные обязательны всегда.",
		"A policy decides how strict some checks are; the column says what the policy default says of them. The rest is always required."),
		l.pick("проверка", "check"), l.pick("что смотрят", "what is looked at"), "default")
	def := DefaultPolicy()
	for _, id := range CheckIDs() {
		word := ""
		if a, ok := def.Action(id); ok {
			word = a.String()
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", id, CheckTitle(id, l), word)
	}
	return b.String()
}
