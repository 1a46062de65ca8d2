// Package cli is the command line of gosklyuch: cobra commands, one file a
// verb, and everything that a person sees: prompts, sentences, hints and exit
// codes. Every sentence exists in Russian and in English and stands where it is
// used, as a text value. The libraries below know neither language nor exit
// codes; their errors are turned into sentences in errors.go.
package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Version is the program's version; the build writes it with -ldflags -X.
var Version = "0.1.0-dev"

// A text is one sentence for people in both languages.
type text struct{ ru, en string }

// A streams value holds what the program reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// An app is one run of the program: its streams, environment and global flags.
type app struct {
	streams
	lookupEnv func(string) (string, bool)
	now       func() time.Time

	lang    string // "ru" or "en"
	home    string
	json    bool
	noInput bool
	verbose bool // every check of a report

	module   string // PKCS #11 module for URIs that name none
	finalTry bool   // consent to use the last try of a PIN

	secretFiles map[secretKind]*string
	stdinTaken  string // the flag that reads standard input, once one does

	stopped <-chan struct{} // closed when the run is to end
}

// Main runs the program with the process's own streams and environment and
// returns the exit code.
func Main(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second interrupt ends the process at once
	ignoreFileLimit()
	a := &app{
		streams:   streams{in: os.Stdin, out: os.Stdout, err: os.Stderr},
		lookupEnv: os.LookupEnv,
		now:       time.Now,
	}
	return a.run(ctx, args)
}

// run executes one command line and returns its exit code (exit* constants).
func (a *app) run(ctx context.Context, args []string) int {
	a.lang, a.stopped = a.chooseLanguage(args), ctx.Done()
	asked := wantsJSON(args)
	out := &lasting{Writer: a.out}
	a.out = out
	a.secretFiles = map[secretKind]*string{}
	root := a.rootCommand()
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	cmd, err := root.ExecuteContextC(ctx)
	code := exitOK
	if err != nil {
		a.json = a.json || asked // a line that could not be parsed
		code = a.fail(err)
	}
	a.record(ctx, cmd, code)
	if out.err != nil && (err == nil || errors.As(err, new(verdict))) {
		a.json = false // standard output takes nothing any more
		return worst(code, a.fail(out.err))
	}
	return code
}

// A lasting writer keeps the first error of its writes: what a report could not
// be written to is no success.
type lasting struct {
	io.Writer
	err error
}

// Write passes the bytes through until an error.
func (l *lasting) Write(p []byte) (int, error) {
	if l.err != nil {
		return 0, l.err
	}
	n, err := l.Writer.Write(p)
	l.err = err
	return n, err
}

// wantsJSON looks for --json on a line that cobra may not be able to parse:
// that error is a JSON document too.
func wantsJSON(args []string) bool {
	for _, arg := range args {
		switch arg {
		case "--":
			return false
		case "--json", "--json=true":
			return true
		}
	}
	return false
}

// env returns an environment variable, or "".
func (a *app) env(name string) string {
	v, _ := a.lookupEnv(name)
	return v
}

// chooseLanguage looks for --lang before cobra parses the line, because the
// help and the errors of that parsing are in that language too.
func (a *app) chooseLanguage(args []string) string {
	for i, arg := range args {
		if arg == "--" {
			break
		}
		if v, ok := strings.CutPrefix(arg, "--lang="); ok {
			return knownLanguage(v)
		}
		if arg == "--lang" && i+1 < len(args) {
			return knownLanguage(args[i+1])
		}
	}
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := a.env(name); v != "" {
			return knownLanguage(v)
		}
	}
	return "en"
}

func knownLanguage(v string) string {
	if strings.HasPrefix(strings.ToLower(v), "ru") {
		return "ru"
	}
	return "en"
}

// t returns the text in the language of this run.
func (a *app) t(x text) string {
	if a.lang == "ru" {
		return x.ru
	}
	return x.en
}

