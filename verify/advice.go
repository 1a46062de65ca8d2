package verify

import "strings"

// stampTexts are the sentences of Reason.Text and Reason.Remedy where they
// speak of a signature and a time stamp was checked by itself.
var stampTexts = map[Reason]text{
	FormatFailure: {
		"Файл метки времени повреждён или нарушает правила формата.",
		"The time stamp is damaged or breaks the rules of its format.",
		"Получите файл метки ещё раз.",
		"Get the file of the time stamp again.",
	},
	HashFailure: {
		"Документ изменён после того, как получена метка времени, или метка относится к другому документу.",
		"The document was changed after the time stamp was made, or the time stamp belongs to another document.",
		"Проверьте, тот ли файл указан.",
		"Check that this is the right file.",
	},
	SigCryptoFailure: {
		"Подпись службы меток не сходится с ключом её сертификата.",
		"The time-stamping service's signature does not verify with the key of its certificate.",
		"Не доверяйте этой метке времени.",
		"Do not trust this time stamp.",
	},
	SigConstraints: {
		"Метка времени не выполняет требований к её составу.",
		"The time stamp does not meet the requirements on its contents.",
		"Получите метку времени в другой службе.",
		"Get a time stamp from another service.",
	},
	ChainConstraints: {
		"Сертификат нельзя использовать для меток времени, или его выдал тот, кто не вправе выдавать сертификаты.",
		"The certificate may not be used for time stamps, or was issued by someone who may not issue certificates.",
		"Получите метку времени в другой службе.",
		"Get a time stamp from another service.",
	},
	SignedDataNotFound: {
		"Не указан документ, на который получена метка времени.",
		"The document that was time-stamped was not given.",
		"Укажите документ вместе с файлом метки: gosklyuch timestamp verify МЕТКА ДОКУМЕНТ.",
		"Name the document together with the time stamp: gosklyuch timestamp verify STAMP DOCUMENT.",
	},
}

// stampEvidenceAdvice is the remedy for a signature whose time stamp would
// prove its time, were there fresh evidence about the stamp's own authority.
var stampEvidenceAdvice = text{
	remedyRU: "В подписи есть метка времени, но нет свежих сведений о том, не отозван ли сертификат службы меток: укажите список отзыва " +
		"(--crl ФАЙЛ) или ответ службы проверки (--ocsp ФАЙЛ), либо повторите с доступом к сети, без --offline.",
	remedyEN: "The signature has a time stamp, but there is no fresh evidence on whether the certificate of the time-stamping service is revoked: " +
		"give a revocation list (--crl FILE) or an OCSP response (--ocsp FILE), or try again online, without --offline.",
}

// stampAnchorAdvice is the same where the anchor of the authority is missing.
var stampAnchorAdvice = text{
	remedyRU: "В подписи есть метка времени, но удостоверяющий центр службы меток вам неизвестен: если вы ему доверяете, добавьте его " +
		"корневой сертификат: gosklyuch trust add ФАЙЛ.",
	remedyEN: "The signature has a time stamp, but the authority of the time-stamping service is unknown here: if you trust it, add its root " +
		"certificate: gosklyuch trust add FILE.",
}

// levelAdvice is the remedy where the policy demands a higher level.
var levelAdvice = text{
	remedyRU: "Усильте подпись, пока её сертификат действует: gosklyuch raise ПОДПИСЬ ДОКУМЕНТ --level УРОВЕНЬ --tsa URL -o ФАЙЛ.",
	remedyEN: "Raise the signature while its certificate is in force: gosklyuch raise SIGNATURE DOCUMENT --level LEVEL --tsa URL -o FILE.",
}

// Text says in one sentence why the outcome is not Passed; empty for Passed.
func (o *Outcome) Text(l Lang) string {
	if o.advice.ru != "" {
		return l.pick(o.advice.ru, o.advice.en)
	}
	return o.Reason.Text(l)
}

// Remedy says what a person can do about the outcome; empty for Passed. It is
// that of the Reason, or a better one where the report knows more.
func (o *Outcome) Remedy(l Lang) string {
	if o.advice.remedyRU != "" {
		return l.pick(o.advice.remedyRU, o.advice.remedyEN)
	}
	return o.Reason.Remedy(l)
}

// advise looks for texts that fit better than those of the reasons alone.
func (r *Report) advise() {
	if r.Kind == KindTimeStamp {
		r.advice = stampTexts[r.Reason]
	}
	for _, s := range r.Signatures {
		s.advise()
	}
}

func (s *Signature) advise() {
	for _, c := range s.Counter {
		c.advise()
	}
	for _, t := range s.TimeStamps {
		t.advice = stampTexts[t.Reason]
	}
	if s.Status == Passed {
		return
	}
	if c, ok := s.Deciding(); ok && c.ID == "level" && s.ClaimedLevel == s.Level {
		s.advice = levelAdvice
		return
	}
	if !s.BestTime.IsZero() || !lacksProof(s) {
		return
	}
	for _, t := range s.TimeStamps {
		switch t.Reason {
		case TryLater:
			s.advice = stampEvidenceAdvice
			return
		case NoCertificateChain:
			s.advice = stampAnchorAdvice
			return
		}
	}
}

// lacksProof reports whether a proven time could have changed the outcome: the
// reason says so by its name, or the level is claimed and not reached.
func lacksProof(s *Signature) bool {
	if strings.HasSuffix(string(s.Reason), "NO_POE") {
		return true
	}
	c, ok := s.Deciding()
	return ok && (c.ID == "level" || c.ID == "best-time")
}
