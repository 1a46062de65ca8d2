package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/gosklyuch/gosklyuch/token"
	"github.com/gosklyuch/gosklyuch/token/pkcs11"
)

// tokenSentences are what token/pkcs11 refuses, by its sentinel errors.
var tokenSentences = []struct {
	err     error
	code    int
	message text
	hint    text
}{
	{
		pkcs11.ErrNoCgo, exitFailed,
		text{"эта сборка программы не работает с токенами", "this build of the program cannot use tokens"},
		text{"возьмите сборку с поддержкой PKCS #11 (make build при установленном gcc)", "take a build with PKCS #11 (make build where gcc is installed)"},
	},
	{
		pkcs11.ErrNoModule, exitFailed,
		text{"модуль PKCS #11 не найден", "no PKCS #11 module was found"},
		text{"установите драйвер токена или укажите модуль: --module ФАЙЛ", "install the token's driver, or name the module with --module FILE"},
	},
	{
		pkcs11.ErrAmbiguous, exitFailed,
		text{"подходит несколько токенов, ключей или модулей", "several tokens, keys or modules fit"},
		text{"уточните: token=, serial= или object= в URI, --module; список: gosklyuch token list", "say which: token=, serial= or object= in the URI, --module; the list: gosklyuch token list"},
	},
	{
		pkcs11.ErrFinalTry, exitRefused,
		text{"осталась одна попытка ввести PIN; она не использована", "one try of the PIN is left; it was not used"},
		text{"если вы уверены в PIN, повторите с --final-try; после ошибки токен заблокирует PIN", "if you are sure of the PIN, repeat with --final-try; a wrong one locks the token"},
	},
	{
		pkcs11.ErrPINNotSet, exitRefused,
		text{"на токене ещё не задан PIN пользователя", "the token has no user PIN yet"},
		text{"задать: gosklyuch token pin unblock", "to set one: gosklyuch token pin unblock"},
	},
	{
		pkcs11.ErrSamePIN, exitRefused,
		text{"введён тот же PIN, который только что не подошёл; токену он не отправлен", "the PIN that was just refused was given again; it was not sent to the token"},
		text{},
	},
	{
		pkcs11.ErrConsent, exitUsage,
		text{"на токене есть ключи или сертификаты, они будут стёрты", "there are keys or certificates on the token, and they would be erased"},
		text{"если вы уверены, добавьте --yes", "if you are sure, add --yes"},
	},
	{
		pkcs11.ErrNotExportable, exitRefused,
		text{"токен не отдаёт этот ключ", "the token does not give this key away"},
		text{"подписывать им можно", "it can sign"},
	},
	{
		pkcs11.ErrUnsupported, exitFailed,
		text{"токен не поддерживает этот алгоритм", "the token does not support this algorithm"},
		text{"что умеет токен: gosklyuch token info; хранить ключ под паролем: --placement passive", "what it can do: gosklyuch token info; to keep the key under a password: --placement passive"},
	},
	{
		pkcs11.ErrPassword, exitRefused,
		text{"пароль ключа на токене не подошёл", "wrong password of the key on the token"},
		wrongPassword,
	},
	{
		pkcs11.ErrClosed, exitFailed,
		text{"работа с токеном уже закончена", "the token is closed already"},
		text{},
	},
}

// tokenError translates what tokens and their modules answer.
func tokenError(err error) *userError {
	var refused *token.PINError
	if errors.As(err, &refused) {
		return pinRefused(refused, text{"PIN", "PIN"})
	}
	// A token that fails every call is "not found" too; what it answered says more.
	var code *pkcs11.Error
	if errors.As(err, &code) && errors.Is(err, pkcs11.ErrNotFound) {
		return codeError(code)
	}
	if errors.Is(err, pkcs11.ErrNotFound) {
		return tokenNotFound(err)
	}
	for _, s := range tokenSentences {
		if errors.Is(err, s.err) {
			return newError(s.code, s.message).withHint(s.hint)
		}
	}
	var module *pkcs11.ModuleError
	if errors.As(err, &module) {
		return moduleError(module)
	}
	var source *pkcs11.PINSourceError
	if errors.As(err, &source) {
		return pinSource(source)
	}
	var uri *pkcs11.URIError
	if errors.As(err, &uri) {
		return badURI(uri)
	}
	if errors.As(err, &code) {
		return codeError(code)
	}
	return tokenProse(err)
}

