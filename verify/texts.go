package verify

import "fmt"

// Lang is the language of texts for a person. The zero value is Russian.
type Lang uint8

// The languages.
const (
	Russian Lang = iota
	English
)

// pick returns the text in the language.
func (l Lang) pick(ru, en string) string {
	if l == English {
		return en
	}
	return ru
}

// sprintf formats the text in the language; both take the same arguments.
func (l Lang) sprintf(ru, en string, args ...any) string {
	return fmt.Sprintf(l.pick(ru, en), args...)
}

// text is what a person reads about a reason: what is wrong and what to do.
type text struct {
	ru, en             string
	remedyRU, remedyEN string
}

// texts has a row for every Reason.
var texts = map[Reason]text{
	FormatFailure: {
		"Файл подписи повреждён или нарушает правила формата.",
		"The signature is damaged or breaks the rules of its format.",
		"Попросите отправителя прислать подпись ещё раз или подписать документ заново.",
		"Ask the sender to send the signature again or to sign the document anew.",
	},
	HashFailure: {
		"Документ изменён после подписания или подпись относится к другому документу.",
		"The document was changed after it was signed, or the signature belongs to another document.",
		"Проверьте, тот ли файл указан, и получите исходный документ у отправителя.",
		"Check that this is the right file, and get the original document from the sender.",
	},
	SigCryptoFailure: {
		"Значение подписи не сходится с ключом сертификата.",
		"The signature value does not verify with the certificate's key.",
		"Не доверяйте этой подписи; попросите подписать документ заново.",
		"Do not trust this signature; ask for the document to be signed anew.",
	},
	RevokedReason: {
		"Сертификат отозван.",
		"The certificate is revoked.",
		"Попросите владельца использовать действующий сертификат.",
		"Ask the owner to use a certificate that is in force.",
	},
	Expired: {
		"Подпись сделана после окончания срока действия сертификата.",
		"The signature was made after the certificate had expired.",
		"Попросите подписать документ заново действующим сертификатом.",
		"Ask for the document to be signed anew with a certificate that is in force.",
	},
	NotYetValid: {
		"Срок действия сертификата ещё не начался.",
		"The certificate is not yet valid.",
		"Проверьте дату на этом компьютере; если она верна, попросите подписать документ заново.",
		"Check the date of this computer; if it is right, ask for the document to be signed anew.",
	},
	SigConstraints: {
		"Подпись не выполняет требований к её составу.",
		"The signature does not meet the requirements on its contents.",
		"Попросите подписать документ заново программой, которая соблюдает эти требования.",
		"Ask for the document to be signed anew with a program that meets these requirements.",
	},
	ChainConstraints: {
		"Сертификат нельзя использовать для этой цели, или его выдал тот, кто не вправе выдавать сертификаты.",
		"The certificate may not be used for this purpose, or was issued by someone who may not issue certificates.",
		"Попросите подписать документ сертификатом, который предназначен для подписи.",
		"Ask for the document to be signed with a certificate that is meant for signing.",
	},
	ChainGeneral: {
		"Цепочка сертификатов нарушена: подпись одного из сертификатов неверна.",
		"The certificate chain is broken: the signature of a certificate in it is wrong.",
		"Не доверяйте этому сертификату. Если удостоверяющий центр сменил ключ, добавьте его новый корневой сертификат: gosklyuch trust add ФАЙЛ.",
		"Do not trust this certificate. If the authority changed its key, add its new root certificate: gosklyuch trust add FILE.",
	},
	CryptoConstraints: {
		"Использован алгоритм или набор параметров, который для подписи не допускается.",
		"An algorithm or parameter set is used that is not allowed for signatures.",
		"Попросите подписать документ ключом по ГОСТ Р 34.10-2012 с рабочими параметрами.",
		"Ask for the document to be signed with a GOST R 34.10-2012 key and parameters for real use.",
	},
	CryptoConstraintsNoPOE: {
		"Использован алгоритм, который отменён, и нет доказательства, что подпись сделана до его отмены.",
		"A withdrawn algorithm is used, and nothing proves that the signature is older than the withdrawal.",
		"Попросите подпись с меткой времени того времени или подписать документ заново ключом по ГОСТ Р 34.10-2012.",
		"Ask for a signature with a time stamp of that time, or for a new one with a GOST R 34.10-2012 key.",
	},
	PolicyProcessingError: {
		"Не удалось применить правила: нет данных, которых они требуют, или на них нет правильной ссылки.",
		"The rules could not be applied: what they ask for is not known, or the reference to them is wrong.",
		"Загрузите перечень аккредитованных УЦ (gosklyuch trust import) или выберите другую политику параметром --policy.",
		"Import the list of accredited authorities (gosklyuch trust import), or choose other rules with --policy.",
	},
	SignaturePolicyNotAvailable: {
		"Правила подписи, на которые она ссылается, недоступны.",
		"The signature policy that the signature refers to is not available.",
		"Запросите эти правила у отправителя.",
		"Ask the sender for the signature policy.",
	},
	TimestampOrderFailure: {
		"Метки времени противоречат друг другу.",
		"The time stamps contradict each other.",
		"Попросите отправителя получить метку времени заново.",
		"Ask the sender to obtain the time stamp anew.",
	},
	NoSigningCertificate: {
		"В подписи нет сертификата того, кто подписал, и он не передан отдельно.",
		"The signer's certificate is neither in the signature nor given separately.",
		"Получите сертификат у отправителя и укажите его: --intermediate ФАЙЛ.",
		"Get the certificate from the sender and name it: --intermediate FILE.",
	},
	NoCertificateChain: {
		"Удостоверяющий центр, выдавший сертификат, вам неизвестен: нет доверенного корневого сертификата.",
		"The authority that issued the certificate is unknown here: no trusted root certificate leads to it.",
		"Если вы доверяете этому центру, добавьте его корневой сертификат: gosklyuch trust add ФАЙЛ; недостающие промежуточные укажите параметром --intermediate.",
		"If you trust this authority, add its root certificate: gosklyuch trust add FILE; name missing intermediate ones with --intermediate.",
	},
	RevokedNoPOE: {
		"Сертификат подписанта отозван, и нет доказательства, что подпись сделана раньше.",
		"The signer's certificate is revoked, and nothing proves that the signature is older.",
		"Попросите подписать документ действующим сертификатом.",
		"Ask for the document to be signed with a certificate that is in force.",
	},
	RevokedCANoPOE: {
		"Сертификат удостоверяющего центра отозван, и нет доказательства, что подпись сделана раньше.",
		"The authority's certificate is revoked, and nothing proves that the signature is older.",
		"Попросите подписать документ сертификатом действующего удостоверяющего центра.",
		"Ask for the document to be signed with a certificate of an authority in force.",
	},
	OutOfBoundsNotRevoked: {
		"Срок действия сертификата истёк; до этого он не был отозван.",
		"The certificate has expired; it was not revoked before.",
		"Попросите подпись с меткой времени или подписать документ заново.",
		"Ask for a signature with a time stamp, or for the document to be signed anew.",
	},
	OutOfBoundsNoPOE: {
		"Срок действия истёк, и нет доказательства, что подпись сделана раньше.",
		"The validity has ended, and nothing proves that the signature is older.",
		"Попросите подпись с меткой времени, обновлённый файл или подписать документ заново.",
		"Ask for a signature with a time stamp, for a renewed file, or for the document to be signed anew.",
	},
	RevocationOutOfBoundsNoPOE: {
		"Сведения об отзыве подписаны сертификатом, срок действия которого истёк, и не доказано, что они получены раньше.",
		"The revocation data is signed with a certificate that has expired, and nothing proves that it is older.",
		"Получите свежий список отзыва и укажите его (--crl ФАЙЛ) или попросите подпись с архивной меткой времени.",
		"Get a fresh revocation list and name it (--crl FILE), or ask for a signature with an archive time stamp.",
	},
	NoPOE: {
		"Не доказано, когда сделана подпись или когда получены сведения, на которых держится проверка.",
		"Nothing proves when the signature was made, or when the evidence that the verification rests on existed.",
		"Попросите подпись с меткой времени; для старой подписи нужна архивная метка, поставленная, пока сертификаты действовали.",
		"Ask for a signature with a time stamp; an old signature needs an archive time stamp from when its certificates were in force.",
	},
	TryLater: {
		"Нет свежих сведений о том, не отозван ли сертификат.",
		"There is no fresh evidence on whether the certificate is revoked.",
		"Укажите список отзыва (--crl ФАЙЛ) или ответ службы проверки (--ocsp ФАЙЛ), либо повторите с доступом к сети, без --offline.",
		"Give a revocation list (--crl FILE) or an OCSP response (--ocsp FILE), or try again online, without --offline.",
	},
	SignedDataNotFound: {
		"Подпись отделена от документа, а документ не указан.",
		"The signature is detached and the document was not given.",
		"Укажите документ вместе с файлом подписи: gosklyuch verify ДОКУМЕНТ ПОДПИСЬ.",
		"Name the document together with the signature: gosklyuch verify DOCUMENT SIGNATURE.",
	},
	Generic: {
		"Проверка не может быть доведена до конца: встретился алгоритм или признак, который программе неизвестен.",
		"The verification cannot be completed: an algorithm or a feature is unknown to this program.",
		"Обновите программу или проверьте файл другой программой.",
		"Update the program, or check the file with another one.",
	},
}

