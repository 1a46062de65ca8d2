package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/trust"
	"github.com/gosklyuch/gosklyuch/xmldsig"
)

// trustImportCommand takes over the trust-service list or a bundle of anchors.
func (a *app) trustImportCommand() *cobra.Command {
	var signer string
	c := &cobra.Command{
		Use:   "import FILE [--signer F.cer|FINGERPRINT]",
		Short: a.t(text{"загрузить перечень аккредитованных УЦ или набор доверенных сертификатов", "take over the list of accredited authorities or a bundle of anchors"}),
		Long: a.t(text{
			"Загружает перечень аккредитованных удостоверяющих центров (XML с портала уполномоченного органа) или подписанный набор доверенных сертификатов (trust export). Подпись проверяется. --signer называет сертификат, которому вы верите как источнику: сертификат самого подписанта или тот, которым он выдан. Достаточно указать его в первый раз.",
			"Takes over the list of accredited certification authorities (XML from the portal of the authorized body) or a signed bundle of anchors (trust export). The signature is verified. --signer names the certificate that you trust as the origin: that of the signer, or the one that issued it. Once is enough.",
		}),
		Example: "  gosklyuch trust import TSLExt.1.0.xml --signer guc.cer\n  gosklyuch trust import anchors.gtb",
		Args:    args(1, 1, text{"файл перечня или набора", "the file of the list or bundle"}),
		RunE: func(cmd *cobra.Command, arg []string) error {
			data, err := a.readFile(arg[0])
			if err != nil {
				return err
			}
			store, err := a.trustStore()
			if err != nil {
				return err
			}
			if bytes.HasPrefix(bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), " \t\r\n"), []byte("<")) {
				err = a.importList(cmd.Context(), store, data, signer)
			} else {
				err = a.importBundle(cmd.Context(), store, data, signer)
			}
			return importError(err)
		},
	}
	c.Flags().StringVar(&signer, "signer", "", a.t(text{"сертификат-источник: файл или отпечаток", "the certificate of the origin: a file or a fingerprint"}))
	return c
}

// pins joins what --signer names with what earlier imports have pinned.
func (a *app) pins(signer string, kept *trust.Pins) (*trust.Pins, error) {
	if signer == "" {
		return kept, nil
	}
	p := new(trust.Pins)
	if _, err := os.Stat(signer); err != nil {
		if p.AddFingerprint(signer) == nil {
			return p, nil
		}
	}
	certs, err := a.readCertificates(signer)
	if err != nil {
		return nil, err
	}
	p.Add(certs...)
	return p, nil
}

// A listImport is `trust import --json` for the list.
type listImport struct {
	Kind     string   `json:"kind"`
	List     listView `json:"list"`
	Findings []string `json:"findings,omitempty"`
}

func (a *app) importList(ctx context.Context, store *trust.Store, data []byte, signer string) error {
	kept, err := store.ListPins()
	if err != nil {
		return err
	}
	pins, err := a.pins(signer, kept)
	if err != nil {
		return err
	}
	l, err := trust.ReadList(ctx, data, pins, a.now())
	if err != nil {
		return err
	}
	if err := store.SaveList(l); err != nil {
		return err
	}
	v := viewList(l, a.now(), false)
	out := listImport{Kind: "list", List: v}
	for _, f := range l.Findings {
		out.Findings = append(out.Findings, f.Field+": "+f.Detail)
		a.warnf(text{"сертификат в перечне пропущен: %s: %s", "a certificate of the list was passed over: %s: %s"}, safe(f.Field), safe(f.Detail))
	}
	if v.Outdated {
		a.warnf(text{"перечень издан %s: он старше месяца", "the list is of %s: older than a month"}, v.Date)
	}
	if a.json {
		return a.printJSON(out)
	}
	a.sayf(text{
		"Перечень загружен: версия %d от %s; удостоверяющих центров: %d, действует аккредитация: %d",
		"The list is taken over: version %d of %s; authorities: %d, accredited: %d",
	}, v.Version, v.Date, v.Authorities, v.Accredited)
	a.sayf(text{"источник (Стрибог-256): %s", "origin (Streebog-256): %s"}, v.Origin)
	return nil
}

// A bundleImport is `trust import --json` for a bundle.
type bundleImport struct {
	Kind    string       `json:"kind"`
	Serial  int64        `json:"serial"`
	Date    string       `json:"date"`
	Origin  string       `json:"origin"`
	Added   []anchorView `json:"added"`
	Removed []anchorView `json:"removed"`
}

