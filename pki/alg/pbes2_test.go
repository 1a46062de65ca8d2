package alg

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// pbkdf2Vectors are those of RFC 9337, appendix A, but for the one with 2^24
// iterations.
var pbkdf2Vectors = []struct {
	password, salt string
	iterations, n  int
	want           string
}{
	{"password", "salt", 1, 64, "64770af7f748c3b1c9ac831dbcfd85c26111b30a8a657ddc3056b80ca73e040d" +
		"2854fd36811f6d825cc4ab66ec0a68a490a9e5cf5156b3a2b7eecddbf9a16b47"},
	{"password", "salt", 2, 64, "5a585bafdfbb6e8830d6d68aa3b43ac00d2e4aebce01c9b31c2caed56f0236d4" +
		"d34b2b8fbd2c4e89d54d46f50e47d45bbac301571743119e8d3c42ba66d348de"},
	{"password", "salt", 4096, 64, "e52deb9a2d2aaff4e2ac9d47a41f34c20376591c67807f0477e32549dc341bc7" +
		"867c09841b6d58e29d0347c996301d55df0d34e47cf68f4e3c2cdaf1d9ab86c3"},
	{"passwordPASSWORDpassword", "saltSALTsaltSALTsaltSALTsaltSALTsalt", 4096, 100, "b2d8f1245fc4d29274802057e4b54e0a0753aa22fc53760b301cf008679e58fe" +
		"4bee9addcae99ba2b0b20f431a9c5e50f395c89387d0945aedeca6eb4015dfc2" +
		"bd2421ee9bb71183ba882ceebfef259f33f9e27dc6178cb89dc37428cf9cc52a2baa2d3a"},
	{"pass\x00word", "sa\x00lt", 4096, 64, "50df062885b69801a3c10248eb0a27ab6e522ffeb20c991c660f001475d73a4e" +
		"167f782c18e97e92976d9c1d970831ea78ccb879f67068cdac1910740844e830"},
}

func TestPBKDF2Vectors(t *testing.T) {
	for _, v := range pbkdf2Vectors {
		p := kdfParams{salt: []byte(v.salt), iterations: v.iterations, prf: NULL(oid.HMACStreebog512)}
		got, err := p.derive([]byte(v.password), v.n)
		if err != nil || hex.EncodeToString(got) != v.want {
			t.Errorf("%d iterations: %x, %v", v.iterations, got, err)
		}
	}
}

var allCiphers = []string{"gost28147", "kuznyechik", "kuznyechik-omac", "magma", "magma-omac", "aes256"}

func TestPBES2RoundTrip(t *testing.T) {
	// 3000 octets cross two key meshings of GOST 28147-89.
	plain := make([]byte, 3000)
	for i := range plain {
		plain[i] = byte(i)
	}
	for _, name := range allCiphers {
		for _, password := range []string{"", "Passw0rd", "Пароль для PFX"} {
			for _, n := range []int{0, 1, 15, 16, 17, 3000} {
				id, data, err := EncryptPBES2(rand.Reader, plain[:n], []byte(password), PBES2{Cipher: name, Iterations: 1000})
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				got, err := DecryptPBES2(id, data, []byte(password))
				if err != nil || !bytes.Equal(got, plain[:n]) {
					t.Errorf("%s, password %q, %d octets: %v", name, password, n, err)
				}
			}
		}
	}
}

// A cipher with a MAC finds a wrong password and any changed octet.
func TestPBES2Authenticates(t *testing.T) {
	for _, name := range []string{"kuznyechik-omac", "magma-omac"} {
		id, data, err := EncryptPBES2(rand.Reader, []byte("secret"), []byte("one"), PBES2{Cipher: name, Iterations: 1000})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := DecryptPBES2(id, data, []byte("two")); !errors.Is(err, ErrPassword) {
			t.Errorf("%s, wrong password: %v", name, err)
		}
		for i := range data {
			bad := bytes.Clone(data)
			bad[i] ^= 1
			if _, err := DecryptPBES2(id, bad, []byte("one")); !errors.Is(err, ErrPassword) {
				t.Errorf("%s, octet %d changed: %v", name, i, err)
			}
		}
		if _, err := DecryptPBES2(id, data[:3], []byte("one")); err == nil {
			t.Errorf("%s: data shorter than the MAC is accepted", name)
		}
	}
}