// pinRefused tells how many tries are left.
func pinRefused(e *token.PINError, pin text) *userError {
	switch {
	case e.Locked || e.Retries == 0:
		return refusedf(text{pin.ru + " заблокирован", "the " + pin.en + " is locked"}).
			withHint(text{"разблокировать: gosklyuch token pin unblock (нужен PIN администратора или PUK)", "to unblock it: gosklyuch token pin unblock (needs the security officer's PIN or the PUK)"})
	case e.Retries == 1:
		return refusedf(text{pin.ru + " не подошёл; осталась одна попытка", "wrong " + pin.en + "; one try is left"}).
			withHint(text{"после ещё одной ошибки токен заблокирует его; если уверены, повторите с --final-try", "one more wrong one locks it; if you are sure, repeat with --final-try"})
	case e.Retries > 1:
		return refusedf(text{pin.ru + " не подошёл; осталось попыток: %d", "wrong " + pin.en + "; tries left: %d"}, e.Retries).withHint(checkPIN)
	}
	return refusedf(text{pin.ru + " не подошёл; сколько попыток осталось, токен не сообщает", "wrong " + pin.en + "; the token does not tell how many tries are left"}).withHint(checkPIN)
}

var checkPIN = text{"проверьте PIN и файл с ним; не подбирайте", "check the PIN and its file; do not guess"}

// soRefused is the same about the security officer's PIN.
func soRefused(err error) error {
	var e *token.PINError
	if !errors.As(err, &e) {
		return err
	}
	u := pinRefused(e, text{"PIN администратора", "security officer's PIN"}).withCause(err)
	if e.Locked || e.Retries == 0 {
		u.hint = text{"токен можно только инициализировать заново средствами производителя", "the token can only be initialised anew with its vendor's tools"}
	}
	return u
}

// tokenNotFound says what is missing: the token or the key on it.
func tokenNotFound(err error) *userError {
	if strings.Contains(err.Error(), "no key") || strings.Contains(err.Error(), "object") {
		return failedf(text{"на токене нет такого ключа или объекта", "there is no such key or object on the token"}).
			withHint(text{"список: gosklyuch token objects", "the list: gosklyuch token objects"})
	}
	if strings.Contains(err.Error(), "blank") {
		return failedf(text{"нет пустого токена", "there is no blank token"}).
			withHint(text{"назовите токен по метке или номеру: gosklyuch token init pkcs11:serial=…", "name the token by its label or serial number: gosklyuch token init pkcs11:serial=…"})
	}
	return failedf(text{"токен не найден", "the token was not found"}).
		withHint(text{"вставьте токен и проверьте метку: gosklyuch token list", "plug the token in and check its label: gosklyuch token list"})
}

func moduleError(e *pkcs11.ModuleError) *userError {
	if errors.Is(e, pkcs11.ErrNoCgo) { // the build, not the module
		return newError(exitFailed, tokenSentences[0].message).withHint(tokenSentences[0].hint)
	}
	if errors.Is(e, fs.ErrNotExist) {
		return failedf(text{"нет модуля PKCS #11: %s", "no such PKCS #11 module: %s"}, e.Path).
			withHint(text{"установите драйвер токена или проверьте --module и module-path", "install the token's driver, or check --module and module-path"})
	}
	var code *pkcs11.Error
	if errors.As(e, &code) {
		ru, en := pkcs11.Sentence(code.Code)
		return newError(exitFailed, text{"модуль PKCS #11 " + e.Path + " не запустился: " + ru, "the PKCS #11 module " + e.Path + " does not start: " + en}).
			withHint(text{"проверьте настройки модуля", "check the module's settings"})
	}
	return failedf(text{"это не модуль PKCS #11 для этой системы: %s", "this is no PKCS #11 module for this system: %s"}, e.Path).
		withHint(text{"нужна библиотека производителя токена той же разрядности", "the library of the token's vendor is needed, of the same word size"})
}

