package p11module

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/kdf"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// RFC 7836, Appendix B, example 7: VKO_GOSTR3410_2012_256 with keys of 512 bits.
const (
	vkoUKM  = "1d80603c8544c727"
	vkoPriv = `c990ecd972fce84ec4db022778f50fcac726f46708384b8d458304962d7147f8
		c2db41cef22c90b102f2968404f9b9be6d47c79692d81826b32b8daca43cb667`
	vkoPeer = `192fe183b9713a077253c72c8735de2ea42a3dbc66ea317838b65fa32523cd5e
		fca974eda7c863f4954d1147f1f2b25c395fce1c129175e876d132e94ed5a651
		04883b414c9b592ec4dc84826f07d0b6d9006dda176ce48c391e3f97d102e03b
		b598bf132a228a45f7201aba08fc524a2d77e43a362ab022ad4028f75bde3b79`
	vkoKEK = "c9a9a77320e2cc559ed72dce6f47e2192ccea95fa648670582c054c0ef36c221"
)

// flat writes the parameter without pointers.
func flat(size int, kdf uint64, pub, ukm []byte) []byte {
	add := func(b []byte, n uint64) []byte {
		if size == 4 {
			return binary.NativeEndian.AppendUint32(b, uint32(n))
		}
		return binary.NativeEndian.AppendUint64(b, n)
	}
	out := append(add(add(nil, kdf), uint64(len(pub))), pub...)
	return append(add(out, uint64(len(ukm))), ukm...)
}

func importVKO(t testing.TB, m *Module, h uint64, more ...Attribute) uint64 {
	t.Helper()
	key, rv := m.CreateObject(h, append([]Attribute{
		at(attrClass, classPrivateKey), at(attrKeyType, keyGOSTR3410x512), at(attrToken, true),
		at(attrGOSTR3410Params, oid.TC26_512A), at(attrValue, unhex(t, vkoPriv)),
	}, more...))
	must(t, rv)
	return key
}

func TestDerive(t *testing.T) {
	m, _ := newModule(t, nil)
	h := newToken(t, m)
	key := importVKO(t, m, h)
	pub, ukm, kek := unhex(t, vkoPeer), unhex(t, vkoUKM), unhex(t, vkoKEK)
	diversified := kdf.GOSTR3411_2012_256(kek, []byte{0x26, 0xbd, 0xb8, 0x78}, ukm)
	readable := []Attribute{
		at(attrClass, classSecretKey), at(attrKeyType, keyGenericSecret), at(attrSensitive, false), at(attrExtractable, true),
	}
	for name, tt := range map[string]struct {
		mech Mechanism
		want []byte
	}{
		"pointers":     {Mechanism{Type: MechanismDerive, Derive: &DeriveParams{kdfNull, pub, ukm}}, kek},
		"flat":         {Mechanism{Type: MechanismDerive, Param: flat(8, kdfNull, pub, ukm)}, kek},
		"flat, 4":      {Mechanism{Type: MechanismDerive, Param: flat(4, kdfNull, pub, ukm)}, kek},
		"octet string": {Mechanism{Type: MechanismDerive, Param: flat(4, kdfNull, append([]byte{4, 0x81, 0x80}, pub...), ukm)}, kek},
		"diversified":  {Mechanism{Type: MechanismDerive, Param: flat(8, kdfGOSTR3411x2012, pub, ukm)}, diversified[:]},
	} {
		got, rv := m.DeriveKey(h, tt.mech, key, readable)
		must(t, rv)
		if v := attribute(t, m, h, got, attrValue); !bytes.Equal(v, tt.want) {
			t.Errorf("%s: %x", name, v)
		}
	}
	hidden, rv := m.DeriveKey(h, Mechanism{Type: MechanismDerive, Param: flat(8, kdfNull, pub, ukm)}, key,
		[]Attribute{at(attrKeyType, keyGOST28147)})
	must(t, rv)
	want(t, "sensitive key", m.GetAttributeValue(h, hidden, []Query{{Type: attrValue}}), RVAttributeSensitive)
	if n := len(find(t, m, h, at(attrValue, kek))); n != 4 {
		t.Errorf("%d keys are found by value: a hidden one must not be", n)
	}
	off := bytes.Clone(pub)
	off[3] ^= 1
	for name, tt := range map[string]struct {
		mech     Mechanism
		template []Attribute
		want     RV
	}{
		"no parameter":       {Mechanism{Type: MechanismDerive}, readable, rvMechanismParamInvalid},
		"other mechanism":    {Mechanism{Type: mechGOSTR3410}, readable, rvMechanismInvalid},
		"unknown KDF":        {Mechanism{Type: MechanismDerive, Param: flat(8, 9, pub, ukm)}, readable, rvMechanismParamInvalid},
		"short key":          {Mechanism{Type: MechanismDerive, Param: flat(8, kdfNull, pub[:64], ukm)}, readable, rvMechanismParamInvalid},
		"point off curve":    {Mechanism{Type: MechanismDerive, Param: flat(8, kdfNull, off, ukm)}, readable, rvMechanismParamInvalid},
		"zero UKM":           {Mechanism{Type: MechanismDerive, Param: flat(8, kdfNull, pub, make([]byte, 8))}, readable, rvMechanismParamInvalid},
		"short UKM":          {Mechanism{Type: MechanismDerive, Param: flat(8, kdfNull, pub, ukm[:7])}, readable, rvMechanismParamInvalid},
		"long UKM":           {Mechanism{Type: MechanismDerive, Param: flat(8, kdfNull, pub, pub)}, readable, rvMechanismParamInvalid},
		"octets left":        {Mechanism{Type: MechanismDerive, Param: append(flat(8, kdfNull, pub, ukm), 0)}, readable, rvMechanismParamInvalid},
		"no key type":        {Mechanism{Type: MechanismDerive, Param: flat(8, kdfNull, pub, ukm)}, nil, rvTemplateIncomplete},
		"value given":        {Mechanism{Type: MechanismDerive, Param: flat(8, kdfNull, pub, ukm)}, append(readable[1:2:2], at(attrValue, kek)), rvAttributeReadOnly},
		"other length":       {Mechanism{Type: MechanismDerive, Param: flat(8, kdfNull, pub, ukm)}, append(readable[1:2:2], at(attrValueLen, 16)), rvTemplateInconsistent},
		"not a secret key":   {Mechanism{Type: MechanismDerive, Param: flat(8, kdfNull, pub, ukm)}, []Attribute{at(attrClass, classData)}, rvTemplateInconsistent},
		"key type of a pair": {Mechanism{Type: MechanismDerive, Param: flat(8, kdfNull, pub, ukm)}, []Attribute{at(attrKeyType, keyGOSTR3410)}, rvTemplateInconsistent},
	} {
		_, rv := m.DeriveKey(h, tt.mech, key, tt.template)
		want(t, name, rv, tt.want)
	}
	no := importVKO(t, m, h, at(attrDerive, false))
	_, rv = m.DeriveKey(h, Mechanism{Type: MechanismDerive, Param: flat(8, kdfNull, pub, ukm)}, no, readable)
	want(t, "CKA_DERIVE is false", rv, rvKeyFunctionNotPermitted)
}
