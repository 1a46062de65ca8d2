package verify

// A title names a check for a person. It says what was looked at, so that it
// fits every result.
type title struct{ ru, en string }

// titles has a row for every check ID that a report can hold.
var titles = map[string]title{
	// The message (RFC 5652) and its attributes.
	"signers":                   {"Подписи в файле", "Signatures in the file"},
	"signed-data":               {"Подписанный документ", "The signed document"},
	"signer-info-version":       {"Версия формата подписи", "Version of the signature's format"},
	"duplicate-attributes":      {"Нет повторяющихся реквизитов", "No attribute is repeated"},
	"content-type":              {"Вид подписанного содержимого", "Type of the signed content"},
	"digest-algorithm":          {"Алгоритм хэширования", "Digest algorithm"},
	"message-digest":            {"Хэш документа", "Digest of the document"},
	"signed-attributes-order":   {"Запись подписанных реквизитов", "Encoding of the signed attributes"},
	"signature-value":           {"Значение подписи", "Signature value"},
	"encoding":                  {"Отклонение в записи файла", "Deviation in the encoding"},
	"signing-certificate-found": {"Сертификат подписанта", "The signer's certificate"},
	"signing-certificate":       {"Ссылка подписи на сертификат", "The signature's reference to its certificate"},
	"signer-identifier":         {"Указание подписанта в подписи", "How the signature names its signer"},
	"signing-time":              {"Время подписания со слов подписанта", "Time of signing as claimed"},
	"private-key-usage-period":  {"Срок действия ключа подписи", "Usage period of the private key"},
	"legacy-algorithm":          {"Отменённый алгоритм", "Withdrawn algorithm"},
	"algorithms":                {"Алгоритм подписи", "Signature algorithm"},
	"public-key":                {"Открытый ключ сертификата", "The certificate's public key"},
	"countersignature":          {"Заверяющая подпись", "Countersignature"},

	// Certificates (RFC 5280, section 6.1).
	"certificate-chain":              {"Цепочка сертификатов", "Certificate chain"},
	"certificate-no-chain":           {"Доверие к удостоверяющему центру", "Trust in the certification authority"},
	"certificate-signature":          {"Подпись удостоверяющего центра под сертификатом", "The authority's signature on the certificate"},
	"certificate-expired":            {"Срок действия сертификата", "Validity of the certificate"},
	"certificate-not-yet-valid":      {"Начало срока действия сертификата", "Start of the certificate's validity"},
	"certificate-not-a-ca":           {"Право выпускать сертификаты", "Right to issue certificates"},
	"certificate-path-length":        {"Допустимая длина цепочки", "Permitted length of the chain"},
	"certificate-key-usage":          {"Назначение ключа", "Key usage"},
	"certificate-name-constraints":   {"Разрешённые имена", "Permitted names"},
	"certificate-policy":             {"Политики сертификатов", "Certificate policies"},
	"certificate-ext-key-usage":      {"Назначение сертификата", "Purpose of the certificate"},
	"certificate-critical-extension": {"Неизвестное обязательное дополнение сертификата", "Unknown critical extension"},
	"certificate-algorithm":          {"Алгоритм сертификата", "Algorithm of the certificate"},
	"certificate-legacy-algorithm":   {"Отменённый алгоритм в сертификате", "Withdrawn algorithm in the certificate"},
	"certificate-test-parameters":    {"Параметры ключа только для испытаний", "Key parameters that are for tests only"},
	"certificate-malformed":          {"Запись сертификата", "Encoding of the certificate"},
	"certificate-name-chaining":      {"Имена в цепочке сертификатов", "Names along the chain"},
	"certificate-unsupported":        {"Дополнение сертификата, которое пока не проверяется", "Extension that is not checked yet"},
	"certificate-limit":              {"Объём проверки цепочки", "Amount of work on the chain"},

	// Revocation (RFC 5280, section 6.3; RFC 6960).
	"revocation":                  {"Отзыв сертификата", "Revocation of the certificate"},
	"revocation-evidence":         {"Сведения об отзыве", "Revocation evidence"},
	"revocation-policy":           {"Проверка отзыва отключена", "The revocation check is switched off"},
	"crl-format":                  {"Запись списка отзыва", "Encoding of the revocation list"},
	"crl-extensions":              {"Дополнения списка отзыва", "Extensions of the revocation list"},
	"crl-issuer":                  {"Издатель списка отзыва", "Issuer of the revocation list"},
	"crl-issuer-usage":            {"Право подписывать списки отзыва", "Right to sign revocation lists"},
	"crl-signature":               {"Подпись списка отзыва", "Signature of the revocation list"},
	"crl-dates":                   {"Срок списка отзыва", "Dates of the revocation list"},
	"issuer":                      {"Издатель сертификата", "Issuer of the certificate"},
	"ocsp-response":               {"Ответ службы проверки", "OCSP response"},
	"ocsp-status":                 {"Состояние ответа службы проверки", "Status of the OCSP response"},
	"ocsp-extensions":             {"Дополнения ответа службы проверки", "Extensions of the OCSP response"},
	"ocsp-certificate":            {"О том ли сертификате ответ", "Whether the response is about the certificate"},
	"ocsp-nonce":                  {"Метка запроса в ответе", "Nonce of the request in the response"},
	"ocsp-freshness":              {"Срок ответа службы проверки", "Dates of the OCSP response"},
	"ocsp-responder":              {"Право отвечать за этот удостоверяющий центр", "Right to answer for this authority"},
	"ocsp-signature":              {"Подпись ответа службы проверки", "Signature of the OCSP response"},
	"ocsp-certificate-status":     {"Что ответила служба проверки", "What the responder said"},
	"ocsp-responder-revocation":   {"Отзыв сертификата службы проверки", "Revocation of the responder's certificate"},
	"ocsp-malformed":              {"Запись ответа службы проверки", "Encoding of the OCSP response"},
	"ocsp-bad-signature":          {"Подпись ответа службы проверки не сходится", "The signature of the OCSP response does not verify"},
	"ocsp-unauthorized-responder": {"Отвечала служба, у которой нет такого права", "The responder has no right to answer"},
	"ocsp-error-status":           {"Служба проверки ответила ошибкой", "The responder answered with an error"},
	"ocsp-other-certificate":      {"Ответ о другом сертификате", "The response is about another certificate"},
	"ocsp-stale":                  {"Ответ службы проверки устарел", "The OCSP response is out of date"},
	"ocsp-future":                 {"Время ответа ещё не наступило", "The response is dated in the future"},
	"ocsp-nonce-mismatch":         {"Метка в ответе не та, что в запросе", "The nonce is not that of the request"},
	"ocsp-critical-extension":     {"Неизвестное обязательное дополнение ответа", "Unknown critical extension of the response"},
	"ocsp-no-responder":           {"Сертификат службы проверки не найден", "The responder's certificate was not found"},
	"ocsp-responder-expired":      {"Срок сертификата службы проверки", "Validity of the responder's certificate"},
	"ocsp-unknown-algorithm":      {"Неизвестный алгоритм в ответе", "Unknown algorithm in the response"},
	"ocsp-incomplete":             {"Данные для проверки ответа", "What the response is checked against"},

	// Time stamps (RFC 3161).
	"best-time":                {"Доказанное время подписания", "Proven time of signing"},
	"signature-time-stamp":     {"Метка времени подписи", "Time stamp of the signature"},
	"content-time-stamp":       {"Метка времени документа", "Time stamp of the document"},
	"cades-c-time-stamp":       {"Метка времени подписи и ссылок на доказательства", "Time stamp of the signature and its references"},
	"references-time-stamp":    {"Метка времени ссылок на доказательства", "Time stamp of the references"},
	"archive-time-stamp":       {"Архивная метка времени", "Archive time stamp"},
	"hash-index":               {"Что заверено архивной меткой", "What the archive time stamp covers"},
	"timestamp-order":          {"Порядок меток времени", "Order of the time stamps"},
	"time-stamp-accreditation": {"Служба меток времени", "Time-stamping service"},
	"control-time":             {"Момент, на который проверен отзыв", "Moment as of which revocation was checked"},
	"evidence-values":          {"Доказательства внутри подписи", "Evidence inside the signature"},
	"evidence-references":      {"Ссылки на доказательства", "References to the evidence"},
	"higher-level":             {"Заявленный уровень подписи", "Level that the signature claims"},
	"signature-policy":         {"Правила подписи, на которые она ссылается", "Signature policy that the signature names"},
	"timestamp-format":         {"Запись метки времени", "Encoding of the time stamp"},
	"timestamp-signature":      {"Подпись метки времени", "Signature of the time stamp"},
	"timestamp-future":         {"Время метки ещё не наступило", "The stamped time lies in the future"},
	"tsp-message-imprint":      {"Что заверено меткой времени", "What was time-stamped"},
	"tsp-nonce":                {"Одноразовое число запроса (nonce)", "Nonce of the time-stamp request"},
	"tsp-cert-req":             {"Сертификат службы в метке времени", "Certificate of the service in the stamp"},
	"tsp-policy":               {"Правила службы меток", "Policy of the time-stamping service"},
	"tsp-extensions":           {"Дополнения метки времени", "Extensions of the time stamp"},
	"tsp-tsa-certificate":      {"Сертификат службы меток", "Certificate of the time-stamping service"},
	"tsp-ess-cert-id":          {"Ссылка метки на сертификат службы", "The stamp's reference to its certificate"},
	"tsp-tsa-usage":            {"Право ставить метки времени", "Right to stamp times"},
	"tsp-gen-time":             {"Время метки и срок сертификата службы", "Stamped time within the certificate's validity"},
	"tsp-tsa-name":             {"Имя службы меток", "Name of the time-stamping service"},

	// What a policy demands.
	"detached":              {"Отдельный файл подписи", "Detached signature"},
	"certificates-included": {"Сертификаты внутри подписи", "Certificates inside the signature"},
	"level":                 {"Уровень подписи", "Level of the signature"},
	"qualified-form":        {"Форма квалифицированного сертификата", "Form of the qualified certificate"},
	"accreditation":         {"Аккредитация удостоверяющего центра", "Accreditation of the authority"},
	"restrictions":          {"Ограничения использования сертификата", "Restrictions on the use of the certificate"},

	// Requests (RFC 2986).
	"request-format":    {"Запись запроса", "Encoding of the request"},
	"request-signature": {"Подпись запроса", "Signature of the request"},
}

// CheckTitle names the check with the given ID for a person; for an ID that is
// in no report it returns the ID.
func CheckTitle(id string, l Lang) string {
	t, ok := titles[id]
	if !ok {
		return id
	}
	return l.pick(t.ru, t.en)
}
