package cli

import (
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
		Use:                use,
		Short:              a.t(text{"пока не поддерживается", "not supported yet"}),
		DisableFlagParsing: true,
		RunE: func(*cobra.Command, []string) error {
			return failedf(text{"команда %s пока не поддерживается", "%s is not supported yet"}, name).
				withHint(text{
					"в этой версии есть подпись и проверка; шифрование появится позже",
					"this version signs and verifies; encryption comes later",
				})
		},
	}
}