func (a *app) importBundle(ctx context.Context, store *trust.Store, data []byte, signer string) error {
	kept, err := store.BundlePins()
	if err != nil {
		return err
	}
	pins, err := a.pins(signer, kept)
	if err != nil {
		return err
	}
	b, err := trust.ReadBundle(ctx, data, pins, a.now())
	if err != nil {
		return err
	}
	added, removed, err := store.SaveBundle(b, a.now())
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(bundleImport{"bundle", b.Serial, stamp(b.Date), b.Pinned, viewAnchors(added), viewAnchors(removed)})
	}
	a.sayf(text{"Набор загружен: номер %d от %s; добавлено: %d, убрано: %d", "The bundle is taken over: serial %d of %s; added: %d, removed: %d"},
		b.Serial, stamp(b.Date), len(added), len(removed))
	if len(added) > 0 {
		a.sayf(text{"Теперь вы доверяете:", "Now trusted:"})
		if err := a.printAnchors(added); err != nil {
			return err
		}
	}
	if len(removed) > 0 {
		a.sayf(text{"Вы больше не доверяете:", "No longer trusted:"})
		return a.printAnchors(removed)
	}
	return nil
}

// importError translates what an import refuses. A list or bundle that must not
// be believed is refused as invalid, one whose origin is open as indeterminate.
func importError(err error) error {
	pin := text{
		"укажите сертификат источника, сверив отпечаток: --signer ФАЙЛ или --signer ОТПЕЧАТОК",
		"give the certificate of the origin after comparing its thumbprint: --signer FILE or --signer FINGERPRINT",
	}
	detail := func() string { return strings.ReplaceAll(err.Error(), "\n", "; ") }
	switch {
	case err == nil:
		return nil
	case errors.Is(err, trust.ErrRollback):
		return refusedf(text{"уже загружена более новая версия: %s", "a newer version was imported before: %s"}, safe(strings.TrimPrefix(detail(), trust.ErrRollback.Error()+": "))).
			withHint(text{"возьмите свежий файл", "get the current file"})
	case errors.Is(err, trust.ErrInvalid):
		return newErrorf(exitInvalid, text{"подпись файла неверна: %s", "the file's signature is invalid: %s"}, safe(detail())).
			withHint(text{"скачайте файл ещё раз", "download the file again"})
	case errors.Is(err, trust.ErrSigner):
		return newError(exitIndeterminate, text{"источник файла не подтверждён", "the origin of the file is not established"}).withCause(err).withHint(pin)
	case errors.Is(err, trust.ErrUnsigned):
		return newErrorf(exitInvalid, text{"перечень подписан не целиком: %s", "the whole of the list is not signed: %s"}, safe(detail())).
			withHint(text{"скачайте файл ещё раз", "download the file again"})
	case errors.Is(err, xmldsig.ErrLimit), errors.Is(err, trust.ErrNotList):
		return failedf(text{"это не перечень аккредитованных удостоверяющих центров: %s", "this is not a list of accredited authorities: %s"}, safe(detail()))
	case errors.Is(err, trust.ErrNotBundle):
		return failedf(text{"это не перечень удостоверяющих центров (XML) и не набор доверенных сертификатов", "this is neither a list of authorities (XML) nor a bundle of anchors"}).withCause(err).
			withHint(text{
				"перечень скачивают с e-trust.gosuslugi.ru, набор делает gosklyuch trust export",
				"the list is downloaded from e-trust.gosuslugi.ru, a bundle is made by gosklyuch trust export",
			})
	}
	return err
}

// A listView is the list in JSON.
type listView struct {
	Version     int             `json:"version"`
	Date        string          `json:"date"`
	Imported    string          `json:"imported"`
	Origin      string          `json:"origin"`
	Digest      string          `json:"digest"`
	Authorities int             `json:"authorities"`
	Accredited  int             `json:"accredited"`
	Outdated    bool            `json:"outdated"`
	Entries     []authorityView `json:"entries,omitempty"`
}

// An authorityView is one authority in JSON.
type authorityView struct {
	Name   string `json:"name"`
	OGRN   string `json:"ogrn,omitempty"`
	State  string `json:"state"`
	Status string `json:"status"`
	Since  string `json:"since,omitempty"`
	Keys   int    `json:"keys"`
}

// viewList describes a list; entries says whether each authority is named.
func viewList(l *trust.List, now time.Time, entries bool) listView {
	v := listView{
		Version: l.Version, Date: stamp(l.Date), Imported: stamp(l.Imported), Origin: l.Pinned, Digest: l.Digest,
		Authorities: len(l.Authorities), Outdated: l.Outdated(now),
	}
	for i := range l.Authorities {
		x := &l.Authorities[i]
		s := l.Current(x)
		if s.State == trust.Active {
			v.Accredited++
		}
		if !entries {
			continue
		}
		e := authorityView{Name: x.Name, OGRN: x.OGRN, State: string(s.State), Status: s.Text, Keys: len(x.Keys)}
		if e.State == "" {
			e.State = "unknown"
		}
		if !s.Since.IsZero() {
			e.Since = stamp(s.Since)
		}
		v.Entries = append(v.Entries, e)
	}
	return v
}
