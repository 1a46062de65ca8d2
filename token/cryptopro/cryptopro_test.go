package cryptopro

import (
	"bytes"
	"crypto/rand"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/pfx"
)

// TestDeriveKey uses the vector of the library @li0ard/gost (its test "CPKDF"),
// the one published for a password that is not empty.
func TestDeriveKey(t *testing.T) {
	got := keyParams{}.deriveKey(widen([]byte("qawsqaws")), fromHex(t, "98e4f49415555d8ab20567a0"))
	if want := fromHex(t, "b551b39608787399ba85c59c68906b8f83c289ccee3c6141700dfc75ec0fd9f5"); !bytes.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
}

func unlock(files map[string][]byte, password string) (*Container, error) {
	c, err := Parse(files)
	if err != nil {
		return nil, err
	}
	if err := c.Unlock([]byte(password)); err != nil {
		return nil, err
	}
	return c, nil
}

func TestOpen(t *testing.T) {
	numbers, err := encodings([]byte("пароль"))
	if err != nil || len(numbers) != 3 {
		t.Fatal(numbers, err)
	}
	cyrillic1251, _ := encode1251([]byte("пароль"))
	end := time.Date(2027, 3, 1, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, password string
		spec           spec
	}{
		{"no password", "", spec{}},
		{"password", "1234", spec{password: widen([]byte("1234"))}},
		{"XchA", "", spec{curve: "cryptopro-xcha"}},
		{"B", "", spec{curve: "cryptopro-b"}},
		{"C", "", spec{curve: "cryptopro-c"}},
		{"TC26-256-A", "", spec{curve: "tc26-256-a"}},
		{"TC26-512-A", "p", spec{curve: "tc26-512-a", password: widen([]byte("p"))}},
		{"TC26-512-B", "", spec{curve: "tc26-512-b"}},
		{"TC26-512-C", "", spec{curve: "tc26-512-c"}},
		{"2001", "", spec{legacy: true}},
		{"2001 with a password", "p", spec{legacy: true, password: widen([]byte("p"))}},
		{"UTF-32", "пароль", spec{password: numbers[0]}},
		{"Windows-1251", "пароль", spec{password: widen(cyrillic1251)}},
		{"UTF-8", "пароль", spec{password: widen([]byte("пароль"))}},
		{"two keys", "p", spec{second: "cryptopro-xcha", password: widen([]byte("p"))}},
		{"period", "", spec{notAfter: end}},
		{"not exportable", "", spec{held: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := unlock(write(t, &c.spec), c.password)
			if err != nil {
				t.Fatal(err)
			}
			checkOpened(t, got, &c.spec)
			if got.HasPassword != (c.password != "") {
				t.Errorf("has a password: %v", got.HasPassword)
			}
			if _, err := unlock(write(t, &c.spec), "wrong"); !errors.Is(err, ErrPassword) || errors.Is(err, ErrDamaged) {
				t.Errorf("wrong password: %v", err)
			}
			if _, err := unlock(write(t, &c.spec), ""); c.password != "" && !errors.Is(err, ErrPassword) {
				t.Errorf("empty password: %v", err)
			}
		})
	}
}

func checkOpened(t *testing.T, got *Container, s *spec) {
	t.Helper()
	if len(got.Warnings) > 0 || got.Copy != 1 || got.Name != "ключ-1" || !got.Exchange || !got.NotAfter.Equal(s.notAfter) {
		t.Errorf("%+v", got)
	}
	public, ok := got.Key.Public().(*gost3410.PublicKey)
	if s.legacy {
		old, isOld := got.Key.Public().(*alg.GOST2001PublicKey)
		if !isOld || !bytes.Equal(old.Bytes(), s.key.PublicKey().Bytes()) {
			t.Error("not the key of GOST R 34.10-2001")
		}
	} else if !ok || !public.Equal(s.key.PublicKey()) || public.Curve().Name() != s.curve {
		t.Error("not the key")
	}
	p8, err := alg.MarshalPKCS8(got.Key)
	if got.Exportable == s.held || (err == nil) == s.held {
		t.Errorf("exportable %v, export: %v", got.Exportable, err)
	}
	if err == nil && !bytes.Contains(p8, s.key.Bytes()) {
		t.Error("another key was exported")
	}
	if (got.Second != nil) != (s.second != "") || got.Second != nil && got.Second.Key == nil {
		t.Error("the second key")
	}
	if s.legacy {
		return
	}
	digest := random(t, s.key.Curve().Size())
	sig, err := got.Key.Sign(rand.Reader, digest, nil)
	if err != nil || !gost3410.Verify(s.key.PublicKey(), digest, sig) {
		t.Errorf("signature: %v", err)
	}
}

