//go:build cgo && unix

package main_test

import (
	"crypto/rand"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/pkcs11"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/token/soft"
)

const (
	soPIN   = "87654321"
	userPIN = "12345678"

	vendor          = 0xD4321000
	keyPairGen512   = vendor | 5
	sign512         = vendor | 6
	deriveVKO       = vendor | 7
	withStreebog256 = vendor | 8
	withStreebog512 = vendor | 9
)

// loaded is the module in this process; it is loaded once, because Go libraries
// cannot be unloaded.
var loaded = sync.OnceValue(func() *pkcs11.Ctx {
	path, err := library()
	if err != nil {
		return nil
	}
	return pkcs11.New(path)
})

// start initializes the module with a folder of keys and a fault.
func start(t testing.TB, fault string) *pkcs11.Ctx {
	t.Helper()
	return startIn(t, filepath.Join(t.TempDir(), "keys"), fault)
}

func startIn(t testing.TB, dir, fault string) *pkcs11.Ctx {
	t.Helper()
	needLibrary(t)
	ctx := loaded()
	if ctx == nil {
		t.Fatal("the library cannot be loaded")
	}
	// A program with cgo sets C's environment too, which the library reads.
	t.Setenv("GOSKLYUCH_PKCS11_KEYS", dir)
	t.Setenv("GOSKLYUCH_PKCS11_FAULT", fault)
	if err := ctx.Initialize(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ctx.Finalize() })
	return ctx
}

// ready returns a session on an initialized keyring with the user logged in.
func ready(t testing.TB, ctx *pkcs11.Ctx) pkcs11.SessionHandle {
	t.Helper()
	check(t, ctx.InitToken(0, soPIN, "test"))
	s := session(t, ctx)
	check(t, ctx.Login(s, pkcs11.CKU_SO, soPIN))
	check(t, ctx.InitPIN(s, userPIN))
	check(t, ctx.Logout(s))
	check(t, ctx.Login(s, pkcs11.CKU_USER, userPIN))
	return s
}

func session(t testing.TB, ctx *pkcs11.Ctx) pkcs11.SessionHandle {
	t.Helper()
	s, err := ctx.OpenSession(0, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
	check(t, err)
	return s
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func code(err error) uint {
	var e pkcs11.Error
	if errors.As(err, &e) {
		return uint(e)
	}
	return 0
}

func generate(t testing.TB, ctx *pkcs11.Ctx, s pkcs11.SessionHandle, mech uint, curve oid.OID, id string) (pub, priv pkcs11.ObjectHandle) {
	t.Helper()
	both := []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_ID, []byte(id)),
		pkcs11.NewAttribute(pkcs11.CKA_LABEL, id), pkcs11.NewAttribute(pkcs11.CKA_GOSTR3410_PARAMS, curve.DER()),
	}
	pub, priv, err := ctx.GenerateKeyPair(s, []*pkcs11.Mechanism{pkcs11.NewMechanism(mech, nil)}, both, both)
	check(t, err)
	return pub, priv
}

func publicKey(t testing.TB, ctx *pkcs11.Ctx, s pkcs11.SessionHandle, pub pkcs11.ObjectHandle, curve gost3410.Curve) *gost3410.PublicKey {
	t.Helper()
	a, err := ctx.GetAttributeValue(s, pub, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_VALUE, nil)})
	check(t, err)
	k, err := gost3410.NewPublicKey(curve, a[0].Value)
	check(t, err)
	return k
}

