package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/sign"
)

// signFlags are the flags that sign, cosign and countersign share.
type signFlags struct {
	key, cert string
	chain     []string
	format    string
	out       output
}

func (a *app) addSignFlags(c *cobra.Command, f *signFlags) {
	c.Flags().StringVar(&f.key, "key", "", a.t(keyHelp))
	c.Flags().StringVar(&f.cert, "cert", "", a.t(text{"сертификат подписанта, если его нет при ключе", "the signer's certificate, where the key carries none"}))
	c.Flags().Var((*fileList)(&f.chain), "chain", a.t(text{"сертификаты УЦ, которые войдут в подпись", "authority certificates to put into the signature"}))
	c.Flags().StringVar(&f.format, "format", "der", a.t(text{"der, pem или base64", "der, pem or base64"}))
	a.outputFlags(c, &f.out, false)
	a.required(c, "key")
}

// check refuses values that no signature can have.
func (f *signFlags) check() error {
	if f.format != "der" && f.format != "pem" && f.format != "base64" {
		return usageErrorf(text{"неизвестный формат «%s»: der, pem или base64", "unknown format %q: der, pem or base64"}, f.format)
	}
	return nil
}

// signer opens the key and finds its certificate. The caller closes the key.
func (a *app) signer(ctx context.Context, f *signFlags) (*sign.Signer, *openedKey, error) {
	k, err := a.openKey(ctx, f.key, secretPassword)
	if err != nil {
		return nil, nil, err
	}
	s, err := a.signerFor(k, f)
	if err != nil {
		k.close()
		return nil, nil, err
	}
	return s, k, nil
}

func (a *app) signerFor(k *openedKey, f *signFlags) (*sign.Signer, error) {
	if err := canSign(k); err != nil {
		return nil, err
	}
	if err := within(a.now(), k.notBefore, k.notAfter, true); err != nil {
		return nil, err
	}
	s := &sign.Signer{Key: k.signer, Cert: k.cert, Chain: k.chain, Detached: true, Now: a.now}
	if f.cert != "" {
		certs, err := a.readCertificates(f.cert)
		if err != nil {
			return nil, err
		}
		s.Cert, s.Chain = certs[0], append(certs[1:], s.Chain...)
	}
	if s.Cert == nil {
		return nil, usageErrorf(text{"у ключа %s нет сертификата", "the key %s carries no certificate"}, f.key).
			withHint(text{"укажите его: --cert ФАЙЛ, или положите к ключу: gosklyuch cert install", "give it with --cert FILE, or put it to the key: gosklyuch cert install"})
	}
	for _, path := range f.chain {
		certs, err := a.readCertificates(path)
		if err != nil {
			return nil, err
		}
		s.Chain = append(s.Chain, certs...)
	}
	s.Chain = withoutRoots(s.Chain)
	return s, nil
}

// withoutRoots leaves self-issued certificates out: the recipient has his
// anchors, and one that comes with the signature proves nothing.
func withoutRoots(chain []*pki.Certificate) (out []*pki.Certificate) {
	for _, c := range chain {
		if !c.IsSelfIssued() {
			out = append(out, c)
		}
	}
	return out
}

