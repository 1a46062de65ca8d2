package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// A secretKind names one of the secrets that a command may need.
type secretKind uint8

const (
	secretPassword secretKind = iota + 1
	secretNewPassword
	secretParentPassword
	secretOCSPPassword
	secretTSAPassword
	secretPIN
	secretNewPIN
	secretSOPIN
	secretPUK
	secretParentPIN
	secretOCSPPIN
	secretTSAPIN
)

// pinOf says which PIN opens the token of a key whose password, where it has
// one of its own, is of the kind.
func pinOf(kind secretKind) secretKind {
	switch kind {
	case secretParentPassword:
		return secretParentPIN
	case secretOCSPPassword:
		return secretOCSPPIN
	case secretTSAPassword:
		return secretTSAPIN
	default:
		return secretPIN
	}
}

// isPIN says whether a secret is a token's.
func (k secretKind) isPIN() bool { return k >= secretPIN }

// maxSecret bounds a password's length in bytes: a longer first line is a
// mistaken file, not a password.
const maxSecret = 4096

// secretKinds lists flag, variable and prompt of each secret (CLI.md, "two secrets").
var secretKinds = []struct {
	kind      secretKind
	flag, env string
	help      text
	prompt    text
}{
	{
		secretPassword, "password-file", "GOSKLYUCH_PASSWORD",
		text{"файл с паролем (первая строка; - это стандартный ввод)", "file with the password (first line; - is standard input)"},
		text{"Пароль", "Password"},
	},
	{
		secretNewPassword, "new-password-file", "GOSKLYUCH_NEW_PASSWORD",
		text{"файл с паролем для создаваемого", "file with the password of what is created"},
		text{"Новый пароль", "New password"},
	},
	{
		secretParentPassword, "parent-password-file", "GOSKLYUCH_PARENT_PASSWORD",
		text{"файл с паролем вышестоящего УЦ", "file with the parent CA's password"},
		text{"Пароль вышестоящего УЦ", "Password of the parent CA"},
	},
	{
		secretOCSPPassword, "ocsp-password-file", "GOSKLYUCH_OCSP_PASSWORD",
		text{"файл с паролем ключа службы OCSP", "file with the password of the OCSP service's key"},
		text{"Пароль ключа OCSP", "Password of the OCSP key"},
	},
	{
		secretTSAPassword, "tsa-password-file", "GOSKLYUCH_TSA_PASSWORD",
		text{"файл с паролем ключа службы меток времени", "file with the password of the time-stamping key"},
		text{"Пароль ключа меток времени", "Password of the time-stamping key"},
	},
	{
		secretPIN, "pin-file", "GOSKLYUCH_PIN",
		text{"файл с PIN токена", "file with the token's PIN"},
		text{"PIN", "PIN"},
	},
	{
		secretNewPIN, "new-pin-file", "GOSKLYUCH_NEW_PIN",
		text{"файл с новым PIN", "file with the new PIN"},
		text{"Новый PIN", "New PIN"},
	},
	{
		secretSOPIN, "so-pin-file", "GOSKLYUCH_SO_PIN",
		text{"файл с PIN администратора токена", "file with the PIN of the token's security officer"},
		text{"PIN администратора", "Security officer's PIN"},
	},
	{
		secretPUK, "puk-file", "GOSKLYUCH_PUK",
		text{"файл с PUK: то же, что PIN администратора", "file with the PUK: another name of the security officer's PIN"},
		text{"PUK", "PUK"},
	},
	{
		secretParentPIN, "parent-pin-file", "GOSKLYUCH_PARENT_PIN",
		text{"файл с PIN токена вышестоящего УЦ", "file with the PIN of the parent CA's token"},
		text{"PIN токена вышестоящего УЦ", "PIN of the parent CA's token"},
	},
	{
		secretOCSPPIN, "ocsp-pin-file", "GOSKLYUCH_OCSP_PIN",
		text{"файл с PIN токена службы OCSP", "file with the PIN of the OCSP service's token"},
		text{"PIN токена службы OCSP", "PIN of the OCSP service's token"},
	},
	{
		secretTSAPIN, "tsa-pin-file", "GOSKLYUCH_TSA_PIN",
		text{"файл с PIN токена службы меток времени", "file with the PIN of the time-stamping service's token"},
		text{"PIN токена службы меток времени", "PIN of the time-stamping service's token"},
	},
}

// secret returns a secret from its file, its variable or the terminal, in this
// order. what says in the prompt what it opens. The caller wipes the result.
func (a *app) secret(kind secretKind, what text) ([]byte, error) {
	return a.obtainSecret(kind, what, false)
}

// newSecret is secret for something that does not exist yet: on a terminal it
// is asked for twice.
func (a *app) newSecret(kind secretKind, what text) ([]byte, error) {
	return a.obtainSecret(kind, what, true)
}

