package server

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/ca"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/verify"
)

// pageFuncs are the functions of the templates of one language.
func pageFuncs(lang verify.Lang) template.FuncMap {
	return template.FuncMap{
		"t": func(name any) (string, error) { return pageTextOf(lang, fmt.Sprint(name)) },
		// has reports whether there is a text for a word of the ledger.
		"has":    func(name string) bool { _, err := pageTextOf(lang, name); return err == nil },
		"v":      func(text any) string { return visible(fmt.Sprint(text)) },
		"clip":   func(text any) string { return clip(visible(fmt.Sprint(text)), limits.PageClip) },
		"short":  func(id any) string { return clip(fmt.Sprint(id), shortID) },
		"serial": func(s ca.Serial) string { return clip(s.String(), 16) },
		"brief":  func(text any) string { return brief(visible(fmt.Sprint(text))) },
		"day":    func(t time.Time) string { return pageDay(lang, t) },
		"month": func(t time.Time) string {
			return pageText(lang, fmt.Sprintf("month-%d", t.Month())) + t.UTC().Format(" 2006")
		},
		"moment": func(t time.Time) string { return pageMoment(lang, t) },
		"iso":    func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"num":    func(n any) string { return pageNumber(fmt.Sprint(n)) },
		"tag":    func(state any) string { return "tag tag-" + fmt.Sprint(state) },
		"split":  splitName,
	}
}

// nameParts is a name in a list: the common name, and the rest.
type nameParts struct{ Main, Rest string }

// splitName cuts RFC 4514 text for a list.
func splitName(text string) nameParts {
	n, err := pki.ParseDN(text)
	if err != nil || n.Get(oid.CommonName) == "" {
		if text == "" {
			text = "–"
		}
		return nameParts{Main: text}
	}
	out := nameParts{Main: n.Get(oid.CommonName)}
	var rest []string
	for _, rdn := range n.RDNs {
		for _, a := range rdn {
			if a.Type != oid.CommonName {
				rest = append(rest, a.Type.Name()+" "+a.Value)
			}
		}
	}
	out.Rest = strings.Join(rest, ", ")
	return out
}

// visible replaces what would turn or hide a text: controls, marks of direction,
// zero width, and what is no character.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return ' '
		case r < 0x20, r >= 0x7f && r <= 0x9f, r == 0xad, r == 0x61c, r == 0x115f, r == 0x1160, r == 0x180e, r == 0x3164, r == 0xffa0,
			r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x206f, r == 0xfeff,
			r >= 0xfff0 && r <= 0xfffb, r >= 0xe0000 && r <= 0xe0fff:
			return utf8.RuneError
		}
		return r
	}, text)
}

// shortID is how many digits of an identifier a list shows: four more than a
// command needs.
const shortID = 12

// brief cuts digests to their beginning, and long texts.
func brief(text string) string {
	if len(text) >= 40 && strings.Trim(text, "0123456789abcdef") == "" {
		return text[:shortID] + "…"
	}
	return clip(text, limits.PageClip)
}

// clip cuts a text behind some characters.
func clip(text string, most int) string {
	n := 0
	for i := range text {
		if n == most {
			return text[:i] + "…"
		}
		n++
	}
	return text
}

func pageDay(lang verify.Lang, t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	if lang == verify.English {
		return t.UTC().Format("2 Jan 2006")
	}
	return t.UTC().Format("02.01.2006")
}

// pageMoment is a moment in UTC, to the minute.
func pageMoment(lang verify.Lang, t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return pageDay(lang, t) + t.UTC().Format(", 15:04")
}

// pageNumber sets a space that does not break between thousands.
func pageNumber(text string) string {
	if _, err := strconv.ParseInt(text, 10, 64); err != nil {
		return text
	}
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "\u00a0" + text[i:]
	}
	return text
}

// pageTextOf finds a text of the page.
func pageTextOf(lang verify.Lang, name string) (string, error) {
	for _, part := range pageTextParts() {
		if both, ok := part[name]; ok {
			return both[lang], nil
		}
	}
	return "", fmt.Errorf("server: the page has no text %q", name)
}

