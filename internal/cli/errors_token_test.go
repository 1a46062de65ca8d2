package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/gosklyuch/gosklyuch/token"
	"github.com/gosklyuch/gosklyuch/token/pkcs11"
)

// TestTokenSentences: every refusal of a token has a sentence in both languages
// and an exit code, through as many wrappings as there may be.
func TestTokenSentences(t *testing.T) {
	type row struct {
		err  error
		code int
	}
	rows := []row{
		{&token.PINError{Retries: -1}, exitRefused},
		{&token.PINError{Retries: 3}, exitRefused},
		{&token.PINError{Retries: 1}, exitRefused},
		{&token.PINError{Locked: true}, exitRefused},
		{pkcs11.ErrNotFound, exitFailed},
		{fmt.Errorf("%w: no key", pkcs11.ErrNotFound), exitFailed},
		{fmt.Errorf("%w: no blank token", pkcs11.ErrNotFound), exitFailed},
		{&pkcs11.ModuleError{Path: "m.so", Err: fs.ErrNotExist}, exitFailed},
		{&pkcs11.ModuleError{Path: "m.so", Err: pkcs11.ErrNoCgo}, exitFailed},
		{&pkcs11.ModuleError{Path: "m.so", Err: &pkcs11.Error{Op: "C_Initialize", Code: 5}}, exitFailed},
		{&pkcs11.ModuleError{Path: "m.so", Err: errors.New("x")}, exitFailed},
		{&pkcs11.Error{Op: "C_Login", Code: pkcs11.CodePINIncorrect}, exitRefused},
		{&pkcs11.Error{Op: "C_Sign", Code: pkcs11.CodeDeviceRemoved}, exitFailed},
		{&pkcs11.Error{Op: "C_Sign", Code: 0x80000123}, exitFailed},
		{&pkcs11.PINSourceError{Source: "f", Err: fs.ErrNotExist}, exitFailed},
		{&pkcs11.PINSourceError{Source: "f", Err: errors.New("is a directory")}, exitFailed},
	}
	for _, s := range tokenSentences {
		rows = append(rows, row{s.err, s.code})
	}
	for _, r := range rows {
		err := fmt.Errorf("outer: %w", errors.Join(r.err))
		u := tokenError(err)
		if u == nil || u.code != r.code || !cyrillic(u.message.ru) || cyrillic(u.message.en) || u.message.en == "" {
			t.Errorf("%v: %+v", r.err, u)
		}
	}
	if u := tokenError(errors.New("pkcs11: something new")); u != nil {
		t.Errorf("an error that nobody knows has a sentence: %+v", u)
	}
}

// TestURISentences: what is wrong with a URI is said in Russian too.
func TestURISentences(t *testing.T) {
	for _, uri := range []string{
		"pkcs11", "pkcs11:token=a;token=b", "pkcs11:token", "pkcs11:slot-id=1", "pkcs11:nonsense=1", "pkcs11:type=key",
		"pkcs11:?pin-sorce=f", "pkcs11:?pin-source=", "pkcs11:?module-name=a/b", "pkcs11:?pin-source=f&pin-value=1", "pkcs11:token=%ff",
	} {
		_, err := pkcs11.ParseURI(uri)
		u := tokenError(err)
		if u == nil || u.code != exitUsage || !cyrillic(u.message.ru) || cyrillic(u.message.en) {
			t.Errorf("%s: %v: %+v", uri, err, u)
		}
	}
}

// TestPlainPIN: what a file has got by mistake never reaches a token.
func TestPlainPIN(t *testing.T) {
	for pin, good := range map[string]bool{
		"1234": true, "12 34": true, "пин-код": true, " 1234": false, "1234 ": false, "1234\t": false, "\ufeff1234": false, " ": false,
	} {
		if err := plainPIN([]byte(pin), "pin-file"); good != (err == nil) {
			t.Errorf("%q: %v", pin, err)
		}
	}
}
