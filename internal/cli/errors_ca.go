package cli

import (
	"errors"
	"strings"

	"github.com/gosklyuch/gosklyuch/internal/casock"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/ca/boltstore"
)

// caSentences are what an authority refuses, by its sentinel errors.
var caSentences = []struct {
	err     error
	message text
	hint    text
}{
	{ca.ErrNotIssuer, text{"этот сертификат не даёт права выпускать другие", "this certificate does not allow to issue others"}, text{}},
	{ca.ErrKeyMismatch, text{"ключ УЦ не подходит к его сертификату", "the authority's key does not belong to its certificate"}, text{"проверьте папку УЦ", "check the authority's folder"}},
	{ca.ErrOutsideValidity, text{"срок действия сертификата УЦ истёк или не начался", "the authority's certificate is outside its validity"}, text{"выпустите новый сертификат УЦ", "make a new certificate for the authority"}},
	{ca.ErrNotFound, text{"УЦ не выпускал такого сертификата", "the authority has not issued this certificate"}, text{"список: gosklyuch ca list", "the list: gosklyuch ca list"}},
	{ca.ErrRevoked, text{"сертификат уже отозван, и это окончательно", "the certificate is revoked already, and that is final"}, text{"выпустите новый", "issue a new one"}},
	{ca.ErrOnHold, text{"сертификат уже приостановлен", "the certificate is on hold already"}, text{"возобновить: gosklyuch ca release", "to release it: gosklyuch ca release"}},
	{ca.ErrNotOnHold, text{"сертификат не приостановлен", "the certificate is not on hold"}, text{}},
	{ca.ErrReason, text{"с такой причиной не отзывают", "certificates are not revoked for this reason"}, text{"список: gosklyuch ca revoke --help", "the list: gosklyuch ca revoke --help"}},
	{ca.ErrKeyBlocked, text{"ключ из запроса был отозван как скомпрометированный", "the key of the request was revoked as compromised"}, text{"нужен новый ключ", "a new key is needed"}},
	{ca.ErrProfile, text{"нет такого профиля", "there is no such profile"}, text{"список: gosklyuch ca profile list", "the list: gosklyuch ca profile list"}},
}

// caError translates what an authority and its ledger refuse.
func caError(err error) *userError {
	if u := issuingError(err); u != nil {
		return u
	}
	for _, s := range caSentences {
		if errors.Is(err, s.err) {
			return newError(exitFailed, s.message).withHint(s.hint)
		}
	}
	var req *ca.RequestError
	if errors.As(err, &req) {
		return requestError(req)
	}
	var lint *ca.LintError
	if errors.As(err, &lint) {
		var list []string
		for _, r := range lint.Rules() {
			list = append(list, r.Rule)
		}
		return failedf(text{"сертификат нарушил бы правила: %s", "the certificate would break rules: %s"}, strings.Join(list, ", ")).
			withHint(text{"исправьте запрос или настройки УЦ", "correct the request or the authority's settings"})
	}
	if errors.Is(err, casock.ErrLint) {
		return failedf(text{"сертификат нарушил бы правила%s", "the certificate would break rules%s"}, ruleList(err)).
			withHint(text{"исправьте запрос или настройки УЦ", "correct the request or the authority's settings"})
	}
	if errors.Is(err, casock.ErrProtocol) || errors.Is(err, casock.ErrTooLarge) {
		return failedf(text{"ca serve ответила не так, как ожидалось", "ca serve gave an answer of another form"}).
			withHint(text{"наверное, она другой версии: перезапустите её", "it is probably of another version: restart it"})
	}
	var held *boltstore.HeldError
	if errors.As(err, &held) {
		if held.Holder.PID == 0 {
			return failedf(text{"хранилище %s занято другим процессом", "the ledger %s is held by another process"}, held.Path).
				withHint(text{"дождитесь его или остановите", "wait for it or stop it"})
		}
		return failedf(text{"хранилище %s занято процессом %d (%s)", "the ledger %s is held by process %d (%s)"}, held.Path, held.Holder.PID, held.Holder.Host).
			withHint(text{"дождитесь его или остановите", "wait for it or stop it"})
	}
	return nil
}

