package p11module

import (
	"bytes"
	"testing"

	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

func FuzzParseTokenFile(f *testing.F) {
	p := pinRecord{tries: 2, id: alg.NULL(oid.Streebog256), wrapped: []byte("wrapped")}
	good, err := (&tokenFile{label: "t", serial: make([]byte, serialSize), so: p, user: &p}).marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, data []byte) {
		tf, err := parseTokenFile(data)
		if err != nil {
			return
		}
		again, err := tf.marshal()
		if err != nil || !bytes.Equal(again, data) {
			t.Errorf("%x is read and written as %x, %v", data, again, err)
		}
	})
}

func FuzzParseObjectFile(f *testing.F) {
	a := attrs{attrClass: number(classData), attrLabel: []byte("label")}
	plain, err := marshalObject(a, nil)
	if err != nil {
		f.Fatal(err)
	}
	secret, err := marshalObject(a, func(p []byte) (alg.Identifier, []byte, error) { return alg.NULL(oid.Streebog256), p, nil })
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plain)
	f.Add(secret)
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := parseObjectFile(data)
		if err == nil && o.plain == nil && o.data == nil {
			t.Error("neither attributes nor data")
		}
	})
}

func FuzzParseFaults(f *testing.F) {
	f.Add("removed@C_Sign#3:150ms,slow:1s")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseFaults(text)
		if err == nil && (got == nil) != (text == "") {
			t.Errorf("%q: %v", text, got)
		}
	})
}

// A template can hold anything: whatever it is, the module answers with a code
// and an object that was made can be read.
func FuzzCreateObject(f *testing.F) {
	f.Add(uint64(classPrivateKey), uint64(keyGOSTR3410), oid.CryptoProA.DER(), bytes.Repeat([]byte{7}, 32), uint64(attrLabel), []byte("x"))
	f.Add(uint64(classCertificate), uint64(0), []byte{}, []byte("certificate"), uint64(attrID), []byte{})
	f.Add(uint64(classSecretKey), uint64(keyGenericSecret), []byte{}, []byte("secret"), uint64(attrSensitive), []byte{0})
	m, _ := newModule(f, nil)
	h := newToken(f, m)
	f.Fuzz(func(t *testing.T, class, keyType uint64, curve, value []byte, attr uint64, other []byte) {
		obj, rv := m.CreateObject(h, []Attribute{
			at(attrClass, int(class)), at(attrKeyType, int(keyType)), at(attrGOSTR3410Params, curve), at(attrValue, value), at(attr, other),
		})
		if rv != RVOK {
			return
		}
		if got := attribute(t, m, h, obj, attrClass); !bytes.Equal(got, ulong(class)) {
			t.Errorf("class %x", got)
		}
		_ = m.SetAttributeValue(h, obj, []Attribute{at(attr, other)})
		_ = m.GetAttributeValue(h, obj, []Query{{Type: attr, Buf: make([]byte, 10)}})
		if rv := m.DestroyObject(h, obj); rv != RVOK && rv != rvActionProhibited {
			t.Error(rv)
		}
	})
}

// Derivation parameters are read from octets whose lengths lie.
func FuzzParseDeriveParams(f *testing.F) {
	f.Add(flat(8, kdfNull, make([]byte, 64), make([]byte, 8)))
	f.Add(flat(4, kdfNull, make([]byte, 128), make([]byte, 8)))
	m := New(Config{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, ok := m.parseDeriveParams(b); ok && len(p.PublicKey)+len(p.UKM)+12 > len(b) {
			t.Error("more than there was")
		}
	})
}