// pageText is pageTextOf for names that the program makes; a word that is not
// known stands for itself.
func pageText(lang verify.Lang, name string) string {
	text, err := pageTextOf(lang, name)
	if err != nil {
		return name
	}
	return text
}

// pageTextParts are all texts: language 0 is Russian, 1 English. The values of
// this map are never changed.
func pageTextParts() []map[string][2]string {
	return []map[string][2]string{frameTexts, wordTexts, requestTexts, certificateTexts, countTexts, journalTexts, statusTexts, attributeTexts}
}

var frameTexts = map[string][2]string{
	"skip":         {"К содержанию", "Skip to the content"},
	"other":        {"English", "Русский"},
	"nav":          {"Разделы", "Sections"},
	"overview":     {"Обзор", "Overview"},
	"requests":     {"Запросы", "Requests"},
	"certificates": {"Сертификаты", "Certificates"},
	"expiry":       {"Сроки", "Expiry"},
	"charts":       {"Графики", "Charts"},
	"journal":      {"Журнал", "Journal"},
	"status":       {"Состояние", "Status"},
	"search":       {"Поиск сертификатов", "Search certificates"},
	"search-hint":  {"имя, ИНН, СНИЛС, номер…", "name, INN, SNILS, serial…"},
	"search-do":    {"Найти", "Search"},
	"logout":       {"Выйти", "Log out"},
	"by-cert":      {"вход по сертификату", "logged in by certificate"},
	"utc":          {"Время везде указано в UTC.", "All times are in UTC."},
	"next":         {"Дальше", "Next"},
	"first":        {"В начало", "Back to the start"},
	"nothing":      {"Здесь пока ничего нет.", "There is nothing here yet."},
	"pages":        {"Страницы списка", "Pages of the list"},
	"reveal":       {"Показать персональные данные", "Show personal data"},
	"reveal-hint":  {"Персональные данные скрыты. Их показ запишется в журнал под вашим именем.", "Personal data is hidden. Showing it is put on record in your name."},
	"dir-hint":     {"Команды выполняются на машине УЦ; D – его папка.", "The commands are run on the authority's machine; D is its folder."},
	"failed":       {"Не получилось", "This did not work"},
	"request-id":   {"Номер обращения в журнале службы", "Number of this request in the service's log"},
	"to-overview":  {"На главную страницу", "To the overview"},
	"to-login":     {"Ко входу", "To the login"},

	"login":            {"Вход", "Log in"},
	"login-lead":       {"Страница сотрудников удостоверяющего центра. Пароля нет: вход подтверждается вашей электронной подписью.", "The page of the people who work at this certification authority. There is no password: the signature of your own key lets you in."},
	"login-name":       {"Имя сотрудника", "Operator's name"},
	"login-name-hint":  {"то, под которым вас зарегистрировали: gosklyuch ca operator list", "the one under which you are registered: gosklyuch ca operator list"},
	"login-go":         {"Получить вызов", "Get a challenge"},
	"login-failed":     {"Войти не удалось: вызов устарел или уже использован, подпись не ваша или доступ закрыт. Ниже новый вызов.", "You were not let in: the challenge is too old or was used before, the signature is not yours, or your access has ended. There is a new challenge below."},
	"login-bad-name":   {"В имени сотрудника только латинские буквы, цифры, точка, дефис и подчёркивание.", "An operator's name has Latin letters, digits, dots, hyphens and underscores only."},
	"login-step-file":  {"Сохраните вызов в файл", "Save the challenge as a file"},
	"login-step-sign":  {"Подпишите файл своим ключом", "Sign the file with your key"},
	"login-step-send":  {"Отправьте подпись", "Send the signature"},
	"login-download":   {"Скачать challenge.txt", "Download challenge.txt"},
	"login-text":       {"Текст вызова", "The text of the challenge"},
	"login-signature":  {"Файл подписи", "Signature file"},
	"login-key-hint":   {"КЛЮЧ – контейнер, файл PFX или токен, как в других командах", "KEY is a container, a PFX file or a token, as in other commands"},
	"login-send":       {"Войти", "Log in"},
	"login-until":      {"Вызов действует до", "The challenge is valid until"},
	"login-another":    {"Другое имя", "Another name"},
	"login-cert":       {"Если у вас есть сертификат сотрудника в браузере, вход не нужен: откройте главную страницу и выберите его.", "With an operator's certificate in the browser there is no need to log in: open the overview and choose it."},
	"login-cookie":     {"В браузере хранятся только cookie: вход и выбранный язык.", "Only cookies are kept in the browser: of the login, and of the chosen language."},
	"key-placeholder":  {"КЛЮЧ", "KEY"},
	"choose-signature": {"Файл подписи (.sig)", "Signature file (.sig)"},
}