// ruleList is what follows the sentence of a lint refusal that came through the
// socket: the rules.
func ruleList(err error) string {
	if _, rules, ok := strings.Cut(err.Error(), ": "); ok {
		return ": " + rules[strings.LastIndex(rules, ": ")+1:]
	}
	return ""
}

// requestError names the field of a refused request.
func requestError(e *ca.RequestError) *userError {
	english := e.Detail
	if _, after, ok := strings.Cut(english, e.Field+": "); ok {
		english = after // through the socket the whole sentence comes
	}
	detail := text{requestDetail(english), english}
	if cause := nameError(e.Err); cause != nil {
		detail = cause.message
	}
	return newError(exitFailed, text{"запрос отклонён: " + e.Field + ": " + detail.ru, "the request is refused: " + e.Field + ": " + detail.en}).
		withHint(text{"исправьте запрос: gosklyuch request create --help", "correct the request: gosklyuch request create --help"})
}

// requestDetail translates why an authority refuses a field of a request.
func requestDetail(english string) string {
	for _, w := range []struct{ part, ru string }{
		{"requires it", "этот реквизит обязателен для профиля"},
		{"outside the profile", "этого нет в профиле"},
		{"proof of possession", "подпись запроса неверна, владение ключом не доказано"},
		{"unknown or broken", "открытый ключ не читается"},
		{"authority's own key", "это ключ самого УЦ"},
		{"for testing", "параметры ключа только для испытаний"},
		{"withdrawn", "алгоритм ключа отменён"},
		{"RSA key of", "ключ RSA должен быть от 2048 до 8192 бит"},
		{"RSA exponent", "показатель ключа RSA не принимается"},
		{"too short", "ключ слишком короткий"},
		{"cannot be an authority's", "такой ключ не годится для УЦ"},
		{"wrong number", "номер с ошибкой"},
		{"not that of the key", "это идентификатор другого ключа"},
		{"the request says", "в запросе указано другое, чем при выпуске"},
		{"allows at most", "дольше, чем разрешает профиль"},
		{"stands more than once", "реквизит указан дважды"},
		{"stands twice", "имя указано дважды"},
		{"string type", "строка не того типа ASN.1"},
		{"characters; from 1", "слишком длинно или пусто"},
		{"white space", "лишние или необычные пробелы"},
		{"two alphabets", "в слове смешаны буквы разных алфавитов"},
		{"no person's name", "такого знака в имени человека не бывает"},
		{"the character U+", "знак, которого не видно или который не разрешён"},
		{"not UTF-8", "текст не в UTF-8"},
		{"two capital Latin letters", "нужны две заглавные латинские буквы"},
		{"not an e-mail address", "это не адрес электронной почты"},
		{"a dot in the wrong place", "точка в адресе стоит не там"},
		{"in no e-mail address", "такого знака в адресе почты не бывает"},
		{"not a domain name", "это не доменное имя"},
		{"one label of a domain name", "нужна одна метка доменного имени"},
		{"with a hyphen", "метка доменного имени начинается с дефиса или кончается им"},
		{"as A-labels", "доменное имя нужно записать в виде xn--"},
		{"relative URI", "адрес без схемы"},
		{"URI without a host", "в адресе нет имени узла"},
		{"a user's name", "в адресе указан пользователь"},
		{"not a URI", "это не адрес URI"},
		{"4 or 16 octets", "это не адрес IP"},
		{"names; from 1", "имён нет, или их слишком много"},
		{"relative distinguished name", "имя владельца составлено неверно"},
		{"octets before the @", "слишком длинно перед знаком @"},
		{"longer than", "слишком длинно"},
	} {
		if strings.Contains(english, w.part) {
			return w.ru
		}
	}
	return "не подходит (" + english + ")"
}
