package pkcs11

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"errors"
	"slices"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/token"
)

// signs checks that a key signs what verifies.
func signs(t testing.TB, key crypto.Signer) {
	t.Helper()
	if err := trySign(key); err != nil {
		t.Error(err)
	}
}

func trySign(key crypto.Signer) error {
	message := []byte("документ")
	sig, err := alg.SignMessage(rand.Reader, key, alg.Identifier{}, message)
	if err != nil {
		return err
	}
	return alg.VerifyMessage(key.Public(), alg.SignatureForKey(key.Public()), alg.Identifier{}, message, sig)
}

var gostSpecs = []KeySpec{
	{Algorithm: "gost2012-256", Label: "default"},
	{Algorithm: "gost2012-256", ParamSet: "tc26-256-a", Label: "a"},
	{Algorithm: "gost2012-256", ParamSet: "cryptopro-b", Label: "b"},
	{Algorithm: "gost2012-512", Label: "default 512"},
	{Algorithm: "gost2012-512", ParamSet: "tc26-512-c", Label: "c"},
}

func TestActive(t *testing.T) {
	hashing := []uint{ckmGOSTKeyPairGen, ckmGOSTWithStreebog256, ckmGOSTKeyPairGen512, ckmGOSTWithStreebog512}
	for _, c := range []struct {
		name   string
		change func(*fakeModule)
		hashes bool
	}{
		{"raw", func(*fakeModule) {}, false},
		{"wrapped public key", func(f *fakeModule) { f.wrap = true }, false},
		{"parameters in both templates", func(f *fakeModule) { f.strict = true }, false},
		{"PIN for each signature", func(f *fakeModule) { f.always = true }, false},
		{"hashing inside", func(f *fakeModule) { f.mechs = hashing }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, uri := newFake(t)
			c.change(f)
			s := openStore(t, uri, Config{PIN: newAsker().get})
			for _, spec := range gostSpecs {
				spec.Placement = Active
				key := generate(t, s, spec)
				if _, ok := key.(crypto.MessageSigner); ok != c.hashes {
					t.Fatalf("%s: hashing inside is %v", spec.Label, ok)
				}
				signs(t, key)
			}
			if _, err := s.Generate(t.Context(), KeySpec{Algorithm: "rsa-2048", Placement: Active}); !errors.Is(err, ErrUnsupported) {
				t.Errorf("RSA on a token without it: %v", err)
			}
			n := 0
			for key, err := range s.Keys(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				signs(t, key)
				n++
			}
			if n != len(gostSpecs) {
				t.Errorf("%d keys are listed", n)
			}
			if f.tries != 3 {
				t.Errorf("%d tries are left", f.tries)
			}
		})
	}
}

func TestHashingKeyRefusesDigests(t *testing.T) {
	f, uri := newFake(t)
	f.mechs = []uint{ckmGOSTKeyPairGen, ckmGOSTWithStreebog256}
	s := openStore(t, uri, Config{PIN: newAsker().get})
	key := generate(t, s, KeySpec{Algorithm: "gost2012-256", Label: "k", Placement: Active})
	if _, err := key.Sign(rand.Reader, make([]byte, 32), crypto.Hash(0)); !errors.Is(err, ErrUnsupported) {
		t.Errorf("a digest: %v", err)
	}
}

// TestWrongCurve: SoftHSM over Botan makes a key on another curve than it says.
func TestWrongCurve(t *testing.T) {
	f, uri := newFake(t)
	f.wrongSet = gost3410.CryptoProA()
	s := openStore(t, uri, Config{PIN: newAsker().get})
	if k, err := s.Generate(t.Context(), KeySpec{Algorithm: "gost2012-256", ParamSet: "tc26-256-a", Label: "k", Placement: Active}); err == nil {
		t.Fatalf("got %v", k)
	}
	if len(f.objects) != 0 {
		t.Errorf("%d objects are left", len(f.objects))
	}
}

func TestVKO(t *testing.T) {
	f, uri := newFake(t)
	s := openStore(t, uri, Config{PIN: newAsker().get})
	for _, spec := range []KeySpec{
		{Algorithm: "gost2012-256", Label: "active", Placement: Active},
		{Algorithm: "gost2012-512", Label: "active 512", Placement: Active},
		{Algorithm: "gost2012-256", Label: "passive", Placement: Passive, Password: []byte(password)},
	} {
		key, ok := generate(t, s, spec).(gost3410.KeyAgreer)
		if !ok {
			t.Fatal("the key agrees on nothing")
		}
		pub := key.Public().(*gost3410.PublicKey) //nolint:forcetypeassert // a GOST key
		peer, err := gost3410.GenerateKey(pub.Curve())
		if err != nil {
			t.Fatal(err)
		}
		ukm := []byte{1, 2, 3, 4, 5, 6, 7, 8}
		got, err := key.VKO(peer.PublicKey(), ukm, streebog.New256)
		if err != nil {
			t.Fatal(spec.Label, err)
		}
		want, err := peer.VKO(pub, ukm, streebog.New256)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %x, the peer has %x, %v", spec.Label, got, want, err)
		}
		if _, err := key.VKO(peer.PublicKey(), make([]byte, 8), streebog.New256); !errors.Is(err, gost3410.ErrUKM) {
			t.Errorf("%s: UKM 0: %v", spec.Label, err)
		}
	}
	for _, o := range f.objects {
		if readUlong(o[ckaClass]) == ckoSecretKey {
			t.Error("the agreed key was left on the token")
		}
	}
	f.mechs = slices.DeleteFunc(f.mechs, func(m uint) bool { return m == ckmGOST12Derive })
	other := openStore(t, uri, Config{PIN: newAsker().get})
	for key, err := range other.Keys(t.Context()) {
		k, ok := key.(*Key)
		if err != nil || !ok || k.Passive() {
			continue
		}
		if _, err := k.VKO(k.pub.(*gost3410.PublicKey), []byte{1}, streebog.New256); !errors.Is(err, ErrUnsupported) { //nolint:forcetypeassert // a GOST key
			t.Errorf("without the mechanism: %v", err)
		}
	}
}