// Text says in one sentence what the reason means.
func (r Reason) Text(l Lang) string { t := texts[r]; return l.pick(t.ru, t.en) }

// Remedy says what a person can do about it.
func (r Reason) Remedy(l Lang) string { t := texts[r]; return l.pick(t.remedyRU, t.remedyEN) }

// Kind is what was checked.
type Kind uint8

// The kinds of objects.
const (
	KindSignature Kind = iota
	KindCertificate
	KindTimeStamp
	KindCRL
	KindOCSP
	KindRequest
)

// String returns a stable English word.
func (k Kind) String() string {
	if int(k) >= len(statusTexts) {
		return "unknown"
	}
	return statusTexts[k].name
}

// statusRow has the headline of each verdict.
type statusRow struct {
	name                          string
	valid, invalid, revoked       string
	validEN, invalidEN, revokedEN string
}

const notCheckedRU, notCheckedEN = "Не удалось проверить", "Could not be verified"

// statusTexts is indexed by Kind.
var statusTexts = [...]statusRow{
	KindSignature: {
		"signature", "Подпись действительна", "Подпись недействительна", "Подпись отозвана",
		"The signature is valid", "The signature is invalid", "The signature is revoked",
	},
	KindCertificate: {
		"certificate", "Сертификат действителен", "Сертификат недействителен", "Сертификат отозван",
		"The certificate is valid", "The certificate is invalid", "The certificate is revoked",
	},
	KindTimeStamp: {
		"timestamp", "Метка времени действительна", "Метка времени недействительна", "Сертификат службы меток отозван",
		"The time stamp is valid", "The time stamp is invalid", "The certificate of the time-stamping service is revoked",
	},
	KindCRL: {
		"crl", "Список отзыва действителен", "Список отзыва недействителен", notCheckedRU,
		"The revocation list is valid", "The revocation list is invalid", notCheckedEN,
	},
	KindOCSP: {
		"ocsp", "Ответ службы проверки действителен", "Ответ службы проверки недействителен", "Сертификат отозван",
		"The OCSP response is valid", "The OCSP response is invalid", "The certificate is revoked",
	},
	KindRequest: {
		"request", "Запрос верен", "Запрос неверен", notCheckedRU,
		"The request is valid", "The request is invalid", notCheckedEN,
	},
}