func TestEncryptedPKCS8(t *testing.T) {
	key := newGOST(t, "cryptopro-xcha")
	p8, err := MarshalPKCS8(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range allCiphers {
		der, err := EncryptPKCS8(rand.Reader, p8, []byte("Пароль1x"), PBES2{Cipher: name, Iterations: 1000})
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecryptPKCS8(der, []byte("Пароль1x"))
		if err != nil || !bytes.Equal(got, p8) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := DecryptPKCS8(der, []byte("Пароль1y")); !errors.Is(err, ErrPassword) {
			t.Errorf("%s, wrong password: %v", name, err)
		}
		// A file that is cut off is damaged, whatever the password.
		if _, err := DecryptPKCS8(der[:len(der)-1], []byte("Пароль1x")); err == nil || errors.Is(err, ErrPassword) {
			t.Errorf("%s, cut off: %v", name, err)
		}
	}
}

// pbes2Of builds an identifier whose numbers a test chooses.
func pbes2Of(salt []byte, iterations, keyLength int64, prf, cipher Identifier) Identifier {
	kdf := Identifier{OID: oid.PBKDF2, Params: tlvBuild(func(b *cryptobyte.Builder) {
		b.AddASN1OctetString(salt)
		b.AddASN1Int64(iterations)
		if keyLength != 0 {
			b.AddASN1Int64(keyLength)
		}
		if prf.OID != "" {
			prf.Add(b)
		}
	})}
	return Identifier{OID: oid.PBES2, Params: tlvBuild(func(b *cryptobyte.Builder) {
		kdf.Add(b)
		cipher.Add(b)
	})}
}

func tlvBuild(f cryptobyte.BuilderContinuation) []byte {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, f)
	return b.BytesOrPanic()
}

func TestPBES2Limits(t *testing.T) {
	cfb := Identifier{OID: oid.GOST28147, Params: tlvBuild(func(b *cryptobyte.Builder) {
		b.AddASN1OctetString(make([]byte, 8))
		oid.GOST28147ParamZ.Add(b)
	})}
	streebog := NULL(oid.HMACStreebog512)
	salt := make([]byte, 8)
	for _, c := range []struct {
		name string
		id   Identifier
		want string
	}{
		{"2^31-1 iterations", pbes2Of(salt, 1<<31-1, 0, streebog, cfb), "iterationCount"},
		{"one above the limit", pbes2Of(salt, limits.PBKDF2Iterations+1, 0, streebog, cfb), "iterationCount"},
		{"no iterations", pbes2Of(salt, 0, 0, streebog, cfb), "iterationCount"},
		{"negative iterations", pbes2Of(salt, -1, 0, streebog, cfb), "iterationCount"},
		{"a salt without end", pbes2Of(make([]byte, limits.PBKDF2Salt+1), 1000, 0, streebog, cfb), "salt"},
		{"a key that is too long", pbes2Of(salt, 1000, 1<<20, streebog, cfb), "keyLength"},
		{"a key of another length", pbes2Of(salt, 1000, 16, streebog, cfb), "keyLength"},
		{"an unknown PRF", pbes2Of(salt, 1000, 0, NULL("1.2.3"), cfb), "1.2.3"},
		{"an unknown cipher", pbes2Of(salt, 1000, 0, streebog, NULL("1.2.4")), "1.2.4"},
	} {
		if _, err := DecryptPBES2(c.id, make([]byte, 16), nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if limits.PBKDF2Iterations < 1_000_000 {
		t.Error("files with 1,000,000 iterations must open")
	}
	// The PRF is HMAC-SHA-1 where it is absent (RFC 8018, appendix A.2).
	if _, err := DecryptPBES2(pbes2Of(salt, 1, 32, Identifier{}, cfb), make([]byte, 16), nil); err != nil {
		t.Errorf("PRF absent: %v", err)
	}
	for _, n := range []int{1, 999, limits.PBKDF2Iterations + 1} {
		if _, _, err := EncryptPBES2(rand.Reader, nil, nil, PBES2{Iterations: n}); err == nil {
			t.Errorf("%d iterations are written", n)
		}
	}
}

func TestPBMAC1(t *testing.T) {
	mac := func(scheme Identifier, keyLength int64) Identifier {
		return Identifier{OID: oid.PBMAC1, Params: tlvBuild(func(b *cryptobyte.Builder) {
			Identifier{OID: oid.PBKDF2, Params: tlvBuild(func(b *cryptobyte.Builder) {
				b.AddASN1OctetString([]byte("saltsalt"))
				b.AddASN1Int64(1000)
				if keyLength != 0 {
					b.AddASN1Int64(keyLength)
				}
				NULL(oid.HMACStreebog512).Add(b)
			})}.Add(b)
			scheme.Add(b)
		})}
	}
	one, err := PBMAC1(mac(NULL(oid.HMACStreebog512), 32), []byte("m"), []byte("p"))
	if err != nil || len(one) != 64 {
		t.Fatalf("%x, %v", one, err)
	}
	// RFC 9337, section 6.1: the last 32 octets are the key, so that another
	// length gives another MAC.
	two, err := PBMAC1(mac(NULL(oid.HMACStreebog512), 96), []byte("m"), []byte("p"))
	if err != nil || bytes.Equal(one, two) {
		t.Errorf("%x, %v", two, err)
	}
	if _, err := PBMAC1(mac(NULL(oid.HMACStreebog512), 0), []byte("m"), []byte("p")); err == nil {
		t.Error("keyLength may be absent")
	}
	if _, err := PBMAC1(mac(NULL(oid.HMACStreebog512), 31), []byte("m"), []byte("p")); err == nil {
		t.Error("keyLength may be 31")
	}
}
