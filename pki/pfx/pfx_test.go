package pfx

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/sha1"
	"errors"
	"hash"
	"math/big"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// passwords are of the three classes that dialects treat differently.
var passwords = []string{"Passw0rd", "", "Пароль для PFX"}

func newCert(t testing.TB, cn string, pub crypto.PublicKey, parent *pki.Certificate, signer crypto.Signer) *pki.Certificate {
	t.Helper()
	name, err := pki.ParseDN("CN=" + cn)
	if err != nil {
		t.Fatal(err)
	}
	der, err := pki.CreateCertificate(rand.Reader, &pki.CertificateTemplate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: name,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		BasicConstraints: true, IsCA: parent == nil, MaxPathLen: -1,
	}, parent, pub, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := pki.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// newContents makes a key with a certificate by a root of the same kind.
func newContents(t testing.TB, algorithm, set string) *Contents {
	t.Helper()
	var keys [2]crypto.Signer
	for i := range keys {
		var err error
		if keys[i], err = alg.GenerateKey(algorithm, set); err != nil {
			t.Fatal(err)
		}
	}
	root := newCert(t, "Корневой центр", keys[0].Public(), nil, keys[0])
	leaf := newCert(t, "Пользователь", keys[1].Public(), root, keys[0])
	return &Contents{Key: keys[1], Certificate: leaf, Chain: []*pki.Certificate{root}, FriendlyName: "ключ"}
}

func mustEncode(t testing.TB, c *Contents, password string, o Options) []byte {
	t.Helper()
	der, err := Encode(rand.Reader, c, []byte(password), o)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func same(t *testing.T, what string, got, want *Contents) {
	t.Helper()
	if !alg.EqualKeys(got.Key.Public(), want.Key.Public()) {
		t.Errorf("%s: another key", what)
	}
	if got.Certificate == nil || !bytes.Equal(got.Certificate.Raw, want.Certificate.Raw) {
		t.Errorf("%s: another certificate", what)
	}
	if len(got.Chain) != len(want.Chain) || !bytes.Equal(got.Chain[0].Raw, want.Chain[0].Raw) {
		t.Errorf("%s: a chain of %d", what, len(got.Chain))
	}
}

func TestRoundTrip(t *testing.T) {
	for _, k := range [][2]string{{"gost2012-256", "cryptopro-xcha"}, {"gost2012-512", "tc26-512-c"}, {"ecdsa-p256", ""}, {"rsa-2048", ""}} {
		want := newContents(t, k[0], k[1])
		for _, cipher := range []string{"", "gost28147", "kuznyechik", "magma", "kuznyechik-omac", "magma-omac", "aes256"} {
			for _, pw := range passwords {
				der := mustEncode(t, want, pw, Options{Cipher: cipher, Iterations: 1000})
				got, err := Decode(der, []byte(pw))
				if err != nil {
					t.Errorf("%s, cipher %q, password %q: %v", k[0], cipher, pw, err)
					continue
				}
				same(t, k[0]+" "+cipher, got, want)
				foreign := cipher == "" && !strings.HasPrefix(k[0], "gost")
				if !foreign && (got.FriendlyName != "ключ" || got.MAC != "rfc9548 streebog512") {
					t.Errorf("%s: name %q, MAC %q", k[0], got.FriendlyName, got.MAC)
				}
				if _, err := Decode(der, []byte(pw+"x")); !errors.Is(err, ErrPassword) {
					t.Errorf("%s, cipher %q, wrong password: %v", k[0], cipher, err)
				}
			}
		}
	}
}

func TestKeyWithoutCertificate(t *testing.T) {
	want := newContents(t, "gost2012-256", "cryptopro-a")
	der := mustEncode(t, &Contents{Key: want.Key}, "p", Options{Iterations: 1000})
	got, err := Decode(der, []byte("p"))
	if err != nil || got.Certificate != nil || len(got.Chain) != 0 || !alg.EqualKeys(got.Key.Public(), want.Key.Public()) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := Encode(rand.Reader, &Contents{Key: want.Key, Certificate: want.Chain[0]}, nil, Options{}); !errors.Is(err, alg.ErrKeyMismatch) {
		t.Errorf("the certificate of another key: %v", err)
	}
	if _, err := Encode(rand.Reader, &Contents{Certificate: want.Certificate}, nil, Options{}); !errors.Is(err, ErrNoKey) {
		t.Errorf("no key: %v", err)
	}
}

// A changed octet is a wrong password (the MAC cannot tell) or damage; never
// success, and never another error than those two where the password is right.
func TestChangedOctets(t *testing.T) {
	der := mustEncode(t, newContents(t, "gost2012-256", "cryptopro-a"), "p", Options{Iterations: 1000})
	for i := 0; i < len(der); i += 17 {
		bad := bytes.Clone(der)
		bad[i] ^= 0x10
		if _, err := Decode(bad, []byte("p")); err == nil {
			t.Fatalf("octet %d changed: opened", i)
		}
	}
	for n := 0; n < len(der); n += 13 {
		if _, err := Decode(der[:n], []byte("p")); !errors.Is(err, ErrDamaged) {
			t.Errorf("%d of %d octets: %v", n, len(der), err)
		}
	}
	if _, err := Decode(append(bytes.Clone(der), 0), []byte("p")); !errors.Is(err, ErrDamaged) {
		t.Errorf("a trailing octet: %v", err)
	}
	last := bytes.Clone(der)
	i := bytes.LastIndex(last, []byte{4, 64}) // the MAC
	last[i+5] ^= 1
	if _, err := Decode(last, []byte("p")); !errors.Is(err, ErrPassword) || errors.Is(err, ErrDamaged) {
		t.Errorf("one bit of the MAC: %v", err)
	}
}

// synthetic builds a PFX whose MAC data and bags a test chooses.
func synthetic(t *testing.T, iterations int64, bags cryptobyte.BuilderContinuation) []byte {
	t.Helper()
	seq := func(f cryptobyte.BuilderContinuation) []byte {
		var b cryptobyte.Builder
		b.AddASN1(asn1.SEQUENCE, f)
		return b.BytesOrPanic()
	}
	safe := seq(func(b *cryptobyte.Builder) { addData(b, seq(bags)) })
	return seq(func(b *cryptobyte.Builder) {
		b.AddASN1Int64(3)
		addData(b, safe)
		if iterations == 0 {
			return
		}
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				alg.Identifier{OID: oid.Streebog512}.Add(b)
				b.AddASN1OctetString(make([]byte, 64))
			})
			b.AddASN1OctetString(make([]byte, 8))
			b.AddASN1Int64(iterations)
		})
	})
}

