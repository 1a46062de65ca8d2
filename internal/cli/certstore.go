package cli

import (
	"encoding/pem"
	"fmt"

	"github.com/spf13/cobra"
)

// A listedCertificate is one row of `cert list --json`.
type listedCertificate struct {
	Container string          `json:"container"`
	Cert      certificateView `json:"certificate"`
}

func (a *app) certListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: a.t(text{"сертификаты в контейнерах", "the containers' certificates"}),
		Args:  args(0, 0, text{}),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ks, err := a.keyStore()
			if err != nil {
				return err
			}
			list, err := ks.List(cmd.Context())
			if err != nil {
				return err
			}
			rows := []listedCertificate{}
			for _, i := range list {
				if i.Certificate != nil {
					rows = append(rows, listedCertificate{i.Name, viewCertificate(i.Certificate)})
				}
			}
			if a.json {
				return a.printJSON(struct {
					Certificates []listedCertificate `json:"certificates"`
				}{rows})
			}
			if len(rows) == 0 {
				a.sayf(text{"сертификатов нет; положить: gosklyuch cert install", "there are no certificates; to put one in: gosklyuch cert install"})
			}
			for _, r := range rows {
				fmt.Fprintf(a.out, "%s  %s  %s  %s\n", safe(r.Container), r.Cert.Serial, r.Cert.NotAfter, safe(r.Cert.Subject))
			}
			return nil
		},
	}
}

func (a *app) certExportCommand() *cobra.Command {
	var key, format string
	var out output
	c := &cobra.Command{
		Use:   "export --key N [-o F.cer]",
		Short: a.t(text{"записать сертификат контейнера в файл", "write a container's certificate to a file"}),
		Args:  args(0, 0, text{}),
		RunE: func(*cobra.Command, []string) error {
			ks, err := a.keyStore()
			if err != nil {
				return err
			}
			i, err := ks.Show(key)
			if err != nil {
				return inKey(key, err)
			}
			if i.Certificate == nil {
				return failedf(text{"в контейнере %s нет сертификата", "the container %s holds no certificate"}, key).
					withHint(text{"положите его: gosklyuch cert install", "put it in: gosklyuch cert install"})
			}
			if out.path == "" {
				out.path = i.Name + ".cer"
			}
			raw := i.Certificate.Raw
			switch format {
			case "der":
			case "pem":
				raw = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})
			default:
				return usageErrorf(text{"неизвестный формат «%s»: der или pem", "unknown format %q: der or pem"}, format)
			}
			if err := a.writeBytes(out, raw); err != nil {
				return err
			}
			return a.done(out.path, text{"сертификат записан: %s", "the certificate is written: %s"})
		},
	}
	c.Flags().StringVar(&key, "key", "", a.t(text{"имя контейнера", "the container's name"}))
	c.Flags().StringVar(&format, "format", "der", a.t(text{"der или pem", "der or pem"}))
	a.outputFlags(c, &out, false)
	a.required(c, "key")
	return c
}