// signCommand signs files.
func (a *app) signCommand() *cobra.Command {
	var f signFlags
	var attached, stream bool
	var l levelFlags
	var e evidenceFlags
	c := &cobra.Command{
		Use:   "sign FILE… --key K",
		Short: a.t(text{"подписать файл", "sign a file"}),
		Long: a.t(text{
			"Подписывает файлы. По умолчанию подпись отделённая, CMS в DER, рядом с файлом: FILE.sig.",
			"Signs files. By default the signature is detached, CMS in DER, beside the file: FILE.sig.",
		}),
		Example: "  gosklyuch sign contract.pdf --key ivanov\n  gosklyuch sign contract.pdf --key ivanov.pfx --attached",
		Args:    args(1, -1, text{"файл", "a file"}),
		RunE: func(cmd *cobra.Command, files []string) error {
			if err := f.check(); err != nil {
				return err
			}
			level, err := l.parse()
			if err != nil {
				return err
			}
			if err := needsProof(cmd, level); err != nil {
				return err
			}
			if stream && level != sign.LevelBES {
				return usageErrorf(text{"--stream пишет только уровень bes, а не %s", "--stream writes level bes only, not %s"}, level)
			}
			if len(files) > 1 && f.out.path != "" {
				return usageError(text{"-o годится только для одного файла", "-o fits one file only"})
			}
			outs, err := signOutputs(files, &f, attached)
			if err != nil {
				return err
			}
			if err := a.readable(files); err != nil {
				return err
			}
			s, k, err := a.signer(cmd.Context(), &f)
			if err != nil {
				return err
			}
			defer k.close()
			s.Detached, s.Stream = !attached, stream
			lift, err := a.lift(s, level, &l, &e)
			if err != nil {
				return err
			}
			if err := a.signFiles(cmd.Context(), s, &f, files, outs); err != nil {
				return a.stoppedRaise(err)
			}
			a.warnCryptoPro(lift.last, level)
			return nil
		},
	}
	a.addSignFlags(c, &f)
	c.Flags().BoolVar(&attached, "attached", false, a.t(text{"подпись вместе с документом", "signature and document in one file"}))
	c.Flags().BoolVar(&stream, "stream", false, a.t(text{
		"присоединённую подпись писать в один проход (BER)", "write an attached signature in one pass (BER)",
	}))
	a.addLevelFlags(c, &l, "bes")
	a.addProofFlags(c, &e)
	return c
}

// proofFlags are the flags of addProofFlags.
var proofFlags = []string{"trust", "intermediate", "crl", "ocsp", "offline", "allow-private", "revocation", "policy"}

// needsProof refuses flags that would change nothing at this level: whoever
// gives them expects that something is verified.
func needsProof(cmd *cobra.Command, level sign.Level) error {
	if level >= sign.LevelXL {
		return nil
	}
	for _, name := range proofFlags {
		if cmd.Flags().Changed(name) {
			return usageErrorf(text{"--%s нужен только с --level xl или a", "--%s goes with --level xl or a"}, name).
				withHint(text{"подпись уровня ниже xl при создании не проверяется: для этого есть gosklyuch verify", "a signature below level xl is not verified when it is made: gosklyuch verify does that"})
		}
	}
	return nil
}

// addProofFlags are the flags of verify, for levels that carry evidence.
func (a *app) addProofFlags(c *cobra.Command, e *evidenceFlags) {
	var own cobra.Command
	a.addEvidenceFlags(&own, e)
	own.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Name != "verbose" && f.Name != "at" {
			f.Usage = a.t(text{"для --level xl и a: ", "for --level xl and a: "}) + f.Usage
			c.Flags().AddFlag(f)
		}
	})
}

// lift prepares s for a level above bes. For t the authority's answer is
// checked and nothing else; above it the signature is verified on its way, and
// what decided goes into it.
func (a *app) lift(s *sign.Signer, level sign.Level, l *levelFlags, e *evidenceFlags) (*lifter, error) {
	lift := &lifter{}
	if level == sign.LevelBES {
		return lift, nil
	}
	s.Level, s.TSA = level, stamper(l.tsa)
	if level == sign.LevelT {
		return lift, nil
	}
	var err error
	if lift.v, err = a.verifier(e); err != nil {
		return nil, err
	}
	s.Evidence, s.Approve = lift.evidence, lift.judge
	return lift, nil
}

// signOutputs names the result of each file and refuses existing ones before
// any work is done.
func signOutputs(files []string, f *signFlags, attached bool) ([]output, error) {
	suffix := ".sig"
	if attached {
		suffix = ".p7s"
	}
	outs := make([]output, len(files))
	for i, file := range files {
		outs[i] = f.out
		if f.out.path == "" {
			if file == "-" {
				return nil, usageError(text{"для стандартного ввода укажите -o", "standard input needs -o"})
			}
			outs[i].path = file + suffix
		}
		if err := outs[i].checkFree(); err != nil {
			return nil, err
		}
	}
	return outs, nil
}

