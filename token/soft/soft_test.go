package soft

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/token"
)

var _ token.Store = (*Store)(nil)

const goodPassword = "Пароль-2026"

// newStore opens a store whose derivation is quick.
func newStore(t testing.TB) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "keys"))
	if err != nil {
		t.Fatal(err)
	}
	s.iterations = 1000
	return s
}

func newKey(t testing.TB, algorithm string) crypto.Signer {
	t.Helper()
	key, err := alg.GenerateKey(algorithm, "")
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newCert(t testing.TB, cn string, pub crypto.PublicKey, signer crypto.Signer) *pki.Certificate {
	t.Helper()
	name, err := pki.ParseDN("CN=" + cn)
	if err != nil {
		t.Fatal(err)
	}
	der, err := pki.CreateCertificate(rand.Reader, &pki.CertificateTemplate{
		SerialNumber: big.NewInt(1), Subject: name, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour),
	}, nil, pub, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := pki.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func create(t testing.TB, s *Store, name string, key crypto.Signer, meta Meta) {
	t.Helper()
	if err := s.Create(t.Context(), name, key, []byte(goodPassword), meta); err != nil {
		t.Fatal(err)
	}
}

func TestLifeOfAContainer(t *testing.T) {
	for _, algorithm := range []string{"gost2012-256", "gost2012-512", "ecdsa-p256", "rsa-2048", "ed25519"} {
		s, ctx := newStore(t), t.Context()
		key := newKey(t, algorithm)
		pub := key.Public()
		from := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		create(t, s, "Иванов И. И.", key, Meta{Label: "подпись", NotBefore: from, NotAfter: from.AddDate(1, 3, 0)})
		if err := s.Create(ctx, "Иванов И. И.", key, []byte(goodPassword), Meta{}); !errors.Is(err, ErrExists) {
			t.Errorf("%s: created twice: %v", algorithm, err)
		}
		i, err := s.Show("Иванов И. И.")
		if err != nil {
			t.Fatal(err)
		}
		if i.Label != "подпись" || !i.NotBefore.Equal(from) || !i.NotAfter.Equal(from.AddDate(1, 3, 0)) ||
			time.Since(i.Created) > time.Minute || i.Certificate != nil || !alg.EqualKeys(i.PublicKey, pub) || len(i.KeyID) != 20 {
			t.Errorf("%s: %+v", algorithm, i)
		}
		caKey := newKey(t, algorithm)
		cert, ca := newCert(t, "Иванов", pub, key), newCert(t, "УЦ", caKey.Public(), caKey)
		if err := s.InstallCertificate(ctx, "Иванов И. И.", ca, nil); !errors.Is(err, ErrMismatch) {
			t.Errorf("%s: another key's certificate: %v", algorithm, err)
		}
		if err := s.InstallCertificate(ctx, "Иванов И. И.", cert, []*pki.Certificate{ca}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Unlock(ctx, "Иванов И. И.", []byte("Пароль-2027")); !errors.Is(err, ErrPassword) {
			t.Errorf("%s: wrong password: %v", algorithm, err)
		}
		if err := s.ChangePassword(ctx, "Иванов И. И.", []byte(goodPassword), []byte("Another-1-password")); err != nil {
			t.Fatal(err)
		}
		if err := s.ChangePassword(ctx, "Иванов И. И.", []byte(goodPassword), []byte("Another-1-password")); !errors.Is(err, ErrPassword) {
			t.Errorf("%s: the old password still changes it: %v", algorithm, err)
		}
		k, err := s.Unlock(ctx, "Иванов И. И.", []byte("Another-1-password"))
		if err != nil {
			t.Fatal(err)
		}
		if !k.Certificate().Equal(cert) || len(k.Info().Chain) != 1 || k.Label() != "подпись" || !bytes.Equal(k.ID(), i.KeyID) {
			t.Errorf("%s: %+v", algorithm, k.Info())
		}
		sig, err := alg.SignMessage(rand.Reader, k, alg.Identifier{}, []byte("m"))
		if err != nil {
			t.Fatal(err)
		}
		if err := alg.VerifyMessage(pub, alg.SignatureForKey(pub), alg.Identifier{}, []byte("m"), sig); err != nil {
			t.Errorf("%s: %v", algorithm, err)
		}
		if err := k.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := k.Sign(rand.Reader, make([]byte, 32), crypto.SHA256); !errors.Is(err, ErrClosed) {
			t.Errorf("%s: signs after Close: %v", algorithm, err)
		}
		if err := s.Delete(ctx, "Иванов И. И."); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Show("Иванов И. И."); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: deleted: %v", algorithm, err)
		}
		if err := s.Delete(ctx, "Иванов И. И."); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: deleted twice: %v", algorithm, err)
		}
	}
}

func TestModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	s.iterations = 1000
	create(t, s, "k", newKey(t, "gost2012-256"), Meta{})
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, "k.gkc"): 0o600, filepath.Join(dir, lockName): 0o600} {
		st, err := os.Stat(path)
		if err != nil || st.Mode().Perm() != want {
			t.Errorf("%s: mode %v, %v", path, st.Mode(), err)
		}
	}
}

