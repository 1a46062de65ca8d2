package pkcs11

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/gosklyuch/gosklyuch/token"
)

// answers gives one PIN after the other.
func answers(pins ...string) token.PINFunc {
	return func(context.Context, token.Prompt) ([]byte, error) {
		if len(pins) == 0 {
			return nil, errors.New("given up")
		}
		pin := pins[0]
		pins = pins[1:]
		return []byte(pin), nil
	}
}

func TestLoginTries(t *testing.T) {
	for _, c := range []struct {
		name    string
		tries   int // left before
		pin     token.PINFunc
		consent bool
		logins  int // that reach the token
		left    int
		check   func(error) bool
	}{
		{"right", 3, answers("1234"), false, 1, 3, func(err error) bool { return err == nil }},
		{"second is right", 3, answers("0000", "1234"), false, 2, 3, func(err error) bool { return err == nil }},
		{"given up", 3, answers("0000"), false, 1, 2, func(err error) bool { return err != nil && err.Error() == "pkcs11: PIN: given up" }},
		{"the refused one again", 3, answers("0000", "0000", "1234"), false, 1, 2, func(err error) bool { return errors.Is(err, ErrSamePIN) }},
		{"stops before the last", 3, answers("0000", "0001", "0002", "1234"), false, 2, 1, refusedWith(1, false)},
		{"last without consent", 1, answers("1234"), false, 0, 1, func(err error) bool { return errors.Is(err, ErrFinalTry) }},
		{"last with consent", 1, answers("1234"), true, 1, 3, func(err error) bool { return err == nil }},
		{"last with consent, wrong", 1, answers("0000", "1234"), true, 1, 0, refusedWith(0, true)},
		{"locked", 0, answers("1234"), true, 0, 0, refusedWith(0, true)},
		{"too short", 3, answers("1"), false, 0, 3, func(err error) bool { return codeOf(err) == ckrPINLenRange }},
		{"empty", 3, answers(""), false, 0, 3, func(err error) bool { return codeOf(err) == ckrPINLenRange }},
		{"too long", 3, answers("12345678901234567"), false, 0, 3, func(err error) bool { return codeOf(err) == ckrPINLenRange }},
		{"nobody to ask", 3, nil, false, 0, 3, refusedWith(-1, false)},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, uri := newFake(t)
			f.tries = c.tries
			s := openStore(t, uri, Config{PIN: c.pin, UnsafeFinalTry: c.consent})
			_, err := s.Objects(t.Context(), true)
			if !c.check(err) {
				t.Errorf("the error is %v", err)
			}
			if f.logins != c.logins || f.tries != c.left {
				t.Errorf("%d logins, %d tries left; want %d and %d", f.logins, f.tries, c.logins, c.left)
			}
		})
	}
}

func refusedWith(retries int, locked bool) func(error) bool {
	return func(err error) bool {
		var e *token.PINError
		return errors.As(err, &e) && e.Retries == retries && e.Locked == locked
	}
}

func TestPINSource(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, wrong := write("good", "1234\r\nsecond line\n"), write("wrong", "9999")
	for _, c := range []struct {
		name, query string
		opens       bool
		logins      int
	}{
		{"path", "pin-source=" + good, true, 1},
		{"file URI", "pin-source=file:" + good, true, 1},
		{"file URI with authority", "pin-source=file://" + good, true, 1},
		{"file URI with localhost", "pin-source=file://localhost" + good, true, 1},
		{"value", "pin-value=1234", true, 1},
		{"wrong PIN is tried once", "pin-source=" + wrong, true, 1},
		{"wrong value is tried once", "pin-value=9999", true, 1},
		{"typo in the name", "pin-source=" + good + "x", false, 0},
		{"typo in the attribute", "pin-sorce=" + good, false, 0},
		{"empty file", "pin-source=" + write("empty", "\n1234"), false, 0},
		{"long line", "pin-source=" + write("long", string(bytes.Repeat([]byte("1"), 5000))), false, 0},
		{"directory", "pin-source=" + dir, false, 0},
		{"program", "pin-source=%7Cecho%201234", false, 0},
		{"other host", "pin-source=file://elsewhere" + good, false, 0},
		{"network", "pin-source=https://example.org/pin", false, 0},
		{"both", "pin-value=1234&pin-source=" + good, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, uri := newFake(t)
			a := newAsker()
			s, err := Open(t.Context(), uri+"&"+c.query, Config{PIN: a.get})
			if c.opens != (err == nil) {
				t.Fatalf("Open: %v", err)
			}
			if err == nil {
				_, _ = s.Objects(t.Context(), true) //nolint:errcheck // the tries are what counts
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
			if f.logins != c.logins || len(a.asked) != 0 {
				t.Errorf("%d logins, want %d; a person was asked %d times", f.logins, c.logins, len(a.asked))
			}
		})
	}
}

