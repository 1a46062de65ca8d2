package cli

import (
	"context"
	"encoding/pem"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/token/pkcs11"
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

var containerOrToken = text{"имя контейнера или ключ токена pkcs11:…", "the container's name, or a token's key pkcs11:…"}

// storedCertificate returns the certificate that a container or a token's key
// has, and a name for its file.
func (a *app) storedCertificate(ctx context.Context, key string) (cert *pki.Certificate, name string, err error) {
	if pkcs11.IsURI(key) {
		err = a.withTokenKey(ctx, key, func(_ *tokenSession, k tokenKey) error {
			cert = k.Certificate()
			if name = filepath.Base(k.Label()); name == "." || name == string(filepath.Separator) {
				name = "token"
			}
			return nil
		})
	} else {
		ks, openErr := a.keyStore()
		if openErr != nil {
			return nil, "", openErr
		}
		i, showErr := ks.Show(key)
		if showErr != nil {
			return nil, "", inKey(key, showErr)
		}
		cert, name = i.Certificate, i.Name
	}
	if err == nil && cert == nil {
		where := text{"в контейнере %s нет сертификата", "the container %s holds no certificate"}
		if pkcs11.IsURI(key) {
			where = text{"на токене нет сертификата ключа %s", "the token holds no certificate of the key %s"}
		}
		err = failedf(where, key).withHint(text{"положите его: gosklyuch cert install", "put it in: gosklyuch cert install"})
	}
	return cert, name, err
}

func (a *app) certExportCommand() *cobra.Command {
	var key, format string
	var out output
	c := &cobra.Command{
		Use:   "export --key N [-o F.cer]",
		Short: a.t(text{"записать сертификат контейнера или ключа токена в файл", "write the certificate of a container or of a token's key to a file"}),
		Args:  args(0, 0, text{}),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cert, name, err := a.storedCertificate(cmd.Context(), key)
			if err != nil {
				return err
			}
			if out.path == "" {
				out.path = name + ".cer"
			}
			raw := cert.Raw
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
	c.Flags().StringVar(&key, "key", "", a.t(containerOrToken))
	c.Flags().StringVar(&format, "format", "der", a.t(text{"der или pem", "der or pem"}))
	a.outputFlags(c, &out, false)
	a.required(c, "key")
	return c
}