// Whatever octet changes by accident is damage, not a wrong password.
func TestAccidents(t *testing.T) {
	s := newStore(t)
	key := newKey(t, "gost2012-256")
	create(t, s, "k", key, Meta{Certificate: newCert(t, "x", key.Public(), key)})
	path := filepath.Join(s.dir, "k.gkc")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	try := func(what string, i int, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := s.Unlock(t.Context(), "k", []byte(goodPassword))
		unknownVersion := err != nil && strings.Contains(err.Error(), "version")
		if !errors.Is(err, ErrDamaged) && !unknownVersion || errors.Is(err, ErrPassword) {
			t.Fatalf("%s %d: %v", what, i, err)
		}
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 0x40
		try("octet changed:", i, bad)
	}
	for n := range good {
		try("octets left:", n, good[:n])
	}
	try("octets more:", 1, append(bytes.Clone(good), 0))
	list, err := s.List(t.Context())
	if err != nil || len(list) != 1 || !errors.Is(list[0].Err, ErrDamaged) {
		t.Errorf("%+v, %v", list, err)
	}
}

// Someone who can write the file can repair the checksum, but not change what
// is bound to the key.
func TestTampering(t *testing.T) {
	s := newStore(t)
	create(t, s, "k", newKey(t, "gost2012-256"), Meta{Label: "old"})
	create(t, s, "other", newKey(t, "gost2012-256"), Meta{})
	other, err := s.read("other")
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*container){
		"label":      func(c *container) { c.label = "new" },
		"created":    func(c *container) { c.created = c.created.Add(time.Second) },
		"period":     func(c *container) { c.notBefore, c.notAfter = c.created, c.created.AddDate(9, 0, 0) },
		"public key": func(c *container) { c.spki = other.spki },
		"key":        func(c *container) { c.encrypted = other.encrypted },
		"ciphertext": func(c *container) { c.encrypted = flipLast(c.encrypted) },
	} {
		c, err := s.read("k")
		if err != nil {
			t.Fatal(err)
		}
		change(c)
		data, err := c.marshal()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.writeFile("changed.gkc", data); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Show("changed"); err != nil {
			t.Errorf("%s: the public part cannot be read: %v", name, err)
		}
		if _, err := s.Unlock(t.Context(), "changed", []byte(goodPassword)); !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrPassword) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func flipLast(b []byte) []byte {
	out := bytes.Clone(b)
	out[len(out)-1] ^= 1
	return out
}