func TestIterationLimit(t *testing.T) {
	nothing := func(*cryptobyte.Builder) {}
	for _, n := range []int64{1<<31 - 1, 1 << 40, limits.PBKDF2Iterations + 1, -1} {
		start := time.Now()
		_, err := Decode(synthetic(t, n, nothing), nil)
		if err == nil || !strings.Contains(err.Error(), "iterations") || time.Since(start) > time.Second {
			t.Errorf("%d iterations: %v after %v", n, err, time.Since(start))
		}
	}
	// Many bags that cost a lot each are refused as a sum, before any work.
	params, _, err := alg.EncryptPBES2(rand.Reader, nil, nil, alg.PBES2{Iterations: 1000})
	if err != nil {
		t.Fatal(err)
	}
	params.Params = bytes.Replace(params.Params, []byte{2, 2, 3, 0xe8}, []byte{2, 2, 0x7f, 0xff}, 1)
	start := time.Now()
	_, err = Decode(synthetic(t, 1, func(b *cryptobyte.Builder) {
		for range 1000 {
			addBag(b, oid.PKCS8ShroudedKeyBag, shrouded(params, []byte("x")), nil, "")
		}
	}), nil)
	if err == nil || !strings.Contains(err.Error(), "in all") || time.Since(start) > time.Second {
		t.Errorf("1000 bags: %v after %v", err, time.Since(start))
	}
	for _, n := range []int{1, 999, limits.PBKDF2Iterations + 1} {
		if _, err := Encode(rand.Reader, newContents(t, "gost2012-256", ""), nil, Options{Iterations: n}); err == nil {
			t.Errorf("%d iterations are written", n)
		}
	}
}

func shrouded(id alg.Identifier, data []byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		id.Add(b)
		b.AddASN1OctetString(data)
	})
	return b.BytesOrPanic()
}

