package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"syscall"
)

// Exit codes: docs/cli.md. Scripts compare them.
const (
	exitOK            = 0
	exitFailed        = 1 // could not be done
	exitUsage         = 2
	exitInvalid       = 3
	exitRevoked       = 4
	exitIndeterminate = 5
	exitRefused       = 6 // key, PIN, password or token refused
)

// A userError is a sentence for a person: what happened and why, and a hint
// that says what to do next. It carries the exit code.
type userError struct {
	code    int
	message text
	hint    text
	cause   error
}

func (e *userError) Error() string { return e.message.en }

func (e *userError) Unwrap() error { return e.cause }

// withHint adds what to do next.
func (e *userError) withHint(h text) *userError { e.hint = h; return e }

// withCause keeps the library's error for errors.Is.
func (e *userError) withCause(err error) *userError { e.cause = err; return e }

func newError(code int, m text) *userError { return &userError{code: code, message: m} }

func newErrorf(code int, m text, args ...any) *userError {
	return newError(code, text{fmt.Sprintf(m.ru, args...), fmt.Sprintf(m.en, args...)})
}

func usageError(m text) *userError { return newError(exitUsage, m) }

func usageErrorf(m text, args ...any) *userError { return newErrorf(exitUsage, m, args...) }

func failedf(m text, args ...any) *userError { return newErrorf(exitFailed, m, args...) }

func refusedf(m text, args ...any) *userError { return newErrorf(exitRefused, m, args...) }

// A verdict ends a command whose report is already printed: only its exit code
// is left to say.
type verdict struct{ code int }

func (v verdict) Error() string { return fmt.Sprintf("verdict with exit code %d", v.code) }

// fail prints err for a person (or as JSON) and returns the exit code.
func (a *app) fail(err error) int {
	var v verdict
	if errors.As(err, &v) {
		return v.code
	}
	u := a.sentence(err)
	if a.json {
		a.failJSON(u)
		return u.code
	}
	fmt.Fprintf(a.err, "%s: %s\n", a.t(text{"ошибка", "error"}), safe(a.t(u.message)))
	if h := a.t(u.hint); h != "" {
		fmt.Fprintf(a.err, "%s: %s\n", a.t(text{"что делать", "what to do"}), safe(h))
	}
	return u.code
}

// failJSON prints the error as the one JSON document of the run.
func (a *app) failJSON(u *userError) {
	doc := struct {
		Error    string `json:"error"`
		Hint     string `json:"hint,omitempty"`
		Detail   string `json:"detail,omitempty"` // the library's own words, English
		ExitCode int    `json:"exitCode"`
	}{Error: a.t(u.message), Hint: a.t(u.hint), ExitCode: u.code}
	var inner *userError
	if u.cause != nil && !errors.As(u.cause, &inner) {
		doc.Detail = u.cause.Error()
	}
	b, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return // strings and a number always marshal
	}
	fmt.Fprintf(a.out, "%s\n", b)
}

// sentence turns any error into a userError.
func (a *app) sentence(err error) *userError {
	var u *userError
	if errors.As(err, &u) {
		return u
	}
	translations := []func(error) *userError{cobraError, libraryError, systemError}
	if errors.Is(err, context.Canceled) {
		translations = translations[2:] // no server is to blame for an interrupt
	}
	for _, translate := range translations {
		if u := translate(err); u != nil {
			return u.withCause(err)
		}
	}
	return newError(exitFailed, text{"не получилось: " + withoutPackages(err.Error()), "could not be done: " + withoutPackages(err.Error())}).withCause(err)
}

// systemError translates what the operating system answered.
func systemError(err error) *userError {
	var pe *fs.PathError
	path := ""
	if errors.As(err, &pe) {
		path = pe.Path
	}
	var le *os.LinkError
	if path == "" && errors.As(err, &le) {
		path = le.New
	}
	switch {
	case errors.Is(err, context.Canceled):
		return failedf(text{"прервано", "interrupted"})
	case errors.Is(err, context.DeadlineExceeded):
		return failedf(text{"истекло время ожидания", "timed out"})
	case errors.Is(err, fs.ErrNotExist):
		return failedf(text{"файл не найден: %s", "no such file: %s"}, path).
			withHint(text{"проверьте имя и папку", "check the name and the folder"})
	case errors.Is(err, fs.ErrPermission):
		return failedf(text{"нет прав на файл: %s", "permission denied: %s"}, path).
			withHint(text{"проверьте права доступа и владельца файла", "check the file's mode and owner"})
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return failedf(text{"на диске нет места: %s", "no space left on the disk: %s"}, path).
			withHint(text{"освободите место и повторите; неполный файл удалён", "free some space and try again; the partial file was removed"})
	case errors.Is(err, syscall.EFBIG):
		return failedf(text{"файл больше, чем разрешено: %s", "the file is larger than is allowed: %s"}, path).
			withHint(text{"поднимите предел (ulimit -f) и повторите; неполный файл удалён", "raise the limit (ulimit -f) and try again; the partial file was removed"})
	case errors.Is(err, syscall.EISDIR):
		return failedf(text{"это папка, а не файл: %s", "this is a folder, not a file: %s"}, path)
	case errors.Is(err, syscall.EPIPE):
		return failedf(text{"получатель вывода закрыл канал", "the reader of the output closed the pipe"})
	case path != "":
		why := systemReason(pe1(pe, le))
		return newError(exitFailed, text{"не удалось прочитать или записать " + path + ": " + why.ru, "could not read or write " + path + ": " + why.en})
	}
	return nil
}

