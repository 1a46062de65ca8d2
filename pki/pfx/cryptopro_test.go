package pfx

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math/bits"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/gost/gost28147"
	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/gost/legacy/gost341194"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

func fromHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func cryptoProParams(salt []byte, iterations int64) alg.Identifier {
	return alg.Identifier{OID: oid.CryptoProPBE, Params: sequence(func(b *cryptobyte.Builder) {
		b.AddASN1OctetString(salt)
		b.AddASN1Int64(iterations)
	})}
}

func sequence(f cryptobyte.BuilderContinuation) []byte {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, f)
	return b.BytesOrPanic()
}

// counting returns n octets first, first+1, …
func counting(first byte, n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = first + byte(i)
	}
	return out
}

// TestCryptoProVector is the known answer of libpogost's test for the key bag:
// password "123456", salt 00…0f, 2000 iterations, key 00…1f, UKM 01…08.
func TestCryptoProVector(t *testing.T) {
	d := decoder{password: []byte("123456")}
	key, iv, err := d.cryptoProKey(cryptoProParams(counting(0, 16), 2000))
	if err != nil {
		t.Fatal(err)
	}
	b := exportBlob{
		kind: blobKinds()[0], ukm: counting(1, 8),
		encKey: fromHex(t, "3eae7a87e68ab6f2b63571a15c31484690ef986879403c58a80bfb6d0ab917f5"),
		mac:    fromHex(t, "cf2a3be2"),
	}
	if got, err := b.unwrap(key); err != nil || !bytes.Equal(got, counting(0, 32)) {
		t.Errorf("key %x, %v", got, err)
	}
	b.mac[3] ^= 1
	if _, err := b.unwrap(key); !errors.Is(err, ErrDamaged) {
		t.Errorf("another checksum: %v", err)
	}
	cfb, err := gost28147.NewCFBDecrypter(key, gost28147.SBoxCryptoProA(), iv, true)
	if err != nil {
		t.Fatal(err)
	}
	got := fromHex(t, "13864cc2c7bc694c9e5c2cfa1560a54db0987d9b65b4711856963f80c4ae2502")
	cfb.XORKeyStream(got, got)
	if !bytes.Equal(got, counting(0, 32)) {
		t.Errorf("CFB: %x", got)
	}
}

// TestDiversify unwraps the content key of the message in RFC 4490, section 9.3,
// with the private key of RFC 4491, section 4.2: the one published use of the
// CryptoPro Key Unwrap.
func TestDiversify(t *testing.T) {
	d := fromHex(t, "0B293BE050D0082BDAE785631A6BAB68F35B42786D6DDA56AFAF169891040F77")
	slices.Reverse(d)
	key, err := gost3410.NewPrivateKey(gost3410.CryptoProXchA(), d)
	if err != nil {
		t.Fatal(err)
	}
	peer, err := gost3410.NewPublicKey(gost3410.CryptoProXchA(), fromHex(t, ""+
		"4D2B2F3390E6DCA3DD552ACDDFE0EFFB31F7737E4EFFBF78898A2BC3CD319404"+
		"4B0E6048961FDBC75D126FDAB2408A77B5BDEAF2EC34CB239F9B8BDD9E12C0F6"))
	if err != nil {
		t.Fatal(err)
	}
	b := exportBlob{
		kind: blobKinds()[2], ukm: fromHex(t, "9795E32C2BAD2B0C"),
		encKey: fromHex(t, "6A2FA8210695689F9FE447AA9ECB61152B7E4160BC5D8DFBF53D281B189AF975"),
		mac:    fromHex(t, "366D98B7"),
	}
	kek, err := key.VKO(peer, b.ukm, gost341194.New)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.unwrap(kek); err != nil {
		t.Error(err)
	}
	b.ukm[0] ^= 1
	if _, err := b.unwrap(kek); !errors.Is(err, ErrDamaged) {
		t.Errorf("another UKM: %v", err)
	}
}

// TestRC2 holds the vectors of RFC 2268, section 5.
func TestRC2(t *testing.T) {
	for _, v := range []struct {
		key       string
		effective int
		plain     string
		cipher    string
	}{
		{"0000000000000000", 63, "0000000000000000", "ebb773f993278eff"},
		{"ffffffffffffffff", 64, "ffffffffffffffff", "278b27e42e2f0d49"},
		{"3000000000000000", 64, "1000000000000001", "30649edf9be7d2c2"},
		{"88", 64, "0000000000000000", "61a8a244adacccf0"},
		{"88bca90e90875a", 64, "0000000000000000", "6ccf4308974c267f"},
		{"88bca90e90875a7f0f79c384627bafb2", 64, "0000000000000000", "1a807d272bbe5db1"},
		{"88bca90e90875a7f0f79c384627bafb2", 128, "0000000000000000", "2269552ab0f85ca6"},
		{"88bca90e90875a7f0f79c384627bafb216f80a6f85920584c42fceb0be255daf1e", 129, "0000000000000000", "5b78d3a43dfff1f1"},
	} {
		c := newRC2(fromHex(t, v.key), v.effective)
		out := make([]byte, 8)
		c.Decrypt(out, fromHex(t, v.cipher))
		if !bytes.Equal(out, fromHex(t, v.plain)) {
			t.Errorf("key %s, %d bits: %x", v.key, v.effective, out)
		}
		if got := c.encrypt(out); !bytes.Equal(got, fromHex(t, v.cipher)) {
			t.Errorf("key %s: the tests' encryption: %x", v.key, got)
		}
	}
}