// Encryption that is not read is recognised by name, whatever the password.
func TestUnknownEncryptionIsNamed(t *testing.T) {
	der := synthetic(t, 2000, func(b *cryptobyte.Builder) {
		addBag(b, oid.PKCS8ShroudedKeyBag, shrouded(alg.NULL("1.2.840.113549.1.12.1.81"), []byte("x")), nil, "")
	})
	var unsupported *UnsupportedError
	if _, err := Decode(der, nil); !errors.As(err, &unsupported) || unsupported.OID != "1.2.840.113549.1.12.1.81" {
		t.Errorf("%v", err)
	}
}

func TestNoKey(t *testing.T) {
	c := newContents(t, "gost2012-256", "cryptopro-a")
	der := synthetic(t, 0, func(b *cryptobyte.Builder) { addCertBag(b, c.Certificate, nil, "") })
	if _, err := Decode(der, nil); !errors.Is(err, ErrNoKey) {
		t.Errorf("a certificate alone: %v", err)
	}
	p8, err := alg.MarshalPKCS8(c.Key)
	if err != nil {
		t.Fatal(err)
	}
	der = synthetic(t, 0, func(b *cryptobyte.Builder) {
		addCertBag(b, c.Certificate, nil, "")
		addBag(b, oid.KeyBag, p8, nil, "имя")
	})
	got, err := Decode(der, nil)
	if err != nil || got.MAC != MACNone || got.FriendlyName != "имя" || got.Certificate == nil {
		t.Errorf("a plain key bag without MAC: %+v, %v", got, err)
	}
	// localKeyId says that they belong together; the keys say otherwise.
	der = synthetic(t, 0, func(b *cryptobyte.Builder) {
		addCertBag(b, c.Chain[0], []byte{1}, "")
		addBag(b, oid.KeyBag, p8, []byte{1}, "")
	})
	if _, err := Decode(der, nil); !errors.Is(err, alg.ErrKeyMismatch) {
		t.Errorf("the certificate of another key: %v", err)
	}
}

// Indefinite lengths and a constructed OCTET STRING, as Bouncy Castle writes.
func TestBER(t *testing.T) {
	want := newContents(t, "gost2012-256", "cryptopro-a")
	der := mustEncode(t, want, "p", Options{Iterations: 1000})
	in := cryptobyte.String(der)
	var body, version, authSafe, mac, explicit, content cryptobyte.String
	var kind oid.OID
	if !in.ReadASN1(&body, asn1.SEQUENCE) || !body.ReadASN1Element(&version, asn1.INTEGER) || !body.ReadASN1(&authSafe, asn1.SEQUENCE) ||
		!oid.Read(&authSafe, &kind) || !authSafe.ReadASN1(&explicit, asn1.Tag(0).ContextSpecific().Constructed()) ||
		!explicit.ReadASN1(&content, asn1.OCTET_STRING) || !body.ReadASN1Element(&mac, asn1.SEQUENCE) {
		t.Fatal("our own file cannot be read")
	}
	half := len(content) / 2
	var pieces cryptobyte.Builder
	pieces.AddASN1OctetString(content[:half])
	pieces.AddASN1OctetString(content[half:])
	end := []byte{0, 0}
	ber := bytes.Join([][]byte{
		{0x30, 0x80},
		version,
		{0x30, 0x80},
		oid.Data.DER(),
		{0xa0, 0x80},
		{0x24, 0x80},
		pieces.BytesOrPanic(), end, end, end,
		mac, end,
	}, nil)
	got, err := Decode(ber, []byte("p"))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "BER", got, want)
}

func TestPKCS12KDFLengths(t *testing.T) {
	// The first octets do not depend on how many are asked for.
	long := pkcs12KDF(newSHA1, idKey, []byte{0, 'a', 0, 0}, []byte("saltsalt"), 3, 100)
	for n := 1; n < 100; n++ {
		if got := pkcs12KDF(newSHA1, idKey, []byte{0, 'a', 0, 0}, []byte("saltsalt"), 3, n); !bytes.Equal(got, long[:n]) {
			t.Fatalf("%d octets: %x", n, got)
		}
	}
	if bmp, err := bmpString([]byte("Aя😀")); err != nil || !bytes.Equal(bmp, []byte{0, 'A', 4, 0x4f, 0xd8, 0x3d, 0xde, 0, 0, 0}) {
		t.Errorf("%x, %v", bmp, err)
	}
	if _, err := bmpString([]byte{0xff}); err == nil {
		t.Error("a password that is no text becomes a BMPString")
	}
}

func newSHA1() hash.Hash { return sha1.New() }
