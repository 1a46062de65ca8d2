package cli

import "github.com/spf13/cobra"

func (a *app) caCommand() *cobra.Command       { return a.group("ca", text{"", ""}) }
func (a *app) certLintCommand() *cobra.Command { return a.group("lint", text{"", ""}) }
