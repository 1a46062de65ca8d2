package soft

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The lengths of a password in characters.
const (
	MinPassword         = 8
	RecommendedPassword = 12
	maxPassword         = 1024 // octets; more is a file given by mistake
)

// PasswordError lists what a password lacks. The password is not in it.
type PasswordError struct {
	Short   bool // fewer than MinPassword characters
	Long    bool // more than 1024 octets
	NoDigit bool
	NoUpper bool
	NoLower bool
	NotText bool // not UTF-8, or with control characters
}

// Error names everything that is missing.
func (e *PasswordError) Error() string {
	var why []string
	for _, r := range []struct {
		on   bool
		text string
	}{
		{e.NotText, "is not UTF-8 text"},
		{e.Long, "is longer than 1024 octets"},
		{e.Short, "has fewer than 8 characters"},
		{e.NoDigit, "has no digit"},
		{e.NoUpper, "has no upper-case letter"},
		{e.NoLower, "has no lower-case letter"},
	} {
		if r.on {
			why = append(why, r.text)
		}
	}
	return "soft: the password " + strings.Join(why, ", ")
}

// CheckPassword holds a new password against the policy: at least 8 characters
// with a digit, an upper-case and a lower-case letter of any script. The error
// is a *[PasswordError].
func CheckPassword(pw []byte) error {
	e := PasswordError{NoDigit: true, NoUpper: true, NoLower: true, NotText: !utf8.Valid(pw), Long: len(pw) > maxPassword}
	e.Short = utf8.RuneCount(pw) < MinPassword
	for rest := pw; len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		rest = rest[n:]
		switch {
		case unicode.IsDigit(r):
			e.NoDigit = false
		case unicode.IsUpper(r):
			e.NoUpper = false
		case unicode.IsLower(r):
			e.NoLower = false
		case unicode.IsControl(r):
			e.NotText = true
		}
	}
	if e == (PasswordError{}) {
		return nil
	}
	return &e
}

// Warning is advice about a password that the policy allows. It is stable, so
// that programs can translate it; the empty value is no warning.
type Warning string

// WarningShort advises a password of at least RecommendedPassword characters.
const WarningShort Warning = "password-shorter-than-12"

// PasswordWarning returns the advice about a password.
func PasswordWarning(pw []byte) Warning {
	if utf8.RuneCount(pw) < RecommendedPassword {
		return WarningShort
	}
	return ""
}