func TestHeldKey(t *testing.T) {
	s := spec{held: true}
	c, err := unlock(write(t, &s), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pfx.Encode(rand.Reader, &pfx.Contents{Key: c.Key}, []byte("p"), pfx.Options{}); !errors.Is(err, pfx.ErrNotExportable) {
		t.Errorf("PFX: %v", err)
	}
	if _, err := pfx.EncodePEM(rand.Reader, &pfx.Contents{Key: c.Key}, nil, alg.PBES2{}); !errors.Is(err, pfx.ErrNotExportable) {
		t.Errorf("PEM: %v", err)
	}
	peer := newKey(t, gost3410.CryptoProA())
	ukm := []byte{1, 2, 3, 4, 5, 6, 7, 8}
	agreer, ok := c.Key.(gost3410.KeyAgreer)
	if !ok {
		t.Fatal("the key does not agree on keys")
	}
	a, errA := agreer.VKO(peer.PublicKey(), ukm, c.params.newHash)
	b, errB := s.key.VKO(peer.PublicKey(), ukm, c.params.newHash)
	if errA != nil || errB != nil || !bytes.Equal(a, b) {
		t.Errorf("VKO: %v, %v", errA, errB)
	}
	held, digest := c.Key, random(t, 32)
	c.Destroy()
	if _, err := held.Sign(rand.Reader, digest, nil); err == nil || c.Key != nil {
		t.Error("a destroyed key signs")
	}
}

func TestCertificate(t *testing.T) {
	ca := testpki.Issue(t, testpki.CA(t, "CN=Test CA,C=RU"), nil)
	leaf := testpki.Issue(t, testpki.Leaf(t, "CN=Иванов Иван,C=RU"), ca)
	key, ok := leaf.Key.(*gost3410.PrivateKey)
	if !ok {
		t.Fatal("not a GOST key")
	}
	s := spec{key: key, cert: leaf.Cert.Raw}
	c, err := unlock(write(t, &s), "")
	if err != nil || c.Certificate == nil || c.CertificateErr != nil || !bytes.Equal(c.Certificate.Raw, leaf.Cert.Raw) {
		t.Errorf("%v, %v", err, c)
	}
	s.cert = append(bytes.Clone(leaf.Cert.Raw), ca.Cert.Raw...)
	if c, err = unlock(write(t, &s), ""); err != nil || len(c.Chain) != 1 || !bytes.Equal(c.Chain[0].Raw, ca.Cert.Raw) {
		t.Errorf("with its issuer: %v, %v", err, c)
	}
	s.cert = ca.Cert.Raw
	if c, err = unlock(write(t, &s), ""); err != nil || c.Certificate != nil || !errors.Is(c.CertificateErr, alg.ErrKeyMismatch) {
		t.Errorf("another's: %v, %v", err, c)
	}
	s.cert = leaf.Cert.Raw[:100]
	if c, err = unlock(write(t, &s), ""); err != nil || c.Certificate != nil || c.CertificateErr == nil {
		t.Errorf("cut off: %v, %v", err, c)
	}
}

// TestTruncation cuts every file at every octet: a copy of the key may be
// broken, the header not, and a broken name harms nothing.
func TestTruncation(t *testing.T) {
	s := spec{second: "cryptopro-xcha", notAfter: time.Date(2027, 3, 1, 10, 0, 0, 0, time.UTC)}
	whole := write(t, &s)
	for _, name := range fileNames() {
		for n := range whole[name] {
			files := maps.Clone(whole)
			files[name] = files[name][:n]
			c, err := unlock(files, "")
			if name == fileHeader {
				if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), fileHeader) {
					t.Errorf("%s: %d octets: %v", name, n, err)
				}
				continue
			}
			if err != nil || len(c.Warnings) != 1 || !errors.Is(c.Warnings[0], ErrDamaged) || !strings.Contains(c.Warnings[0].Error(), name) {
				t.Errorf("%s: %d octets: %v, %+v", name, n, err, c)
				continue
			}
			if first := name == filePrimary || name == fileMasks; first != (c.Copy == 2) || !s.key.PublicKey().Equal(c.Key.Public()) {
				t.Errorf("%s: %d octets: copy %d", name, n, c.Copy)
			}
			// The other copy broken too.
			if strings.HasSuffix(name, "2.key") {
				delete(files, fileMasks)
				if _, err := unlock(files, ""); !errors.Is(err, ErrDamaged) {
					t.Errorf("%s: %d octets, and no first copy: %v", name, n, err)
				}
			}
		}
	}
}

