package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/gosklyuch/gosklyuch/verify"
)

// A problem is why a request got no verdict (RFC 9457). The type is stable:
// callers branch on it.
type problem struct {
	status int
	kind   string
	ru, en string // a sentence for a person
	cause  error  // for tests; never shown and never logged: it may hold names
	retry  int    // seconds for Retry-After; zero: none
}

// problemPrefix begins every type.
const problemPrefix = "urn:gosklyuch:problem:"

// Error returns the kind and the English sentence.
func (p *problem) Error() string { return "server: " + p.kind + ": " + p.en }

// Unwrap returns the cause.
func (p *problem) Unwrap() error { return p.cause }

// problemBody is RFC 9457, section 3.1, with both languages as extension
// members (section 3.2).
type problemBody struct {
	Type      string           `json:"type"`
	Title     string           `json:"title"`
	Status    int              `json:"status"`
	Detail    string           `json:"detail"`
	Instance  string           `json:"instance"` // urn:gosklyuch:request: and X-Request-Id
	Languages problemLanguages `json:"languages"`
}

type problemLanguages struct {
	Ru string `json:"ru"`
	En string `json:"en"`
}

// write answers with the problem; people who sent the form without a script
// get a page.
func (s *VerifyService) writeProblem(w http.ResponseWriter, req *http.Request, lang verify.Lang, p *problem) {
	if p.retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(p.retry))
	}
	if format, ok := negotiate(req.Header.Get("Accept")); ok && format == formatHTML && !s.o.NoPage {
		s.writeProblemPage(w, lang, p)
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	if lang == verify.English {
		w.Header().Set("Content-Language", "en")
	} else {
		w.Header().Set("Content-Language", "ru")
	}
	w.WriteHeader(p.status)
	body := problemBody{
		Type: problemPrefix + p.kind, Title: http.StatusText(p.status), Status: p.status, Detail: p.sentence(lang),
		Instance: "urn:gosklyuch:request:" + w.Header().Get(requestIDHeader), Languages: problemLanguages{p.ru, p.en},
	}
	encode(w, body) // the client may be gone; nothing can be done then
}

func (p *problem) sentence(lang verify.Lang) string {
	if lang == verify.English {
		return p.en
	}
	return p.ru
}

// encode writes JSON as the command line does.
func encode(w http.ResponseWriter, doc any) {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	enc.Encode(doc) //nolint:errcheck,gosec // the client may be gone
}

func writeJSON(w http.ResponseWriter, status int, doc any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	encode(w, doc)
}

// The problems, by what a caller can do about them.

func notFound() *problem {
	return &problem{status: http.StatusNotFound, kind: "not-found", ru: "Такого адреса нет.", en: "There is nothing at this address."}
}

func wrongMethod(allowed string) *problem {
	return &problem{
		status: http.StatusMethodNotAllowed, kind: "method",
		ru: "Этот адрес принимает только " + allowed + ".", en: "This address takes only " + allowed + ".",
	}
}

func notMultipart() *problem {
	return &problem{
		status: http.StatusUnsupportedMediaType, kind: "content-type",
		ru: "Нужна форма multipart/form-data с разделителем boundary.", en: "The body must be multipart/form-data with a boundary.",
	}
}

func codedContent() *problem {
	return &problem{
		status: http.StatusUnsupportedMediaType, kind: "content-encoding",
		ru: "Форма передаётся без сжатия (Content-Encoding).", en: "The form must not be compressed (Content-Encoding).",
	}
}

func notAcceptable() *problem {
	return &problem{
		status: http.StatusNotAcceptable, kind: "not-acceptable",
		ru: "Ответ возможен в виде JSON, HTML, PDF или XML.", en: "An answer can be JSON, HTML, PDF or XML.",
	}
}

func tooLarge(most int64, cause error) *problem {
	return &problem{
		status: http.StatusRequestEntityTooLarge, kind: "too-large", cause: cause,
		ru: "Файл больше, чем принимает эта служба: " + sizeText(most, verify.Russian) + ".",
		en: "The file is larger than this service takes: " + sizeText(most, verify.English) + ".",
	}
}

func badForm(cause error) *problem {
	return &problem{
		status: http.StatusBadRequest, kind: "form", cause: cause,
		ru: "Форма повреждена или передана не полностью.", en: "The form is damaged or was not sent to its end.",
	}
}

func badField(name, ru, en string) *problem {
	return &problem{status: http.StatusBadRequest, kind: "field-" + name, ru: ru, en: en}
}

func noSignature() *problem {
	return &problem{
		status: http.StatusBadRequest, kind: "no-signature",
		ru: "В форме нет файла подписи (часть signature).", en: "The form has no signature file (part signature).",
	}
}

func unreadable(cause error) *problem {
	return &problem{
		status: http.StatusUnprocessableEntity, kind: "unreadable-signature", cause: cause,
		ru: "Файл подписи не читается как подпись CMS. Возможно, он повреждён или выбран не тот файл.",
		en: "The signature file cannot be read as a CMS signature. It may be damaged, or another file was chosen.",
	}
}

func tooSlow(cause error) *problem {
	return &problem{
		status: http.StatusRequestTimeout, kind: "too-slow", cause: cause,
		ru: "Данные поступали слишком медленно.", en: "The data arrived too slowly.",
	}
}

func tooLong(cause error) *problem {
	return &problem{
		status: http.StatusGatewayTimeout, kind: "timeout", cause: cause,
		ru: "Проверка не уложилась в отведённое время.", en: "The verification did not end in the time allowed.",
	}
}

func busy() *problem {
	return &problem{
		status: http.StatusServiceUnavailable, kind: "busy", retry: 5,
		ru: "Служба занята. Повторите запрос через несколько секунд.", en: "The service is busy. Try again in some seconds.",
	}
}

func noSpace(cause error) *problem {
	return &problem{
		status: http.StatusServiceUnavailable, kind: "no-space", retry: 30, cause: cause,
		ru: "Временно не хватает места для принятых файлов. Повторите запрос позже.", en: "There is no room for received files at the moment. Try again later.",
	}
}

func tooMany() *problem {
	return &problem{
		status: http.StatusTooManyRequests, kind: "too-many", retry: 5,
		ru: "С вашего адреса уже выполняется наибольшее число проверок.", en: "Your address has the most verifications under way that it may have.",
	}
}

func internal(cause error) *problem {
	return &problem{
		status: http.StatusInternalServerError, kind: "internal", cause: cause,
		ru: "Внутренняя ошибка службы.", en: "Internal error of the service.",
	}
}

// gone marks a client that went away: nobody reads the answer, and the log
// says so. The number is the one that proxies use for it.
func gone(cause error) *problem {
	return &problem{status: 499, kind: "gone", ru: "Клиент отключился.", en: "The client went away.", cause: cause}
}

// asProblem returns the problem in the chain of err; anything else is internal.
func asProblem(err error) *problem {
	var p *problem
	if errors.As(err, &p) {
		return p
	}
	return internal(err)
}

// sizeText prints a bound for people.
func sizeText(n int64, lang verify.Lang) string {
	units := []string{"КиБ", "МиБ", "ГиБ"}
	if lang == verify.English {
		units = []string{"KiB", "MiB", "GiB"}
	}
	if n < 1<<10 {
		if lang == verify.English {
			return fmt.Sprintf("%d bytes", n)
		}
		return fmt.Sprintf("%d байт", n)
	}
	v, unit := float64(n)/(1<<10), 0
	for v >= 1<<10 && unit < len(units)-1 {
		v /= 1 << 10
		unit++
	}
	return strconv.FormatFloat(v, 'f', -1, 64) + " " + units[unit]
}
