package cli

import (
	"errors"
	"fmt"

	"github.com/gosklyuch/gosklyuch/pki"
)

// parseSubject reads a distinguished name from a flag; the sentence names the
// attribute.
func parseSubject(flag, value string) (pki.Name, error) {
	name, err := pki.ParseDN(value)
	if err == nil {
		return name, nil
	}
	u := nameError(err)
	if u == nil {
		d := structureDetail(err)
		u = usageError(text{"имя не читается: " + d.ru, "the name cannot be read: " + d.en})
	}
	u.message = text{"--" + flag + ": " + u.message.ru, "--" + flag + ": " + u.message.en}
	return name, u.withCause(err)
}

// nameReasons are the sentences of a *pki.DNError; %s is the attribute.
var nameReasons = map[pki.DNReason]text{
	pki.DNSyntax:  {"имя записано с ошибкой: %s", "the name is not well formed: %s"},
	pki.DNUnknown: {"неизвестный атрибут имени %s", "unknown attribute of a name: %s"},
	pki.DNEmpty:   {"у атрибута %s нет значения", "the attribute %s has no value"},
	pki.DNCharset: {"в атрибуте %s недопустимые знаки", "the attribute %s has characters that it cannot hold"},
	pki.DNCountry: {"%s: нужен код страны из двух букв, например RU", "%s: a country code of two letters is needed, such as RU"},
	pki.DNTooLong: {"имя слишком длинное: %s", "the name is too long: %s"},
}

// nameError translates a refused distinguished name or number.
func nameError(err error) *userError {
	var id *pki.IdentifierError
	if errors.As(err, &id) {
		return identifierError(id)
	}
	var dn *pki.DNError
	if !errors.As(err, &dn) {
		return nil
	}
	m, ok := nameReasons[dn.Reason]
	if !ok {
		return nil
	}
	attribute := dn.Attribute
	if attribute == "" {
		attribute = "…"
	}
	return usageErrorf(m, attribute).withHint(text{
		"пример: CN=Иванов Иван Иванович,SN=Иванов,G=Иван Иванович,СНИЛС=11223344595,C=RU",
		"for example: CN=Ivanov Ivan,SN=Ivanov,G=Ivan,SNILS=11223344595,C=RU",
	})
}

// identifierError translates a refused registration number.
func identifierError(e *pki.IdentifierError) *userError {
	kind := text{map[string]string{"SNILS": "СНИЛС", "INN": "ИНН", "INNLE": "ИННЮЛ", "OGRN": "ОГРН", "OGRNIP": "ОГРНИП"}[e.Kind], e.Kind}
	sentence := func(ru, en string) *userError {
		return usageError(text{kind.ru + ": " + ru, kind.en + ": " + en})
	}
	switch e.Reason {
	case pki.IdentifierOrganization:
		return sentence("10 цифр бывает у организации", "10 digits are the number of an organisation").
			withHint(text{"ИНН организации пишется в ИННЮЛ, у человека в ИНН 12 цифр", "an organisation's number belongs into INNLE; a person's INN has 12 digits"})
	case pki.IdentifierLength:
		return sentence(fmt.Sprintf("цифр %d, а должно быть %d", e.Got, e.Want), fmt.Sprintf("%d digits, must be %d", e.Got, e.Want))
	case pki.IdentifierNotDigits:
		return sentence("допустимы только цифры", "only digits are allowed")
	case pki.IdentifierZero:
		return sentence("номер из одних нулей", "all digits are zero")
	default:
		return sentence("не сходится контрольная цифра", "the check digit is wrong").
			withHint(text{"проверьте номер по документу", "compare the number with the document"})
	}
}
