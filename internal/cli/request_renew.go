package cli

import (
	"crypto/rand"
	"time"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

func (a *app) requestRenewCommand() *cobra.Command {
	var key, newKey, cert string
	var out output
	c := &cobra.Command{
		Use:   "renew --key OLD [--new-key NEW] -o F.p7m",
		Short: a.t(text{"попросить новый сертификат взамен действующего", "ask for a new certificate in place of one that is valid"}),
		Long: a.t(text{
			"Составляет запрос с именем из действующего сертификата и подписывает его прежним ключом. Без --new-key новый сертификат будет на тот же ключ.",
			"Makes a request with the subject of the valid certificate and signs it with the former key. Without --new-key the new certificate is for the same key.",
		}),
		Example: "  gosklyuch request renew --key ivanov --new-key ivanov-2027 -o ivanov.p7m",
		Args:    args(0, 0, text{}),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.checkFree(); err != nil {
				return err
			}
			old, err := a.openKey(cmd.Context(), key, secretPassword)
			if err != nil {
				return err
			}
			defer old.close()
			if cert != "" {
				if old.cert, err = a.readCertificate(cert); err != nil {
					return err
				}
			}
			if old.cert == nil {
				return usageError(text{"при этом ключе нет сертификата: укажите --cert", "this key carries no certificate: give --cert"})
			}
			owner := old
			if newKey != "" {
				if owner, err = a.openKey(cmd.Context(), newKey, secretNewPassword); err != nil {
					return err
				}
				defer owner.close()
			}
			message, err := renewal(old, owner, a.now())
			if err != nil {
				return err
			}
			if err := a.writeBytes(out, message); err != nil {
				return err
			}
			return a.done(out.path, text{"запрос на перевыпуск записан: %s", "the renewal is written: %s"})
		},
	}
	f := c.Flags()
	f.StringVar(&key, "key", "", a.t(keyHelp))
	f.StringVar(&newKey, "new-key", "", a.t(text{"новый ключ; без него остаётся прежний", "the new key; without it the former stays"}))
	f.StringVar(&cert, "cert", "", a.t(text{"действующий сертификат, если его нет при ключе", "the valid certificate, where the key carries none"}))
	a.outputFlags(c, &out, true)
	a.required(c, "key")
	return c
}

// renewal makes the message: a request by the new owner's key for the old
// certificate's subject and other names, signed with the old key.
func renewal(old, owner *openedKey, at time.Time) ([]byte, error) {
	der, err := pki.CreateRequest(rand.Reader, &pki.RequestTemplate{Subject: old.cert.Subject, SubjectAltNames: old.cert.SubjectAltNames}, owner.signer)
	if err != nil {
		return nil, err
	}
	csr, err := pki.ParseRequest(der)
	if err != nil {
		return nil, err
	}
	return ca.SignRenewal(rand.Reader, csr, old.cert, old.signer, at)
}
