//go:build cgo && unix

package pkcs11_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/internal/p11module"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/token"
	"github.com/gosklyuch/gosklyuch/token/pkcs11"
)

// This project's own module behind this package: the suite of SoftHSM, and the
// faults that the module injects.

const (
	ourPIN   = "12345678"
	ourLabel = "Связка ключей"

	dirVariable   = "GOSKLYUCH_PKCS11_KEYS"
	faultVariable = "GOSKLYUCH_PKCS11_FAULT"
)

var buildDir string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if buildDir, err = os.MkdirTemp("", "gosklyuch-module-"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(buildDir)
		return m.Run()
	}())
}

// ourModule builds the module once, as its users do.
var ourModule = sync.OnceValues(func() (string, error) {
	path := filepath.Join(buildDir, "libgosklyuch-pkcs11.so")
	out, err := exec.Command("go", "build", "-buildmode=c-shared", "-o", path, "../../cmd/gosklyuch-pkcs11").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

// ourKeyring makes an initialised keyring with the two keys "256" and "512", on
// TC26 sets, once; tests copy it. The module's own Go half makes the token,
// because that can be told to derive its PINs fast.
var ourKeyring = sync.OnceValues(func() (string, error) {
	path, err := ourModule()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(buildDir, "keys")
	m := p11module.New(p11module.Config{Iterations: 1000, Getenv: func(name string) string {
		return map[string]string{dirVariable: dir}[name]
	}})
	rv := m.Initialize() | m.InitToken(0, []byte(soPIN), ourLabel)
	h, opened := m.OpenSession(0, 4|2) // CKF_SERIAL_SESSION, CKF_RW_SESSION
	rv |= opened | m.Login(h, 0, []byte(soPIN)) | m.InitPIN(h, []byte(ourPIN)) | m.Finalize()
	if rv != p11module.RVOK {
		return "", fmt.Errorf("the keyring was not made: %v", rv)
	}
	if err := errors.Join(os.Setenv(dirVariable, dir), os.Setenv(faultVariable, "")); err != nil {
		return "", err
	}
	ctx := context.Background() // the keyring outlives the test that asks first
	s, err := pkcs11.Open(ctx, (&pkcs11.URI{Token: ourLabel, ModulePath: path}).String(), pkcs11.Config{PIN: once(ourPIN)})
	if err != nil {
		return "", err
	}
	for _, size := range []string{"256", "512"} {
		_, err := s.Generate(ctx, pkcs11.KeySpec{Algorithm: "gost2012-" + size, ParamSet: "tc26-" + size + "-a", Label: size, Placement: pkcs11.Active})
		if err != nil {
			return "", errors.Join(err, s.Close())
		}
	}
	return dir, s.Close()
})

// newKeyring gives the test a keyring of its own and the module a fault, which
// it reads when the first store is opened. It returns the token's URI.
func newKeyring(t testing.TB, fault string) string {
	t.Helper()
	from, err := ourKeyring()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "keys")
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	ring := filepath.Join(dir, "pkcs11.token") // CopyFS takes no modes of folders
	if err := errors.Join(os.Chmod(dir, 0o700), os.Chmod(ring, 0o700)); err != nil {
		t.Fatal(err)
	}
	t.Setenv(dirVariable, dir)
	t.Setenv(faultVariable, fault)
	path, err := ourModule()
	if err != nil {
		t.Fatal(err)
	}
	return (&pkcs11.URI{Token: ourLabel, ModulePath: path}).String()
}

// record is the keyring's file, which counts the tries.
func record(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(os.Getenv(dirVariable), "pkcs11.token", "token"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func named(t testing.TB, s *pkcs11.Store, label string) token.Key {
	t.Helper()
	for key, err := range s.Keys(context.WithoutCancel(t.Context())) {
		if err != nil {
			t.Fatal(err)
		}
		if key.Label() == label {
			return key
		}
	}
	t.Fatalf("no key %q", label)
	return nil
}

func signOnce(key token.Key) error {
	sig, err := alg.SignMessage(rand.Reader, key, alg.Identifier{}, []byte("m"))
	if err == nil {
		err = alg.VerifyMessage(key.Public(), alg.SignatureForKey(key.Public()), alg.Identifier{}, []byte("m"), sig)
	}
	return err
}

// codeOf returns the return value of the module that an error carries.
func codeOf(err error) pkcs11.Code {
	var e *pkcs11.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return 0
}

var ourSpecs = []pkcs11.KeySpec{
	{Algorithm: "gost2012-256", Label: "без набора", Placement: pkcs11.Active},
	{Algorithm: "gost2012-256", ParamSet: "cryptopro-a", Label: "CryptoPro A", Placement: pkcs11.Active},
	{Algorithm: "gost2012-256", ParamSet: "tc26-256-a", Label: "TC26 A"},
	{Algorithm: "gost2012-512", Label: "512 без набора", Placement: pkcs11.Active},
	{Algorithm: "gost2012-512", ParamSet: "tc26-512-c", Label: "TC26 512 C"},
	{Algorithm: "gost2012-256", Label: "пассивный", Placement: pkcs11.Passive, Password: []byte(password)},
}

func TestOurModule(t *testing.T) {
	path, err := ourModule()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(dirVariable, filepath.Join(t.TempDir(), "keys"))
	blank := (&pkcs11.URI{ModulePath: path}).String()
	options := pkcs11.InitOptions{Label: ourLabel, SOPIN: []byte(soPIN), PIN: []byte("short")}
	if _, err := pkcs11.InitToken(t.Context(), blank, pkcs11.Config{}, options); codeOf(err) != 0xA2 {
		t.Errorf("a short PIN: %v", err)
	}
	options.PIN = []byte(ourPIN)
	info, err := pkcs11.InitToken(t.Context(), blank, pkcs11.Config{}, options)
	if err != nil {
		t.Fatal(err)
	}
	if info.Label != ourLabel || !info.Initialized || !info.UserPINSet || info.Serial == "" || info.MinPIN != 8 || !info.VKO ||
		info.GOST256 != pkcs11.SupportDigest || info.GOST512 != pkcs11.SupportDigest || info.RSA != pkcs11.SupportNone {
		t.Errorf("the new token is %+v", info)
	}
	uri := info.URI().String()
	if _, err := pkcs11.InitToken(t.Context(), uri, pkcs11.Config{}, options); !errors.Is(err, pkcs11.ErrConsent) {
		t.Errorf("erased without consent: %v", err)
	}
	chain := testpki.NewChain(t)
	hold := openStore(t, uri, once(ourPIN)) // one login for all: PINs are slow to derive
	if _, err := hold.Objects(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	for _, spec := range ourSpecs {
		t.Run(spec.Label, func(t *testing.T) { roundTrip(t, uri, spec, chain) })
	}
	objects, err := hold.Objects(t.Context(), true)
	count := map[string]int{}
	for _, o := range objects {
		count[o.Type]++
	}
	if err != nil || count["private"] != 5 || count["public"] != 5 || count["cert"] != 6 || count["data"] != 2 {
		t.Errorf("%v, %v", count, err)
	}
	var mine []pkcs11.Object
	for _, o := range objects {
		if o.Label == "TC26 A" {
			mine = append(mine, o)
		}
	}
	if n, err := hold.Delete(t.Context(), mine, func(pkcs11.Object) bool { return true }); n != 3 || err != nil {
		t.Errorf("%d deleted, %v", n, err)
	}
	if _, err := openStore(t, strings.Replace(uri, "pkcs11:", "pkcs11:object=TC26%20A;", 1), once(ourPIN)).Key(t.Context()); !errors.Is(err, pkcs11.ErrNotFound) {
		t.Errorf("a key that was deleted: %v", err)
	}
}

// TestOurModuleImport: software keys go in and, where it was agreed, come out.
func TestOurModuleImport(t *testing.T) {
	s := openStore(t, newKeyring(t, ""), once(ourPIN))
	ctx := context.WithoutCancel(t.Context())
	for _, name := range []string{"gost2012-256", "gost2012-512"} {
		for _, exportable := range []bool{false, true} {
			soft, err := alg.GenerateKey(name, "")
			if err != nil {
				t.Fatal(err)
			}
			key, err := s.Import(ctx, soft, pkcs11.KeySpec{Label: fmt.Sprint(name, exportable), Placement: pkcs11.Active, Exportable: exportable})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if err := signOnce(key); err != nil || !alg.EqualKeys(key.Public(), soft.Public()) {
				t.Errorf("%s: %v", name, err)
			}
			out, err := s.Export(ctx, key)
			switch {
			case !exportable && !errors.Is(err, pkcs11.ErrNotExportable):
				t.Errorf("%s left the token: %v", name, err)
			case exportable && (err != nil || !alg.EqualKeys(out.Public(), soft.Public())):
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestOurModuleVKO: both ends of an agreement come to one key, whichever is on
// the token.
func TestOurModuleVKO(t *testing.T) {
	s := openStore(t, newKeyring(t, ""), once(ourPIN))
	for _, size := range []string{"256", "512"} {
		key := named(t, s, size)
		mine := key.Public().(*gost3410.PublicKey) //nolint:forcetypeassert // a GOST key
		other, err := gost3410.GenerateKey(mine.Curve())
		if err != nil {
			t.Fatal(err)
		}
		for _, ukm := range [][]byte{{1, 2, 3, 4, 5, 6, 7, 8}, bytes.Repeat([]byte{0xfe}, 16)} {
			want, err := other.VKO(mine, ukm, streebog.New256)
			if err != nil {
				t.Fatal(err)
			}
			got, err := key.(gost3410.KeyAgreer).VKO(other.PublicKey(), ukm, streebog.New256) //nolint:forcetypeassert // the module agrees
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s, UKM of %d octets: %x, %v, want %x", size, len(ukm), got, err, want)
			}
		}
		if _, err := key.(gost3410.KeyAgreer).VKO(other.PublicKey(), []byte{1}, streebog.New256); codeOf(err) != 0x071 { //nolint:forcetypeassert // as above
			t.Errorf("%s: a UKM of one octet, where the module wants 8: %v", size, err)
		}
	}
}

func TestOurModulePINs(t *testing.T) {
	uri := newKeyring(t, "")
	ctx := t.Context()
	login := func(pin string) error {
		s := openStore(t, uri, once(pin))
		return errors.Join(signOnce(named(t, s, "256")), s.Close())
	}
	if err := pkcs11.ChangePIN(ctx, uri, pkcs11.Config{}, false, once(ourPIN), once("новый-PIN")); err != nil {
		t.Fatal(err)
	}
	if err := login("новый-PIN"); err != nil {
		t.Error(err)
	}
	before := record(t)
	if err := pkcs11.ChangePIN(ctx, uri, pkcs11.Config{}, false, once("новый-PIN"), once("short")); codeOf(err) != 0xA2 {
		t.Errorf("a short PIN: %v", err)
	}
	if err := login("1234567"); codeOf(err) != 0xA2 || !bytes.Equal(record(t), before) {
		t.Errorf("a PIN that is too short cost a try: %v", err)
	}
	var refused *token.PINError
	if err := login(ourPIN); !errors.As(err, &refused) || refused.Locked {
		t.Errorf("the old PIN: %v", err)
	}
	// The tries go down to the last one, which is not used without consent.
	n := 0
	wrong := func(_ context.Context, p token.Prompt) ([]byte, error) {
		if p.Again && p.Retries == 1 {
			t.Error("asked for the last try without consent")
		}
		n++
		return fmt.Appendf(nil, "wrong-%03d", n), nil
	}
	s := openStore(t, uri, wrong)
	if err := signOnce(named(t, s, "256")); !errors.As(err, &refused) || refused.Retries != 1 || n != 8 {
		t.Errorf("after %d tries: %v", n, err)
	}
	if err := signOnce(named(t, s, "256")); !errors.Is(err, pkcs11.ErrFinalTry) || n != 8 {
		t.Errorf("the last try: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	consent, err := pkcs11.Open(ctx, uri, pkcs11.Config{PIN: wrong, UnsafeFinalTry: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := signOnce(named(t, consent, "256")); !errors.As(err, &refused) || !refused.Locked {
		t.Errorf("the try that locks: %v", err)
	}
	if info, err := consent.Info(ctx); err != nil || !info.UserPIN.Locked {
		t.Errorf("%+v, %v", info, err)
	}
	if err := consent.Close(); err != nil {
		t.Fatal(err)
	}
	if err := login("новый-PIN"); !errors.As(err, &refused) || !refused.Locked {
		t.Errorf("a locked token: %v", err)
	}
	if err := pkcs11.UnblockPIN(ctx, uri, pkcs11.Config{}, once(""), once("after-lock")); err != nil {
		t.Fatal(err)
	}
	if err := login("after-lock"); err != nil {
		t.Errorf("the key after the unblocking: %v", err)
	}
}

// many signs in 8 goroutines and returns the first error of each.
func many(keys []token.Key, rounds int) []error {
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			for range rounds {
				if err := signOnce(keys[i%len(keys)]); err != nil && errs[i] == nil {
					errs[i] = err
				}
			}
		})
	}
	wg.Wait()
	return errs
}

func TestOurModuleGoroutines(t *testing.T) {
	var asked atomic.Int32
	uri := newKeyring(t, "")
	s := openStore(t, uri, func(ctx context.Context, p token.Prompt) ([]byte, error) {
		asked.Add(1)
		return once(ourPIN)(ctx, p)
	})
	if err := errors.Join(many([]token.Key{named(t, s, "256"), named(t, s, "512")}, 20)...); err != nil {
		t.Error(err)
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("the PIN was asked for %d times", n)
	}
}

// TestOurModuleFaults: one fault in the middle of 8 goroutines. What the token
// loses is regained without an error; what cannot be repeated is one clear
// error. Afterwards everything works and no try is gone.
func TestOurModuleFaults(t *testing.T) {
	for _, c := range []struct {
		fault string
		code  pkcs11.Code // of the one operation that may fail, 0 for none
	}{
		{"removed@C_Sign#9:50ms", 0},
		{"removed@C_SignInit#3:50ms", 0},
		{"removed@C_Login#1:50ms", 0},
		{"removed@C_OpenSession#3:50ms", 0},
		{"removed@C_GetSessionInfo#7:50ms", 0},
		{"session-lost@C_Sign#9", 0},
		{"session-lost@C_SignInit#9", 0},
		{"session-lost@C_Login#1", 0},
		{"session-lost@C_FindObjects#4,session-lost@C_Sign#20", 0},
		{"session-lost@C_GetSessionInfo#7", 0},
		{"device-error@C_Sign#9", 0},
		{"device-error@C_Login#1", 0},
		{"panic@C_Sign#9", 0x005},
		{"panic@C_SignInit#9", 0x005},
		{"panic@C_Login#1", 0x005},
		{"slow@C_Sign#9:200ms,slow@C_Login:50ms", 0},
	} {
		t.Run(c.fault, func(t *testing.T) {
			uri := newKeyring(t, c.fault)
			before := record(t)
			var refusals atomic.Int32
			s, err := pkcs11.Open(t.Context(), uri, pkcs11.Config{Wait: 5 * time.Second, PIN: func(ctx context.Context, p token.Prompt) ([]byte, error) {
				if p.Again {
					refusals.Add(1)
				}
				return once(ourPIN)(ctx, p)
			}})
			if err != nil {
				t.Fatal(err)
			}
			keys := []token.Key{named(t, s, "256"), named(t, s, "512")}
			failed := 0
			for _, err := range many(keys, 4) {
				if err != nil {
					failed++
				}
				if err != nil && (c.code == 0 || codeOf(err) != c.code) {
					t.Errorf("an operation ended in %v", err)
				}
			}
			if c.code != 0 && failed != 1 {
				t.Errorf("%d operations failed", failed)
			}
			if err := errors.Join(many(keys, 1)...); err != nil {
				t.Errorf("afterwards: %v", err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if refusals.Load() != 0 || !bytes.Equal(record(t), before) {
				t.Error("a try was lost")
			}
		})
	}
}

// TestOurModuleGone: a fault that does not go away ends in an error that says
// what it is, soon, and costs no try.
func TestOurModuleGone(t *testing.T) {
	for _, c := range []struct {
		fault string
		codes []pkcs11.Code
	}{
		{"removed", []pkcs11.Code{pkcs11.CodeDeviceRemoved, pkcs11.CodeTokenNotPresent}},
		{"removed@C_Sign", []pkcs11.Code{pkcs11.CodeDeviceRemoved, pkcs11.CodeTokenNotPresent}},
		{"removed@C_Login", []pkcs11.Code{pkcs11.CodeDeviceRemoved, pkcs11.CodeTokenNotPresent}},
		{"session-lost", []pkcs11.Code{0x0B3}},
		{"session-lost@C_Sign", []pkcs11.Code{0x0B3}},
		{"session-lost@C_Login", []pkcs11.Code{0x0B3}},
		{"device-error", []pkcs11.Code{0x030}},
		{"device-error@C_Sign", []pkcs11.Code{0x030}},
		{"device-error@C_GetTokenInfo", []pkcs11.Code{0x030}},
		{"panic", []pkcs11.Code{0x005}},
		{"panic@C_Sign", []pkcs11.Code{0x005}},
		{"panic@C_GetTokenInfo", []pkcs11.Code{0x005}},
	} {
		t.Run(c.fault, func(t *testing.T) {
			uri := newKeyring(t, c.fault)
			before := record(t)
			err := signNamed(t.Context(), uri, once(ourPIN))
			got := codeOf(err)
			ok := false
			for _, code := range c.codes {
				ok = ok || got == code
			}
			if !ok {
				t.Errorf("the error is %v", err)
			}
			if !bytes.Equal(record(t), before) {
				t.Error("a try was lost")
			}
			t.Setenv(faultVariable, "")
			if err := signNamed(t.Context(), uri, once(ourPIN)); err != nil {
				t.Errorf("without the fault: %v", err)
			}
		})
	}
}

// TestOurModuleGenerateFaults: a key that is being made is there and signs, or
// is not there at all.
func TestOurModuleGenerateFaults(t *testing.T) {
	for _, c := range []struct {
		fault string
		made  bool
	}{
		{"removed@C_GenerateKeyPair#1:50ms", false},
		{"session-lost@C_GenerateKeyPair#1", false},
		{"device-error@C_GenerateKeyPair#1", false},
		{"panic@C_GenerateKeyPair#1", false},
		{"device-error@C_SetAttributeValue#1", true}, // the key keeps its first CKA_ID
		{"session-lost@C_SignInit#1", true},          // of the proof
		{"removed@C_Sign#1:50ms", true},
	} {
		t.Run(c.fault, func(t *testing.T) {
			s, err := pkcs11.Open(t.Context(), newKeyring(t, c.fault), pkcs11.Config{PIN: once(ourPIN), Wait: 5 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			ctx := context.WithoutCancel(t.Context())
			key, err := s.Generate(ctx, pkcs11.KeySpec{Algorithm: "gost2012-256", ParamSet: "tc26-256-a", Label: "new", Placement: pkcs11.Active})
			if (err == nil) != c.made || err != nil && codeOf(err) == 0 {
				t.Fatalf("the error is %v", err)
			}
			if err == nil && signOnce(key) != nil {
				t.Error("the new key does not sign")
			}
			objects, err := s.Objects(ctx, true)
			want := map[bool]int{false: 4, true: 6}[c.made] // the two pairs of the keyring, and the new one
			if err != nil || len(objects) != want {
				t.Errorf("%d objects, want %d: %v", len(objects), want, err)
			}
		})
	}
}

// signNamed opens a token, signs with its key "256" and closes it.
func signNamed(ctx context.Context, uri string, pin token.PINFunc) error {
	s, err := pkcs11.Open(ctx, strings.Replace(uri, "pkcs11:", "pkcs11:object=256;", 1), pkcs11.Config{PIN: pin})
	if err != nil {
		return err
	}
	key, err := s.Key(ctx)
	if err == nil {
		err = signOnce(key)
	}
	return errors.Join(err, s.Close())
}

// TestOurModuleLocked: no PIN is sent to a token that says that it is locked.
func TestOurModuleLocked(t *testing.T) {
	uri := newKeyring(t, "pin-locked")
	before := record(t)
	asked := 0
	err := signNamed(t.Context(), uri, func(context.Context, token.Prompt) ([]byte, error) {
		asked++
		return []byte(ourPIN), nil
	})
	var refused *token.PINError
	if !errors.As(err, &refused) || !refused.Locked || asked != 0 || !bytes.Equal(record(t), before) {
		t.Errorf("%v, asked %d times", err, asked)
	}
	err = pkcs11.ChangePIN(t.Context(), uri, pkcs11.Config{}, false, once(ourPIN), once("87654321"))
	if !errors.As(err, &refused) || !refused.Locked || !bytes.Equal(record(t), before) {
		t.Errorf("the change of the PIN: %v", err)
	}
}

// TestOurModuleSlow: a context ends the wait for a slow token, and the store
// goes on to work.
func TestOurModuleSlow(t *testing.T) {
	s := openStore(t, newKeyring(t, "slow@C_Sign#1:500ms"), once(ourPIN))
	if _, err := s.Objects(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	for key, err := range s.Keys(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := signOnce(key); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 400*time.Millisecond {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		break
	}
	if err := signOnce(named(t, s, "256")); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// TestOurModuleMisspelt: a fault that is misspelt is an error of the module's
// start, so that no test passes because nothing was injected.
func TestOurModuleMisspelt(t *testing.T) {
	uri := newKeyring(t, "remove")
	var module *pkcs11.ModuleError
	if _, err := pkcs11.Open(t.Context(), uri, pkcs11.Config{}); !errors.As(err, &module) || codeOf(err) != 0x005 {
		t.Errorf("the error is %v", err)
	}
}