func (a *app) obtainSecret(kind secretKind, what text, twice bool) ([]byte, error) {
	s := secretKinds[kind-1]
	if file := *a.secretFiles[kind]; file != "" {
		return a.secretFromFile(file, s.flag, kind)
	}
	if v, ok := a.lookupEnv(s.env); ok {
		return []byte(v), nil
	}
	tty := a.terminal()
	if a.noInput || tty == nil {
		need := text{"нужен пароль (%s), а спросить его нельзя", "a password is needed (%s) and may not be asked for"}
		if kind.isPIN() {
			p := s.prompt
			need = text{"нужен " + p.ru + " (%s), а спросить его нельзя", p.en + " (%s): it is needed and may not be asked for"}
		}
		return nil, usageErrorf(need, a.t(what)).
			withHint(text{"укажите --" + s.flag + " ФАЙЛ или $" + s.env, "give --" + s.flag + " FILE or $" + s.env})
	}
	defer tty.Close() //nolint:errcheck // a terminal opened for reading: nothing is lost
	first, err := a.prompt(tty, fmt.Sprintf("%s (%s): ", a.t(s.prompt), a.t(what)))
	if err != nil || !twice {
		return first, err
	}
	second, err := a.prompt(tty, a.t(text{"Ещё раз: ", "Once more: "}))
	defer wipe(second)
	if err != nil {
		wipe(first)
		return nil, err
	}
	if !bytes.Equal(first, second) {
		wipe(first)
		if kind.isPIN() {
			return nil, refusedf(text{"два PIN не совпали", "the two PINs differ"})
		}
		return nil, refusedf(text{"пароли не совпали", "the two passwords differ"})
	}
	return first, nil
}

// secretFromFile reads the first line of a file, or of standard input.
func (a *app) secretFromFile(file, flag string, kind secretKind) ([]byte, error) {
	what := text{"файл пароля", "the password file"}
	if kind.isPIN() {
		what = text{"файл PIN", "the PIN file"}
	}
	if file == "-" {
		if a.stdinTaken != "" {
			return nil, usageErrorf(text{"стандартный ввод уже читает %s", "standard input is already read by %s"}, a.stdinTaken)
		}
		a.stdinTaken = "--" + flag
		return firstLine(a.in, "-", what)
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, inSecretFile(flag, err)
	}
	defer f.Close() //nolint:errcheck // opened for reading
	b, err := firstLine(f, file, what)
	if err != nil {
		return nil, inSecretFile(flag, err)
	}
	return b, nil
}

// inSecretFile names the flag in an error about a password file.
func inSecretFile(flag string, err error) error {
	if u := systemError(err); u != nil {
		u.message = text{"--" + flag + ": " + u.message.ru, "--" + flag + ": " + u.message.en}
		return u.withCause(err)
	}
	return err
}

// firstLine returns the first line without its line end. Every buffer that
// held more than that is wiped.
func firstLine(r io.Reader, name string, what text) ([]byte, error) {
	br := bufio.NewReaderSize(r, maxSecret)
	line, err := br.ReadSlice('\n')
	out := bytes.Clone(line)
	wipe(line)
	if errors.Is(err, bufio.ErrBufferFull) {
		wipe(out)
		return nil, failedf(text{what.ru + " %s: первая строка длиннее %d байт", what.en + " %s: the first line is longer than %d bytes"}, name, maxSecret)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		wipe(out)
		return nil, err
	}
	if len(out) == 0 {
		return nil, failedf(text{what.ru + " %s пуст", what.en + " %s is empty"}, name)
	}
	return bytes.TrimSuffix(bytes.TrimSuffix(out, []byte("\n")), []byte("\r")), nil
}

// terminal opens the controlling terminal, or returns nil where there is none.
func (a *app) terminal() *os.File {
	f, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err == nil {
		return f
	}
	if in, ok := a.in.(*os.File); ok && term.IsTerminal(int(in.Fd())) {
		if dup, err := os.OpenFile(in.Name(), os.O_RDWR, 0); err == nil {
			return dup
		}
	}
	return nil
}

// prompt asks on the terminal without echo, until an answer or an interrupt.
func (a *app) prompt(tty *os.File, question string) ([]byte, error) {
	type answer struct {
		b   []byte
		err error
	}
	state, stateErr := term.GetState(int(tty.Fd()))
	fmt.Fprint(tty, question)
	answers := make(chan answer, 1)
	go func() {
		b, err := term.ReadPassword(int(tty.Fd()))
		answers <- answer{b, err}
	}()
	select {
	case x := <-answers:
		fmt.Fprintln(tty)
		if x.err != nil {
			return nil, failedf(text{"пароль с терминала не прочитан", "the password could not be read from the terminal"}).withCause(x.err)
		}
		return x.b, nil
	case <-a.stopped: // the read cannot be broken off; the process ends, and echo must be on again
		if stateErr == nil {
			term.Restore(int(tty.Fd()), state) //nolint:errcheck,gosec // nothing else can be done
		}
		fmt.Fprintln(tty)
		return nil, context.Canceled
	}
}

// wipe overwrites a secret.
func wipe(b []byte) { clear(b) }
