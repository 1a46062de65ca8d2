package cli

import (
	"crypto/rand"
	"encoding/pem"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/pki"
)

// requestCommand is the noun for PKCS #10 requests.
func (a *app) requestCommand() *cobra.Command {
	return a.group("request", text{"запросы на сертификат", "certificate requests"},
		a.requestCreateCommand(), a.requestRenewCommand(), a.requestVerifyCommand())
}

func (a *app) requestCreateCommand() *cobra.Command {
	var key, subject, profile, format string
	var out output
	c := &cobra.Command{
		Use:     "create --key K --subject DN -o F.csr",
		Short:   a.t(text{"создать запрос на сертификат", "make a certificate request"}),
		Example: `  gosklyuch request create --key ivanov --subject "CN=Иванов Иван Иванович,SN=Иванов,G=Иван Иванович,СНИЛС=112-233-445 95,ИНН=500100732259,C=RU" -o ivanov.csr`,
		Args:    args(0, 0, text{}),
		RunE: func(cmd *cobra.Command, _ []string) error {
			name, err := parseSubject("subject", subject)
			if err != nil {
				return err
			}
			if format != "pem" && format != "der" {
				return usageErrorf(text{"неизвестный формат «%s»: pem или der", "unknown format %q: pem or der"}, format)
			}
			if err := out.checkFree(); err != nil {
				return err
			}
			tmpl, err := requestTemplate(name, profile)
			if err != nil {
				return err
			}
			k, err := a.openKey(cmd.Context(), key, secretPassword)
			if err != nil {
				return err
			}
			defer k.close()
			if err := canSign(k); err != nil {
				return err
			}
			raw, err := pki.CreateRequest(rand.Reader, tmpl, k.signer)
			if err != nil {
				return err
			}
			if format == "pem" {
				raw = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: raw})
			}
			if err := a.writeBytes(out, raw); err != nil {
				return err
			}
			return a.done(out.path, text{"запрос записан: %s", "the request is written: %s"})
		},
	}
	f := c.Flags()
	f.StringVar(&key, "key", "", a.t(keyHelp))
	f.StringVar(&subject, "subject", "", a.t(text{"имя владельца (RFC 4514)", "the subject's name (RFC 4514)"}))
	f.StringVar(&profile, "profile", "", a.t(text{"для кого: citizen, entrepreneur, organization, subca, ocsp, tsa", "for whom: citizen, entrepreneur, organization, subca, ocsp, tsa"}))
	f.StringVar(&format, "format", "pem", a.t(text{"pem или der", "pem or der"}))
	a.outputFlags(c, &out, true)
	a.required(c, "key", "subject")
	return c
}

// profileNames are the profiles of `ca issue` that a request may name.
var profileNames = []string{"citizen", "entrepreneur", "organization", "subca", "ocsp", "tsa"}

// requestTemplate asks for the key usage that a profile's certificate has; the
// authority decides what it grants.
func requestTemplate(name pki.Name, profile string) (*pki.RequestTemplate, error) {
	t := &pki.RequestTemplate{Subject: name}
	switch profile {
	case "", "citizen", "entrepreneur", "organization":
		t.KeyUsage = pki.KeyUsageDigitalSignature | pki.KeyUsageContentCommitment
	case "ocsp", "tsa":
		t.KeyUsage = pki.KeyUsageDigitalSignature
	case "subca":
		t.KeyUsage = pki.KeyUsageCertSign | pki.KeyUsageCRLSign
	default:
		return nil, usageErrorf(text{"неизвестный профиль «%s»: бывает %v", "unknown profile %q: one of %v"}, profile, profileNames)
	}
	return t, nil
}

func (a *app) requestVerifyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "verify F.csr",
		Short: a.t(text{"проверить подпись запроса", "check a request's own signature"}),
		Args:  args(1, 1, text{"файл запроса", "the request's file"}),
		RunE: func(cmd *cobra.Command, arg []string) error {
			req, err := a.readRequest(arg[0])
			if err != nil {
				return err
			}
			v := a.plainVerifier()
			rep, _ := v.VerifyRequest(cmd.Context(), req)
			return a.printReport(rep)
		},
	}
	a.verboseFlag(c)
	return c
}
