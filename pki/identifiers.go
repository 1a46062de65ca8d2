package pki

import "fmt"

// IdentifierError says why a Russian registration number is refused.
type IdentifierError struct {
	Kind   string // SNILS, INN, INNLE, OGRN or OGRNIP
	Reason IdentifierReason
	Want   int // number of digits that the kind has
	Got    int // number of digits that were given
}

// IdentifierReason is the class of an IdentifierError.
type IdentifierReason string

// The reasons of an IdentifierError.
const (
	IdentifierLength       IdentifierReason = "length"       // wrong number of digits
	IdentifierNotDigits    IdentifierReason = "not-digits"   // something else than digits
	IdentifierZero         IdentifierReason = "zero"         // all digits are zero
	IdentifierCheckDigit   IdentifierReason = "check-digit"  // the check digit is wrong
	IdentifierOrganization IdentifierReason = "organization" // an organisation's INN where a person's belongs
)

func (e *IdentifierError) Error() string {
	switch e.Reason {
	case IdentifierOrganization:
		return "pki: INN: 10 digits are the number of an organisation, which belongs into INNLE; a person's INN has 12"
	case IdentifierLength:
		return fmt.Sprintf("pki: %s: %d digits, must be %d", e.Kind, e.Got, e.Want)
	case IdentifierNotDigits:
		return fmt.Sprintf("pki: %s: only digits are allowed", e.Kind)
	case IdentifierZero:
		return fmt.Sprintf("pki: %s: all digits are zero", e.Kind)
	default:
		return fmt.Sprintf("pki: %s: the check digit is wrong", e.Kind)
	}
}

// checkDigits refuses what is not exactly want digits or is all zero: zeros
// pass several of the sums below.
func checkDigits(kind, s string, want int) error {
	zero := true
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return &IdentifierError{Kind: kind, Reason: IdentifierNotDigits, Want: want, Got: len(s)}
		}
		zero = zero && s[i] == '0'
	}
	if len(s) != want {
		return &IdentifierError{Kind: kind, Reason: IdentifierLength, Want: want, Got: len(s)}
	}
	if zero {
		return &IdentifierError{Kind: kind, Reason: IdentifierZero, Want: want, Got: len(s)}
	}
	return nil
}

func wrongDigit(kind, s string) error {
	return &IdentifierError{Kind: kind, Reason: IdentifierCheckDigit, Want: len(s), Got: len(s)}
}

// CheckSNILS checks the 11 digits of an insurance account number. The last two
// are the weighted sum of the first nine modulo 101, with 100 written as 00;
// numbers up to 001-001-998 were given out without a check.
func CheckSNILS(digits string) error {
	if err := checkDigits("SNILS", digits, 11); err != nil {
		return err
	}
	if digits[:9] <= "001001998" {
		return nil
	}
	sum := 0
	for i := range 9 {
		sum += int(digits[i]-'0') * (9 - i)
	}
	if sum%101%100 != int(digits[9]-'0')*10+int(digits[10]-'0') {
		return wrongDigit("SNILS", digits)
	}
	return nil
}

// CheckINN checks the 12 digits of a person's taxpayer number; both check
// digits are verified. Ten digits are refused with IdentifierOrganization.
func CheckINN(digits string) error {
	if err := checkDigits("INN", digits, 12); err != nil {
		if len(digits) == 10 && checkDigits("INN", digits, 10) == nil {
			return &IdentifierError{Kind: "INN", Reason: IdentifierOrganization, Want: 12, Got: 10}
		}
		return err
	}
	if !weighted(digits[:10], digits[10], 7, 2, 4, 10, 3, 5, 9, 4, 6, 8) ||
		!weighted(digits[:11], digits[11], 3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8) {
		return wrongDigit("INN", digits)
	}
	return nil
}

// CheckINNLE checks the 10 digits of a legal entity's taxpayer number.
func CheckINNLE(digits string) error {
	if err := checkDigits("INNLE", digits, 10); err != nil {
		return err
	}
	if !weighted(digits[:9], digits[9], 2, 4, 10, 3, 5, 9, 4, 6, 8) {
		return wrongDigit("INNLE", digits)
	}
	return nil
}

func weighted(digits string, check byte, weights ...int) bool {
	sum := 0
	for i, w := range weights {
		sum += int(digits[i]-'0') * w
	}
	return sum%11%10 == int(check-'0')
}

// CheckOGRN checks the 13 digits of a legal entity's registration number: the
// last one is the number before it modulo 11 modulo 10.
func CheckOGRN(digits string) error { return checkRemainder("OGRN", digits, 13, 11) }

// CheckOGRNIP checks the 15 digits of a sole proprietor's registration number:
// the last one is the number before it modulo 13 modulo 10.
func CheckOGRNIP(digits string) error { return checkRemainder("OGRNIP", digits, 15, 13) }

func checkRemainder(kind, digits string, want, modulus int) error {
	if err := checkDigits(kind, digits, want); err != nil {
		return err
	}
	r := 0
	for i := range want - 1 {
		r = (r*10 + int(digits[i]-'0')) % modulus
	}
	if r%10 != int(digits[want-1]-'0') {
		return wrongDigit(kind, digits)
	}
	return nil
}
