package cli

import (
	"errors"
	"regexp"
	"strings"

	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// refusalDetail adds what the library says beyond the sentence s of err: the
// state of the request, the name that is taken, why there is no renewal.
func refusalDetail(m text, s, err error) text {
	_, why, ok := strings.Cut(err.Error(), s.Error()+": ")
	if !ok {
		return m
	}
	switch {
	case errors.Is(s, ca.ErrState):
		if name, known := requestStates[ca.RequestState(strings.TrimPrefix(why, "it is "))]; known {
			return text{"такое действие невозможно: запрос в состоянии «" + name.ru + "»", "the request is " + name.en + ", so that is not possible"}
		}
	case errors.Is(s, ca.ErrOperatorExists):
		return text{m.ru + ": " + why, m.en + ": " + why}
	case errors.Is(s, ca.ErrRenewal), errors.Is(s, ca.ErrOperator):
		why = withoutPackages(why)
		return text{m.ru + ": " + renewalDetail(why), m.en + ": " + why}
	}
	return m
}

// renewals are the sentences of a refused renewal; $1 is what the library
// names.
var renewals = []struct {
	en *regexp.Regexp
	ru string
}{
	{regexp.MustCompile(`^the certificate (\S+) is revoked$`), "сертификат $1 отозван"},
	{regexp.MustCompile(`^the certificate (\S+) is hold$`), "действие сертификата $1 приостановлено"},
	{regexp.MustCompile(`^the certificate (\S+) was valid until (\S+)$`), "сертификат $1 действовал до $2"},
	{regexp.MustCompile(`^the key of (\S+) could be used until (\S+)$`), "ключ сертификата $1 можно было использовать до $2"},
	{regexp.MustCompile(`^the key of (\S+) may be used from (\S+)$`), "ключ сертификата $1 можно использовать с $2"},
	{regexp.MustCompile(`^the key of (\S+) may not sign$`), "ключом сертификата $1 нельзя подписывать"},
	{regexp.MustCompile(`^an authority's certificate is not renewed this way$`), "сертификат удостоверяющего центра так не перевыпускают"},
	{regexp.MustCompile(`^the subject differs from that of (\S+)$`), "данные владельца не те, что в сертификате $1"},
	{regexp.MustCompile(`^the subjectAltName has a name that (\S+) does not have$`), "в subjectAltName есть имя, которого нет в сертификате $1"},
	{regexp.MustCompile(`^the profile (\S+) asks for a new key$`), "профиль $1 требует нового ключа"},
	{regexp.MustCompile(`^the certificate (\S+) is of the profile (\S+)$`), "сертификат $1 выпущен по профилю $2"},
	{regexp.MustCompile(`^the key is in use since (\S+); a new one is needed$`), "ключ используется с $1, нужен новый"},
	{regexp.MustCompile(`^the signer is not named by issuer and serial number, or by another issuer$`), "запрос подписан не сертификатом этого УЦ"},
}

// renewalDetail translates why a renewal is refused; what it does not know
// stays in English.
func renewalDetail(english string) string {
	for _, r := range renewals {
		if r.en.MatchString(english) {
			return r.en.ReplaceAllString(english, r.ru)
		}
	}
	return english
}
