package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/ocsp"
	"github.com/gosklyuch/gosklyuch/tsp"
)

// structureDetail says which field of a file could not be read and why. What
// the libraries say in English stays whole in the English sentence.
func structureDetail(err error) text {
	return text{russianDetail(err), withoutPackages(err.Error())}
}

// withoutPackages takes off the names of packages that Go errors begin with.
func withoutPackages(s string) string {
	for {
		head, rest, ok := strings.Cut(s, ": ")
		switch {
		case !ok:
			return s
		case head == "verify", head == "cms", head == "der", head == "pki", head == "pfx", head == "alg", head == "ocsp", head == "tsp", head == "sign", head == "soft", head == "ca", head == "boltstore", head == "pgstore":
			s = rest
		default:
			return s
		}
	}
}

// russianDetail names the field and says what is wrong with it.
func russianDetail(err error) string {
	field, why := "", "нарушены правила записи"
	var syntax *der.SyntaxError
	var bad *der.FieldError
	var format *cms.FormatError
	var limit *cms.LimitError
	var answer *ocsp.Error
	var stamp *tsp.Error
	var not *der.NotDERError
	switch {
	case errors.As(err, &not):
		return "это не DER, не PEM и не Base64"
	case errors.As(err, &syntax):
		field, why = syntax.Field, fmt.Sprintf("%s (байт %d)", why, syntax.Offset)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			why = fmt.Sprintf("данные обрываются на байте %d", syntax.Offset)
		}
	case errors.As(err, &limit):
		return fmt.Sprintf("%s: больше предела %d", limit.What, limit.Max)
	case errors.As(err, &format):
		field = format.Field
	case errors.As(err, &bad):
		field, why = bad.Field, russianWhy(bad.Why)
	case errors.As(err, &answer), errors.As(err, &stamp):
	}
	switch {
	case errors.Is(err, der.ErrTrailing):
		why = "лишние байты после конца"
	case errors.Is(err, io.ErrUnexpectedEOF) && syntax == nil:
		why = "данные обрываются"
	}
	if field == "" {
		return russianWhole(err, why)
	}
	return "поле " + field + ": " + why
}

// russianWhole translates errors that name no field, by what they are about.
func russianWhole(err error, why string) string {
	s := err.Error()
	for _, w := range []struct{ part, ru string }{
		{"octets after the end", "лишние байты после конца"},
		{"octets are left", "данные обрываются"},
		{"trailing data", "лишние байты после конца"},
		{"larger than", "файл больше, чем бывает такой"},
		{"more than the", "файл больше, чем бывает такой"},
		{"nest", "слишком глубокая вложенность"},
		{"deep", "слишком глубокая вложенность"},
		{"PEM", "текст PEM записан с ошибкой"},
		{"Base64", "текст Base64 записан с ошибкой"},
	} {
		if strings.Contains(s, w.part) {
			return w.ru
		}
	}
	return why + " (" + withoutPackages(s) + ")"
}

// russianWhy translates what internal/der says about a field.
func russianWhy(why string) string {
	for _, w := range []struct{ prefix, ru string }{
		{"the length is not DER", "данные обрываются или длина записана неверно"},
		{"octets after", "лишние байты"},
		{"unknown elements", "лишние элементы"},
		{"missing", "его нет"},
		{"must have one value", "должно быть ровно одно значение"},
		{"too many", "слишком много значений"},
		{"neither UTCTime", "это не время"},
		{"not a", "значение другого типа"},
	} {
		if strings.HasPrefix(why, w.prefix) {
			return w.ru
		}
	}
	return "нарушены правила записи"
}
