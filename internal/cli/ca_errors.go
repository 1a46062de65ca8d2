package cli

import (
	"errors"
	"strings"

	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// issuingSentences are what the way of a request refuses.
var issuingSentences = []struct {
	err     error
	message text
	hint    text
}{
	{ca.ErrApprovalNeeded, text{"профиль требует одобрений", "the profile asks for approvals"}, text{"подайте запрос: gosklyuch ca request submit", "hand the request in: gosklyuch ca request submit"}},
	{ca.ErrState, text{"в этом состоянии запроса такое действие невозможно", "the state of the request does not allow that"}, text{"посмотреть: gosklyuch ca request show", "to look: gosklyuch ca request show"}},
	{ca.ErrRequestExists, text{"такой запрос уже подан", "this request was handed in before"}, text{"список: gosklyuch ca request list", "the list: gosklyuch ca request list"}},
	{ca.ErrSubmitter, text{"профиль требует одобрений, поэтому подачу подписывает оператор", "the profile asks for approvals, so an operator signs the submission"}, text{"добавьте --operator и --key", "add --operator and --key"}},
	{ca.ErrSelfApproval, text{"тот, кто подал запрос, не может его одобрить", "who handed a request in cannot approve it"}, text{"нужен другой сотрудник", "another person is needed"}},
	{ca.ErrReplayed, text{"этот сотрудник уже одобрил запрос", "this person has approved the request already"}, text{"нужен другой сотрудник", "another person is needed"}},
	{ca.ErrUnsigned, text{"в УЦ есть сотрудники, поэтому это действие подписывает один из них", "there are operators, so one of them signs that"}, text{"добавьте --operator и --key", "add --operator and --key"}},
	{ca.ErrSuperseded, text{"у профиля есть более новая версия, и новые запросы идут только по ней", "the profile has a later version, and new requests go by that one only"}, text{"укажите имя профиля без версии; список: gosklyuch ca profile list", "give the profile's name without a version; the list: gosklyuch ca profile list"}},
	{ca.ErrRole, text{"у сотрудника нет роли для этого действия", "the operator has no role for that"}, text{"роли: gosklyuch ca operator list", "the roles: gosklyuch ca operator list"}},
	{ca.ErrStale, text{"подписанное решение устарело или датировано будущим", "the signed decision is too old, or from the future"}, text{"подпишите его заново и проверьте часы", "sign it again and check the clock"}},
	{ca.ErrProfileChanged, text{"профиль изменён после подачи запроса", "the profile was changed since the request was handed in"}, text{"верните прежний файл; новое пишите в новую версию профиля", "put the former file back; changes belong into a new version of the profile"}},
	{ca.ErrRenewal, text{"в перевыпуске отказано", "the renewal is refused"}, text{}},
	{ca.ErrOperatorExists, text{"имя, ключ или человек (СНИЛС, ИНН) уже записаны среди сотрудников", "the name, the key or the person (SNILS, INN) is registered already"}, text{"список: gosklyuch ca operator list", "the list: gosklyuch ca operator list"}},
	{ca.ErrOperator, text{"такого сотрудника записать нельзя", "this cannot be an operator"}, text{}},
	{ca.ErrVersion, text{"запись тем временем изменил кто-то другой", "it was changed by somebody else in the meantime"}, text{"посмотрите и повторите", "look at it and try again"}},
	{ca.ErrNoKey, text{"для этого нужен ключ УЦ", "this needs the authority's key"}, text{}},
}

// issuingError translates what profiles, requests and operators refuse.
func issuingError(err error) *userError {
	var profile *ca.ProfileError
	if errors.As(err, &profile) {
		en := strings.TrimPrefix(profile.Error(), "ca: profile "+profile.Profile)
		return newError(exitFailed, text{
			"профиль " + profile.Profile + " не годится" + en, "the profile " + profile.Profile + " cannot be used" + en,
		}).withHint(text{"исправьте файл и проверьте его: gosklyuch ca profile check ФАЙЛ", "correct the file and check it: gosklyuch ca profile check FILE"})
	}
	var statement *ca.StatementError
	if errors.As(err, &statement) {
		english := statement.Detail
		if _, after, ok := strings.Cut(english, statement.Field+": "); ok {
			english = after // through the socket the whole sentence comes
		}
		return newError(exitFailed, text{
			"подписанное решение отклонено: " + statement.Field + ": " + statementDetail(english),
			"the signed decision is refused: " + statement.Field + ": " + english,
		}).withHint(text{"получите текст решения заново: gosklyuch ca request statement", "get the text of the decision again: gosklyuch ca request statement"})
	}
	for _, s := range issuingSentences {
		if !errors.Is(err, s.err) {
			continue
		}
		return newError(exitFailed, refusalDetail(s.message, s.err, err)).withHint(s.hint)
	}
	return nil
}

// statementDetail translates why a signed statement is refused.
func statementDetail(english string) string {
	for _, w := range []struct{ part, ru string }{
		{"another one than this request", "оно о другом"},
		{"not what the record says", "оно не совпадает с записью"},
		{"registered key's signature", "это не подпись записанного ключа под этим решением"},
		{"not a CMS signature", "это не подпись CMS"},
		{"one detached signature", "нужна одна отсоединённая подпись"},
		{"not over this statement", "подпись не под этим решением"},
		{"larger than", "слишком велика"},
		{"longer than", "слишком длинно"},
		{"outside the validity", "вне срока действия сертификата сотрудника"},
		{"outside the period of the operator's key", "вне срока использования ключа сотрудника"},
		{"before the operator was registered", "подписано раньше, чем сотрудник записан"},
		{"the operator's certificate is", "сертификат сотрудника отозван или приостановлен"},
		{"not that of the certificate", "ключ не подходит к сертификату"},
	} {
		if strings.Contains(english, w.part) {
			return w.ru
		}
	}
	return "не в той форме (" + english + ")"
}
