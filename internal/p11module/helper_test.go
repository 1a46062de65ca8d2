package p11module

import (
	"crypto/rand"
	"encoding/binary"
	"math/big"
	"path/filepath"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/token/soft"
)

const (
	soPIN   = "87654321"
	userPIN = "12345678"
	badPIN  = "00000000"
	goodPW  = "Пароль-2026"
)

// newModule returns an initialized module over an empty folder.
func newModule(t testing.TB, env map[string]string) (*Module, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "keys")
	m := New(Config{Iterations: 1000, Getenv: func(name string) string {
		if name == DirVariable {
			return dir
		}
		return env[name]
	}})
	must(t, m.Initialize())
	t.Cleanup(func() { m.Finalize() })
	return m, dir
}

func must(t testing.TB, rv RV) {
	t.Helper()
	if rv != RVOK {
		t.Fatalf("got %v, want CKR_OK", rv)
	}
}

func want(t testing.TB, what string, got, want RV) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// newToken initializes the keyring and returns a session with the user logged
// in.
func newToken(t testing.TB, m *Module) uint64 {
	t.Helper()
	must(t, m.InitToken(0, []byte(soPIN), "test token                      "))
	h := open(t, m, 0)
	must(t, m.Login(h, userSO, []byte(soPIN)))
	must(t, m.InitPIN(h, []byte(userPIN)))
	must(t, m.Logout(h))
	must(t, m.Login(h, userUser, []byte(userPIN)))
	return h
}

func open(t testing.TB, m *Module, slot uint64) uint64 {
	t.Helper()
	h, rv := m.OpenSession(slot, sessionSerial|sessionReadWrite)
	must(t, rv)
	return h
}

func ulong(n uint64) []byte { return binary.NativeEndian.AppendUint64(nil, n) }

func at(attr uint64, v any) Attribute {
	switch v := v.(type) {
	case bool:
		return Attribute{attr, boolean(v)}
	case int:
		return Attribute{attr, ulong(uint64(v))}
	case string:
		return Attribute{attr, []byte(v)}
	case oid.OID:
		return Attribute{attr, v.DER()}
	case []byte:
		return Attribute{attr, v}
	}
	return Attribute{Type: attr}
}

// generate makes a token key pair.
func generate(t testing.TB, m *Module, h uint64, mech uint64, curve oid.OID, id string) (pub, priv uint64) {
	t.Helper()
	pub, priv, rv := m.GenerateKeyPair(h, Mechanism{Type: mech},
		[]Attribute{at(attrToken, true), at(attrGOSTR3410Params, curve), at(attrID, id), at(attrLabel, "key "+id)},
		[]Attribute{at(attrToken, true), at(attrID, id), at(attrLabel, "key "+id)})
	must(t, rv)
	return pub, priv
}

// attribute reads one attribute.
func attribute(t testing.TB, m *Module, h, obj, attr uint64) []byte {
	t.Helper()
	q := []Query{{Type: attr}}
	must(t, m.GetAttributeValue(h, obj, q))
	q[0].Buf = make([]byte, q[0].Len)
	must(t, m.GetAttributeValue(h, obj, q))
	return q[0].Buf
}

// find returns the objects that match.
func find(t testing.TB, m *Module, h uint64, template ...Attribute) []uint64 {
	t.Helper()
	must(t, m.FindObjectsInit(h, template))
	out := make([]uint64, 100)
	n, rv := m.FindObjects(h, out)
	must(t, rv)
	must(t, m.FindObjectsFinal(h))
	return out[:n]
}

// sign makes a signature in one call.
func sign(t testing.TB, m *Module, h, mech, key uint64, data []byte) []byte {
	t.Helper()
	must(t, m.SignInit(h, Mechanism{Type: mech}, key))
	n, rv := m.Sign(h, data, Output{Query: true})
	must(t, rv)
	out := make([]byte, n)
	n, rv = m.Sign(h, data, Output{Buf: out})
	must(t, rv)
	return out[:n]
}

// publicOf rebuilds the public key of an object from its attributes.
func publicOf(t testing.TB, m *Module, h, pub uint64) *gost3410.PublicKey {
	t.Helper()
	o, ok := parseOID(attribute(t, m, h, pub, attrGOSTR3410Params))
	if !ok {
		t.Fatal("CKA_GOSTR3410_PARAMS")
	}
	c, err := alg.CurveByOID(o)
	if err != nil {
		t.Fatal(err)
	}
	k, err := gost3410.NewPublicKey(c, attribute(t, m, h, pub, attrValue))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// newContainer puts a container with a certificate into the folder.
func newContainer(t testing.TB, dir, name, algorithm string) {
	t.Helper()
	store, err := soft.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	key, err := alg.GenerateKey(algorithm, "")
	if err != nil {
		t.Fatal(err)
	}
	dn, err := pki.ParseDN("CN=" + name)
	if err != nil {
		t.Fatal(err)
	}
	der, err := pki.CreateCertificate(rand.Reader, &pki.CertificateTemplate{
		SerialNumber: big.NewInt(1), Subject: dn, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour),
	}, nil, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := pki.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	err = store.WithIterations(1000).Create(t.Context(), name, key, []byte(goodPW), soft.Meta{Certificate: cert})
	if err != nil {
		t.Fatal(err)
	}
}
