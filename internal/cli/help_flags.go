package cli

import (
	"strings"
	"unicode/utf8"

	"github.com/spf13/pflag"
)

// flagTypes are the forms of values in Russian; what is not here is not translated.
var flagTypes = map[string]string{
	"string": "ТЕКСТ", "strings": "СПИСОК", "int": "ЧИСЛО", "duration": "ВРЕМЯ", "SIZE": "РАЗМЕР", "FILE": "ФАЙЛ", "FILE…": "ФАЙЛ…",
}

// flagUsages describes the flags one a line. It is pflag's own list in the
// language of this run, aligned by characters: pflag counts octets.
func (a *app) flagUsages(flags *pflag.FlagSet) string {
	var left, right []string
	width := 0
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		name := "      --" + f.Name
		if f.Shorthand != "" {
			name = "  -" + f.Shorthand + ", --" + f.Name
		}
		kind, usage := pflag.UnquoteUsage(f)
		if ru, ok := flagTypes[kind]; ok && a.lang == "ru" {
			kind = ru
		}
		name = strings.TrimRight(name+" "+kind, " ")
		if d := f.DefValue; d != "" && d != "false" && d != "0" && d != "[]" {
			usage += " (" + a.t(text{"по умолчанию", "default"}) + " " + strings.Trim(d, "[]") + ")"
		}
		left, right = append(left, name), append(right, usage)
		width = max(width, utf8.RuneCountInString(name))
	})
	var b strings.Builder
	for i, name := range left {
		b.WriteString(name + strings.Repeat(" ", width-utf8.RuneCountInString(name)+3) + right[i] + "\n")
	}
	return strings.TrimRight(b.String(), "\n")
}