// StatusText is the headline for a person: «Подпись действительна».
func StatusText(k Kind, v Verdict, l Lang) string {
	if int(k) >= len(statusTexts) {
		return l.pick(notCheckedRU, notCheckedEN)
	}
	row := statusTexts[k]
	switch v {
	case VerdictValid:
		return l.pick(row.valid, row.validEN)
	case VerdictInvalid:
		return l.pick(row.invalid, row.invalidEN)
	case VerdictRevoked:
		return l.pick(row.revoked, row.revokedEN)
	}
	return l.pick(notCheckedRU, notCheckedEN)
}

// Notice is the line of honesty that every report carries.
func Notice(l Lang) string {
	return l.pick("Программа не является сертифицированным средством электронной подписи (СКЗИ).",
		"This program is not a certified tool for electronic signatures.")
}

// QualifiedForm is what may be said of a valid signature whose certificate has
// the form of a qualified one; whether it is qualified depends on the
// accreditation of its issuer, which is not checked here.
func QualifiedForm(l Lang) string {
	return l.pick("Подпись криптографически верна; сертификат по форме квалифицированный.",
		"The signature is cryptographically correct; the certificate has the form of a qualified one.")
}

// crlReasons names CRLReason for a person (RFC 5280, section 5.3.1).
var crlReasons = map[int][2]string{
	-1: {"не указана", "not given"},
	0:  {"не указана", "unspecified"},
	1:  {"ключ скомпрометирован", "key compromise"},
	2:  {"ключ удостоверяющего центра скомпрометирован", "CA compromise"},
	3:  {"изменилась принадлежность владельца", "affiliation changed"},
	4:  {"сертификат заменён", "superseded"},
	5:  {"деятельность прекращена", "cessation of operation"},
	6:  {"действие приостановлено", "certificate hold"},
	9:  {"полномочия прекращены", "privilege withdrawn"},
	10: {"ключ центра атрибутов скомпрометирован", "AA compromise"},
}

func crlReason(n int, l Lang) string {
	if t, ok := crlReasons[n]; ok {
		return l.pick(t[0], t[1])
	}
	return fmt.Sprint(n)
}
