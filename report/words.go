package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/verify"
)

// word is a text of the protocol in both languages.
type word struct{ ru, en string }

// in returns the word in a language.
func (w word) in(l verify.Lang) string {
	if l == verify.English {
		return w.en
	}
	return w.ru
}

// titles head the protocol, by what was checked.
var titles = map[verify.Kind]word{
	verify.KindSignature:   {"Протокол проверки электронной подписи", "Verification report of an electronic signature"},
	verify.KindCertificate: {"Протокол проверки сертификата", "Verification report of a certificate"},
	verify.KindTimeStamp:   {"Протокол проверки метки времени", "Verification report of a time stamp"},
	verify.KindCRL:         {"Протокол проверки списка отзыва", "Verification report of a revocation list"},
	verify.KindOCSP:        {"Протокол проверки ответа службы OCSP", "Verification report of an OCSP response"},
	verify.KindRequest:     {"Протокол проверки запроса на сертификат", "Verification report of a certificate request"},
}

// The labels of the protocol's rows and sections.
var (
	wDocument      = word{"Документ", "Document"}
	wSignatureFile = word{"Файл подписи", "Signature file"}
	wInside        = word{"подпись внутри документа", "the signature is inside the document"}
	wDigest        = word{"Хэш", "Digest"}
	wCheckedFor    = word{"Проверено на момент", "Checked for the moment"}
	wPolicy        = word{"Политика проверки", "Verification policy"}
	wProgram       = word{"Программа", "Program"}
	wSignatures    = word{"Подписей", "Signatures"}
	wWhat          = word{"Что проверено", "What was checked"}
	wResult        = word{"Результат", "Result"}
	wReason        = word{"Причина", "Reason"}
	wRemedy        = word{"Что делать", "What to do"}
	wMeaning       = word{"Что это значит", "What it means"}

	wSignature    = word{"Подпись", "Signature"}
	wCounter      = word{"Заверяющая подпись", "Countersignature"}
	wTimeStamp    = word{"Метка времени", "Time stamp"}
	wPerson       = word{"Подписал", "Signed by"}
	wClaimant     = word{"Подписант по сертификату", "Signer by the certificate"} // where the signature does not hold
	wHolder       = word{"Владелец", "Holder"}
	wOrganization = word{"Организация", "Organisation"}
	wPosition     = word{"Должность", "Position"}
	wSNILS        = word{"СНИЛС", "SNILS"}
	wINN          = word{"ИНН", "INN"}
	wINNLE        = word{"ИНН организации", "INN of the organisation"}
	wOGRN         = word{"ОГРН", "OGRN"}
	wOGRNIP       = word{"ОГРНИП", "OGRNIP"}
	wNamed        = word{"Подписант по данным подписи", "Signer as the signature names it"}
	wSubject      = word{"Сертификат", "Certificate"}
	wIssuer       = word{"Кем выдан", "Issued by"}
	wSerial       = word{"Серийный номер", "Serial number"}
	wValidity     = word{"Срок действия", "Validity"}
	wChain        = word{"Цепочка доверия", "Chain of trust"}
	wClaimed      = word{"Время со слов подписанта", "Time as the signer claims"}
	wUnproven     = word{"ничем не доказано", "proves nothing by itself"}
	wNotGiven     = word{"не указано", "not given"}
	wProven       = word{"Доказанное время", "Proven time"}
	wByStamp      = word{"по метке времени: в этот момент подпись уже была", "by a time stamp: the signature existed by then"}
	wNotProven    = word{"не доказано: годной метки времени нет", "not proven: there is no time stamp that holds"}
	wLevel        = word{"Уровень подписи", "Level of the signature"}
	wClaimedLevel = word{"Заявленный уровень", "Announced level"}
	wKind         = word{"Вид подписи по форме", "Kind of signature by its form"}
	wStampedTime  = word{"Время метки", "Stamped time"}
	wTSA          = word{"Служба меток", "Time-stamping authority"}
	wStampKind    = word{"Что удостоверяет", "What it covers"}
	wAccredited   = word{"Аккредитация УЦ", "Accreditation"}
	wStampSerial  = word{"Номер метки", "Number of the stamp"}
	wStampPolicy  = word{"Правила службы", "Policy of the authority"}
	wEvidence     = word{"Сведения об отзыве", "Evidence about revocation"}
	wNoEvidence   = word{"не понадобились или не найдены", "none was needed or found"}
	wChecks       = word{"Проверки", "Checks"}
	wOwnChecks    = word{"Проверки файла в целом", "Checks of the file as a whole"}
	wRules        = word{"Правила политики", "Rules of the policy"}
	wAlgorithms   = word{"Алгоритмы", "Algorithms"}
	wUntil        = word{"до", "until"}
	wPath         = word{"Политики сертификатов (RFC 5280, 6.1.1)", "Certificate policies (RFC 5280, 6.1.1)"}
	wMinimum      = word{"Требуемый уровень", "Required level"}
	wOrder        = word{"Порядок источников об отзыве", "Order of sources about revocation"}
	wSkew         = word{"Допустимое расхождение часов", "Tolerated difference of clocks"}
	wMaxAge       = word{"Возраст сведений без срока обновления", "Age of evidence without nextUpdate"}
	wAnchors      = word{"Доверенные корни", "Trust anchors"}
	wOwnAnchors   = word{"только добавленные вручную", "only those added one by one"}
	wUnsafe       = word{"ОСЛАБЛЕНО", "WEAKENED"}
	wDefault      = word{"по умолчанию", "by default"}
	wAbout        = word{"О протоколе", "About this report"}
	wReportDigest = word{"Хэш протокола в форме JSON", "Digest of this report's JSON form"}
	wCompare      = word{"Как сверить", "How to compare"}
	wHowTo        = word{
		"ГОСТ Р 34.11-2012, 256 бит. Тот же хэш записан в QR-коде; чтобы сверить его, вычислите хэш файла протокола .json: gosklyuch hash ФАЙЛ.json",
		"GOST R 34.11-2012, 256 bits. The QR code holds the same digest; to compare it, compute that of the report's .json file: gosklyuch hash FILE.json",
	}
	wOmitted = word{"Показано не всё; остальное есть в протоколе в форме JSON. Не показано", "Not everything is shown; the rest is in the JSON form of this report. Left out"}
	wOf      = word{"из", "of"}
	wPage    = word{"Страница", "Page"}
	wNone    = word{"нет", "none"}
)

