package server

import "github.com/gosklyuch/gosklyuch/verify"

// pageTexts are the sentences of the page: language 0 is Russian, 1 English.
// Those that the script needs begin with "js-" and stand in attributes of the
// page, so that every sentence is here.
func pageTexts(language int) map[string]string {
	out := map[string]string{}
	for name, both := range map[string][2]string{
		"title":    {"Проверка электронной подписи", "Verification of an electronic signature"},
		"lead":     {"Приложите документ и файл подписи. Служба проверит, кто и когда подписал документ и не изменился ли он с тех пор.", "Attach a document and its signature file. The service checks who signed the document and when, and whether it has changed since."},
		"skip":     {"К содержанию", "Skip to the content"},
		"other":    {"English", "Русский"},
		"drop":     {"Перетащите сюда документ и подпись", "Drop the document and its signature here"},
		"dropHint": {"сразу два файла или один файл, внутри которого есть и документ, и подпись", "two files at once, or one file that has both the document and the signature inside"},
		"doc":      {"Документ", "Document"},
		"docHint":  {"не нужен, если он внутри файла подписи", "not needed if it is inside the signature file"},
		"sig":      {"Файл подписи", "Signature file"},
		"sigHint":  {"обычно .sig, .sgn, .p7s или .p7m", "usually .sig, .sgn, .p7s or .p7m"},
		"most":     {"Каждый файл – до", "Each file up to"},
		"swap":     {"Поменять файлы местами", "Swap the files"},
		"more":     {"Дополнительные условия", "More conditions"},
		"policy":   {"Политика проверки", "Policy of verification"},
		"submit":   {"Проверить подпись", "Verify the signature"},
		"noscript": {"Страница работает и без JavaScript: ответом будет готовый протокол.", "The page works without JavaScript too: the answer will be the finished protocol."},
		"privacy":  {"Файлы не сохраняются: после ответа служба их удаляет. Cookie не используются.", "Files are not kept: the service deletes them after the answer. There are no cookies."},
		"api":      {"Для программ: описание OpenAPI", "For programs: the OpenAPI description"},
		"back":     {"Вернуться к проверке", "Back to the verification"},
		"failed":   {"Проверка не выполнена", "The verification was not carried out"},

		"js-sending":                           {"Отправка файлов…", "Sending the files…"},
		"js-checking":                          {"Проверка…", "Verifying…"},
		"js-done":                              {"Готово", "Done"},
		"js-cancel":                            {"Отменить", "Cancel"},
		"js-cancelled":                         {"Проверка отменена.", "The verification was cancelled."},
		"js-network":                           {"Нет связи со службой. Проверьте подключение и повторите.", "The service cannot be reached. Check the connection and try again."},
		"js-needsig":                           {"Выберите файл подписи.", "Choose the signature file."},
		"js-toolarge":                          {"Файл больше, чем принимает служба.", "The file is larger than the service takes."},
		"js-toomany":                           {"Можно приложить не больше двух файлов.", "At most two files can be attached."},
		"js-none":                              {"Файл не выбран", "No file chosen"},
		"js-choose":                            {"Выбрать файл", "Choose a file"},
		"js-valid":                             {"Подпись действительна", "The signature is valid"},
		"js-invalid":                           {"Подпись недействительна", "The signature is not valid"},
		"js-revoked":                           {"Подпись отозвана", "The signature is revoked"},
		"js-indeterminate":                     {"Не удалось проверить", "The signature could not be verified"},
		"js-signature":                         {"Подпись", "Signature"},
		"js-of":                                {"из", "of"},
		"js-counter":                           {"Заверяющая подпись", "Countersignature"},
		"js-who":                               {"Подписал", "Signed by"},
		"js-organisation":                      {"Организация", "Organisation"},
		"js-position":                          {"Должность", "Position"},
		"js-snils":                             {"СНИЛС", "SNILS"},
		"js-inn":                               {"ИНН", "INN"},
		"js-innle":                             {"ИНН организации", "INN of the organisation"},
		"js-ogrn":                              {"ОГРН", "OGRN"},
		"js-ogrnip":                            {"ОГРНИП", "OGRNIP"},
		"js-mail":                              {"Эл. почта", "E-mail"},
		"js-issuer":                            {"Сертификат выдал", "Certificate issued by"},
		"js-serial":                            {"Серийный номер", "Serial number"},
		"js-period":                            {"Срок действия сертификата", "Validity of the certificate"},
		"js-until":                             {"по", "to"},
		"js-claimed":                           {"Время подписания (со слов подписанта)", "Time of signing (as the signer claims)"},
		"js-proven":                            {"Доказанное время", "Proven time"},
		"js-noproven":                          {"не доказано: нет действительной метки времени", "not proven: there is no valid time stamp"},
		"js-level":                             {"Уровень подписи", "Level of the signature"},
		"js-level-cms":                         {"простая CMS, без реквизитов CAdES", "plain CMS without the attributes of CAdES"},
		"js-level-bes":                         {"CAdES-BES (без метки времени)", "CAdES-BES (without a time stamp)"},
		"js-level-t":                           {"CAdES-T (с меткой времени)", "CAdES-T (with a time stamp)"},
		"js-level-xl":                          {"CAdES-X Long Type 1 (с доказательствами)", "CAdES-X Long Type 1 (with evidence)"},
		"js-level-a":                           {"CAdES-A (архивная)", "CAdES-A (archival)"},
		"js-reason":                            {"Причина", "Reason"},
		"js-remedy":                            {"Что делать", "What to do"},
		"js-warnings":                          {"Замечания", "Remarks"},
		"js-checks":                            {"Все проверки", "All checks"},
		"js-check":                             {"Проверка", "Check"},
		"js-result":                            {"Результат", "Result"},
		"js-clause":                            {"Основание", "Clause"},
		"js-passed":                            {"пройдена", "passed"},
		"js-notpassed":                         {"не пройдена", "failed"},
		"js-warning":                           {"замечание", "remark"},
		"js-skipped":                           {"не выполнялась", "not made"},
		"js-document":                          {"Документ", "Document"},
		"js-inside":                            {"внутри файла подписи", "inside the signature file"},
		"js-sigfile":                           {"Файл подписи", "Signature file"},
		"js-missing":                           {"не приложен", "not attached"},
		"js-stamp":                             {"Метка времени", "Time stamp"},
		"js-stamp-valid":                       {"действительна", "valid"},
		"js-stamp-invalid":                     {"недействительна", "not valid"},
		"js-stamp-revoked":                     {"сертификат службы меток отозван", "the authority's certificate is revoked"},
		"js-stamp-indeterminate":               {"не удалось проверить", "could not be verified"},
		"js-remedy-SIGNED_DATA_NOT_FOUND":      {"Приложите документ вместе с файлом подписи.", "Attach the document together with the signature file."},
		"js-remedy-NO_CERTIFICATE_CHAIN_FOUND": {"Служба не доверяет удостоверяющему центру подписанта. Обратитесь к тому, кто ведёт службу.", "The service does not trust the signer's authority. Turn to whoever runs the service."},
		"js-remedy-TRY_LATER":                  {"Сведения об отзыве сертификата сейчас недоступны. Повторите проверку позже.", "It cannot be learned now whether the certificate is revoked. Try again later."},
		"js-at":                                {"Проверено на момент", "Checked for the moment"},
		"js-policy":                            {"Политика проверки", "Policy of verification"},
		"js-download":                          {"Скачать протокол", "Download the protocol"},
		"js-digest":                            {"Хэш протокола (Стрибог-256)", "Digest of the protocol (Streebog-256)"},
		"js-again":                             {"Проверить другие файлы", "Verify other files"},
		"js-unknown":                           {"не определён", "not known"},
		"js-bytes":                             {"Б", "B"}, "js-kib": {"КиБ", "KiB"}, "js-mib": {"МиБ", "MiB"}, "js-gib": {"ГиБ", "GiB"},
	} {
		out[name] = both[language]
	}
	return out
}

// policyTitle is how a policy is called for people.
func policyTitle(p *verify.Policy, lang verify.Lang) string {
	if t := p.Title.In(lang); t != "" {
		return t
	}
	return p.Name
}
