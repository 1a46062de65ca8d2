package cli

import (
	"bytes"
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/trust"
)

// trustExportCommand signs the home's anchors as a bundle for other places.
func (a *app) trustExportCommand() *cobra.Command {
	var f signFlags
	var serial int64
	c := &cobra.Command{
		Use:   "export [ID…] -o BUNDLE --key K",
		Short: a.t(text{"подписать набор доверенных сертификатов для других мест", "sign a bundle of anchors for other places"}),
		Long: a.t(text{
			"Подписывает доверенные сертификаты (все или с указанными идентификаторами) как один набор; его загружают командой trust import. Номер набора растёт: по умолчанию это время в секундах.",
			"Signs the trust anchors (all, or those with the given ids) as one bundle, to be taken over by trust import. The bundle's serial grows: by default it is the time in seconds.",
		}),
		Args: args(0, -1, text{}),
		RunE: func(cmd *cobra.Command, ids []string) error {
			if err := f.check(); err != nil {
				return err
			}
			certs, err := a.chosenAnchors(ids)
			if err != nil {
				return err
			}
			b := trust.Bundle{Serial: serial, Date: a.now(), Anchors: certs}
			if serial == 0 {
				b.Serial = b.Date.Unix()
			}
			return a.exportBundle(cmd.Context(), &f, &b)
		},
	}
	a.addSignFlags(c, &f)
	c.Flags().Int64Var(&serial, "serial", 0, a.t(text{"номер набора", "the bundle's serial"}))
	a.required(c, "output")
	return c
}

func (a *app) chosenAnchors(ids []string) ([]*pki.Certificate, error) {
	store, err := a.trustStore()
	if err != nil {
		return nil, err
	}
	var out []*pki.Certificate
	for _, id := range ids {
		x, err := store.Find(id)
		if err != nil {
			return nil, err
		}
		out = append(out, x.Certificate)
	}
	if len(ids) == 0 {
		list, err := store.List()
		if err != nil {
			return nil, err
		}
		for _, x := range list {
			out = append(out, x.Certificate)
		}
	}
	if len(out) == 0 {
		return nil, failedf(text{"доверенных сертификатов нет: подписывать нечего", "there are no trust anchors: nothing to sign"}).
			withHint(text{"добавьте их: gosklyuch trust add", "add some: gosklyuch trust add"})
	}
	return out, nil
}

func (a *app) exportBundle(ctx context.Context, f *signFlags, b *trust.Bundle) error {
	content, err := b.Encode()
	if err != nil {
		return usageErrorf(text{"набор не составлен: %v", "no bundle: %v"}, err)
	}
	if err := f.out.checkFree(); err != nil {
		return err
	}
	s, k, err := a.signer(ctx, f)
	if err != nil {
		return err
	}
	defer k.close()
	s.Detached = false
	err = a.write(f.out, func(w io.Writer) error {
		return armored(w, f.format, func(w io.Writer) error { return s.Sign(ctx, w, bytes.NewReader(content)) })
	})
	if err != nil {
		return err
	}
	if a.json && f.out.path != "-" {
		return a.printJSON(struct {
			Output  string `json:"output"`
			Serial  int64  `json:"serial"`
			Date    string `json:"date"`
			Anchors int    `json:"anchors"`
		}{f.out.path, b.Serial, stamp(b.Date.Truncate(time.Second)), len(b.Anchors)})
	}
	return a.done(f.out.path, text{"набор записан: %s", "the bundle is written: %s"})
}
