package cli

import (
	"strings"

	"github.com/spf13/cobra"
)

// completionCommand prints a completion script for a shell.
func (a *app) completionCommand() *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:       "completion bash|zsh|fish|powershell",
		Short:     a.t(text{"сценарий автодополнения для оболочки", "a completion script for a shell"}),
		Example:   "  gosklyuch completion bash > /etc/bash_completion.d/gosklyuch",
		ValidArgs: shells,
		Args:      args(1, 1, text{"оболочку: bash, zsh, fish или powershell", "the shell: bash, zsh, fish or powershell"}),
		RunE: func(cmd *cobra.Command, arg []string) error {
			root := cmd.Root()
			switch arg[0] {
			case "bash":
				return root.GenBashCompletionV2(a.out, true)
			case "zsh":
				return root.GenZshCompletion(a.out)
			case "fish":
				return root.GenFishCompletion(a.out, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(a.out)
			}
			return usageErrorf(text{"неизвестная оболочка «%s»", "unknown shell %q"}, arg[0])
		},
	}
}

// reservedCommand recognises a command that a later version will have and says
// so, instead of guessing.
func (a *app) reservedCommand(name, use string) *cobra.Command {
	return &cobra.Command{
		Use:   use,
		Short: a.t(text{"пока не поддерживается", "not supported yet"}),
		// Its own flags are not known yet; --json and --lang are.
		FParseErrWhitelist: cobra.FParseErrWhitelist{UnknownFlags: true},
		RunE: func(*cobra.Command, []string) error {
			return failedf(text{"команда %s пока не поддерживается", "%s is not supported yet"}, name).
				withHint(text{
					"в этой версии есть подпись и проверка; шифрование появится позже",
					"this version signs and verifies; encryption comes later",
				})
		},
	}
}

// completeContainers offers the names of the containers; a key may be a file
// too, so the shell offers files where the name begins like none.
func (a *app) completeContainers(cmd *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	ks, err := a.keyStore()
	if err != nil {
		return nil, cobra.ShellCompDirectiveDefault
	}
	list, err := ks.List(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveDefault
	}
	var names []string
	for _, i := range list {
		if strings.HasPrefix(i.Name, begun) {
			names = append(names, i.Name)
		}
	}
	return names, cobra.ShellCompDirectiveDefault
}

// namesContainers are the commands whose argument is a container's name.
var namesContainers = map[string]bool{"show": true, "delete": true, "passwd": true, "check": true, "export": true}

// addCompletion lets --key and the arguments of `key` verbs complete to
// containers.
func (a *app) addCompletion(root *cobra.Command) {
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			walk(sub)
		}
		for _, flag := range []string{"key", "ocsp-key"} {
			if c.Flags().Lookup(flag) != nil {
				c.RegisterFlagCompletionFunc(flag, a.completeContainers) //nolint:errcheck,gosec // the flag was looked up a line above
			}
		}
		if c.Parent() != nil && c.Parent().Name() == "key" && namesContainers[c.Name()] {
			c.ValidArgsFunction = a.completeContainers
		}
	}
	walk(root)
}