// TestAltered flips a bit of every octet: the key is right or there is none.
func TestAltered(t *testing.T) {
	s := spec{password: widen([]byte("p"))}
	whole := write(t, &s)
	for _, name := range fileNames() {
		for i := range whole[name] {
			files := maps.Clone(whole)
			files[name] = bytes.Clone(files[name])
			files[name][i] ^= 4
			c, err := unlock(files, "p")
			if err != nil {
				var unsupported *UnsupportedError
				if name != fileHeader || !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrForeignHeader) && !errors.As(err, &unsupported) {
					t.Errorf("%s, octet %d: %v", name, i, err)
				}
				continue
			}
			if !s.key.PublicKey().Equal(c.Key.Public()) {
				// The curve may have become another name of the same one.
				t.Errorf("%s, octet %d: another key", name, i)
			}
			// A second copy that can be read is not opened while the first fits.
			if name != fileName && name != filePrimary2 && len(c.Warnings) == 0 {
				t.Errorf("%s, octet %d: no warning", name, i)
			}
			if name == fileHeader && c.Exportable {
				t.Errorf("octet %d of an altered header: exportable", i)
			}
		}
	}
}

func TestForeignHeader(t *testing.T) {
	own := spec{password: widen([]byte("p"))}
	files := write(t, &own)
	for name, other := range map[string]*spec{
		"the same kind":       {password: widen([]byte("p"))},
		"another password":    {password: widen([]byte("q"))},
		"no password":         {},
		"another curve":       {curve: "tc26-256-a"},
		"another length":      {curve: "tc26-512-a", password: widen([]byte("p"))},
		"another generation":  {legacy: true, password: widen([]byte("p"))},
		"another, with two":   {second: "cryptopro-xcha", password: widen([]byte("p"))},
		"another, not to go ": {held: true},
	} {
		mixed := maps.Clone(files)
		mixed[fileHeader] = write(t, other)[fileHeader]
		if _, err := unlock(mixed, "p"); !errors.Is(err, ErrForeignHeader) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := unlock(mixed, "r"); !errors.Is(err, ErrPassword) && name != "another length" {
			t.Errorf("%s, wrong password: %v", name, err)
		}
	}
	// With one copy nothing tells a foreign header from a damaged key.
	mixed := maps.Clone(files)
	mixed[fileHeader] = write(t, &spec{password: widen([]byte("p"))})[fileHeader]
	delete(mixed, filePrimary2)
	if _, err := unlock(mixed, "p"); !errors.Is(err, ErrDamaged) {
		t.Errorf("one copy: %v", err)
	}
}

