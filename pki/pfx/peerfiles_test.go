package pfx

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// testdata/keyfiles.json holds one key in rare forms that other programs write;
// each file names the program, its version and its arguments.
func TestRareKeyFiles(t *testing.T) {
	raw, err := os.ReadFile("testdata/keyfiles.json")
	if err != nil {
		t.Fatal(err)
	}
	var set struct {
		PublicKey string
		Files     []struct{ Name, Source, Password, Data string }
	}
	if err := json.Unmarshal(raw, &set); err != nil {
		t.Fatal(err)
	}
	spki, err := hex.DecodeString(set.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	want, err := alg.ParsePublicKey(spki)
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Files) < 10 {
		t.Fatalf("%d files", len(set.Files))
	}
	for _, f := range set.Files {
		data, err := hex.DecodeString(f.Data)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ReadKeyFile(bytes.Clone(data), (&asker{password: f.Password}).ask)
		if err != nil || !alg.EqualKeys(got.Key.Public(), want) {
			t.Errorf("%s (%s): %v", f.Name, f.Source, err)
		}
		for _, wrong := range []string{f.Password + "x", ""} {
			if _, err := ReadKeyFile(bytes.Clone(data), (&asker{password: wrong}).ask); !errors.Is(err, ErrPassword) {
				t.Errorf("%s, wrong password: %v", f.Name, err)
			}
		}
		for _, cut := range []int{1, len(data) / 2, len(data) - 3} {
			a := &asker{password: f.Password}
			if _, err := ReadKeyFile(bytes.Clone(data[:len(data)-cut]), a.ask); err == nil || errors.Is(err, ErrPassword) || a.calls != 0 {
				t.Errorf("%s without %d octets: %v, the password was asked for %d times", f.Name, cut, err, a.calls)
			}
		}
	}
}

// Bags inside an encrypted safe are out of sight until it is open; what they
// cost is summed before the first of them is opened.
func TestHiddenBagCost(t *testing.T) {
	params, _, err := alg.EncryptPBES2(rand.Reader, nil, nil, alg.PBES2{Iterations: 1000})
	if err != nil {
		t.Fatal(err)
	}
	costly := params
	costly.Params = bytes.Replace(params.Params, []byte{2, 2, 3, 0xe8}, []byte{2, 2, 0x7f, 0xff}, 1)
	var bags cryptobyte.Builder
	bags.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for range limits.PFXIterations/0x7fff + 1 {
			addBag(b, oid.PKCS8ShroudedKeyBag, shrouded(costly, []byte("x")), nil, "")
		}
	})
	id, hidden, err := alg.EncryptPBES2(rand.Reader, bags.BytesOrPanic(), []byte("p"), alg.PBES2{Iterations: 1000})
	if err != nil {
		t.Fatal(err)
	}
	d := decoder{password: []byte("p")}
	start := time.Now()
	err = d.safe(safe{content: hidden, encryption: id})
	if err == nil || !strings.Contains(err.Error(), "in all") || time.Since(start) > 2*time.Second {
		t.Errorf("%v after %v", err, time.Since(start))
	}
}

// RFC 5958, section 3: "receivers MUST support BER" of the private key.
func TestBERPrivateKey(t *testing.T) {
	want := newContents(t, "gost2012-256", "tc26-256-a")
	p8, err := alg.MarshalPKCS8(want.Key)
	if err != nil {
		t.Fatal(err)
	}
	ber := append(append([]byte{0x30, 0x80}, p8[2:]...), 0, 0) // a length of one octet
	enc, err := alg.EncryptPKCS8(rand.Reader, ber, []byte("p"), alg.PBES2{Iterations: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"plain": ber, "encrypted": enc} {
		got, err := ReadKeyFile(data, (&asker{password: "p"}).ask)
		if err != nil || !alg.EqualKeys(got.Key.Public(), want.Key.Public()) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
