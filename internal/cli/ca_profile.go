package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// caProfileCommand is the noun for the profiles of an authority.
func (a *app) caProfileCommand() *cobra.Command {
	return a.group("profile", text{"профили сертификатов", "certificate profiles"},
		a.caProfileListCommand(), a.caProfileShowCommand(), a.caProfileCheckCommand())
}

// profileView is a profile in JSON.
type profileView struct {
	Profile   string `json:"profile"`
	Digest    string `json:"digest"`
	Approvals int    `json:"approvals"`
	CA        bool   `json:"ca"`
}

func viewProfile(p ca.Profile) profileView {
	return profileView{Profile: p.Ref(), Digest: p.Digest(), Approvals: p.Approvals.Count, CA: p.CA}
}

func (a *app) printProfile(p ca.Profile) {
	approvals := ""
	if n := p.Approvals.Count; n > 0 {
		approvals = "  " + fmt.Sprintf(a.t(text{"одобрений: %d", "approvals: %d"}), n)
	}
	fmt.Fprintf(a.out, "%s  %s%s\n", p.Ref(), p.Digest(), approvals)
}

func (a *app) printProfiles(list []ca.Profile) error {
	if !a.json {
		for _, p := range list {
			a.printProfile(p)
		}
		return nil
	}
	views := []profileView{}
	for _, p := range list {
		views = append(views, viewProfile(p))
	}
	return a.printJSON(struct {
		Profiles []profileView `json:"profiles"`
	}{views})
}

func (a *app) caProfileListCommand() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "list --dir D",
		Short: a.t(text{"показать профили и их хэши", "list the profiles with their digests"}),
		Args:  args(0, 0, text{}),
		RunE: func(*cobra.Command, []string) error {
			set, err := ca.ReadProfiles(dir)
			if err != nil {
				return err
			}
			return a.printProfiles(set.All())
		},
	}
	a.dirFlag(c, &dir)
	return c
}

func (a *app) caProfileShowCommand() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "show NAME[@VERSION] --dir D",
		Short: a.t(text{"показать профиль в канонической форме", "print a profile in its canonical form"}),
		Long: a.t(text{
			"Печатает профиль в канонической форме YAML. Хэш Стрибог-256 этого текста и стоит в записи о каждом выпуске.",
			"Prints a profile in its canonical YAML. The Streebog-256 digest of this text stands in the record of every issue.",
		}),
		Args: args(1, 1, text{"имя профиля", "the profile's name"}),
		RunE: func(_ *cobra.Command, arg []string) error {
			set, err := ca.ReadProfiles(dir)
			if err != nil {
				return err
			}
			p, err := set.Find(arg[0])
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(viewProfile(p))
			}
			text, err := p.YAML()
			if err != nil {
				return err
			}
			_, err = a.out.Write(text)
			return err
		},
	}
	a.dirFlag(c, &dir)
	return c
}

func (a *app) caProfileCheckCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "check FILE…",
		Short:   a.t(text{"проверить файлы профилей", "check files of profiles"}),
		Example: "  gosklyuch ca profile check issuing/profiles/citizen@2.yaml",
		Args:    args(1, -1, text{"файл профиля", "a profile's file"}),
		RunE: func(_ *cobra.Command, arg []string) error {
			var list []ca.Profile
			for _, f := range arg {
				p, err := ca.ReadProfile(f)
				if err != nil {
					return err
				}
				list = append(list, p)
			}
			return a.printProfiles(list)
		},
	}
	return c
}