func TestDamagedKey(t *testing.T) {
	s := spec{password: widen([]byte("p"))}
	whole := write(t, &s)
	files := maps.Clone(whole)
	for _, name := range []string{filePrimary, filePrimary2} {
		files[name] = bytes.Clone(files[name])
		files[name][10] ^= 1
	}
	if _, err := unlock(files, "p"); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), filePrimary) {
		t.Errorf("primary.key: %v", err)
	}
	if _, err := unlock(files, "q"); !errors.Is(err, ErrPassword) {
		t.Errorf("primary.key and a wrong password: %v", err)
	}
	files = maps.Clone(whole)
	for _, name := range []string{fileMasks, fileMasks2} {
		files[name] = bytes.Clone(files[name])
		files[name][10] ^= 1
	}
	if _, err := unlock(files, "p"); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "masks") {
		t.Errorf("masks.key: %v", err)
	}
	files = maps.Clone(whole)
	files[fileMasks], files[fileMasks2] = files[fileMasks2], files[fileMasks]
	if _, err := unlock(files, "p"); !errors.Is(err, ErrDamaged) {
		t.Errorf("masks exchanged: %v", err)
	}
	files[fileHeader] = nil
	if _, err := unlock(files, "p"); !errors.Is(err, ErrDamaged) {
		t.Errorf("an empty header: %v", err)
	}
	if _, err := Parse(map[string][]byte{"primary.key": whole[filePrimary]}); !errors.Is(err, ErrNotContainer) {
		t.Errorf("no header: %v", err)
	}
}

func TestUnsupported(t *testing.T) {
	const csp5 oid.OID = "1.2.643.2.2.37.4"
	files := write(t, &spec{})
	newer := maps.Clone(files)
	newer[fileMasks] = sequence(func(b *cryptobyte.Builder) {
		b.AddBytes(sequence(csp5.Add))
		b.AddASN1OctetString(random(t, 32))
		implicit(b, 2, random(t, 16))
	})
	newer[fileHeader] = []byte{0x30, 0} // of another form
	var unsupported *UnsupportedError
	if _, err := unlock(newer, ""); !errors.As(err, &unsupported) || unsupported.OID != csp5 {
		t.Errorf("a container of CSP 5: %v", err)
	}
	ec := maps.Clone(files)
	gost, ecdsa := oid.AgreementGOST2012_256.DER(), oid.ECPublicKey.DER()
	ecdsa = append(ecdsa, make([]byte, len(gost)-len(ecdsa))...)
	ec[fileHeader] = bytes.Replace(ec[fileHeader], gost, ecdsa, 1)
	if _, err := unlock(ec, ""); !errors.As(err, &unsupported) || unsupported.OID != oid.ECPublicKey {
		t.Errorf("an ECDSA key: %v", err)
	}
	if _, err := unlock(files, strings.Repeat("p", 1025)); err == nil || errors.Is(err, ErrPassword) {
		t.Errorf("a long password: %v", err)
	}
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	if IsContainer(dir) || IsContainer(filepath.Join(dir, "none")) {
		t.Error("an empty folder is taken for a container")
	}
	if _, err := Open(dir, nil); !errors.Is(err, ErrNotContainer) {
		t.Errorf("an empty folder: %v", err)
	}
	if _, err := Open(filepath.Join(dir, "none"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	s := spec{password: widen([]byte("p"))}
	for name, b := range write(t, &s) {
		if err := os.WriteFile(filepath.Join(dir, strings.ToUpper(name)), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := Open(dir, []byte("p"))
	if !IsContainer(dir) || err != nil || !s.key.PublicKey().Equal(c.Key.Public()) {
		t.Errorf("%v, %v", err, c)
	}
	if err := os.Remove(filepath.Join(dir, "NAME.KEY")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "NAME.KEY"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, []byte("p")); err == nil {
		t.Error("a folder in place of a file was read")
	}
}

func TestText(t *testing.T) {
	const text = "Ёлка № 1 «тест» ѓ"
	b, ok := encode1251([]byte(text))
	if !ok || decode1251(b) != text {
		t.Errorf("%x, %q", b, decode1251(b))
	}
	if _, ok := encode1251([]byte("漢")); ok {
		t.Error("a character that Windows-1251 has not was encoded")
	}
	for i := range 128 {
		b := []byte{byte(0x80 + i)}
		if back, ok := encode1251([]byte(decode1251(b))); i != 0x18 && (!ok || !bytes.Equal(back, b)) {
			t.Errorf("octet %x", b)
		}
	}
	if got := nameText(0x16, b); got != text {
		t.Errorf("%q", got)
	}
}
