package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"
)

// cosignCommand adds one more signature over the same document.
func (a *app) cosignCommand() *cobra.Command {
	var f signFlags
	c := &cobra.Command{
		Use:   "cosign FILE SIG --key K",
		Short: a.t(text{"добавить к подписи ещё одну", "add one more signature"}),
		Long: a.t(text{
			"Добавляет в SIG ещё одну подпись под документом FILE. Без -o заменяется сам файл SIG.",
			"Adds one more signature over the document FILE to SIG. Without -o the file SIG itself is replaced.",
		}),
		Args: args(2, 2, text{"документ и файл подписи", "the document and its signature"}),
		RunE: func(cmd *cobra.Command, arg []string) error {
			return a.resign(cmd.Context(), &f, arg[1], arg[0])
		},
	}
	a.addSignFlags(c, &f)
	return c
}

// countersignCommand signs a signature.
func (a *app) countersignCommand() *cobra.Command {
	var f signFlags
	var index int
	c := &cobra.Command{
		Use:   "countersign SIG --key K",
		Short: a.t(text{"заверить чужую подпись своей", "sign a signature"}),
		Args:  args(1, 1, text{"файл подписи", "the signature's file"}),
		RunE: func(cmd *cobra.Command, arg []string) error {
			if index < 1 {
				return usageError(text{"--signer считает с 1", "--signer counts from 1"})
			}
			return a.resignWith(cmd.Context(), &f, arg[0], "", index-1)
		},
	}
	a.addSignFlags(c, &f)
	c.Flags().IntVar(&index, "signer", 1, a.t(text{"какую по счёту подпись заверить", "which of the signatures, counted from 1"}))
	return c
}

func (a *app) resign(ctx context.Context, f *signFlags, sig, doc string) error {
	return a.resignWith(ctx, f, sig, doc, -1)
}

// resignWith writes a changed signature: in place of SIG, or to -o. With
// index >= 0 it countersigns that signature, else it adds one over doc.
func (a *app) resignWith(ctx context.Context, f *signFlags, sig, doc string, index int) error {
	if err := f.check(); err != nil {
		return err
	}
	out := f.out
	if out.path == "" {
		out.path, out.force = sig, true
	}
	if err := out.checkFree(); err != nil {
		return err
	}
	s, k, err := a.signer(ctx, f)
	if err != nil {
		return err
	}
	defer k.close()
	existing, err := a.open(sig)
	if err != nil {
		return err
	}
	defer existing.Close() //nolint:errcheck // opened for reading
	var content io.ReadCloser
	if index < 0 {
		if content, err = a.openDocument(doc); err != nil {
			return err
		}
		defer content.Close() //nolint:errcheck // opened for reading
	}
	err = a.write(out, func(w io.Writer) error {
		return armored(w, f.format, func(w io.Writer) error {
			if index < 0 {
				return s.CoSign(ctx, w, existing, content)
			}
			return s.CounterSign(ctx, w, existing, index)
		})
	})
	if err != nil {
		return inSignature(sig, err)
	}
	return a.done(out.path, text{"подпись записана: %s", "the signature is written: %s"})
}
