package cli

import (
	"bufio"
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/gosklyuch/gosklyuch/token"
	"github.com/gosklyuch/gosklyuch/token/pkcs11"
)

// A pinDialogue answers a token's questions for secrets. A file or a variable
// has one answer and is never given twice; on a terminal a refused PIN is asked
// for again, a PIN that was just refused is not sent, and the last try before
// the lock needs a typed yes.
type pinDialogue struct {
	a             *app
	pin, password secretKind
	fresh         bool // what is asked for does not exist yet: asked for twice
	refused       []byte
	made          []byte // the password that was just given to a new key
}

// dialogue answers for a key whose own password, if it has one, is of the kind.
func (a *app) dialogue(kind secretKind) *pinDialogue {
	return &pinDialogue{a: a, pin: pinOf(kind), password: kind}
}

// given says whether a secret has a file or a variable.
func (a *app) given(kind secretKind) bool {
	if *a.secretFiles[kind] != "" {
		return true
	}
	_, ok := a.lookupEnv(secretKinds[kind-1].env)
	return ok
}

// asks says whether a secret would be asked for on a terminal.
func (a *app) asks(kind secretKind) bool {
	if a.given(kind) || a.noInput {
		return false
	}
	tty := a.terminal()
	if tty == nil {
		return false
	}
	tty.Close() //nolint:errcheck,gosec // a terminal opened for reading: nothing is lost
	return true
}

// get is the token.PINFunc.
func (d *pinDialogue) get(_ context.Context, p token.Prompt) ([]byte, error) {
	if p.Secret == token.SecretPassword && !p.Again && d.made != nil {
		return bytes.Clone(d.made), nil
	}
	kind := d.pin
	what := text{"токен " + p.Store, "token " + p.Store}
	if p.Secret == token.SecretPassword {
		kind = d.password
		what = text{"ключ " + p.Key + " на токене " + p.Store, "key " + p.Key + " on the token " + p.Store}
	} else if p.Key != "" {
		what = text{"токен " + p.Store + ", ключ " + p.Key, "token " + p.Store + ", key " + p.Key}
	}
	if err := d.mayAsk(kind, p); err != nil {
		return nil, err
	}
	b, err := d.answer(kind, what, p.Again)
	if err != nil {
		return nil, err
	}
	wipe(d.refused)
	d.refused = bytes.Clone(b)
	return b, nil
}

// mayAsk refuses a second answer from a source that has one, and the last try
// without consent.
func (d *pinDialogue) mayAsk(kind secretKind, p token.Prompt) error {
	interactive := d.a.asks(kind)
	if p.Again && !interactive {
		if p.Secret == token.SecretPassword {
			return pkcs11.ErrPassword
		}
		return &token.PINError{Retries: p.Retries, Locked: p.Retries == 0}
	}
	if p.Again {
		d.a.noticef(triesLeft(p.Retries, p.Secret))
	}
	if p.Retries == 1 && !d.a.finalTry {
		if !interactive {
			return pkcs11.ErrFinalTry
		}
		return d.a.consentFinalTry()
	}
	return nil
}

// answer obtains a secret. On a terminal the one that was just refused is not
// given again; an empty line ends the dialogue.
func (d *pinDialogue) answer(kind secretKind, what text, again bool) ([]byte, error) {
	for {
		b, err := d.a.obtainSecret(kind, what, d.fresh)
		switch {
		case err != nil:
			return nil, err
		case len(b) == 0:
			return nil, refusedf(text{"%s не введён", "no %s was given"}, d.a.t(secretKinds[kind-1].prompt))
		case kind.isPIN() && d.a.given(kind):
			if err := plainPIN(b, secretKinds[kind-1].flag); err != nil {
				wipe(b)
				return nil, err
			}
		}
		if !again || subtle.ConstantTimeCompare(b, d.refused) == 0 {
			return b, nil
		}
		wipe(b)
		if !d.a.asks(kind) {
			return nil, pkcs11.ErrSamePIN
		}
		d.a.noticef(text{"это то же самое; токену не отправлено", "this is the same again; it was not sent to the token"})
	}
}

// wipe forgets what was given.
func (d *pinDialogue) wipe() {
	wipe(d.refused)
	wipe(d.made)
}