// An independent client library goes through the life of a token.
func TestClient(t *testing.T) {
	ctx := start(t, "")
	s := ready(t, ctx)
	for _, tt := range []struct {
		gen, raw, with uint
		curve          oid.OID
	}{
		{pkcs11.CKM_GOSTR3410_KEY_PAIR_GEN, pkcs11.CKM_GOSTR3410, withStreebog256, oid.TC26_256A},
		{keyPairGen512, sign512, withStreebog512, oid.TC26_512C},
	} {
		pub, priv := generate(t, ctx, s, tt.gen, tt.curve, tt.curve.Name())
		curve, err := alg.CurveByOID(tt.curve)
		check(t, err)
		key := publicKey(t, ctx, s, pub, curve)
		message := []byte("message")
		h := streebog.New256()
		if curve.Size() == 64 {
			h = streebog.New512()
		}
		h.Write(message)
		digest := h.Sum(nil)
		check(t, ctx.SignInit(s, []*pkcs11.Mechanism{pkcs11.NewMechanism(tt.raw, nil)}, priv))
		raw, err := ctx.Sign(s, digest)
		check(t, err)
		check(t, ctx.SignInit(s, []*pkcs11.Mechanism{pkcs11.NewMechanism(tt.with, nil)}, priv))
		check(t, ctx.SignUpdate(s, message[:3]))
		check(t, ctx.SignUpdate(s, message[3:]))
		with, err := ctx.SignFinal(s)
		check(t, err)
		for _, sig := range [][]byte{raw, with} {
			if !gost3410.Verify(key, digest, sig) {
				t.Error("the core does not verify")
			}
			check(t, ctx.VerifyInit(s, []*pkcs11.Mechanism{pkcs11.NewMechanism(tt.with, nil)}, pub))
			check(t, ctx.Verify(s, message, sig))
		}
		// VKO with a key of our own, both directions.
		peer, err := gost3410.GenerateKey(curve)
		check(t, err)
		ukm := []byte{1, 2, 3, 4, 5, 6, 7, 8}
		param := pkcs11.NewMechanism(deriveVKO, vkoParam(1, peer.PublicKey().Bytes(), ukm))
		dk, err := ctx.DeriveKey(s, []*pkcs11.Mechanism{param}, priv, []*pkcs11.Attribute{
			pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY),
			pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_GENERIC_SECRET),
			pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, false), pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, true),
		})
		check(t, err)
		got, err := ctx.GetAttributeValue(s, dk, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_VALUE, nil)})
		check(t, err)
		want, err := peer.VKO(key, ukm, streebog.New256)
		check(t, err)
		if string(got[0].Value) != string(want) {
			t.Errorf("VKO: %x, want %x", got[0].Value, want)
		}
	}
}

// vkoParam writes the parameter without pointers with numbers of 4 octets.
func vkoParam(kdf byte, pub, ukm []byte) []byte {
	out := append([]byte{kdf, 0, 0, 0, byte(len(pub)), 0, 0, 0}, pub...)
	return append(append(out, byte(len(ukm)), 0, 0, 0), ukm...)
}

// Eight goroutines sign with one key, each in a session of its own, while
// another opens and closes sessions.
func TestClientGoroutines(t *testing.T) {
	ctx := start(t, "")
	s := ready(t, ctx)
	pub, priv := generate(t, ctx, s, pkcs11.CKM_GOSTR3410_KEY_PAIR_GEN, oid.CryptoProA, "k")
	key := publicKey(t, ctx, s, pub, gost3410.CryptoProA())
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			mine, err := ctx.OpenSession(0, pkcs11.CKF_SERIAL_SESSION)
			if err != nil {
				t.Error(err)
				return
			}
			for i := range 30 {
				digest := make([]byte, 32)
				digest[0], digest[1] = byte(g), byte(i)
				if err := ctx.SignInit(mine, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_GOSTR3410, nil)}, priv); err != nil {
					t.Error(err)
					return
				}
				sig, err := ctx.Sign(mine, digest)
				if err != nil || !gost3410.Verify(key, digest, sig) {
					t.Error("signature", err)
					return
				}
				if other, err := ctx.OpenSession(0, pkcs11.CKF_SERIAL_SESSION); err != nil || ctx.CloseSession(other) != nil {
					t.Error("session", err)
				}
			}
			if err := ctx.CloseSession(mine); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// Every fault comes out as its code, costs no try, and the module works after it.
