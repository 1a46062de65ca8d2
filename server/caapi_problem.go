package server

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/verify"
)

// problem answers with why a request is refused, as RFC 9457 has it.
func (s *CAService) problem(w http.ResponseWriter, req *http.Request, p *problem) {
	s.problemDetail(w, req, p, "")
}

// problemDetail is problem with what exactly is wrong, in English.
func (s *CAService) problemDetail(w http.ResponseWriter, req *http.Request, p *problem, what string) {
	if p.retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(p.retry))
	}
	if p.status == http.StatusUnauthorized {
		// RFC 9110, section 15.5.2: a 401 "MUST send a WWW-Authenticate header
		// field".
		w.Header().Set("WWW-Authenticate", `Bearer realm="gosklyuch"`)
	}
	lang := languageOf(req, "")
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Content-Language", map[bool]string{true: "en", false: "ru"}[lang == verify.English])
	w.WriteHeader(p.status)
	encode(w, struct {
		problemBody
		What string `json:"what,omitempty"` // extension member (RFC 9457, section 3.2)
	}{problemBody{
		Type: problemPrefix + p.kind, Title: http.StatusText(p.status), Status: p.status, Detail: p.sentence(lang),
		Instance: "urn:gosklyuch:request:" + w.Header().Get(requestIDHeader), Languages: problemLanguages{p.ru, p.en},
	}, what})
}

// fail answers for an error of the authority. What an operator can mend is
// said; anything else goes to the log alone.
func (s *CAService) fail(w http.ResponseWriter, req *http.Request, err error) {
	var own *problem
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		s.recordRefusal(req.Context(), "http", req.Pattern, "client", "oversized")
		s.problem(w, req, tooLarge(large.Limit, err))
		return
	case errors.As(err, &own):
		s.problem(w, req, own)
		return
	}
	p := caProblem(err)
	if errors.Is(err, context.Canceled) && req.Context().Err() != nil {
		p = gone(err)
	}
	if p.status == http.StatusInternalServerError {
		s.o.Log.Error("failed", "request", w.Header().Get(requestIDHeader), "error", err.Error())
		if s.ledgerAway(req.Context()) {
			p = ledgerAway()
		}
		s.problem(w, req, p)
		return
	}
	s.problemDetail(w, req, p, err.Error())
}

// ledgerAway asks the ledger a question: where it does not answer, the error
// before was its, and the request may be repeated.
func (s *CAService) ledgerAway(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limits.LedgerProbe)
	defer cancel()
	return s.view(ctx, func(tx ca.ReadTx) error { _, err := tx.Issuer(); return err }) != nil
}

func ledgerAway() *problem {
	return &problem{
		status: http.StatusServiceUnavailable, kind: "ledger", retry: 10,
		ru: "База УЦ временно недоступна. Повторите запрос позже.", en: "The authority's ledger cannot be reached now. Try again later.",
	}
}

// caProblem says which kind of answer an error of the authority is.
func caProblem(err error) *problem {
	var request *ca.RequestError
	var lint *ca.LintError
	is := func(list ...error) bool {
		for _, e := range list {
			if errors.Is(err, e) {
				return true
			}
		}
		return false
	}
	switch {
	case errors.As(err, &request), errors.As(err, &lint), is(ca.ErrRenewal, ca.ErrKeyBlocked, ca.ErrProfile, ca.ErrSuperseded, ca.ErrReason, ca.ErrInvalidityDate):
		return &problem{status: http.StatusUnprocessableEntity, kind: "request-refused", ru: "УЦ не примет такой запрос.", en: "The authority does not take this request."}
	case is(ca.ErrStatement, ca.ErrStale):
		return &problem{status: http.StatusUnprocessableEntity, kind: "statement-refused", ru: "Подписанное решение не принято.", en: "The signed statement is refused."}
	case is(ca.ErrRole, ca.ErrUnsigned, ca.ErrSelfApproval, ca.ErrSubmitter, ca.ErrApprovalNeeded, ca.ErrUnsigned):
		return &problem{status: http.StatusForbidden, kind: "forbidden", ru: "На это у сотрудника нет права.", en: "The operator may not do that."}
	case is(ca.ErrNotFound):
		return &problem{status: http.StatusNotFound, kind: "no-such-entry", ru: "Такой записи в УЦ нет.", en: "The authority has no such entry."}
	case is(ca.ErrState, ca.ErrRequestExists, ca.ErrReplayed, ca.ErrVersion, ca.ErrProfileChanged):
		return &problem{status: http.StatusConflict, kind: "conflict", ru: "Состояние запроса этого не допускает.", en: "The state of the request does not allow that."}
	case is(ca.ErrRevoked, ca.ErrOnHold, ca.ErrNotOnHold):
		return &problem{status: http.StatusConflict, kind: "certificate-state", ru: "Состояние сертификата этого не допускает.", en: "The state of the certificate does not allow that."}
	case is(ca.ErrNoLists, ca.ErrNoBase, ca.ErrListInFolder):
		return &problem{status: http.StatusConflict, kind: "lists", ru: "Такого списка отзыва здесь нет: см. настройки публикации УЦ.", en: "There is no such revocation list here: see how the authority publishes."}
	case is(ca.ErrSearchText, ca.ErrSearchBroad):
		return badQuery("search")
	case is(ca.ErrNoKey):
		return &problem{status: http.StatusServiceUnavailable, kind: "no-key", ru: "Служба работает без ключа УЦ: подписать здесь нельзя.", en: "The service runs without the authority's key: nothing can be signed here."}
	case is(ca.ErrOutsideValidity):
		return &problem{status: http.StatusServiceUnavailable, kind: "authority-expired", ru: "Срок сертификата или ключа УЦ истёк либо не начался.", en: "The authority's certificate or key is outside its period."}
	}
	return internal(err)
}

// The problems of this service that are not the authority's.

func rateExceeded() *problem {
	return &problem{
		status: http.StatusTooManyRequests, kind: "too-many", retry: 5,
		ru: "С вашего адреса слишком много запросов.", en: "There are too many requests from your address.",
	}
}

func notLoggedIn() *problem {
	return &problem{
		status: http.StatusUnauthorized, kind: "unauthorized",
		ru: "Нужен вход: сертификат сотрудника или подписанный вызов.", en: "Log in with an operator's certificate or a signed challenge.",
	}
}

// personalNeeded is for who has not asked for personal data.
func personalNeeded() *problem {
	return &problem{
		status: http.StatusForbidden, kind: "personal",
		ru: "В ответе были бы персональные данные: добавьте personal=1, запрос будет записан в журнал.",
		en: "The answer would hold personal data: add personal=1, and the request is put on record.",
	}
}

func badJSON(cause error) *problem {
	return &problem{
		status: http.StatusBadRequest, kind: "bad-json", cause: cause,
		ru: "Запрос не читается: нужен один объект JSON с известными полями.", en: "The body cannot be read: one JSON object with known members is expected.",
	}
}

func notJSON() *problem {
	return &problem{
		status: http.StatusUnsupportedMediaType, kind: "content-type",
		ru: "Нужен Content-Type: application/json.", en: "Content-Type: application/json is expected.",
	}
}