// encrypt is RFC 2268, section 3, for the files that tests make.
func (c *rc2) encrypt(src []byte) []byte {
	var r [4]uint16
	for i := range r {
		r[i] = binary.LittleEndian.Uint16(src[2*i:])
	}
	j := 0
	for round := range 16 {
		for i, shift := range [4]int{1, 2, 3, 5} {
			r[i] += c.k[j] + r[(i+3)%4]&r[(i+2)%4] + ^r[(i+3)%4]&r[(i+1)%4]
			r[i] = bits.RotateLeft16(r[i], shift)
			j++
		}
		if round == 4 || round == 10 {
			for i := range r {
				r[i] += c.k[r[(i+3)%4]&63]
			}
		}
	}
	out := make([]byte, 0, 8)
	for _, x := range r {
		out = binary.LittleEndian.AppendUint16(out, x)
	}
	return out
}

// A cspFile says what PFX of the CSP a test makes.
type cspFile struct {
	key      *gost3410.PrivateKey
	legacy   bool
	password string
	held     bool
	rc2      bool // certificates under RC2; else plain
	inBits   bool // the length in the blob
	period   time.Time
	damage   func(blob []byte) // of the blob before it is encrypted
	noMAC    bool
	certs    []*pki.Certificate
}

const cspIterations = 20

func (f *cspFile) write(t testing.TB) []byte {
	t.Helper()
	safe := sequence(func(b *cryptobyte.Builder) {
		addData(b, sequence(func(b *cryptobyte.Builder) {
			addBag(b, oid.PKCS8ShroudedKeyBag, f.shrouded(t), []byte{1, 0, 0, 0}, "контейнер")
		}))
		certs := sequence(func(b *cryptobyte.Builder) {
			for i, c := range f.certs {
				id := []byte{1, 0, 0, 0}
				if i > 0 {
					id = nil
				}
				addCertBag(b, c, id, "")
			}
		})
		if f.rc2 {
			f.addRC2(t, b, certs)
		} else {
			addData(b, certs)
		}
	})
	return sequence(func(b *cryptobyte.Builder) {
		b.AddASN1Int64(3)
		addData(b, safe)
		if f.noMAC {
			return
		}
		salt := random(t, 20)
		mac := hmac.New(sha1.New, pkcs12KDF(newSHA1, idMAC, f.bmp(t), salt, cspIterations, sha1.Size))
		mac.Write(safe)
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				alg.NULL(oid.SHA1).Add(b)
				b.AddASN1OctetString(mac.Sum(nil))
			})
			b.AddASN1OctetString(salt)
			b.AddASN1Int64(cspIterations)
		})
	})
}

func random(t testing.TB, n int) []byte {
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		t.Fatal(err)
	}
	return b
}

func (f *cspFile) bmp(t testing.TB) []byte {
	b, err := bmpString([]byte(f.password))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// addRC2 adds an EncryptedData under pbeWithSHAAnd40BitRC2-CBC.
func (f *cspFile) addRC2(t testing.TB, b *cryptobyte.Builder, content []byte) {
	salt := random(t, 8)
	pad := 8 - len(content)%8
	content = append(content, bytes.Repeat([]byte{byte(pad)}, pad)...)
	c := newRC2(pkcs12KDF(newSHA1, idKey, f.bmp(t), salt, cspIterations, 5), 40)
	last := pkcs12KDF(newSHA1, idIV, f.bmp(t), salt, cspIterations, 8)
	for i := 0; i < len(content); i += 8 {
		for j := range 8 {
			content[i+j] ^= last[j]
		}
		last = c.encrypt(content[i:])
		copy(content[i:], last)
	}
	id := alg.Identifier{OID: oid.PBEWithSHA1AndRC2_40, Params: cryptoProParams(salt, cspIterations).Params}
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		oid.EncryptedData.Add(b)
		b.AddASN1(asn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(0)
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
					oid.Data.Add(b)
					id.Add(b)
					b.AddASN1(asn1.Tag(0).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(content) })
				})
			})
		})
	})
}