// plainPIN refuses what a file has got by mistake and what would cost a try:
// spaces at the ends and the mark that some editors put before text.
func plainPIN(pin []byte, flag string) error {
	if bytes.HasPrefix(pin, []byte("\xef\xbb\xbf")) {
		return usageErrorf(text{
			"--%s: в начале файла стоит метка порядка байтов; токену ничего не отправлено", "--%s: the file begins with a byte order mark; nothing was sent to the token",
		}, flag).withHint(text{"сохраните файл как UTF-8 без BOM", "save the file as UTF-8 without a BOM"})
	}
	if len(bytes.TrimSpace(pin)) != len(pin) {
		return usageErrorf(text{
			"--%s: по краям PIN стоят пробелы; токену ничего не отправлено", "--%s: there are spaces at an end of the PIN; nothing was sent to the token",
		}, flag).withHint(text{"уберите пробелы: в файле должен быть только PIN", "take the spaces away: the file holds the PIN and nothing else"})
	}
	return nil
}

// triesLeft is said between two tries.
func triesLeft(n int, secret token.Secret) text {
	if secret == token.SecretPassword {
		return text{"пароль не подошёл; пустая строка прекращает", "wrong password; an empty line ends"}
	}
	switch {
	case n == 1:
		return text{"PIN не подошёл; осталась одна попытка", "wrong PIN; one try is left"}
	case n > 1:
		return text{fmt.Sprintf("PIN не подошёл; осталось попыток: %d; пустая строка прекращает", n), fmt.Sprintf("wrong PIN; tries left: %d; an empty line ends", n)}
	}
	return text{
		"PIN не подошёл; сколько попыток осталось, токен не сообщает; пустая строка прекращает",
		"wrong PIN; the token does not tell how many tries are left; an empty line ends",
	}
}

// noticef prints a line of a dialogue on standard error.
func (a *app) noticef(m text) { fmt.Fprintln(a.err, safe(a.t(m))) }

// consentFinalTry asks for a typed yes.
func (a *app) consentFinalTry() error {
	tty := a.terminal()
	if a.noInput || tty == nil {
		return pkcs11.ErrFinalTry
	}
	defer tty.Close() //nolint:errcheck // a terminal opened for reading: nothing is lost
	a.noticef(text{
		"Осталась одна попытка. Если PIN снова не подойдёт, токен его заблокирует.",
		"One try is left. If the PIN is wrong again, the token locks it.",
	})
	answer, err := a.askLine(tty, a.t(text{"Напишите «да», чтобы использовать её: ", "Type \"yes\" to use it: "}))
	if err != nil {
		return err
	}
	switch strings.ToLower(answer) {
	case "да", "yes":
		return nil
	}
	return pkcs11.ErrFinalTry
}

// askLine asks on the terminal with echo.
func (a *app) askLine(tty io.ReadWriter, question string) (string, error) {
	fmt.Fprint(tty, question)
	type line struct {
		s   string
		err error
	}
	lines := make(chan line, 1)
	go func() {
		// One octet at a time: what follows is for the next question.
		s, err := bufio.NewReaderSize(oneOctet{tty}, 16).ReadString('\n')
		lines <- line{s, err}
	}()
	select {
	case l := <-lines:
		if l.err != nil && !errors.Is(l.err, io.EOF) {
			return "", l.err
		}
		return strings.TrimSpace(l.s), nil
	case <-a.stopped:
		return "", context.Canceled
	}
}

// oneOctet reads one octet at a time.
type oneOctet struct{ r io.Reader }

// Read reads at most one octet.
func (o oneOctet) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	return o.r.Read(p[:1])
}

// checkSecretFiles looks at the files of secrets before the first one is used,
// so that a typo in the name of the second is found before the token is asked.
func (a *app) checkSecretFiles(kinds ...secretKind) error {
	for _, k := range kinds {
		file := *a.secretFiles[k]
		if file == "" || file == "-" {
			continue
		}
		if st, err := os.Stat(file); err == nil && !st.Mode().IsRegular() && !st.IsDir() {
			continue // a pipe is read once
		}
		b, err := a.secretFromFile(file, secretKinds[k-1].flag, k)
		if err == nil && k.isPIN() {
			err = plainPIN(b, secretKinds[k-1].flag)
		}
		wipe(b)
		if err != nil {
			return err
		}
	}
	return nil
}
