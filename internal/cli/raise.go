package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/fetch"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/sign"
	"github.com/gosklyuch/gosklyuch/tsp"
	"github.com/gosklyuch/gosklyuch/verify"
)

// levelFlags are --level and --tsa.
type levelFlags struct{ level, tsa string }

// signLevels are the levels by the word of --level.
var signLevels = map[string]sign.Level{"bes": sign.LevelBES, "t": sign.LevelT, "xl": sign.LevelXL, "a": sign.LevelA}

// level reads the flags; a level above bes needs an authority.
func (f *levelFlags) parse() (sign.Level, error) {
	level, ok := signLevels[strings.ToLower(f.level)]
	switch {
	case !ok:
		return 0, usageErrorf(text{"неизвестный уровень «%s»: bes, t, xl, a", "unknown level %q: bes, t, xl, a"}, f.level)
	case level == sign.LevelBES && f.tsa != "":
		return 0, usageError(text{"--tsa нужен только с --level t, xl или a", "--tsa goes with --level t, xl or a"})
	case level != sign.LevelBES && f.tsa == "":
		return 0, usageErrorf(text{"для уровня %s нужна служба меток времени", "level %s needs a time-stamping service"}, level).
			withHint(text{"укажите её адрес: --tsa URL", "give its address with --tsa URL"})
	}
	return level, nil
}

// stamper asks the authority at the address that was typed.
func stamper(url string) tsp.Client {
	f := fetch.New(fetch.Options{TypedURLs: []string{url}})
	return &tsp.Requester{Send: f.TimeStamper(url)}
}

// A notRaised is a report that stopped a signature from being raised.
type notRaised struct {
	report *verify.Report
	err    error
}

// Error returns the cause.
func (e *notRaised) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *notRaised) Unwrap() error { return e.err }

// A lifter joins verifying with raising: what does not pass is not raised, and
// what decided is the evidence.
type lifter struct {
	v    *verify.Verifier
	last *verify.Report // of the last verification
}

// judge verifies and fails with *notRaised where the signature does not pass.
func (l *lifter) judge(ctx context.Context, sig []byte, content io.Reader) error {
	rep, err := l.v.Verify(ctx, bytes.NewReader(sig), content)
	if err != nil && rep != nil {
		return &notRaised{rep, err}
	}
	if err == nil {
		l.last = rep
	}
	return err
}

// evidence is a sign.EvidenceFunc.
func (l *lifter) evidence(ctx context.Context, sig []byte, content io.Reader) (cms.Evidence, error) {
	if err := l.judge(ctx, sig, content); err != nil {
		return cms.Evidence{}, err
	}
	return reportedEvidence(l.last), nil
}

// reportedEvidence is all that decided about the signatures of a report.
func reportedEvidence(rep *verify.Report) (all cms.Evidence) {
	add := func(chain []*pki.Certificate, e cms.Evidence) {
		all.Certificates = append(append(all.Certificates, chain...), e.Certificates...)
		all.CRLs = append(all.CRLs, e.CRLs...)
		all.OCSP = append(all.OCSP, e.OCSP...)
	}
	for _, s := range rep.Signatures {
		add(s.Chain, s.Evidence)
		for _, t := range s.TimeStamps {
			add(t.Chain, t.Evidence)
		}
	}
	return all
}

// withoutOCSP says whether some signer has no OCSP answer in the evidence.
func withoutOCSP(rep *verify.Report) bool {
	for _, s := range rep.Signatures {
		if len(s.Evidence.OCSP) == 0 {
			return true
		}
	}
	return false
}

// warnCryptoPro tells what programs of CryptoPro expect of XLT1.
func (a *app) warnCryptoPro(rep *verify.Report, level sign.Level) {
	if level >= sign.LevelXL && rep != nil && withoutOCSP(rep) {
		a.warnf(text{
			"для подписанта нет ответа OCSP, есть только список отзыва: порталы и программы КриптоПро могут не принять такую подпись как XLT1",
			"there is no OCSP answer for the signer, only a revocation list: portals and programs of CryptoPro may not accept this as XLT1",
		})
	}
}

// stoppedRaise prints the report that stopped the work and returns its verdict.
func (a *app) stoppedRaise(err error) error {
	var n *notRaised
	if !errors.As(err, &n) {
		return err
	}
	a.warnf(text{"подпись не записана: проверка не пройдена", "nothing was written: the signature did not pass verification"})
	return a.printReport(n.report)
}