// A signedFile is one line of `sign --json`.
type signedFile struct {
	File   string `json:"file"`
	Output string `json:"output"`
}

// signFiles signs the files, several at once where that may be; their lines and
// their signatures appear in the order of the files.
func (a *app) signFiles(ctx context.Context, s *sign.Signer, f *signFlags, files []string, outs []output) error {
	done := make([]signedFile, 0, len(files))
	finished := func(i int) {
		done = append(done, signedFile{files[i], outs[i].path})
		if outs[i].path != "-" {
			a.sayf(text{"подпись записана: %s", "the signature is written: %s"}, outs[i].path)
		}
	}
	each := a.eachInTurn
	if signableTogether(s, f.key, files, outs) {
		each = a.eachAtOnce
	}
	if i, err := each(ctx, s, files, outs, f.format, finished); err != nil {
		return a.stoppedAt(i, files, err)
	}
	if a.json && outs[0].path != "-" {
		return a.printJSON(struct {
			Signer string       `json:"signer"`
			Files  []signedFile `json:"files"`
		}{s.Cert.Subject.String(), done})
	}
	return nil
}

// eachInTurn signs one file after the other and calls finished with each. It
// returns how many were signed.
func (a *app) eachInTurn(ctx context.Context, s *sign.Signer, files []string, outs []output, format string, finished func(i int)) (int, error) {
	for i, file := range files {
		if err := a.signOne(ctx, file, outs[i], format, s.Sign); err != nil {
			return i, err
		}
		finished(i)
	}
	return len(files), nil
}

// readable opens every file once before a password is asked for and before the
// first signature is made.
func (a *app) readable(files []string) error {
	for _, file := range files {
		if file == "-" {
			continue
		}
		f, err := a.open(file)
		if err != nil {
			return err
		}
		f.Close() //nolint:errcheck,gosec // nothing was written
	}
	return nil
}

// stoppedAt says at which of several files signing stopped; what was signed
// before stays.
func (a *app) stoppedAt(i int, files []string, err error) error {
	if len(files) == 1 {
		return err
	}
	u := *a.sentence(err)
	u.message = text{
		fmt.Sprintf("%s: %s (подписано файлов: %d из %d)", files[i], u.message.ru, i, len(files)),
		fmt.Sprintf("%s: %s (files signed: %d of %d)", files[i], u.message.en, i, len(files)),
	}
	return &u
}

// signOne streams one document through a signing function into its output.
func (a *app) signOne(ctx context.Context, file string, out output, format string, do func(context.Context, io.Writer, io.Reader) error) error {
	doc, err := a.openDocument(file)
	if err != nil {
		return err
	}
	defer doc.Close() //nolint:errcheck // opened for reading
	return a.write(out, func(w io.Writer) error {
		return armored(w, format, func(w io.Writer) error { return do(ctx, w, doc) })
	})
}

// Sizes of buffers before a file. The lines of an armored document come one by
// one, and a large document should not cost a system call for each few of them.
const (
	derBuffer   = 4 << 10
	armorBuffer = 64 << 10
)

// armored calls produce with a buffered writer in the wanted format.
func armored(w io.Writer, format string, produce func(io.Writer) error) error {
	if format == "der" {
		// Content comes in long pieces, which pass a short buffer by.
		bw := bufio.NewWriterSize(w, derBuffer)
		if err := produce(bw); err != nil {
			return err
		}
		return bw.Flush()
	}
	bw := bufio.NewWriterSize(w, armorBuffer)
	enc, err := newArmor(bw, format, "CMS")
	if err != nil {
		return err
	}
	if err := produce(enc); err != nil {
		return err
	}
	if err := enc.Close(); err != nil {
		return err
	}
	return bw.Flush()
}