// wordTexts are the words of the ledger and of the journal.
var wordTexts = map[string][2]string{
	"role-operator": {"оператор", "operator"},
	"role-approver": {"одобряющий", "approver"},
	"role-auditor":  {"аудитор", "auditor"},

	"state-draft":     {"Черновики", "Drafts"},
	"state-submitted": {"Поданы", "Submitted"},
	"state-in-review": {"Рассматриваются", "In review"},
	"state-approved":  {"Одобрены", "Approved"},
	"state-rejected":  {"Отклонены", "Rejected"},
	"state-issued":    {"Выпущены", "Issued"},
	"state-all":       {"Все", "All"},

	"one-draft":     {"черновик", "draft"},
	"one-submitted": {"подан", "submitted"},
	"one-in-review": {"рассматривается", "in review"},
	"one-approved":  {"одобрен", "approved"},
	"one-rejected":  {"отклонён", "rejected"},
	"one-issued":    {"сертификат выпущен", "issued"},

	"status-":        {"Все", "All"},
	"status-valid":   {"Действуют", "Valid"},
	"status-hold":    {"Приостановлены", "On hold"},
	"status-revoked": {"Отозваны", "Revoked"},
	"cert-valid":     {"действует", "valid"},
	"cert-hold":      {"приостановлен", "on hold"},
	"cert-revoked":   {"отозван", "revoked"},
	"cert-expired":   {"истёк", "expired"},

	"decision-submit":  {"подача", "submission"},
	"decision-approve": {"одобрение", "approval"},
	"decision-review":  {"рассмотрение", "review"},
	"decision-reject":  {"отказ", "rejection"},

	"severity-error": {"ошибка", "error"},
	"severity-warn":  {"предупреждение", "warning"},
	"severity-info":  {"к сведению", "note"},

	"event-issue":             {"выпуск сертификата", "certificate issued"},
	"event-revoke":            {"отзыв", "revocation"},
	"event-hold":              {"приостановление", "hold"},
	"event-release":           {"возобновление", "release from hold"},
	"event-crl":               {"выпуск списка отзыва", "revocation list"},
	"event-request-draft":     {"черновик запроса", "draft of a request"},
	"event-request-submitted": {"подача запроса", "request handed in"},
	"event-request-review":    {"запрос взят в работу", "request in review"},
	"event-request-decision":  {"решение по запросу", "decision about a request"},
	"event-request-issue":     {"выпуск по запросу", "request issued"},
	"event-request-reject":    {"запрос отклонён", "request rejected"},
	"event-refused":           {"отказ", "refusal"},
	"event-operator-add":      {"сотрудник добавлен", "operator added"},
	"event-operator-remove":   {"сотрудник удалён", "operator removed"},
	"event-personal-data":     {"показ персональных данных", "personal data shown"},
	"event-heads":             {"подписание вершин журнала", "signed heads"},
	"event-erase":             {"стирание данных", "erasure"},
	"event-found":             {"хранилище создано", "ledger founded"},
}