func TestClientFaults(t *testing.T) {
	mech := []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_GOSTR3410, nil)}
	for _, tt := range []struct {
		fault string
		want  uint
	}{
		{"removed@C_Sign#1:100ms", pkcs11.CKR_DEVICE_REMOVED},
		{"session-lost@C_Sign#1", pkcs11.CKR_SESSION_HANDLE_INVALID},
		{"device-error@C_Sign#1", pkcs11.CKR_DEVICE_ERROR},
		{"panic@C_Sign#1", pkcs11.CKR_GENERAL_ERROR},
		{"slow@C_Sign#1:100ms", pkcs11.CKR_OK},
	} {
		t.Run(tt.fault, func(t *testing.T) {
			ctx := start(t, tt.fault)
			s := ready(t, ctx)
			_, priv := generate(t, ctx, s, pkcs11.CKM_GOSTR3410_KEY_PAIR_GEN, oid.CryptoProA, "k")
			check(t, ctx.SignInit(s, mech, priv))
			began := time.Now()
			if _, err := ctx.Sign(s, make([]byte, 32)); code(err) != tt.want {
				t.Errorf("got %v", err)
			}
			if strings.HasPrefix(tt.fault, "slow") && time.Since(began) < 100*time.Millisecond {
				t.Error("it was not slow")
			}
			for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
				list, err := ctx.GetSlotList(true)
				check(t, err)
				if len(list) == 1 {
					break
				}
				if time.Now().After(deadline) {
					t.Fatal("the token does not come back")
				}
			}
			s = session(t, ctx)
			if err := ctx.Login(s, pkcs11.CKU_USER, userPIN); err != nil && code(err) != pkcs11.CKR_USER_ALREADY_LOGGED_IN {
				t.Fatal(err)
			}
			check(t, ctx.FindObjectsInit(s, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PRIVATE_KEY)}))
			found, _, err := ctx.FindObjects(s, 5)
			check(t, err)
			check(t, ctx.FindObjectsFinal(s))
			check(t, ctx.SignInit(s, mech, found[0]))
			_, err = ctx.Sign(s, make([]byte, 32))
			check(t, err)
			info, err := ctx.GetTokenInfo(0)
			check(t, err)
			if info.Flags&(pkcs11.CKF_USER_PIN_COUNT_LOW|pkcs11.CKF_USER_PIN_LOCKED) != 0 {
				t.Error("tries were lost")
			}
		})
	}
	t.Run("pin-locked", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "keys")
		ctx := startIn(t, dir, "")
		ready(t, ctx)
		check(t, ctx.Finalize())
		startIn(t, dir, "pin-locked")
		if err := ctx.Login(session(t, ctx), pkcs11.CKU_USER, userPIN); code(err) != pkcs11.CKR_PIN_LOCKED {
			t.Errorf("got %v", err)
		}
	})
	t.Run("typing error", func(t *testing.T) {
		t.Setenv("GOSKLYUCH_PKCS11_FAULT", "remove")
		if err := loaded().Initialize(); code(err) != pkcs11.CKR_GENERAL_ERROR {
			t.Errorf("got %v", err)
		}
	})
}

// A container that the program made is a token; its password is the PIN.
func TestClientContainer(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	store, err := soft.Open(dir)
	check(t, err)
	key, err := alg.GenerateKey("gost2012-256", "")
	check(t, err)
	check(t, store.WithIterations(1000).Create(t.Context(), "ivanov", key, []byte("Пароль-2026"), soft.Meta{Label: "Иванов"}))
	ctx := startIn(t, dir, "")
	slots, err := ctx.GetSlotList(true)
	check(t, err)
	info, err := ctx.GetTokenInfo(slots[1])
	check(t, err)
	if info.Label != "Иванов" {
		t.Errorf("label %q", info.Label)
	}
	s, err := ctx.OpenSession(slots[1], pkcs11.CKF_SERIAL_SESSION)
	check(t, err)
	check(t, ctx.Login(s, pkcs11.CKU_USER, "Пароль-2026"))
	check(t, ctx.FindObjectsInit(s, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PRIVATE_KEY)}))
	found, _, err := ctx.FindObjects(s, 5)
	check(t, err)
	check(t, ctx.FindObjectsFinal(s))
	check(t, ctx.SignInit(s, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_GOSTR3410, nil)}, found[0]))
	sig, err := ctx.Sign(s, make([]byte, 32))
	check(t, err)
	if !gost3410.Verify(key.Public().(*gost3410.PublicKey), make([]byte, 32), sig) {
		t.Error("the signature does not verify")
	}
}

// BenchmarkSign compares a signature through the module with the same one made
// by the core; the ratio is what docs promise to be at most 1.5.
func BenchmarkSign(b *testing.B) {
	ctx := start(b, "")
	s := ready(b, ctx)
	for _, tt := range []struct {
		name      string
		gen, sign uint
		curve     gost3410.Curve
		id        oid.OID
	}{
		{"256", pkcs11.CKM_GOSTR3410_KEY_PAIR_GEN, pkcs11.CKM_GOSTR3410, gost3410.CryptoProA(), oid.CryptoProA},
		{"512", keyPairGen512, sign512, gost3410.TC26A512(), oid.TC26_512A},
	} {
		_, priv := generate(b, ctx, s, tt.gen, tt.id, tt.name)
		key, err := gost3410.GenerateKey(tt.curve)
		check(b, err)
		digest := make([]byte, tt.curve.Size())
		mech := []*pkcs11.Mechanism{pkcs11.NewMechanism(tt.sign, nil)}
		b.Run(tt.name, func(b *testing.B) {
			var direct, through time.Duration
			for b.Loop() {
				began := time.Now()
				_, err := key.Sign(rand.Reader, digest, nil)
				check(b, err)
				half := time.Now()
				check(b, ctx.SignInit(s, mech, priv))
				_, err = ctx.Sign(s, digest)
				check(b, err)
				direct += half.Sub(began)
				through += time.Since(half)
			}
			b.ReportMetric(float64(direct.Nanoseconds())/float64(b.N), "direct-ns/op")
			b.ReportMetric(float64(through)/float64(direct), "ratio")
		})
	}
}
