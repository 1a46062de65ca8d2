package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/trust"
)

// trustCommand keeps the home's trust anchors.
func (a *app) trustCommand() *cobra.Command {
	return a.group("trust", text{"доверенные корневые сертификаты", "trust anchors"},
		a.trustAddCommand(), a.trustListCommand(), a.trustRemoveCommand(), a.trustImportCommand(), a.trustExportCommand())
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

func viewAnchors(list []trust.Anchor) []anchorView {
	views := make([]anchorView, 0, len(list))
	for _, x := range list {
		views = append(views, viewAnchor(x))
	}
	return views
}

func (a *app) printAnchors(list []trust.Anchor) error {
	views := viewAnchors(list)
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

// A bundleView is what the home has of one origin of bundles, in JSON.
type bundleView struct {
	Origin   string `json:"origin"`
	Serial   int64  `json:"serial"`
	Date     string `json:"date"`
	Imported string `json:"imported"`
	Anchors  int    `json:"anchors"`
	Outdated bool   `json:"outdated"`
}

// A trustView is `trust list --json`.
type trustView struct {
	Anchors []anchorView `json:"anchors"`
	List    *listView    `json:"list,omitempty"`
	Bundles []bundleView `json:"bundles,omitempty"`
}

func (a *app) trustListCommand() *cobra.Command {
	var authorities bool
	c := &cobra.Command{
		Use:   "list",
		Short: a.t(text{"показать доверенные сертификаты и загруженный перечень УЦ", "show the trust anchors and the imported list of authorities"}),
		Args:  args(0, 0, text{}),
		RunE: func(*cobra.Command, []string) error {
			store, err := a.trustStore()
			if err != nil {
				return err
			}
			v, err := a.viewTrust(store, authorities)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(v)
			}
			a.printTrust(v)
			return nil
		},
	}
	c.Flags().BoolVar(&authorities, "authorities", false, a.t(text{"назвать каждый удостоверяющий центр перечня", "name every authority of the list"}))
	return c
}

func (a *app) viewTrust(store *trust.Store, authorities bool) (trustView, error) {
	anchors, err := store.List()
	if err != nil {
		return trustView{}, err
	}
	v := trustView{Anchors: viewAnchors(anchors)}
	l, err := store.TrustList()
	switch {
	case err == nil:
		x := viewList(l, a.now(), authorities)
		v.List = &x
	case !errors.Is(err, trust.ErrNoList):
		return v, err
	}
	bundles, err := store.Bundles()
	for _, b := range bundles {
		v.Bundles = append(v.Bundles, bundleView{b.Pinned, b.Serial, stamp(b.Date), stamp(b.Imported), len(b.Anchors), b.Outdated(a.now())})
	}
	return v, err
}

func (a *app) printTrust(v trustView) {
	if len(v.Anchors) == 0 {
		a.sayf(text{"доверенных сертификатов нет; добавить: gosklyuch trust add", "there are no trust anchors; to add one: gosklyuch trust add"})
	}
	for _, x := range v.Anchors {
		fmt.Fprintf(a.out, "%s  %s  %s\n", x.ID, x.NotAfter, safe(x.Subject))
	}
	for _, b := range v.Bundles {
		a.sayf(text{"набор источника %s: номер %d от %s, сертификатов: %d", "bundle of %s: serial %d of %s, anchors: %d"}, b.Origin, b.Serial, b.Date, b.Anchors)
		if b.Outdated {
			a.warnf(text{"набор старше месяца", "the bundle is older than a month"})
		}
	}
	if v.List == nil {
		a.sayf(text{"перечень аккредитованных УЦ не загружен", "no list of accredited authorities was imported"})
		return
	}
	a.sayf(text{
		"перечень аккредитованных УЦ: версия %d от %s; удостоверяющих центров: %d, действует аккредитация: %d",
		"list of accredited authorities: version %d of %s; authorities: %d, accredited: %d",
	}, v.List.Version, v.List.Date, v.List.Authorities, v.List.Accredited)
	if v.List.Outdated {
		a.warnf(text{"перечень старше месяца: загрузите новый (gosklyuch trust import)", "the list is older than a month: import a newer one (gosklyuch trust import)"})
	}
	for _, e := range v.List.Entries {
		fmt.Fprintf(a.out, "%s  %s  %s  %s\n", safe(e.Status), e.Since, e.OGRN, safe(e.Name))
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