// raiseCommand raises the level of signatures.
func (a *app) raiseCommand() *cobra.Command {
	var f evidenceFlags
	var l levelFlags
	var out output
	var format string
	c := &cobra.Command{
		Use:   "raise SIG [FILE] --level L --tsa URL -o F",
		Short: a.t(text{"усилить подпись: метка времени, доказательства, архив", "raise a signature's level: time stamp, evidence, archive"}),
		Long: a.t(text{
			"Проверяет подпись, добавляет к ней то, чего не хватает до уровня, и проверяет снова.\n" +
				"t: метка времени. xl: ещё сертификаты и сведения об отзыве (XLT1). a: ещё архивная метка;\n" +
				"повторный вызов с --level a обновляет её. Что не проходит проверку, не записывается.\n" +
				"FILE не нужен для присоединённой подписи, и если документ лежит рядом.",
			"Verifies the signature, adds what it lacks for the level, and verifies again.\n" +
				"t: a time stamp. xl: also certificates and revocation data (XLT1). a: also an archive time stamp;\n" +
				"another run with --level a renews it. What does not pass verification is not written.\n" +
				"FILE is not needed for an attached signature, nor where the document lies beside it.",
		}),
		Example: "  gosklyuch raise contract.pdf.sig --level xl --tsa http://tsa.example/tsp -o contract.pdf.xl.sig",
		Args:    args(1, 2, text{"подпись", "the signature"}),
		RunE: func(cmd *cobra.Command, arg []string) error {
			level, err := l.parse()
			if err != nil {
				return err
			}
			if level == sign.LevelBES {
				return usageError(text{"уровень bes есть у каждой подписи: t, xl или a", "every signature has level bes: t, xl or a"})
			}
			if err := (&signFlags{format: format}).check(); err != nil {
				return err
			}
			if err := out.checkFree(); err != nil {
				return err
			}
			v, err := a.verifier(&f)
			if err != nil {
				return err
			}
			doc := ""
			if len(arg) == 2 {
				doc = arg[1]
			}
			lift := &lifter{v: v}
			r := &sign.Raiser{Level: level, TSA: stamper(l.tsa), Evidence: lift.evidence, Approve: lift.judge}
			return a.raise(cmd.Context(), r, lift, arg[0], doc, out, format)
		},
	}
	a.addEvidenceFlags(c, &f)
	a.addLevelFlags(c, &l, "")
	c.Flags().StringVar(&format, "format", "der", a.t(text{"der, pem или base64", "der, pem or base64"}))
	a.outputFlags(c, &out, true)
	a.required(c, "level")
	return c
}

func (a *app) addLevelFlags(c *cobra.Command, l *levelFlags, level string) {
	usage := text{"уровень подписи: bes, t, xl или a", "the signature's level: bes, t, xl or a"}
	if level == "" { // raising: every signature has bes
		usage = text{"до какого уровня: t, xl или a", "to which level: t, xl or a"}
	}
	c.Flags().StringVar(&l.level, "level", level, a.t(usage))
	c.Flags().StringVar(&l.tsa, "tsa", "", a.t(text{"адрес службы меток времени", "address of the time-stamping service"}))
}

// raise verifies the signature as it is, raises it and writes it.
func (a *app) raise(ctx context.Context, r *sign.Raiser, lift *lifter, sig, doc string, out output, format string) error {
	doc, err := a.documentOf(sig, doc)
	if err != nil {
		return err
	}
	if err := a.mustPass(ctx, lift, sig, doc); err != nil {
		return err
	}
	s, content, closeBoth, err := a.openBoth(sig, doc)
	if err != nil {
		return err
	}
	defer closeBoth()
	err = a.write(out, func(w io.Writer) error {
		return armored(w, format, func(w io.Writer) error {
			return r.Raise(ctx, w, s, content)
		})
	})
	if err != nil {
		return inSignature(sig, a.stoppedRaise(err))
	}
	a.warnCryptoPro(lift.last, r.Level)
	return a.raised(lift.last, r.Level, out)
}

// mustPass verifies the signature before the authority is asked for anything.
func (a *app) mustPass(ctx context.Context, lift *lifter, sig, doc string) error {
	s, content, closeBoth, err := a.openBoth(sig, doc)
	if err != nil {
		return err
	}
	defer closeBoth()
	rep, err := lift.v.Verify(ctx, s, content)
	switch {
	case rep == nil:
		return inSignature(sig, err)
	case err != nil:
		return a.stoppedRaise(&notRaised{rep, err})
	}
	return nil
}

// documentOf finds the document of a detached signature: what was named, or
// the file beside it. "" means that the signature holds its document.
func (a *app) documentOf(sig, doc string) (string, error) {
	if sig == "-" {
		return "", usageError(text{"подпись читается дважды: нужен файл, а не «-»", "the signature is read twice: give a file, not -"})
	}
	if doc == "-" {
		return "", usageError(text{"документ читается дважды: нужен файл, а не «-»", "the document is read twice: give a file, not -"})
	}
	s, err := a.openSignature(sig)
	if err != nil {
		return "", err
	}
	defer s.Close() //nolint:errcheck // opened for reading
	sd, err := cms.ReadSigned(s, nil, cms.Limits{})
	if err != nil {
		return "", inSignature(sig, err)
	}
	if doc != "" || !sd.Detached {
		return doc, nil
	}
	for _, suffix := range []string{".sig", ".sgn", ".p7s"} {
		name, ok := strings.CutSuffix(sig, suffix)
		if !ok {
			continue
		}
		if _, err := os.Stat(name); err == nil {
			return name, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return "", usageErrorf(text{"%s: подпись отделённая: нужен сам документ", "%s: the signature is detached: the document is needed"}, sig).
		withHint(text{"укажите его вторым: gosklyuch raise ПОДПИСЬ ДОКУМЕНТ", "name it second: gosklyuch raise SIGNATURE DOCUMENT"})
}

// A raisedSignature is one signature of `raise --json`.
type raisedSignature struct {
	Signer   string `json:"signer"`
	Level    string `json:"level"`
	BestTime string `json:"bestTime,omitempty"`
}

// raised says what was reached.
func (a *app) raised(rep *verify.Report, level sign.Level, out output) error {
	if out.path == "-" {
		return nil // the result itself is on standard output
	}
	if !a.json {
		a.sayf(text{"подпись уровня %s записана: %s", "the signature of level %s is written: %s"}, level, out.path)
		return nil
	}
	doc := struct {
		Output     string            `json:"output"`
		Level      string            `json:"level"`
		Signatures []raisedSignature `json:"signatures"`
	}{Output: out.path, Level: level.String()}
	for _, s := range rep.Signatures {
		one := raisedSignature{Signer: s.SignerName, Level: s.Level, BestTime: stamp(s.BestTime)}
		if s.Signer != nil {
			one.Signer = s.Signer.Subject.String()
		}
		doc.Signatures = append(doc.Signatures, one)
	}
	return a.printJSON(doc)
}