// systemReasons are the answers of the operating system that a person may meet.
var systemReasons = map[error]text{
	syscall.ENOTDIR:      {"часть пути не папка", "a part of the path is not a folder"},
	syscall.EEXIST:       {"такой файл уже есть", "the file exists already"},
	syscall.ENOTEMPTY:    {"папка не пуста", "the folder is not empty"},
	syscall.ELOOP:        {"ссылки указывают друг на друга", "the links lead round in a circle"},
	syscall.ENAMETOOLONG: {"слишком длинное имя", "the name is too long"},
	syscall.EROFS:        {"диск только для чтения", "the disk is read-only"},
	syscall.EIO:          {"ошибка чтения или записи диска", "the disk fails"},
	syscall.EMFILE:       {"открыто слишком много файлов", "too many open files"},
	syscall.EINVAL:       {"с этим файлом так нельзя", "this cannot be done with the file"},
	syscall.EBUSY:        {"файл занят", "the file is busy"},
}

func systemReason(err error) text {
	for known, t := range systemReasons {
		if errors.Is(err, known) {
			return t
		}
	}
	return text{err.Error(), err.Error()}
}

// pe1 returns the reason inside a path or link error.
func pe1(pe *fs.PathError, le *os.LinkError) error {
	if pe != nil {
		return pe.Err
	}
	return le.Err
}

// flagError translates pflag's English sentences; a flag's own sentence stays.
func (a *app) flagError(err error) error {
	var u *userError
	if errors.As(err, &u) {
		return u
	}
	return usageFromCobra(err)
}

var cobraPatterns = []struct {
	re *regexp.Regexp
	m  text
}{
	{regexp.MustCompile(`^unknown command "([^"]*)"`), text{"неизвестная команда «%s»", "unknown command %q"}},
	{regexp.MustCompile(`^unknown (?:shorthand )?flag: (.*)$`), text{"неизвестный параметр %s", "unknown flag %s"}},
	{regexp.MustCompile(`^flag needs an argument: (.*)$`), text{"параметру %s нужно значение", "flag %s needs a value"}},
	{regexp.MustCompile(`^required flag\(s\) ("[^ ]*") not set$`), text{"не указан обязательный параметр %s", "required flag %s is not set"}},
	{regexp.MustCompile(`^required flag\(s\) (.*) not set$`), text{"не указаны обязательные параметры: %s", "required flags are not set: %s"}},
	{regexp.MustCompile(`^(?:accepts|requires) (.*)$`), text{"неверное число аргументов (%s)", "wrong number of arguments (%s)"}},
	{regexp.MustCompile(`^invalid argument (.*)$`), text{"неверное значение: %s", "invalid value: %s"}},
	{regexp.MustCompile(`^at least one of the flags in the group (.*) is required$`), text{"нужен хотя бы один из параметров %s", "one of these flags is needed: %s"}},
	{regexp.MustCompile(`^if any flags in the group (.*)$`), text{"эти параметры не сочетаются: %s", "these flags exclude each other: %s"}},
}

// cobraError recognises the sentences of cobra and pflag, which have no types.
func cobraError(err error) *userError {
	for _, p := range cobraPatterns {
		if m := p.re.FindStringSubmatch(err.Error()); m != nil {
			return usageErrorf(p.m, flagNames(strings.TrimSpace(m[1]))).
				withHint(text{"список команд и параметров: gosklyuch --help", "commands and flags: gosklyuch --help"})
		}
	}
	return nil
}

// quotedFlag is how cobra writes the name of a flag that is missing.
var quotedFlag = regexp.MustCompile(`"([a-z][a-z-]*)"(,|$)`)

// flagNames writes the names of flags as they are typed.
func flagNames(s string) string { return quotedFlag.ReplaceAllString(s, "--$1$2") }

func usageFromCobra(err error) *userError {
	if u := cobraError(err); u != nil {
		return u
	}
	return usageErrorf(text{"неверная командная строка: %s", "wrong command line: %s"}, err)
}