// pinSource says why the file that pin-source names cannot be used.
func pinSource(e *pkcs11.PINSourceError) *userError {
	why := text{"это не файл с PIN (" + e.Err.Error() + ")", e.Err.Error()}
	for part, t := range map[string]text{
		"first line is longer": {"первая строка слишком длинная", "the first line is too long"},
		"is empty":             {"первая строка пустая", "the first line is empty"},
		"is a directory":       {"это папка", "this is a folder"},
		"programs":             {"программы не запускаются, нужен файл", "programs are not started; name a file"},
		"another host":         {"файл на другом компьютере", "a file on another host"},
		"only files":           {"читаются только файлы", "only files are read"},
	} {
		if strings.Contains(e.Err.Error(), part) {
			why = t
		}
	}
	if errors.Is(e, fs.ErrNotExist) {
		why = text{"файл не найден", "no such file"}
	}
	if errors.Is(e, fs.ErrPermission) {
		why = text{"нет прав на файл", "permission denied"}
	}
	return newError(exitFailed, text{
		fmt.Sprintf("pin-source %s: %s; попытка PIN не потрачена", e.Source, why.ru), fmt.Sprintf("pin-source %s: %s; no try of the PIN was used", e.Source, why.en),
	})
}

// badURI names the attribute.
func badURI(e *pkcs11.URIError) *userError {
	ru := "неверный вид"
	for _, w := range []struct{ part, ru string }{
		{"given twice", "указан дважды"},
		{"name=value", "каждый атрибут имеет вид имя=значение"},
		{"longer than", "слишком длинный"},
		{"does not start", "должен начинаться с pkcs11:"},
		{"together with", "указан вместе с pin-value"},
		{"UTF-8", "это не текст UTF-8"},
		{"slot numbers", "номера слотов меняются; назовите токен: token= или serial="},
		{"attribute of the path", "такого атрибута нет до знака ?"},
		{"attribute of the query", "такого атрибута нет после знака ?"},
		{"is none of", "бывает private, public, cert, data, secret-key"},
		{"is empty", "пустое значение или нулевой байт"},
		{"is a path", "это путь; укажите module-path"},
	} {
		if strings.Contains(e.Why, w.part) {
			ru = w.ru
			break
		}
	}
	name := ""
	if e.Attribute != "" {
		name = " " + e.Attribute + ":"
	}
	return newError(exitUsage, text{"URI токена:" + name + " " + ru, "the token's URI:" + name + " " + e.Why}).
		withHint(text{"вид: pkcs11:token=Метка;object=Ключ (RFC 7512)", "the form: pkcs11:token=Label;object=Key (RFC 7512)"})
}

// refusedCodes are the return values with which a token refuses a PIN or a key.
var refusedCodes = map[string]bool{
	"pkcs11.pin-incorrect": true, "pkcs11.pin-invalid": true, "pkcs11.pin-length": true, "pkcs11.pin-expired": true, "pkcs11.pin-locked": true,
	"pkcs11.not-logged-in": true, "pkcs11.pin-not-set": true, "pkcs11.key-function": true, "pkcs11.key-unextractable": true,
	"pkcs11.attribute-sensitive": true, "pkcs11.rejected": true,
}

func codeError(e *pkcs11.Error) *userError {
	ru, en := pkcs11.Sentence(e.Code)
	code := exitFailed
	if refusedCodes[e.Code.ID()] {
		code = exitRefused
	}
	return newError(code, text{ru, en})
}

// tokenProse are the sentences of token/pkcs11 that have no error of their own.
func tokenProse(err error) *userError {
	for part, m := range map[string]text{
		"pkcs11: the label of a token has": {"метка токена: от 1 до 32 байт UTF-8 (16 русских букв)", "a token's label has 1 to 32 octets of UTF-8"},
		"is on the token already":          {"этот ключ уже есть на токене", "this key is on the token already"},
		"makes no signature that verifies": {"новый ключ токена не прошёл проверку подписью и удалён", "the token's new key failed a trial signature and was removed"},
		"the token made a key on":          {"токен создал ключ на другой кривой; ключ удалён", "the token made a key on another curve; it was removed"},
	} {
		if strings.Contains(err.Error(), part) {
			return newError(exitFailed, m)
		}
	}
	return nil
}

// inToken names the token in an error about it.
func inToken(u *pkcs11.URI, err error) error {
	var already *userError
	if errors.As(err, &already) {
		return err
	}
	t := tokenError(err)
	if t == nil {
		return err
	}
	name := u.Token
	if name == "" {
		name = u.Serial
	}
	if name != "" {
		t.message = text{name + ": " + t.message.ru, name + ": " + t.message.en}
	}
	return t.withCause(err)
}
