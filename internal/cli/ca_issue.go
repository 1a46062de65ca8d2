package cli

import (
	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/pki/ca"
)

func (a *app) caIssueCommand() *cobra.Command {
	var dir, profile string
	var days, identification int
	var out output
	var bulk bulkFlags
	c := &cobra.Command{
		Use:   "issue REQUEST --dir D -o F.cer | issue --bulk DIR|CSV --dir D --out DIR",
		Short: a.t(text{"выпустить сертификат по запросу", "issue a certificate for a request"}),
		Args:  args(0, 1, text{"файл запроса", "the request's file"}),
		RunE: func(cmd *cobra.Command, arg []string) error {
			if err := checkDays(days); err != nil {
				return err
			}
			if err := checkIdentification(identification); err != nil {
				return err
			}
			if bulk.from != "" {
				if len(arg) > 0 || out.path != "" {
					return usageError(text{"с --bulk запрос и -o не указывают: сертификаты пишутся в --out", "with --bulk neither a request nor -o is given: the certificates go to --out"})
				}
				bulk.summary.force = out.force
				return a.caBulk(cmd.Context(), dir, ca.BulkItem{Profile: profile, Days: days, IdentificationKind: identification}, bulk)
			}
			if len(arg) == 0 || out.path == "" {
				return usageError(text{"нужны файл запроса и -o, или --bulk", "a request's file and -o are needed, or --bulk"})
			}
			if err := out.checkFree(); err != nil {
				return err
			}
			req, err := a.readRequest(arg[0])
			if err != nil {
				return err
			}
			au, err := a.openAuthority(cmd.Context(), dir)
			if err != nil {
				return err
			}
			defer au.close()
			cert, err := au.IssueRequest(cmd.Context(), profile, ca.Request{CSR: req, Days: days, IdentificationKind: identification, Actor: actor()})
			if err != nil {
				return err
			}
			if err := a.writeBytes(out, cert.Raw); err != nil {
				return a.issuedButNotWritten(cert, err)
			}
			if a.json && out.path != "-" {
				return a.printJSON(viewCertificate(cert))
			}
			return a.done(out.path, text{"сертификат выпущен: %s", "the certificate is issued: %s"})
		},
	}
	f := c.Flags()
	a.dirFlag(c, &dir)
	f.StringVar(&profile, "profile", "", a.t(text{"профиль; без него определяется по имени владельца", "profile; without it the subject's name decides"}))
	f.IntVar(&days, "days", 0, a.t(text{"срок действия в днях (0: по профилю)", "validity in days (0: the profile's)"}))
	f.IntVar(&identification, "identification", 0, a.t(text{"как установлена личность: 0 лично, 1 сертификат, 2 загранпаспорт, 3 ЕБС", "how the applicant was identified: 0 in person, 1 certificate, 2 passport, 3 biometrics"}))
	a.outputFlags(c, &out, false)
	a.bulkFlags(c, &bulk)
	return c
}

func checkIdentification(n int) error {
	if n < 0 || n > 3 {
		return usageErrorf(text{"--identification бывает от 0 до 3, а не %d", "--identification is 0 to 3, not %d"}, n)
	}
	return nil
}