// levels name the level of a signature.
var levels = map[string]word{
	"cms": {"CMS без реквизитов CAdES", "plain CMS without the attributes of CAdES"},
	"bes": {"CAdES-BES: без метки времени", "CAdES-BES: without a time stamp"},
	"t":   {"CAdES-T: с меткой времени", "CAdES-T: with a time stamp"},
	"c":   {"CAdES-C: с меткой времени и ссылками на доказательства", "CAdES-C: with a time stamp and references to evidence"},
	"x1":  {"CAdES-X Type 1: метка времени на подписи и ссылках, без самих доказательств", "CAdES-X Type 1: a time stamp over signature and references, without the evidence itself"},
	"x2":  {"CAdES-X Type 2: метка времени на ссылках", "CAdES-X Type 2: a time stamp over the references"},
	"xl":  {"CAdES-X Long Type 1: с меткой времени и доказательствами", "CAdES-X Long Type 1: with a time stamp and the evidence"},
	"a":   {"CAdES-A: с архивной меткой времени", "CAdES-A: with an archive time stamp"},
}

// kinds name the kind of a signature (63-FZ, article 5) as far as its form tells.
var kinds = map[string]word{
	"qualified-form": {"сертификат по форме квалифицированный", "the certificate has the form of a qualified one"},
	"enhanced":       {"усиленная, сертификат не имеет формы квалифицированного", "enhanced; the certificate does not have the form of a qualified one"},
	"simple":         {"простая", "simple"},
	"unknown":        {"не установлен", "not established"},
}

// stampKinds name what a time stamp covers, by the attribute that holds it.
var stampKinds = map[string]word{
	"content-time-stamp":                 {"документ до подписания (content-time-stamp)", "the document before it was signed (content-time-stamp)"},
	"signature-time-stamp":               {"значение подписи (signature-time-stamp)", "the signature value (signature-time-stamp)"},
	"cades-c-time-stamp":                 {"подпись и ссылки на доказательства (CAdES-C-time-stamp)", "the signature and the references to evidence (CAdES-C-time-stamp)"},
	"time-stamped-certs-crls-references": {"ссылки на доказательства (time-stamped-certs-crls-references)", "the references to evidence (time-stamped-certs-crls-references)"},
	"archive-time-stamp-v2":              {"подпись со всеми доказательствами (archive-time-stamp v2)", "the signature with all evidence (archive-time-stamp v2)"},
	"archive-time-stamp-v3":              {"подпись со всеми доказательствами (archive-time-stamp v3)", "the signature with all evidence (archive-time-stamp v3)"},
}

// results name the outcome of one check, with the sign that stands before it.
var results = map[string]struct {
	mark string
	name word
}{
	"passed":  {"+", word{"пройдена", "passed"}},
	"failed":  {"–", word{"не пройдена", "failed"}},
	"warning": {"!", word{"предупреждение", "warning"}},
	"skipped": {"?", word{"не выполнялась", "not made"}},
}

// actions name what a policy says of a check.
var actions = map[string]word{
	"fail":   {"обязательно", "required"},
	"warn":   {"предупреждение", "warning"},
	"inform": {"к сведению", "information"},
	"ignore": {"не проверяется", "not looked at"},
}

// holds is what may be said of a valid signature. That a qualified signature is
// confirmed may not: the program is no certified tool.
var holds = word{
	"Подпись криптографически верна, документ после подписания не менялся.",
	"The signature is cryptographically correct; the document was not changed after it was signed.",
}

// when prints a moment for a person, in UTC; the zero time is "".
func when(t time.Time, l verify.Lang) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(word{"02.01.2006 15:04:05 UTC", "2006-01-02 15:04:05 UTC"}.in(l))
}

// age prints how long before the moment of verification something was made.
func age(made, at time.Time, l verify.Lang) string {
	d := at.Sub(made)
	if d < 0 {
		return word{"из будущего", "from the future"}.in(l)
	}
	days, hours, minutes := int(d.Hours())/24, int(d.Hours())%24, int(d.Minutes())%60
	var parts []string
	for _, p := range []struct {
		n    int
		unit word
	}{{days, word{"сут.", "d"}}, {hours, word{"ч", "h"}}, {minutes, word{"мин", "min"}}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.unit.in(l)))
		}
	}
	if len(parts) == 0 {
		return word{"меньше минуты", "less than a minute"}.in(l)
	}
	return strings.Join(parts, " ")
}