// shrouded is the key bag.
func (f *cspFile) shrouded(t testing.TB) []byte {
	id := cryptoProParams(random(t, 16), cspIterations)
	d := decoder{password: []byte(f.password)}
	key, iv, err := d.cryptoProKey(id)
	if err != nil {
		t.Fatal(err)
	}
	plain := f.blob(t, key)
	if f.damage != nil {
		f.damage(plain)
	}
	cfb, err := gost28147.NewCFBEncrypter(key, gost28147.SBoxCryptoProA(), iv, true)
	if err != nil {
		t.Fatal(err)
	}
	cfb.XORKeyStream(plain, plain)
	return shrouded(id, plain)
}

// kindOf is the row of an exchange key.
func (f *cspFile) kindOf() blobKind {
	for _, k := range blobKinds() {
		if k.exchange && k.size == f.key.Curve().Size() && (k.key == oid.GOST2001) == f.legacy {
			return k
		}
	}
	return blobKind{}
}

func (f *cspFile) blob(t testing.TB, key []byte) []byte {
	b := exportBlob{kind: f.kindOf(), ukm: random(t, 8)}
	kek, err := b.kek(key, gost28147.SBoxCryptoProA())
	if err != nil {
		t.Fatal(err)
	}
	block, err := gost28147.NewCipher(kek, gost28147.SBoxCryptoProA())
	if err != nil {
		t.Fatal(err)
	}
	mac, err := gost28147.NewMAC(kek, gost28147.SBoxCryptoProA(), b.ukm, false)
	if err != nil {
		t.Fatal(err)
	}
	enc := f.key.Bytes()
	mac.Write(enc)
	for i := 0; i < len(enc); i += 8 {
		block.Encrypt(enc[i:], enc[i:])
	}
	length := uint32(b.kind.size)
	if f.inBits {
		length *= 8
	}
	header := binary.LittleEndian.AppendUint32([]byte{7, 0x20, 0, 0}, b.kind.algID)
	header = binary.LittleEndian.AppendUint32(append(header, "MAG1"...), length)
	body := sequence(func(s *cryptobyte.Builder) {
		s.AddASN1(asn1.SEQUENCE, func(s *cryptobyte.Builder) {
			s.AddASN1OctetString(b.ukm)
			s.AddASN1(asn1.SEQUENCE, func(s *cryptobyte.Builder) {
				s.AddASN1OctetString(enc)
				s.AddASN1OctetString(mac.Sum(nil))
			})
			s.AddASN1(asn1.Tag(0).ContextSpecific().Constructed(), f.parameters)
		})
		s.AddASN1OctetString(random(t, 4))
	})
	return sequence(func(s *cryptobyte.Builder) {
		s.AddASN1Int64(0)
		alg.NULL(oid.GOST2012_256).Add(s)
		s.AddASN1OctetString(append(header, body...))
		if !f.period.IsZero() {
			s.AddASN1(asn1.Tag(1).ContextSpecific().Constructed(), f.extensions)
		}
	})
}

func (f *cspFile) parameters(b *cryptobyte.Builder) {
	attributes := uint32(5) // pkaExportable, pkaExchange
	if f.held {
		attributes = 4
	}
	der.AddBitString(b, attributes)
	curve, _ := oid.ByName(f.key.Curve().Name())
	algorithm, digest := oid.AgreementGOST2012_256, oid.Streebog256
	switch {
	case f.legacy:
		algorithm, digest = oid.GOST2001DH, oid.GOST341194CryptoProParams
	case f.key.Curve().Size() == 64:
		algorithm, digest = oid.AgreementGOST2012_512, oid.Streebog512
	}
	b.AddASN1(asn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
		algorithm.Add(b)
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			curve.Add(b)
			digest.Add(b)
		})
	})
}

func (f *cspFile) extensions(b *cryptobyte.Builder) {
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		oid.CryptoProKeyValidity.Add(b)
		b.AddASN1OctetString(sequence(func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.Tag(1).ContextSpecific(), func(b *cryptobyte.Builder) {
				b.AddBytes([]byte(f.period.UTC().Format("20060102150405Z")))
			})
		}))
	})
}

func newCSPFile(t testing.TB, set string) *cspFile {
	t.Helper()
	algorithm := "gost2012-256"
	if strings.HasPrefix(set, "tc26-512") {
		algorithm = "gost2012-512"
	}
	c := newContents(t, algorithm, set)
	key, ok := c.Key.(*gost3410.PrivateKey)
	if !ok {
		t.Fatalf("%T", c.Key)
	}
	return &cspFile{key: key, password: "пароль", certs: append([]*pki.Certificate{c.Certificate}, c.Chain...)}
}

