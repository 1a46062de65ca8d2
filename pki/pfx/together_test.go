package pfx

import (
	"bytes"
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"golang.org/x/crypto/cryptobyte"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// A file opens alike whether its keys are derived together or one by one.
func TestDeriveTogether(t *testing.T) {
	const password = "Пароль для PFX"
	want := newContents(t, "gost2012-512", "tc26-512-a")
	for _, cipher := range []string{"gost28147", "kuznyechik-omac"} {
		data := mustEncode(t, want, password, Options{Cipher: cipher, Iterations: 1000})
		for lanes, keys := range map[int]int{1: 0, 2: 1, 3: 2, 4: 2} {
			d := decoder{password: []byte(password)}
			if err := d.parse(data); err != nil {
				t.Fatal(err)
			}
			macKey, err := d.deriveTogether(lanes)
			if err != nil {
				t.Fatal(err)
			}
			if len(d.derived) != keys {
				t.Errorf("%s, %d lanes: %d keys, want %d", cipher, lanes, len(d.derived), keys)
			}
			if _, err := d.mac.check(d.authSafe, d.password, macKey); err != nil {
				t.Errorf("%s, %d lanes: MAC: %v", cipher, lanes, err)
			}
			for _, s := range d.safes {
				if err := d.safe(s); err != nil {
					t.Errorf("%s, %d lanes: %v", cipher, lanes, err)
				}
			}
			got, err := d.contents()
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Certificate.Raw, want.Certificate.Raw) || len(got.Chain) != len(want.Chain) {
				t.Errorf("%s, %d lanes: other certificates", cipher, lanes)
			}
			held := []([]byte){macKey}
			for _, key := range d.derived {
				held = append(held, key)
			}
			d.wipe(macKey)
			for _, key := range held {
				if !bytes.Equal(key, make([]byte, len(key))) {
					t.Errorf("%s, %d lanes: a key is not wiped", cipher, lanes)
				}
			}
		}
		if _, err := Decode(data, []byte("wrong")); !errors.Is(err, ErrPassword) {
			t.Errorf("%s, wrong password: %v", cipher, err)
		}
	}
}

// What takes longer than the MAC is not derived before the MAC has been checked.
func TestDeriveTogetherNotLonger(t *testing.T) {
	const password = "p"
	data := mustEncode(t, newContents(t, "gost2012-256", "cryptopro-a"), password, Options{Iterations: 1000})
	d := decoder{password: []byte(password)}
	if err := d.parse(data); err != nil {
		t.Fatal(err)
	}
	d.mac.iterations--
	if _, err := d.deriveTogether(4); err != nil {
		t.Fatal(err)
	}
	if len(d.derived) != 0 {
		t.Errorf("%d keys with more iterations than the MAC", len(d.derived))
	}
}

// What the MAC costs, two derivations, counts with what the bags cost before any
// key is derived.
func TestCostOfMAC(t *testing.T) {
	params, _, err := alg.EncryptPBES2(rand.Reader, nil, nil, alg.PBES2{Iterations: 1000})
	if err != nil {
		t.Fatal(err)
	}
	const each = 0x7fff
	params.Params = bytes.Replace(params.Params, []byte{2, 2, 3, 0xe8}, []byte{2, 2, each >> 8, each & 0xff}, 1)
	const bags = (limits.PFXIterations-2*limits.PBKDF2Iterations)/each + 1
	data := synthetic(t, limits.PBKDF2Iterations, func(b *cryptobyte.Builder) {
		for range bags {
			addBag(b, oid.PKCS8ShroudedKeyBag, shrouded(params, []byte("x")), nil, "")
		}
	})
	if _, err := Decode(data, nil); err == nil || !strings.Contains(err.Error(), "in all") {
		t.Errorf("%d bags of %d iterations: %v", bags, each, err)
	}
	var d decoder
	if err := d.spend(limits.PFXIterations); err != nil {
		t.Errorf("as many iterations as there may be: %v", err)
	}
	if err := d.spend(1); err == nil {
		t.Error("one iteration more is accepted")
	}
}