func TestNames(t *testing.T) {
	for _, name := range []string{"k", "Иванов Иван", "тест-1_2.3", "a@b", "И" + strings.Repeat("й", 47), "№5 (новый)"} {
		if _, err := fileName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{
		"", ".", "..", "../x", "a/b", `a\b`, "/etc/passwd", "C:x", ".hidden", "-rf", " x", "x ", "a\x00b", "a\nb",
		"\xff", "con", "NUL.txt", "com1", "LPT9.x", "a*", "a?", "a|b", strings.Repeat("я", 49), strings.Repeat("𝔄", 48) + "𝔄", "a\u202eb",
	} {
		var bad *NameError
		if _, err := fileName(name); !errors.As(err, &bad) {
			t.Errorf("%q: %v", name, err)
		}
	}
	// Composed and decomposed й are one name.
	s := newStore(t)
	create(t, s, "Андрей", newKey(t, "gost2012-256"), Meta{})
	if _, err := s.Show("Андрей"); err != nil {
		t.Errorf("decomposed: %v", err)
	}
}

func TestPasswordPolicy(t *testing.T) {
	for pw, want := range map[string]PasswordError{
		"Passw0rd":       {},
		"Пароль1x":       {},
		"пАРОЛЬ-7":       {},
		"Passw0r":        {Short: true},
		"password1":      {NoUpper: true},
		"PASSWORD1":      {NoLower: true},
		"Password":       {NoDigit: true},
		"":               {Short: true, NoDigit: true, NoUpper: true, NoLower: true},
		"Passw0rd\x00":   {NotText: true},
		"Passw0rd\xff":   {NotText: true},
		"中文字符中文字符":       {NoDigit: true, NoUpper: true, NoLower: true},
		"Пар0ль!":        {Short: true},
		"Aa1" + long1024: {Long: true},
	} {
		err := CheckPassword([]byte(pw))
		var got PasswordError
		var pe *PasswordError
		if errors.As(err, &pe) {
			got = *pe
		}
		if got != want {
			t.Errorf("%.20q: %+v", pw, got)
		}
		if err != nil && len(pw) > 3 && strings.Contains(err.Error(), pw) {
			t.Errorf("the message shows the password: %v", err)
		}
	}
	if PasswordWarning([]byte("Пароль-2026")) != WarningShort || PasswordWarning([]byte("Пароль-20266")) != "" {
		t.Error("12 characters are recommended")
	}
	s := newStore(t)
	if err := s.Create(t.Context(), "k", newKey(t, "gost2012-256"), []byte("weak"), Meta{}); err == nil {
		t.Error("a weak password is taken")
	}
}

var long1024 = strings.Repeat("x", 1022)

// Keys of the store ask for the password once, when they sign first, and again
// after a wrong one.
func TestKeysAsk(t *testing.T) {
	s := newStore(t)
	create(t, s, "a", newKey(t, "gost2012-256"), Meta{})
	create(t, s, "b", newKey(t, "gost2012-512"), Meta{})
	if err := os.WriteFile(filepath.Join(s.dir, "c.gkc"), []byte("not a container"), 0o600); err != nil {
		t.Fatal(err)
	}
	var prompts []token.Prompt
	var given [][]byte
	asking := s.WithPIN(func(_ context.Context, p token.Prompt) ([]byte, error) {
		prompts = append(prompts, p)
		pw := []byte("Wrong-1-password")
		if p.Again {
			pw = []byte(goodPassword)
		}
		given = append(given, pw)
		return pw, nil
	})
	var keys []token.Key
	var failed []error
	for k, err := range asking.Keys(t.Context()) {
		if err != nil {
			failed = append(failed, err)
			continue
		}
		keys = append(keys, k)
	}
	if len(keys) != 2 || len(failed) != 1 || !errors.Is(failed[0], ErrDamaged) || len(prompts) != 0 {
		t.Fatalf("%d keys, errors %v, %d prompts", len(keys), failed, len(prompts))
	}
	for range 2 {
		sig, err := alg.SignMessage(rand.Reader, keys[0], alg.Identifier{}, []byte("m"))
		if err != nil {
			t.Fatal(err)
		}
		pub := keys[0].Public()
		if err := alg.VerifyMessage(pub, alg.SignatureForKey(pub), alg.Identifier{}, []byte("m"), sig); err != nil {
			t.Error(err)
		}
	}
	if len(prompts) != 2 || prompts[0].Again || !prompts[1].Again || prompts[0].Key != "a" {
		t.Errorf("%+v", prompts)
	}
	for _, pw := range given {
		if !bytes.Equal(pw, make([]byte, len(pw))) {
			t.Error("a password was not wiped")
		}
	}
	stop := errors.New("no terminal")
	for k, err := range s.WithPIN(func(context.Context, token.Prompt) ([]byte, error) { return nil, stop }).Keys(t.Context()) {
		if err != nil {
			continue
		}
		if _, err := alg.SignMessage(rand.Reader, k, alg.Identifier{}, nil); !errors.Is(err, stop) {
			t.Errorf("%v", err)
		}
	}
	for k, err := range s.Keys(t.Context()) {
		var pin *token.PINError
		if err == nil {
			if _, err := alg.SignMessage(rand.Reader, k, alg.Identifier{}, nil); !errors.As(err, &pin) {
				t.Errorf("without a function for passwords: %v", err)
			}
		}
	}
}

// The price of a guess is what the constant's comment says, within reason.
func BenchmarkUnlock(b *testing.B) {
	s := newStore(b)
	s.iterations = Iterations
	create(b, s, "k", newKey(b, "gost2012-256"), Meta{})
	for b.Loop() {
		if _, err := s.Unlock(b.Context(), "k", []byte(goodPassword)); err != nil {
			b.Fatal(err)
		}
	}
}