func TestCryptoProFiles(t *testing.T) {
	end := time.Date(2027, 3, 1, 10, 0, 0, 0, time.UTC)
	for name, change := range map[string]func(*cspFile){
		"a password":       func(*cspFile) {},
		"no password":      func(f *cspFile) { f.password = "" },
		"beyond the BMP":   func(f *cspFile) { f.password = "p😀" },
		"RC2":              func(f *cspFile) { f.rc2 = true },
		"RC2, no password": func(f *cspFile) { f.rc2, f.password = true, "" },
		"length in bits":   func(f *cspFile) { f.inBits = true },
		"period":           func(f *cspFile) { f.period = end },
		"no MAC":           func(f *cspFile) { f.noMAC = true },
		"not exportable":   func(f *cspFile) { f.held = true },
	} {
		for _, set := range []string{"cryptopro-xcha", "tc26-512-a"} {
			t.Run(name+" "+set, func(t *testing.T) {
				f := newCSPFile(t, set)
				change(f)
				checkCSPFile(t, f)
			})
		}
	}
}

func checkCSPFile(t *testing.T, f *cspFile) {
	data := f.write(t)
	c, err := Decode(data, []byte(f.password))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "CryptoPro", c, &Contents{Key: f.key, Certificate: f.certs[0], Chain: f.certs[1:]})
	if c.NotExportable != f.held || !c.Period.NotAfter.Equal(f.period) || c.FriendlyName != "контейнер" {
		t.Errorf("%+v", c)
	}
	if _, err := Encode(rand.Reader, c, []byte("p"), Options{Iterations: 1000}); f.held != errors.Is(err, ErrNotExportable) {
		t.Errorf("export: %v", err)
	}
	if _, err := Decode(data, []byte("wrong")); !errors.Is(err, ErrPassword) {
		t.Errorf("wrong password: %v", err)
	}
	asked := asker{password: f.password}
	if c, err := ReadKeyFile(data, asked.ask); err != nil || asked.calls != 1 || !alg.EqualKeys(c.Key.Public(), f.key.Public()) {
		t.Errorf("as a key file: %v", err)
	}
}

// TestCryptoPro2001 reads a key of GOST R 34.10-2001, which has no certificate
// here because nothing makes one any more.
func TestCryptoPro2001(t *testing.T) {
	f := newCSPFile(t, "cryptopro-xcha")
	f.legacy, f.certs = true, nil
	c, err := Decode(f.write(t), []byte(f.password))
	if err != nil {
		t.Fatal(err)
	}
	public, ok := c.Key.Public().(*alg.GOST2001PublicKey)
	if !ok || !bytes.Equal(public.Bytes(), f.key.PublicKey().Bytes()) {
		t.Errorf("%T", c.Key.Public())
	}
}

// TestCryptoProDamage alters each octet of the plaintext before it is
// encrypted, so that the MAC of the file fits: that is damage, or the octet
// carries nothing; never a wrong password and never another key.
func TestCryptoProDamage(t *testing.T) {
	f := newCSPFile(t, "cryptopro-a")
	f.certs = nil
	n := 0
	f.damage = func(b []byte) { n = len(b) }
	f.write(t)
	for i := range n {
		f.damage = func(b []byte) { b[i] ^= 4 }
		c, err := Decode(f.write(t), []byte(f.password))
		if errors.Is(err, ErrPassword) {
			t.Errorf("octet %d: %v", i, err)
		}
		if err == nil && !f.key.PublicKey().Equal(c.Key.Public()) {
			t.Errorf("octet %d: another key", i)
		}
	}
	// Without a MAC what is no structure may be either.
	f.noMAC, f.damage = true, func(b []byte) { b[0] = 0 }
	if _, err := Decode(f.write(t), []byte(f.password)); !errors.Is(err, ErrPassword) {
		t.Errorf("no MAC and no structure: %v", err)
	}
}

func TestCryptoProRefused(t *testing.T) {
	for name, id := range map[string]alg.Identifier{
		"no parameters":       alg.NULL(oid.CryptoProPBE),
		"a short salt":        cryptoProParams(make([]byte, 7), 2000),
		"too many iterations": cryptoProParams(make([]byte, 16), 65536),
	} {
		data := synthetic(t, 0, func(b *cryptobyte.Builder) {
			addBag(b, oid.PKCS8ShroudedKeyBag, shrouded(id, []byte("x")), nil, "")
		})
		if _, err := Decode(data, nil); err == nil || errors.Is(err, ErrPassword) {
			t.Errorf("%s: %v", name, err)
		}
	}
	f := newCSPFile(t, "cryptopro-a")
	f.damage = func(b []byte) {
		i := bytes.Index(b, []byte("MAG1"))
		copy(b[i-4:], []byte{0, 0xa4, 0, 0}) // CALG_RSA_KEYX
	}
	if _, err := Decode(f.write(t), []byte(f.password)); err == nil || errors.Is(err, ErrDamaged) || errors.Is(err, ErrPassword) {
		t.Errorf("an RSA key in the blob: %v", err)
	}
}
