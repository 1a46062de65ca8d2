package cli

import (
	"crypto/rand"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/fetch"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/verify"
)

// ocspCommand asks about and checks certificate status.
func (a *app) ocspCommand() *cobra.Command {
	return a.group("ocsp", text{"состояние сертификата по OCSP", "certificate status by OCSP"},
		a.ocspQueryCommand(), a.ocspVerifyCommand())
}

var ocspTrustHelp = text{
	"доверенный корень или служба OCSP; если указан, действуют только указанные", "a trust anchor or responder; when given, only the given ones count",
}

func (a *app) ocspQueryCommand() *cobra.Command {
	var issuer, url string
	var trusted []string
	var private bool
	var out output
	c := &cobra.Command{
		Use:   "query CERT --issuer F [--url U]",
		Short: a.t(text{"спросить службу OCSP", "ask an OCSP service"}),
		Args:  args(1, 1, text{"сертификат", "the certificate"}),
		RunE: func(cmd *cobra.Command, arg []string) error {
			cert, err := a.readCertificate(arg[0])
			if err != nil {
				return err
			}
			ca, err := a.readCertificate(issuer)
			if err != nil {
				return err
			}
			if url == "" && len(cert.OCSPServers) > 0 {
				url = cert.OCSPServers[0]
			}
			if url == "" {
				return usageError(text{"в сертификате нет адреса службы OCSP", "the certificate names no OCSP service"}).
					withHint(text{"укажите его: --url АДРЕС", "give it with --url ADDRESS"})
			}
			v := a.plainVerifier()
			if v.Roots, err = a.anchors(trusted); err != nil {
				return err
			}
			req, resp, err := a.askOCSP(cmd, cert, ca, url, private)
			if err != nil {
				return err
			}
			if out.path != "" {
				if err := a.writeBytes(out, resp.Raw); err != nil {
					return err
				}
			}
			rep, _ := v.VerifyOCSP(cmd.Context(), resp, verify.OCSPQuestion{Cert: cert, Issuer: ca, Request: req, Responders: v.Roots.All()})
			return a.printReport(rep)
		},
	}
	c.Flags().StringVar(&issuer, "issuer", "", a.t(text{"сертификат издателя", "the issuer's certificate"}))
	c.Flags().StringVar(&url, "url", "", a.t(text{"адрес службы; без него берётся из сертификата", "the service's address; without it the certificate's own"}))
	c.Flags().BoolVar(&private, "allow-private", false, a.t(text{"разрешить адреса внутренней сети", "allow addresses of the internal network"}))
	c.Flags().Var((*fileList)(&trusted), "trust", a.t(ocspTrustHelp))
	a.outputFlags(c, &out, false)
	a.verboseFlag(c)
	a.required(c, "issuer")
	return c
}

// askOCSP sends one request. An address that the user typed may be internal:
// --url is consent; an address from the certificate needs --allow-private.
func (a *app) askOCSP(cmd *cobra.Command, cert, ca *pki.Certificate, url string, private bool) (*ocsp.Request, *ocsp.Response, error) {
	req, err := ocsp.NewRequest(rand.Reader, cert, ca, ocsp.SHA1(), true)
	if err != nil {
		return nil, nil, err
	}
	o := fetch.Options{AllowPrivate: private}
	if cmd.Flag("url").Changed {
		o.TypedURLs = []string{url}
	}
	f := fetch.New(o)
	resp, err := f.QueryOCSP(cmd.Context(), url, req)
	if err != nil {
		return nil, nil, err
	}
	return req, resp, nil
}

func (a *app) ocspVerifyCommand() *cobra.Command {
	var cert, issuer, request string
	var trusted []string
	var at moment
	c := &cobra.Command{
		Use:   "verify F --cert F --issuer F",
		Short: a.t(text{"проверить ответ OCSP", "verify an OCSP answer"}),
		Args:  args(1, 1, text{"файл ответа", "the answer's file"}),
		RunE: func(cmd *cobra.Command, arg []string) error {
			resp, err := a.readOCSPResponse(arg[0])
			if err != nil {
				return err
			}
			subject, err := a.readCertificate(cert)
			if err != nil {
				return err
			}
			ca, err := a.readCertificate(issuer)
			if err != nil {
				return err
			}
			var req *ocsp.Request
			if request != "" {
				if req, err = a.readOCSPRequest(request); err != nil {
					return err
				}
			}
			v := a.plainVerifier()
			v.Now = at.clock(a.now)
			at.exact(v.Policy)
			if v.Roots, err = a.anchors(trusted); err != nil {
				return err
			}
			rep, _ := v.VerifyOCSP(cmd.Context(), resp, verify.OCSPQuestion{Cert: subject, Issuer: ca, Request: req, Responders: v.Roots.All()})
			return a.printReport(rep)
		},
	}
	f := c.Flags()
	f.StringVar(&cert, "cert", "", a.t(text{"сертификат, о котором ответ", "the certificate that the answer is about"}))
	f.StringVar(&issuer, "issuer", "", a.t(text{"сертификат издателя", "the issuer's certificate"}))
	f.StringVar(&request, "request", "", a.t(text{"запрос: сверить метку (nonce)", "the request, to compare the nonce"}))
	f.Var((*fileList)(&trusted), "trust", a.t(ocspTrustHelp))
	a.atFlag(c, &at)
	a.verboseFlag(c)
	a.required(c, "cert", "issuer")
	return c
}
