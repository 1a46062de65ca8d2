package pfx

import (
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"

	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// cheap says whether opening b costs a fuzzer little; the limits allow more.
func cheap(b []byte) bool {
	var d decoder
	if d.parse(b) != nil {
		return true
	}
	n := d.spent
	if d.mac != nil {
		cost, err := d.mac.cost()
		if err != nil {
			return true
		}
		n += cost
	}
	return n < 20_000 && (!d.foreign || d.cryptoPro)
}

// withoutMAC reads the bags of b whether the MAC fits or not, so that what is
// behind it is reached.
func withoutMAC(b []byte) {
	d := decoder{password: []byte("p")}
	if d.parse(b) != nil {
		return
	}
	for _, s := range d.safes {
		if d.safe(s) != nil {
			return
		}
	}
	if c, err := d.contents(); err == nil && c.Key == nil {
		panic("no key and no error")
	}
}

func FuzzDecode(f *testing.F) {
	c := newContents(f, "gost2012-256", "cryptopro-a")
	f.Add(mustEncode(f, c, "p", Options{Iterations: 1000}))
	f.Add(mustEncode(f, c, "p", Options{Iterations: 1000, Cipher: "kuznyechik-omac"}))
	f.Add(mustEncode(f, newContents(f, "ecdsa-p256", ""), "p", Options{Iterations: 1000}))
	csp := newCSPFile(f, "cryptopro-a")
	csp.password, csp.rc2 = "p", true
	f.Add(csp.write(f))
	f.Fuzz(func(t *testing.T, b []byte) {
		if !cheap(b) {
			return
		}
		got, err := Decode(b, []byte("p"))
		if err == nil && got.Certificate != nil && !alg.EqualKeys(got.Certificate.PublicKey, got.Key.Public()) {
			t.Error("key and certificate do not belong together")
		}
		withoutMAC(b)
	})
}

func FuzzReadKeyFile(f *testing.F) {
	c := newContents(f, "gost2012-256", "cryptopro-a")
	p8, err := alg.MarshalPKCS8(c.Key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append(pemOf("PRIVATE KEY", p8), pemOf("CERTIFICATE", c.Certificate.Raw)...))
	f.Add(p8)
	f.Fuzz(func(t *testing.T, b []byte) {
		refuse := func() ([]byte, error) { return nil, ErrPassword } // FuzzDecode opens files
		if got, err := ReadKeyFile(b, refuse); err == nil && got.Key == nil {
			t.Error("no key and no error")
		}
	})
}

// FuzzParseExportBlob reads what a key bag of the CSP has inside, and unwraps it
// under a fixed key.
func FuzzParseExportBlob(f *testing.F) {
	csp := newCSPFile(f, "cryptopro-a")
	key := make([]byte, 32)
	f.Add(csp.blob(f, key))
	csp.period = time.Date(2027, 3, 1, 10, 0, 0, 0, time.UTC)
	f.Add(csp.blob(f, key))
	f.Fuzz(func(t *testing.T, b []byte) {
		blob, err := parseExportBlob(b)
		if err != nil {
			return
		}
		if secret, err := blob.unwrap(key); err == nil && len(secret) != blob.kind.size {
			t.Errorf("a key of %d octets", len(secret))
		}
	})
}

func FuzzCryptoProKeyPeriod(f *testing.F) {
	csp := cspFile{period: time.Date(2027, 3, 1, 10, 0, 0, 0, time.UTC)}
	var b cryptobyte.Builder
	csp.extensions(&b)
	f.Add(b.BytesOrPanic())
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, ok := CryptoProKeyPeriod(b, oid.CryptoProKeyValidity); !ok && p != (KeyPeriod{}) {
			t.Errorf("refused, and yet %v", p)
		}
	})
}