var requestTexts = map[string][2]string{
	"request":        {"Запрос", "Request"},
	"req-id":         {"Номер", "Identifier"},
	"req-subject":    {"Владелец", "Subject"},
	"req-profile":    {"Профиль", "Profile"},
	"req-digest":     {"Хэш профиля", "Digest of the profile"},
	"req-submitter":  {"Подал", "Submitted by"},
	"req-created":    {"Подан", "Submitted"},
	"req-updated":    {"Изменён", "Changed"},
	"req-state":      {"Состояние", "State"},
	"req-approvals":  {"Одобрения", "Approvals"},
	"req-note":       {"Примечание", "Note"},
	"req-days":       {"Срок, дней", "Validity, days"},
	"req-by-profile": {"по профилю", "by the profile"},
	"req-ident":      {"Установление личности", "Identification"},
	"req-renews":     {"Взамен сертификата", "Renews the certificate"},
	"req-serial":     {"Выпущенный сертификат", "Issued certificate"},
	"req-key":        {"Ключ", "Key"},
	"req-alt":        {"Другие имена", "Other names"},
	"req-what":       {"Что запрошено", "What is asked for"},
	"req-how":        {"Ход рассмотрения", "Its way"},
	"req-unreadable": {"Запрос не читается", "The request cannot be read"},
	"req-none":       {"В этом состоянии запросов нет.", "There are no requests in this state."},
	"req-order":      {"Список идёт в порядке номеров.", "The list is in the order of identifiers."},
	"req-newest":     {"Сначала новые запросы.", "The newest come first."},

	"rules":         {"Проверка по правилам", "What the rules say"},
	"rules-good":    {"Замечаний нет. Проверено правил:", "No remarks. Rules that were applied:"},
	"rules-remarks": {"Замечания есть, но выпуску не мешают. Проверено правил:", "There are remarks; they do not prevent issue. Rules that were applied:"},
	"rules-refused": {"По этому запросу сертификат выпустить нельзя:", "No certificate can be issued for this request:"},
	"rules-broken":  {"нарушены правила из таблицы", "rules of the table are broken"},
	"rule":          {"Правило", "Rule"},
	"rule-severity": {"Важность", "Severity"},
	"rule-found":    {"Что найдено", "What was found"},
	"rule-cite":     {"Основание", "Source"},

	"decisions":      {"Решения", "Decisions"},
	"decisions-none": {"Решений ещё нет.", "There are no decisions yet."},
	"decision":       {"Решение", "Decision"},
	"decision-who":   {"Сотрудник", "Operator"},
	"decision-role":  {"Роль", "Role"},
	"decision-time":  {"Подписано", "Signed"},

	"actions":       {"Что можно сделать", "What can be done"},
	"do-review":     {"Взять в работу…", "Take into review…"},
	"do-approve":    {"Одобрить…", "Approve…"},
	"do-reject":     {"Отклонить…", "Reject…"},
	"why-role":      {"Решение принимают сотрудники с другой ролью.", "People with another role decide about this request."},
	"why-own":       {"Запрос подали вы, поэтому одобрить его должен кто-то другой.", "You handed this request in, so somebody else has to approve it."},
	"why-again":     {"Вы уже одобрили этот запрос.", "You have approved this request already."},
	"why-profile":   {"Профиля этого запроса больше нет.", "The profile of this request is not there any more."},
	"actions-none":  {"С этим запросом больше ничего делать не нужно.", "Nothing more is to be done with this request."},
	"command-issue": {"Выпустить сертификат", "Issue the certificate"},
	"done-approve":  {"Одобрение принято: подпись верна и сохранена вместе с запросом.", "The approval is taken: the signature holds and is kept with the request."},
	"done-review":   {"Запрос взят в работу: подпись верна и сохранена вместе с запросом.", "The request is in review: the signature holds and is kept with the request."},
	"done-reject":   {"Отказ принят: подпись верна и сохранена вместе с запросом.", "The rejection is taken: the signature holds and is kept with the request."},

	"decide-review":    {"Взять запрос в работу", "Take the request into review"},
	"decide-approve":   {"Одобрить запрос", "Approve the request"},
	"decide-reject":    {"Отклонить запрос", "Reject the request"},
	"decide-lead":      {"Решение действует, только если оно подписано вашим ключом. Браузер подписать не может, поэтому подпись делается командой.", "A decision counts only if your key has signed it. A browser cannot sign, so a command does."},
	"decide-step-file": {"Сохраните текст решения", "Save the text of the decision"},
	"decide-download":  {"Скачать", "Download"},
	"decide-text":      {"Текст решения", "The text of the decision"},
	"decide-read":      {"Прочитайте его: подпись относится именно к этому тексту. Решение принимается в течение суток.", "Read it: the signature is about exactly this text. It is taken for a day."},
	"decide-send":      {"Отправить решение", "Send the decision"},
	"decide-back":      {"Вернуться к запросу", "Back to the request"},
	"decide-cli":       {"То же одной командой", "The same with one command"},
}
