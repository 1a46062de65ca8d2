package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/trust"
)

// trustCommand keeps the home's trust anchors.
func (a *app) trustCommand() *cobra.Command {
	return a.group("trust", text{"доверенные корневые сертификаты", "trust anchors"},
		a.trustAddCommand(), a.trustListCommand(), a.trustRemoveCommand())
}

// An anchorView is one trust anchor in JSON.
type anchorView struct {
	ID       string `json:"id"`
	Subject  string `json:"subject"`
	Serial   string `json:"serial"`
	NotAfter string `json:"notAfter"`
}

func viewAnchor(x trust.Anchor) anchorView {
	return anchorView{x.ID, x.Certificate.Subject.String(), x.Certificate.SerialHex(), stamp(x.Certificate.NotAfter)}
}

func (a *app) printAnchors(list []trust.Anchor) error {
	views := make([]anchorView, 0, len(list))
	for _, x := range list {
		views = append(views, viewAnchor(x))
	}
	if a.json {
		return a.printJSON(struct {
			Anchors []anchorView `json:"anchors"`
		}{views})
	}
	for _, v := range views {
		fmt.Fprintf(a.out, "%s  %s  %s\n", v.ID, v.NotAfter, safe(v.Subject))
	}
	return nil
}

func (a *app) trustAddCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "add F…",
		Short: a.t(text{"доверять сертификату", "trust a certificate"}),
		Args:  args(1, -1, text{"файл сертификата", "the certificate's file"}),
		RunE: func(_ *cobra.Command, files []string) error {
			store, err := a.trustStore()
			if err != nil {
				return err
			}
			var added []trust.Anchor
			for _, file := range files {
				certs, err := a.readCertificates(file)
				if err != nil {
					return err
				}
				for _, c := range certs {
					x, _, err := store.Add(c)
					if err != nil {
						return err
					}
					added = append(added, x)
				}
			}
			a.sayf(text{
				"Теперь вы доверяете (сверьте идентификатор с отпечатком Стрибог-256, который опубликовал УЦ):",
				"Now trusted (compare the id with the Streebog-256 thumbprint that the authority has published):",
			})
			return a.printAnchors(added)
		},
	}
}

func (a *app) trustListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: a.t(text{"показать доверенные сертификаты", "show the trust anchors"}),
		Args:  args(0, 0, text{}),
		RunE: func(*cobra.Command, []string) error {
			store, err := a.trustStore()
			if err != nil {
				return err
			}
			list, err := store.List()
			if err != nil {
				return err
			}
			if len(list) == 0 {
				a.sayf(text{"доверенных сертификатов нет; добавить: gosklyuch trust add", "there are no trust anchors; to add one: gosklyuch trust add"})
			}
			return a.printAnchors(list)
		},
	}
}

func (a *app) trustRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "remove ID",
		Short: a.t(text{"больше не доверять", "trust no longer"}),
		Args:  args(1, 1, text{"идентификатор из trust list", "the id from trust list"}),
		RunE: func(_ *cobra.Command, arg []string) error {
			store, err := a.trustStore()
			if err != nil {
				return err
			}
			x, err := store.Remove(arg[0])
			if err != nil {
				return err
			}
			a.sayf(text{"Вы больше не доверяете:", "No longer trusted:"})
			return a.printAnchors([]trust.Anchor{x})
		},
	}
}