// TestPINSourceVanishes: a file that is there at Open and not at the login costs
// no try.
func TestPINSourceVanishes(t *testing.T) {
	f, uri := newFake(t)
	path := filepath.Join(t.TempDir(), "pin")
	if err := os.WriteFile(path, []byte("1234"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := openStore(t, uri+"&pin-source="+path, Config{})
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	var e *PINSourceError
	if _, err := s.Objects(t.Context(), true); !errors.As(err, &e) || f.logins != 0 {
		t.Errorf("%v after %d logins", err, f.logins)
	}
}

func TestPINIsWiped(t *testing.T) {
	_, uri := newFake(t)
	var given [][]byte
	s := openStore(t, uri, Config{PIN: func(context.Context, token.Prompt) ([]byte, error) {
		pin := []byte([]string{"0000", "1234"}[len(given)])
		given = append(given, pin)
		return pin, nil
	}})
	if _, err := s.Objects(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	for _, pin := range given {
		if !bytes.Equal(pin, make([]byte, 4)) {
			t.Errorf("a PIN was left as %q", pin)
		}
	}
	if len(given) != 2 {
		t.Errorf("asked %d times", len(given))
	}
}

func TestPrompts(t *testing.T) {
	f, uri := newFake(t)
	var got []token.Prompt
	s := openStore(t, uri, Config{PIN: func(_ context.Context, p token.Prompt) ([]byte, error) {
		got = append(got, p)
		return []byte([]string{"0000", "0001", "0002"}[len(got)-1]), nil
	}, UnsafeFinalTry: true})
	_, err := s.Objects(t.Context(), true)
	if !refusedWith(0, true)(err) || f.tries != 0 {
		t.Fatalf("%v, %d tries left", err, f.tries)
	}
	for i, want := range []token.Prompt{
		{Secret: token.SecretPIN, Store: "fake", Retries: -1},
		{Secret: token.SecretPIN, Store: "fake", Retries: -1, Again: true},
		{Secret: token.SecretPIN, Store: "fake", Retries: 1, Again: true},
	} {
		if got[i] != want {
			t.Errorf("prompt %d is %+v", i, got[i])
		}
	}
}

func TestChangeAndUnblock(t *testing.T) {
	f, uri := newFake(t)
	ctx := t.Context()
	if err := ChangePIN(ctx, uri, Config{}, false, answers("1234"), answers("5678")); err != nil {
		t.Fatal(err)
	}
	if string(f.pin) != "5678" || f.user != noUser {
		t.Fatalf("PIN %q, user %x", f.pin, f.user)
	}
	if err := ChangePIN(ctx, uri, Config{}, false, answers("1234"), answers("0000")); err == nil || string(f.pin) != "5678" {
		t.Fatalf("the PIN was changed with a wrong one: %v", err)
	}
	if err := ChangePIN(ctx, uri, Config{}, false, answers("5678"), answers("1")); codeOf(err) != ckrPINLenRange {
		t.Fatalf("a short PIN: %v", err)
	}
	f.tries = 0
	if err := UnblockPIN(ctx, uri, Config{}, answers("12345678"), answers("1111")); err != nil || string(f.pin) != "1111" || f.tries != 3 {
		t.Fatalf("%v: PIN %q, %d tries", err, f.pin, f.tries)
	}
}

func TestInitNeedsConsent(t *testing.T) {
	f, uri := newFake(t)
	o := InitOptions{Label: "new", SOPIN: []byte(soPIN), PIN: []byte("4321")}
	if _, err := InitToken(t.Context(), uri, Config{}, o); !errors.Is(err, ErrConsent) || f.label != "fake" {
		t.Fatalf("%v, label %q", err, f.label)
	}
	o.UnsafeErase, o.SOPIN = true, []byte("00000000")
	if _, err := InitToken(t.Context(), uri, Config{}, o); !refusedWith(-1, false)(err) || f.label != "fake" {
		t.Fatalf("%v, label %q", err, f.label)
	}
	o.SOPIN = []byte(soPIN)
	if info, err := InitToken(t.Context(), uri, Config{}, o); err != nil || info.Label != "new" || string(f.pin) != "4321" {
		t.Fatalf("%v: %+v", err, info)
	}
	if _, err := InitToken(t.Context(), uri, Config{}, InitOptions{Label: "a label of more than thirty-two octets", SOPIN: []byte(soPIN)}); err == nil {
		t.Error("a long label was accepted")
	}
}
