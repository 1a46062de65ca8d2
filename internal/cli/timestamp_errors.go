package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gosklyuch/gosklyuch/server"
	"github.com/gosklyuch/gosklyuch/tsp"
)

// failureTexts say what the bits of failInfo mean (RFC 3161, section 2.4.2).
var failureTexts = map[string]text{
	"badAlg":              {"алгоритм хэша не поддерживается", "the digest algorithm is not supported"},
	"badRequest":          {"такой запрос не поддерживается", "such a request is not supported"},
	"badDataFormat":       {"запрос не разобран", "the request could not be read"},
	"timeNotAvailable":    {"у службы нет точного времени", "the service's clock is not available"},
	"unacceptedPolicy":    {"запрошенные правила не поддерживаются", "the policy that was asked for is not supported"},
	"unacceptedExtension": {"дополнение запроса не поддерживается", "an extension of the request is not supported"},
	"addInfoNotAvailable": {"запрошенных сведений нет", "the information that was asked for is not available"},
	"systemFailure":       {"служба неисправна", "the service is out of order"},
}

// refusedStamp says that a service refused, and why. where is an address or a
// file.
func refusedStamp(where string, status tsp.Status, failure []string) *userError {
	why := text{status.String(), status.String()}
	for _, f := range failure {
		if t, ok := failureTexts[f]; ok {
			why = text{why.ru + ", " + f + ": " + t.ru, why.en + ", " + f + ": " + t.en}
		}
	}
	u := newError(exitFailed, text{
		fmt.Sprintf("%s: служба меток отказала (%s)", where, why.ru),
		fmt.Sprintf("%s: the time-stamping service refused (%s)", where, why.en),
	})
	switch strings.Join(failure, " ") {
	case "badAlg":
		return u.withHint(text{"попробуйте --alg streebog512 или другую службу", "try --alg streebog512 or another service"})
	case "unacceptedPolicy":
		return u.withHint(text{"уберите --policy или узнайте правила службы", "leave out --policy, or ask the service for its policies"})
	case "timeNotAvailable", "systemFailure":
		return u.withHint(text{"повторите позже", "try again later"})
	}
	return u
}

// stampFaults say what is wrong with a response, by the kind of error.
var stampFaults = map[tsp.ErrorKind]text{
	tsp.KindMalformed:         {"ответ не разобран", "the response cannot be read"},
	tsp.KindImprint:           {"метка поставлена на другие данные", "the token stamps other data"},
	tsp.KindSignature:         {"подпись службы под меткой неверна", "the service's signature of the token is wrong"},
	tsp.KindUsage:             {"сертификат службы не предназначен для меток времени", "the service's certificate is not meant for time stamps"},
	tsp.KindTime:              {"время метки вне срока сертификата службы", "the stamped time is outside the validity of the service's certificate"},
	tsp.KindNonce:             {"это ответ на другой запрос (nonce не совпал)", "this is the answer to another request (the nonce differs)"},
	tsp.KindPolicy:            {"метка выдана по другим правилам, чем запрошены", "the token was issued under another policy than was asked for"},
	tsp.KindNoCertificate:     {"в метке нет сертификата службы", "the token lacks the service's certificate"},
	tsp.KindUnknownAlgorithm:  {"алгоритм метки неизвестен", "the algorithm of the token is not known"},
	tsp.KindUnhandledCritical: {"в метке есть неизвестное обязательное дополнение", "the token has a critical extension that is not known"},
}

// badStamp says that a service sent no stamp that answers the request.
func badStamp(url string, err error) error {
	var e *tsp.Error
	if !errors.As(err, &e) {
		return err
	}
	if e.Kind == tsp.KindStatus {
		return refusedStamp(url, e.Status, e.Failure)
	}
	t, ok := stampFaults[e.Kind]
	if !ok {
		return err
	}
	return newError(exitFailed, text{
		fmt.Sprintf("%s: ответ службы меток не принят: %s", url, t.ru), fmt.Sprintf("%s: the response of the time-stamping service is not accepted: %s", url, t.en),
	}).withCause(err).withHint(text{"проверьте адрес или обратитесь к другой службе", "check the address, or ask another service"})
}

// timeStampError translates what the authority and the client refuse.
func timeStampError(err error) *userError {
	if errors.Is(err, server.ErrSerialsInUse) {
		return failedf(text{"эта служба меток уже работает", "this time-stamping service is running already"}).
			withHint(text{"остановите её или укажите другой файл номеров: --serials", "stop it, or give another file of serial numbers with --serials"})
	}
	var e *tsp.Error
	if !errors.As(err, &e) {
		return nil
	}
	switch e.Kind {
	case tsp.KindStatus:
		return refusedStamp("TSA", e.Status, e.Failure)
	case tsp.KindMalformed:
		return nil // structureDetail names the field
	}
	t := stampFaults[e.Kind]
	return newError(exitFailed, text{"метка времени: " + t.ru, "time stamp: " + t.en}).withCause(err)
}
