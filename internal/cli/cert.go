package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/report"
	"github.com/gosklyuch/gosklyuch/token/pkcs11"
)

// certCommand is the noun for certificates.
func (a *app) certCommand() *cobra.Command {
	return a.group("cert", text{"сертификаты", "certificates"},
		a.certShowCommand(), a.certListCommand(), a.certInstallCommand(), a.certExportCommand(), a.certVerifyCommand(), a.certLintCommand(),
		a.certExpiringCommand())
}

func (a *app) certShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show F",
		Short: a.t(text{"показать сертификат", "show a certificate"}),
		Args:  args(1, 1, text{"файл сертификата", "the certificate's file"}),
		RunE: func(_ *cobra.Command, arg []string) error {
			certs, err := a.readCertificates(arg[0])
			if err != nil {
				return err
			}
			if !a.json {
				for i, c := range certs {
					if i > 0 {
						fmt.Fprintln(a.out)
					}
					a.printCertificate(c)
				}
				return nil
			}
			if len(certs) == 1 {
				return a.printJSON(viewCertificate(certs[0]))
			}
			views := make([]certificateView, 0, len(certs))
			for _, c := range certs {
				views = append(views, viewCertificate(c))
			}
			return a.printJSON(struct {
				Certificates []certificateView `json:"certificates"`
			}{views})
		},
	}
}

func (a *app) certVerifyCommand() *cobra.Command {
	var f evidenceFlags
	var files reportFlags
	c := &cobra.Command{
		Use:   "verify F",
		Short: a.t(text{"проверить сертификат", "verify a certificate"}),
		Args:  args(1, 1, text{"файл сертификата", "the certificate's file"}),
		RunE: func(cmd *cobra.Command, arg []string) error {
			if err := files.check(); err != nil {
				return err
			}
			certs, err := a.readCertificates(arg[0])
			if err != nil {
				return err
			}
			v, err := a.verifier(&f)
			if err != nil {
				return err
			}
			for _, c := range certs[1:] { // a bundle: the first is meant, the rest may help
				v.Intermediates.Add(c)
			}
			rep, err := v.VerifyCertificate(cmd.Context(), certs[0])
			if rep == nil {
				return err
			}
			return a.finishReport(&files, rep, report.Input{DocumentName: reportName(arg[0])})
		},
	}
	a.addEvidenceFlags(c, &f)
	a.reportFlags(c, &files)
	return c
}

// installTarget names the container that a certificate is installed into.
type installTarget struct {
	name  string
	chain []string
}

func (a *app) certInstallCommand() *cobra.Command {
	var t installTarget
	c := &cobra.Command{
		Use:   "install F --key N",
		Short: a.t(text{"положить сертификат к ключу в контейнере или на токене", "put a certificate to its key in a container or on a token"}),
		Args:  args(1, 1, text{"файл сертификата", "the certificate's file"}),
		RunE: func(cmd *cobra.Command, arg []string) error {
			return a.installCertificate(cmd.Context(), arg[0], t)
		},
	}
	c.Flags().StringVar(&t.name, "key", "", a.t(containerOrToken))
	c.Flags().Var((*fileList)(&t.chain), "chain", a.t(text{"сертификаты УЦ", "authority certificates"}))
	a.required(c, "key")
	return c
}

func (a *app) installCertificate(ctx context.Context, file string, t installTarget) error {
	certs, err := a.readCertificates(file)
	if err != nil {
		return err
	}
	chain := append([]*pki.Certificate{}, certs[1:]...)
	for _, path := range t.chain {
		more, err := a.readCertificates(path)
		if err != nil {
			return err
		}
		chain = append(chain, more...)
	}
	if pkcs11.IsURI(t.name) {
		return a.installOnToken(ctx, t.name, certs[0], chain)
	}
	store, err := a.keyStore()
	if err != nil {
		return err
	}
	if err := store.InstallCertificate(ctx, t.name, certs[0], chain); err != nil {
		return inKey(t.name, err)
	}
	a.sayf(text{"сертификат положен в контейнер %s", "the certificate is in the container %s"}, t.name)
	if a.json {
		return a.printJSON(viewCertificate(certs[0]))
	}
	return nil
}
