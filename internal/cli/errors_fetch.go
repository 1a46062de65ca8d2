package cli

import (
	"errors"
	"strings"

	"github.com/gosklyuch/gosklyuch/fetch"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/trust"
)

// fetchTexts say what failed at an address; %s is the address.
var fetchTexts = map[fetch.Kind]struct{ message, hint text }{
	fetch.KindOffline: {text{"обращаться в сеть запрещено%s", "connections are forbidden%s"}, text{"уберите --offline или дайте файл", "leave out --offline, or give a file"}},
	fetch.KindNoURL:   {text{"в сертификате нет нужного адреса%s", "the certificate names no such address%s"}, text{"укажите адрес: --url", "give the address with --url"}},
	fetch.KindScheme:  {text{"адрес не http и не https: %s", "the address is neither http nor https: %s"}, text{"проверьте адрес", "check the address"}},
	fetch.KindAddress: {
		text{"адрес внутренней сети: %s", "an address of the internal network: %s"},
		text{"если это ваша сеть, добавьте --allow-private", "if it is your network, add --allow-private"},
	},
	fetch.KindNetwork:  {text{"сервер недоступен: %s", "the server cannot be reached: %s"}, text{"проверьте адрес и сеть и повторите", "check the address and the network, and try again"}},
	fetch.KindTimeout:  {text{"сервер не ответил вовремя: %s", "the server gave no answer in time: %s"}, text{"повторите позже", "try again later"}},
	fetch.KindRedirect: {text{"слишком много переадресаций: %s", "too many redirects: %s"}, text{"проверьте адрес", "check the address"}},
	fetch.KindStatus:   {text{"сервер ответил ошибкой HTTP: %s", "the server answered with an HTTP error: %s"}, text{"проверьте адрес и повторите позже", "check the address and try again later"}},
	fetch.KindTooLarge: {text{"ответ слишком большой: %s", "the answer is too large: %s"}, text{"проверьте адрес", "check the address"}},
	fetch.KindContent: {
		text{"сервер прислал не то, о чём его спросили: %s", "the server sent something else than was asked for: %s"},
		text{"проверьте адрес и сертификат издателя", "check the address and the issuer's certificate"},
	},
}

// fetchError translates what the network did not bring.
func fetchError(err error) *userError {
	var e *fetch.Error
	if !errors.As(err, &e) {
		return nil
	}
	t, ok := fetchTexts[e.Kind]
	if !ok {
		return nil
	}
	u := failedf(t.message, e.URL).withHint(t.hint)
	var answer *ocsp.Error
	if errors.As(err, &answer) && answer.Kind == ocsp.KindErrorStatus && e.Kind == fetch.KindContent {
		u.message = text{"служба " + e.URL + " ответила ошибкой: " + answer.Status.String(), "the service " + e.URL + " answered with an error: " + answer.Status.String()}
	}
	return u
}

// trustError translates what the store of anchors refuses.
func trustError(err error) *userError {
	switch {
	case errors.Is(err, trust.ErrNotFound):
		return failedf(text{"нет доверенного сертификата с таким идентификатором", "there is no trust anchor with this id"}).
			withHint(text{"список: gosklyuch trust list", "the list: gosklyuch trust list"})
	case errors.Is(err, trust.ErrAmbiguous):
		return failedf(text{"так начинаются идентификаторы нескольких сертификатов", "several trust anchors begin with this id"}).
			withHint(text{"укажите идентификатор целиком: gosklyuch trust list", "give the whole id: gosklyuch trust list"})
	case errors.Is(err, trust.ErrDamaged):
		return failedf(text{"файл доверенного сертификата повреждён: %s", "the file of a trust anchor is damaged: %s"}, strings.TrimPrefix(err.Error(), trust.ErrDamaged.Error()+": ")).
			withHint(text{"удалите этот файл и добавьте сертификат снова: gosklyuch trust add", "delete the file and add the certificate again: gosklyuch trust add"})
	case errors.Is(err, trust.ErrState):
		return failedf(text{"файл хранилища доверия повреждён: %s", "a file of the trust store is damaged: %s"}, strings.TrimPrefix(err.Error(), trust.ErrState.Error()+": ")).
			withHint(text{"удалите этот файл и загрузите перечень или набор снова: gosklyuch trust import", "delete the file and import the list or bundle again: gosklyuch trust import"})
	case errors.Is(err, trust.ErrUnusable):
		return failedf(text{
			"этому сертификату нельзя доверять как корневому: он нарушает правила или ключ в нём не читается",
			"this certificate cannot be a trust anchor: it breaks rules, or its key cannot be read",
		}).
			withHint(text{"подробно: gosklyuch cert lint ФАЙЛ", "more about it: gosklyuch cert lint FILE"})
	}
	return nil
}
