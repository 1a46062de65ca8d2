package cli

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/fetch"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/tsp"
	"github.com/gosklyuch/gosklyuch/verify"
)

// timestampCommand gets and checks time stamps of files.
func (a *app) timestampCommand() *cobra.Command {
	return a.group("timestamp", text{"метки времени", "time stamps"}, a.timestampCreateCommand(), a.timestampVerifyCommand())
}

// A stampView is what a token says, for --json and for a person.
type stampView struct {
	Container     string `json:"container"` // "response" or "token"
	Policy        string `json:"policy"`
	HashAlgorithm string `json:"hashAlgorithm"`
	HashedMessage string `json:"hashedMessage"`
	Serial        string `json:"serial"`
	GenTime       string `json:"genTime"`
	Accuracy      string `json:"accuracy,omitempty"`
	Ordering      bool   `json:"ordering"`
	Nonce         string `json:"nonce,omitempty"`
}

const (
	inResponse = "response"
	aloneToken = "token"
)

// containers name what a file of a time stamp is.
var containers = map[string]text{
	inResponse: {"ответ службы меток времени с меткой", "a response of a time-stamping service with its token"},
	aloneToken: {"метка времени без ответа службы", "a time-stamp token without a response"},
}

func viewStamp(container string, t *tsp.Token) stampView {
	i := t.Info
	v := stampView{
		Container: container, Policy: string(i.Policy), HashAlgorithm: i.HashAlgorithm.OID.Name(),
		HashedMessage: hex.EncodeToString(i.HashedMessage), Serial: i.Serial.Text(16),
		GenTime: i.GenTime.UTC().Format(time.RFC3339Nano), Ordering: i.Ordering,
	}
	if i.Accuracy.Present {
		v.Accuracy = i.Accuracy.Value.String()
	}
	if i.Nonce != nil {
		v.Nonce = i.Nonce.Text(16)
	}
	return v
}

// readTimeStamp reads a token, alone or in a response, told by the content.
func (a *app) readTimeStamp(path string) (*tsp.Token, string, error) {
	data, err := a.readFile(path)
	if err != nil {
		return nil, "", err
	}
	found, err := der.Decode(data)
	if err != nil {
		return nil, "", notDER(path, der.KindTimeStampResponse, err)
	}
	if len(found) != 1 {
		return nil, "", failedf(text{"%s: в файле несколько объектов (%d), а нужен один", "%s: %d objects in the file, where one is meant"}, path, len(found)).
			withHint(text{"разделите файл на части", "split the file"})
	}
	raw := found[0].Bytes
	switch k := der.Sniff(raw); k {
	case der.KindSignedData:
		token, err := tsp.ParseToken(raw)
		if err != nil {
			return nil, "", unreadable(path, der.KindTimeStampResponse, err)
		}
		return token, aloneToken, nil
	case der.KindTimeStampResponse, der.KindUnknown:
		resp, err := tsp.ParseResponse(raw)
		if err != nil {
			return nil, "", unreadable(path, der.KindTimeStampResponse, err)
		}
		if resp.Token == nil {
			return nil, "", refusedStamp(path, resp.Status, resp.Failure)
		}
		return resp.Token, inResponse, nil
	default:
		return nil, "", wrongKind(path, k, der.KindTimeStampResponse)
	}
}

// readTimeStampRequest reads a TimeStampReq.
func (a *app) readTimeStampRequest(path string) (*tsp.Request, error) {
	return readOne(a, path, der.KindTimeStampRequest, tsp.ParseRequest)
}

