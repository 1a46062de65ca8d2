package cli

import (
	"strings"
	"text/template"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// usageTemplate is cobra's usage with the headings as arguments.
const usageTemplate = `@usage@:{{if and .Runnable (not .HasAvailableSubCommands)}}
  {{.UseLine}}{{end}}{{if .HasAvailableSubCommands}}
  {{.CommandPath}} @command@{{end}}{{if .HasExample}}

@examples@:
{{.Example}}{{end}}{{if .HasAvailableSubCommands}}

@commands@:{{range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding }} {{.Short}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

@flags@:
{{localFlags .}}{{end}}{{if .HasAvailableInheritedFlags}}

@global@:
{{globalFlags .}}{{end}}
`

// localize gives the tree headings in the language of this run, and a help
// flag whose description is in it too.
func (a *app) localize(root *cobra.Command) {
	r := strings.NewReplacer(
		"@usage@", a.t(text{"Вызов", "Usage"}),
		"@command@", a.t(text{"КОМАНДА", "COMMAND"}),
		"@examples@", a.t(text{"Примеры", "Examples"}),
		"@commands@", a.t(text{"Команды", "Commands"}),
		"@flags@", a.t(text{"Параметры", "Flags"}),
		"@global@", a.t(text{"Общие параметры", "Global flags"}),
	)
	usage := template.Must(template.New("usage").Funcs(template.FuncMap{
		"rpad": func(s string, width int) string {
			return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
		},
		"localFlags":  func(c *cobra.Command) string { return a.flagUsages(c.LocalFlags()) },
		"globalFlags": func(c *cobra.Command) string { return a.flagUsages(c.InheritedFlags()) },
	}).Parse(r.Replace(usageTemplate)))
	root.SetUsageFunc(func(c *cobra.Command) error { return usage.Execute(c.OutOrStdout(), c) })
	root.SetHelpCommand(&cobra.Command{
		Use:   "help [COMMAND]",
		Short: a.t(text{"справка о команде", "help about a command"}),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return usageErrorf(text{"неизвестная команда «%s»", "unknown command %q"}, strings.Join(args, " "))
			}
			return c.Help()
		},
	})
	root.Flags().Bool("version", false, a.t(text{"версия программы", "the program's version"}))
	root.SetVersionTemplate("gosklyuch {{.Version}}\n")
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		c.Flags().BoolP("help", "h", false, a.t(text{"справка", "help"}))
		c.DisableFlagsInUseLine = true
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(root)
}

// group makes a noun: a command that only holds verbs.
func (a *app) group(use string, short text, verbs ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use:   use,
		Short: a.t(short),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageErrorf(text{"неизвестная команда «%s %s»", "unknown command \"%s %s\""}, use, args[0]).
					withHint(text{"список: gosklyuch " + use + " --help", "the list: gosklyuch " + use + " --help"})
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cmd.Help(); err != nil {
				return err
			}
			return usageErrorf(text{"не указано, что сделать: %s …", "no verb given: %s …"}, use)
		},
	}
	c.AddCommand(verbs...)
	return c
}

// args checks the number of plain arguments; what names them in the sentence.
func args(low, high int, what text) cobra.PositionalArgs {
	return func(_ *cobra.Command, got []string) error {
		switch {
		case len(got) < low:
			return usageError(text{"не хватает аргумента: укажите " + what.ru, "an argument is missing: give " + what.en})
		case high >= 0 && len(got) > high:
			return usageErrorf(text{"лишний аргумент «%s»", "one argument too many: %q"}, got[high])
		}
		return nil
	}
}
