package cli

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/report"
	"github.com/gosklyuch/gosklyuch/verify"
)

// verifyCommand verifies a signature over a document, or many of them.
func (a *app) verifyCommand() *cobra.Command {
	var f evidenceFlags
	var files reportFlags
	var batch batchFlags
	c := &cobra.Command{
		Use:   "verify FILE [SIG] | --batch PATH…",
		Short: a.t(text{"проверить подпись", "verify a signature"}),
		Long: a.t(text{
			"Проверяет подпись SIG под документом FILE. Если SIG не указан: FILE сам содержит подпись,\n" +
				"или рядом лежит FILE.sig, .sgn или .p7s. С --batch проверяет все подписи в файлах и папках.",
			"Verifies the signature SIG over the document FILE. Without SIG: FILE holds the signature itself,\n" +
				"or FILE.sig, .sgn or .p7s lies beside it. With --batch every signature in files and folders is verified.",
		}),
		Example: "  gosklyuch verify contract.pdf contract.pdf.sig --trust root.cer --crl ca.crl\n" +
			"  gosklyuch verify contract.pdf --report protocol.pdf --report protocol.json\n" +
			"  gosklyuch verify --batch archive --csv summary.csv",
		Args: func(cmd *cobra.Command, arg []string) error {
			if batch.on {
				return args(1, -1, text{"файл или папка", "a file or folder"})(cmd, arg)
			}
			return args(1, 2, text{"документ", "the document"})(cmd, arg)
		},
		RunE: func(cmd *cobra.Command, arg []string) error {
			if err := batch.check(&files); err != nil {
				return err
			}
			if batch.on {
				return a.verifyBatch(cmd.Context(), &f, &batch, files.force, arg)
			}
			return a.verifyOne(cmd.Context(), &f, &files, arg)
		},
	}
	a.addEvidenceFlags(c, &f)
	a.reportFlags(c, &files)
	a.batchFlags(c, &batch)
	return c
}

// verifyOne verifies the signatures of one document.
func (a *app) verifyOne(ctx context.Context, f *evidenceFlags, files *reportFlags, arg []string) error {
	if err := files.check(); err != nil {
		return err
	}
	v, err := a.verifier(f)
	if err != nil {
		return err
	}
	doc, sig, err := a.findSignature(arg)
	if err != nil {
		return err
	}
	s, content, closeBoth, err := a.openBoth(sig, doc)
	if err != nil {
		return err
	}
	defer closeBoth()
	if len(files.files) == 0 {
		rep, err := v.Verify(ctx, s, content)
		if rep == nil {
			return inSignature(sig, err)
		}
		return a.printReport(rep)
	}
	in := report.Input{DocumentName: reportName(sig)}
	if doc != "" {
		in.DocumentName, in.SignatureName = reportName(doc), reportName(sig)
	}
	if in.Report, err = a.verifyHashed(ctx, v, s, content, &in); in.Report == nil {
		return inSignature(sig, err)
	}
	return a.finishReport(files, in.Report, in)
}

// verifyHashed verifies and, in the same pass, computes the digests that a
// report names. An attached signature is a document that holds its signatures.
func (a *app) verifyHashed(ctx context.Context, v *verify.Verifier, sig, content io.Reader, in *report.Input) (*verify.Report, error) {
	hashedSig, sigSums := digests(sig)
	var r io.Reader
	var docSums *digesting
	if content != nil {
		r, docSums = digests(content)
	}
	rep, err := v.Verify(ctx, hashedSig, r)
	if rep == nil {
		return nil, err
	}
	sums, err := sigSums.sums()
	if err != nil {
		return nil, err
	}
	if docSums == nil {
		in.DocumentDigests = sums
		return rep, nil
	}
	in.SignatureDigests = sums
	if in.DocumentDigests, err = docSums.sums(); err != nil {
		return nil, err
	}
	return rep, nil
}

// findSignature tells document and signature apart. doc is empty for an
// attached signature.
func (a *app) findSignature(arg []string) (doc, sig string, err error) {
	if len(arg) == 2 {
		return arg[0], arg[1], nil
	}
	file := arg[0]
	if file == "-" {
		return "", file, nil
	}
	head, err := a.head(file)
	if err != nil {
		return "", "", err
	}
	if isSignature(head) {
		return "", file, nil
	}
	for _, suffix := range signatureSuffixes {
		if _, err := os.Stat(file + suffix); err == nil {
			return file, file + suffix, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", "", err
		}
	}
	if k := sniffArmored(head); k != der.KindUnknown && k != der.KindPDF && k != der.KindXML && k != der.KindHTML && k != der.KindZIP {
		return "", "", wrongKind(file, k, der.KindSignedData)
	}
	return "", "", failedf(text{
		"%s: подписи внутри нет, и рядом нет файла .sig, .sgn или .p7s", "%s: holds no signature, and no .sig, .sgn or .p7s lies beside it",
	}, file).withHint(text{"укажите файл подписи вторым: gosklyuch verify ДОКУМЕНТ ПОДПИСЬ", "name the signature second: gosklyuch verify DOCUMENT SIGNATURE"})
}

// headSize is what is read to tell what a file is; PEM and double Base64 need
// some lines.
const headSize = 8 << 10

func (a *app) head(path string) ([]byte, error) {
	f, err := a.open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // opened for reading
	b, err := io.ReadAll(io.LimitReader(f, headSize))
	if err == nil && len(b) == 0 {
		err = emptyFile(path)
	}
	return b, err
}

func emptyFile(path string) error {
	return failedf(text{"%s: файл пуст", "%s: the file is empty"}, path)
}

func isSignature(head []byte) bool { return sniffArmored(head) == der.KindSignedData }

// openSignature opens a signature and says what the file is if it is something
// else.
func (a *app) openSignature(path string) (io.ReadCloser, error) {
	if path != "-" {
		head, err := a.head(path)
		if err != nil {
			return nil, err
		}
		if k := sniffArmored(head); k != der.KindUnknown && k != der.KindSignedData {
			return nil, wrongKind(path, k, der.KindSignedData)
		}
	}
	return a.openDocument(path)
}

// openBoth opens a signature and its document. Where doc is "", the signature
// is attached and content nil.
func (a *app) openBoth(sig, doc string) (s, content io.Reader, closeBoth func(), err error) {
	opened, err := a.openSignature(sig)
	if err != nil {
		return nil, nil, nil, err
	}
	if doc == "" {
		return opened, nil, func() { _ = opened.Close() }, nil // opened for reading
	}
	document, err := a.openDocument(doc)
	if err != nil {
		_ = opened.Close()
		return nil, nil, nil, err
	}
	return opened, document, func() { _, _ = document.Close(), opened.Close() }, nil
}

// inSignature names the file in an error about a signature.
func inSignature(path string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	var u *userError
	if errors.As(err, &u) {
		return err
	}
	var kind *cms.KindError
	if errors.As(err, &kind) {
		return wrongKind(path, kind.Kind, kind.Want)
	}
	if errors.Is(err, der.ErrEmpty) {
		return unreadable(path, der.KindSignedData, err)
	}
	if systemError(err) != nil || libraryError(err) != nil {
		return err
	}
	return unreadable(path, der.KindSignedData, err)
}