func TestImportExport(t *testing.T) {
	_, uri := newFake(t)
	s := openStore(t, uri, Config{PIN: newAsker().get})
	ctx := context.WithoutCancel(t.Context())
	for _, spec := range []KeySpec{
		{Label: "stays", Placement: Active},
		{Label: "leaves", Placement: Active, Exportable: true},
		{Label: "passive", Placement: Passive, Password: []byte(password)},
	} {
		for _, algorithm := range []string{"gost2012-256", "gost2012-512"} {
			soft, err := alg.GenerateKey(algorithm, "")
			if err != nil {
				t.Fatal(err)
			}
			spec.Label += algorithm
			key, err := s.Import(ctx, soft, spec)
			if err != nil {
				t.Fatal(spec.Label, err)
			}
			signs(t, key)
			if !alg.EqualKeys(key.Public(), soft.Public()) {
				t.Errorf("%s: another public key", spec.Label)
			}
			if _, err := s.Import(ctx, soft, spec); err == nil {
				t.Errorf("%s: stored twice", spec.Label)
			}
			out, err := s.Export(ctx, key)
			if spec.Placement == Active && !spec.Exportable {
				if !errors.Is(err, ErrNotExportable) {
					t.Errorf("%s: %v", spec.Label, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", spec.Label, err)
				continue
			}
			if k, ok := soft.(*gost3410.PrivateKey); !ok || !k.Equal(out) {
				t.Errorf("%s: another key came out", spec.Label)
			}
		}
	}
}

func TestChoose(t *testing.T) {
	_, uri := newFake(t)
	a := newAsker()
	s := openStore(t, uri, Config{PIN: a.get})
	one := generate(t, s, KeySpec{Algorithm: "gost2012-256", Label: "one", Placement: Active})
	generate(t, s, KeySpec{Algorithm: "gost2012-256", Label: "two", Placement: Active})
	if _, err := s.Key(t.Context()); !errors.Is(err, ErrAmbiguous) {
		t.Errorf("two keys: %v", err)
	}
	for _, u := range []string{one.(*Key).URI().String(), uri[:len(scheme)] + "object=one;" + uri[len(scheme):]} { //nolint:forcetypeassert // an active key
		s := openStore(t, u, Config{PIN: a.get})
		k, err := s.Key(t.Context())
		if err != nil || k.Label() != "one" || !bytes.Equal(k.ID(), one.ID()) {
			t.Errorf("%s: %v, %v", u, k, err)
		}
	}
	none := openStore(t, uri[:len(scheme)]+"object=three;"+uri[len(scheme):], Config{PIN: a.get})
	if _, err := none.Key(t.Context()); !errors.Is(err, ErrNotFound) {
		t.Errorf("no such key: %v", err)
	}
	if n := a.count(token.SecretPIN); n != 1 {
		t.Errorf("the PIN was asked for %d times; the login is shared", n)
	}
}

func TestDelete(t *testing.T) {
	f, uri := newFake(t)
	s := openStore(t, uri, Config{PIN: newAsker().get})
	generate(t, s, KeySpec{Algorithm: "gost2012-256", Label: "k", Placement: Active})
	generate(t, s, KeySpec{Algorithm: "gost2012-256", Label: "p", Placement: Passive, Password: []byte(password)})
	list, err := s.Objects(t.Context(), true)
	if err != nil || len(list) != 4 {
		t.Fatalf("%d objects, %v", len(list), err)
	}
	for _, confirm := range []func(Object) bool{nil, func(Object) bool { return false }} {
		if n, err := s.Delete(t.Context(), list, confirm); n != 0 || !errors.Is(err, ErrConsent) || len(f.objects) != 4 {
			t.Fatalf("%d deleted without consent: %v", n, err)
		}
	}
	if n, err := s.Delete(t.Context(), list, func(Object) bool { return true }); n != 4 || err != nil || len(f.objects) != 0 {
		t.Fatalf("%d deleted, %d left: %v", n, len(f.objects), err)
	}
}
