package fsb795

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/profile"
)

// tagNumericString is the universal tag 18, which cryptobyte does not name.
const tagNumericString = asn1.Tag(18)

// Identifiers demands the string type, the length and the check digits of the
// Russian numbers.
func Identifiers() profile.Rule {
	return profile.Rule{
		ID:        "fsb795-identifiers",
		Title:     "SNILS, INN, INNLE, OGRN and OGRNIP are NumericStrings of their length with right check digits",
		TitleRU:   "СНИЛС, ИНН, ИНН ЮЛ, ОГРН и ОГРНИП – NumericString своей длины с верными контрольными цифрами",
		Cite:      "FSB order No. 795; RFC 9215, section 5.1",
		Severity:  pki.Error,
		Effective: original(),
		Applies:   claims,
		Check: func(c *pki.Certificate) []profile.Problem {
			var out []profile.Problem
			attributes(c.Subject, func(a pki.Attribute) {
				if en, ru := wrong(a); en != "" {
					out = append(out, profile.Found("subject."+a.Type.Name(), en, ru)...)
				}
			})
			return out
		},
	}
}

// wrong says in English and Russian what is wrong with a numeric attribute, ""
// for nothing and for any other attribute.
func wrong(a pki.Attribute) (en, ru string) {
	var err error
	switch a.Type {
	case oid.SNILS:
		err = pki.CheckSNILS(a.Value)
	case oid.INN:
		// The number of an organization, written before the edition of 2021
		// as "00" and ten digits; it still occurs.
		if ten, old := strings.CutPrefix(a.Value, "00"); old && pki.CheckINNLE(ten) == nil {
			break
		}
		err = pki.CheckINN(a.Value)
	case oid.INNLE:
		err = pki.CheckINNLE(a.Value)
	case oid.OGRN:
		err = pki.CheckOGRN(a.Value)
	case oid.OGRNIP:
		err = pki.CheckOGRNIP(a.Value)
	default:
		return "", ""
	}
	var number *pki.IdentifierError
	switch {
	case errors.As(err, &number):
		return err.Error(), inRussian(number)
	case a.Tag != byte(tagNumericString):
		return fmt.Sprintf("string type %d and not NumericString", a.Tag), fmt.Sprintf("тип строки %d, а не NumericString", a.Tag)
	}
	return "", ""
}

func inRussian(e *pki.IdentifierError) string {
	switch e.Reason {
	case pki.IdentifierLength:
		return fmt.Sprintf("цифр: %d, должно быть %d", e.Got, e.Want)
	case pki.IdentifierNotDigits:
		return "не только цифры"
	case pki.IdentifierZero:
		return "одни нули"
	case pki.IdentifierOrganization:
		return "десять цифр – это ИНН организации, его место в ИНН ЮЛ"
	default:
		return "неверная контрольная цифра"
	}
}