func (a *app) timestampCreateCommand() *cobra.Command {
	var url, digest, policy string
	var out output
	c := &cobra.Command{
		Use:   "create FILE --tsa URL",
		Short: a.t(text{"получить метку времени на файл", "get a time stamp for a file"}),
		Long: a.t(text{
			"Отправляет службе меток хэш файла; сам файл никуда не передаётся. Ответ службы сверяется с запросом\n" +
				"и записывается в FILE.tsr. Доверие к службе проверяет timestamp verify.",
			"Sends the digest of a file to a time-stamping service; the file itself goes nowhere. The response is\n" +
				"compared with the request and written to FILE.tsr. Whether the service is trusted, timestamp verify says.",
		}),
		Example: "  gosklyuch timestamp create contract.pdf --tsa http://tsa.example/tsp -o contract.tsr",
		Args:    args(1, 1, text{"файл", "a file"}),
		RunE: func(cmd *cobra.Command, arg []string) error {
			if out.path == "" {
				if arg[0] == "-" {
					return usageError(text{"-o нужен, если документ читается из стандартного ввода", "-o is needed where the document comes from standard input"})
				}
				out.path = arg[0] + ".tsr"
			}
			if err := out.checkFree(); err != nil {
				return err
			}
			id, sum, err := a.digestForStamp(arg[0], digest)
			if err != nil {
				return err
			}
			p, err := parsePolicyOID(policy)
			if err != nil {
				return err
			}
			return a.timestampCreate(cmd.Context(), id, sum, p, url, out)
		},
	}
	f := c.Flags()
	f.StringVar(&url, "tsa", "", a.t(text{"адрес службы меток времени", "the address of the time-stamping service"}))
	f.StringVar(&digest, "alg", "streebog256", a.t(text{"streebog256 или streebog512", "streebog256 or streebog512"}))
	f.StringVar(&policy, "policy", "", a.t(text{"какие правила (OID) требуются от службы", "the policy (OID) that the service is asked for"}))
	a.outputFlags(c, &out, false)
	a.required(c, "tsa")
	return c
}

// parsePolicyOID reads an object identifier that was typed; "" is none.
func parsePolicyOID(s string) (oid.OID, error) {
	if s == "" {
		return "", nil
	}
	p, err := oid.Parse(s)
	if err != nil {
		return "", usageErrorf(text{"«%s» не идентификатор (OID) вида 1.2.643.100.1", "%q is no object identifier like 1.2.643.100.1"}, s)
	}
	return p, nil
}

// digestForStamp hashes a document.
func (a *app) digestForStamp(file, name string) (id alg.Identifier, sum []byte, err error) {
	switch name {
	case "streebog256":
		id.OID = oid.Streebog256
	case "streebog512":
		id.OID = oid.Streebog512
	default:
		return id, nil, usageErrorf(text{"неизвестный алгоритм «%s»: бывает streebog256 и streebog512", "unknown algorithm %q: streebog256 or streebog512"}, name)
	}
	sum, err = a.hashFile(file, id)
	return id, sum, err
}

// timestampCreate asks for a stamp and writes the response.
func (a *app) timestampCreate(ctx context.Context, id alg.Identifier, sum []byte, policy oid.OID, url string, out output) error {
	req, err := tsp.NewRequest(nil, id, sum, policy)
	if err != nil {
		return err
	}
	data, err := a.timeStamps(url).TimeStamp(ctx, url, req.Raw)
	if err != nil {
		return err
	}
	resp, err := tsp.ParseResponse(data)
	if err != nil {
		return badStamp(url, err)
	}
	checked, err := resp.Check(req)
	if err != nil {
		return badStamp(url, err)
	}
	if err := a.writeBytes(out, resp.Raw); err != nil {
		return err
	}
	if a.json {
		if out.path == "-" {
			return nil // the result itself is on standard output
		}
		return a.printJSON(struct {
			Output    string    `json:"output"`
			TSA       string    `json:"tsa"`
			TimeStamp stampView `json:"timeStamp"`
		}{out.path, checked.TSA.Subject.String(), viewStamp(inResponse, resp.Token)})
	}
	if out.path != "-" {
		a.sayf(text{"метка времени записана: %s", "time stamp written: %s"}, out.path)
		a.reportRow("", text{"Время метки", "Stamped time"}, stamp(checked.GenTime))
		a.reportRow("", text{"Служба меток", "Time-stamping service"}, checked.TSA.Subject.String())
		a.sayf(text{"Проверить доверие к службе: gosklyuch timestamp verify", "To check whether the service is trusted: gosklyuch timestamp verify"})
	}
	return nil
}