// rootCommand builds the whole tree of commands in the language of this run.
func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use: "gosklyuch",
		Short: a.t(text{
			"Ключи, сертификаты и электронная подпись по ГОСТ",
			"Keys, certificates and electronic signatures with the GOST algorithms",
		}),
		Version:       Version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cmd.Help(); err != nil {
				return err
			}
			return usageError(text{"не указана команда", "no command given"})
		},
	}
	root.CompletionOptions.DisableDefaultCmd = true
	a.globalFlags(root.PersistentFlags())
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return a.checkGlobalFlags(cmd) }
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return a.flagError(err) })
	for _, c := range a.commands() {
		root.AddCommand(c)
	}
	a.localize(root)
	a.addCompletion(root)
	return root
}

// commands returns the top-level commands.
func (a *app) commands() []*cobra.Command {
	return []*cobra.Command{
		a.keyCommand(), a.requestCommand(), a.certCommand(), a.crlCommand(),
		a.signCommand(), a.cosignCommand(), a.countersignCommand(), a.raiseCommand(), a.verifyCommand(),
		a.rawCommand(), a.timestampCommand(), a.ocspCommand(), a.hashCommand(), a.trustCommand(), a.policyCommand(),
		a.tokenCommand(), a.caCommand(), a.journalCommand(), a.serveCommand(), a.demoCommand(), a.completionCommand(),
		a.reservedCommand("encrypt", "encrypt FILE --to CERT…"), a.reservedCommand("decrypt", "decrypt FILE --key K"),
	}
}

// globalFlags declares the flags of CLI.md's table "everywhere".
func (a *app) globalFlags(f *pflag.FlagSet) {
	f.StringVar(&a.home, "home", "", a.t(text{
		"папка с контейнерами, доверенными корнями и журналом (или $GOSKLYUCH_HOME)",
		"folder of containers, trust anchors and the journal (or $GOSKLYUCH_HOME)",
	}))
	f.BoolVar(&a.json, "json", false, a.t(text{
		"один документ JSON в стандартный вывод", "one JSON document on standard output",
	}))
	f.String("lang", "", a.t(text{"язык сообщений: ru или en", "language of messages: ru or en"}))
	f.BoolVar(&a.noInput, "no-input", false, a.t(text{"ничего не спрашивать", "never prompt"}))
	f.StringVar(&a.module, "module", "", a.t(text{
		"модуль PKCS #11, если его нет в URI (или $GOSKLYUCH_PKCS11_MODULE)",
		"the PKCS #11 module where the URI names none (or $GOSKLYUCH_PKCS11_MODULE)",
	}))
	f.BoolVar(&a.finalTry, "final-try", false, a.t(text{
		"использовать и последнюю попытку PIN перед блокировкой", "use even the last try of a PIN before it is locked",
	}))
	for _, s := range secretKinds {
		a.secretFiles[s.kind] = f.String(s.flag, "", a.t(s.help))
	}
}

// checkGlobalFlags refuses values that no command could use.
func (a *app) checkGlobalFlags(cmd *cobra.Command) error {
	if lang := cmd.Flag("lang"); lang != nil && lang.Changed {
		if v := lang.Value.String(); v != "ru" && v != "en" {
			return usageErrorf(text{"неизвестный язык %q: бывает ru или en", "unknown language %q: ru or en"}, v)
		}
	}
	stdin := ""
	for _, s := range secretKinds {
		if *a.secretFiles[s.kind] != "-" {
			continue
		}
		if stdin != "" {
			return usageErrorf(text{
				"--%s и --%s не могут оба читать стандартный ввод", "--%s and --%s cannot both read standard input",
			}, stdin, s.flag)
		}
		stdin = s.flag
	}
	return nil
}

// homeDir returns the folder that keeps containers, anchors and the journal:
// --home, else $GOSKLYUCH_HOME, else the XDG data directory. It does not make it.
func (a *app) homeDir() (string, error) {
	if a.home != "" {
		return a.home, nil
	}
	if h := a.env("GOSKLYUCH_HOME"); h != "" {
		return h, nil
	}
	if x := a.env("XDG_DATA_HOME"); filepath.IsAbs(x) {
		return filepath.Join(x, "gosklyuch"), nil
	}
	h := a.env("HOME")
	if h == "" {
		var err error
		if h, err = os.UserHomeDir(); err != nil {
			return "", usageError(text{
				"не найдена домашняя папка; укажите --home", "no home folder was found; give --home",
			})
		}
	}
	return filepath.Join(h, ".local", "share", "gosklyuch"), nil
}