// timeStamps is a fetcher for the authority at url. The address was typed, so
// it may be internal; a redirect may not lead to another that is.
func (a *app) timeStamps(url string) *fetch.Fetcher {
	return fetch.New(fetch.Options{TypedURLs: []string{url}})
}

func (a *app) timestampVerifyCommand() *cobra.Command {
	var e evidenceFlags
	var request string
	c := &cobra.Command{
		Use:   "verify F.tsr [FILE] [--request F]",
		Short: a.t(text{"проверить метку времени", "verify a time stamp"}),
		Long: a.t(text{
			"Проверяет ответ службы меток или саму метку (что в файле, видно по содержимому): заверен ли именно этот\n" +
				"документ, подпись службы, её право ставить метки, цепочку её сертификата и отзыв.",
			"Verifies a time-stamp response or a token (told by the content): whether this very document was stamped,\n" +
				"the signature of the service, its right to stamp, the chain of its certificate and revocation.",
		}),
		Example: "  gosklyuch timestamp verify contract.tsr contract.pdf --trust root.cer",
		Args:    args(1, 2, text{"файл метки времени", "the file of the time stamp"}),
		RunE: func(cmd *cobra.Command, arg []string) error {
			token, container, err := a.readTimeStamp(arg[0])
			if err != nil {
				return err
			}
			var o tsp.CheckOptions
			if request != "" {
				req, err := a.readTimeStampRequest(request)
				if err != nil {
					return err
				}
				o = req.Options()
			}
			v, err := a.verifier(&e)
			if err != nil {
				return err
			}
			var content io.Reader
			if len(arg) == 2 {
				f, err := a.openDocument(arg[1])
				if err != nil {
					return err
				}
				defer f.Close() //nolint:errcheck // opened for reading
				content = f
			}
			rep, err := v.VerifyTimeStamp(cmd.Context(), token, content, o)
			if rep == nil {
				return err
			}
			return a.printStampReport(rep, container, token)
		},
	}
	c.Flags().StringVar(&request, "request", "", a.t(text{"запрос: сверить хэш, одноразовое число (nonce) и правила", "the request, to compare the digest, the nonce and the policy"}))
	a.addEvidenceFlags(c, &e)
	return c
}

// A stampReport is a report with what the token says.
type stampReport struct {
	*verify.Report
	stamp stampView
}

// MarshalJSON adds "timeStamp" to the report's own members.
func (s stampReport) MarshalJSON() ([]byte, error) {
	rep, err := json.Marshal(s.Report)
	if err != nil {
		return nil, err
	}
	view, err := json.Marshal(s.stamp)
	if err != nil {
		return nil, err
	}
	rep = bytes.TrimSuffix(rep, []byte("}"))
	return fmt.Appendf(rep, `,"timeStamp":%s}`, view), nil
}

// printStampReport prints what the token says and the report about it.
func (a *app) printStampReport(rep *verify.Report, container string, token *tsp.Token) error {
	s := viewStamp(container, token)
	rep.Lang = a.reportLang()
	if a.json {
		if err := a.printJSON(stampReport{rep, s}); err != nil {
			return err
		}
	} else {
		a.printReportText(rep)
		fmt.Fprintf(a.out, "\n%s:\n", a.t(text{"Что записано в метке", "What the stamp says"}))
		a.reportRow("", text{"Файл", "File"}, a.t(containers[s.Container]))
		a.reportRow("", text{"Номер метки", "Number of the stamp"}, s.Serial)
		if t := token.Info.Accuracy; t.Present {
			a.reportRow("", text{"Точность", "Accuracy"}, fmt.Sprintf(a.t(text{"%g с", "%g s"}), t.Value.Seconds()))
		}
		a.reportRow("", text{"Правила службы (OID)", "Policy of the service (OID)"}, s.Policy)
		a.reportRow("", text{"Хэш документа", "Digest of the document"}, s.HashAlgorithm+" "+s.HashedMessage)
	}
	if code := verdictCodes[rep.Verdict()]; code != exitOK {
		return verdict{code}
	}
	return nil
}
