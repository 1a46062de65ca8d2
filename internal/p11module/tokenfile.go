package p11module

import (
	"bytes"
	"errors"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// tokenFile is the record of the keyring:
//
//	Token ::= SEQUENCE {
//	    version   INTEGER (1),
//	    label     UTF8String,
//	    serial    OCTET STRING (SIZE (8)),
//	    so        PIN,
//	    user      [0] EXPLICIT PIN OPTIONAL,
//	    checksum  OCTET STRING (SIZE (32)) }
//	PIN ::= SEQUENCE {
//	    tries      INTEGER,                 -- wrong ones since the last right one
//	    algorithm  AlgorithmIdentifier,     -- PBES2
//	    wrapped    OCTET STRING }           -- the keyring's secret
//
// Both PINs wrap one secret, so that the security officer can give the user a
// new PIN without losing keys. checksum is Streebog-256 over what is before it
// and guards against accidents.
type tokenFile struct {
	label  string
	serial []byte
	so     pinRecord
	user   *pinRecord
}

// pinRecord holds the secret under one PIN.
type pinRecord struct {
	tries   int
	id      alg.Identifier
	wrapped []byte
}

const fileVersion = 1

var (
	errTokenFile  = errors.New("p11module: the keyring's record is damaged")
	errObjectFile = errors.New("p11module: an object's file is damaged")
)

func (t *tokenFile) marshal() ([]byte, error) {
	return sealed(func(b *cryptobyte.Builder) {
		b.AddASN1Int64(fileVersion)
		b.AddASN1(asn1.UTF8String, func(b *cryptobyte.Builder) { b.AddBytes([]byte(t.label)) })
		b.AddASN1OctetString(t.serial)
		t.so.add(b)
		if t.user != nil {
			b.AddASN1(asn1.Tag(0).ContextSpecific().Constructed(), t.user.add)
		}
	})
}

func (p *pinRecord) add(b *cryptobyte.Builder) {
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(int64(p.tries))
		p.id.Add(b)
		b.AddASN1OctetString(p.wrapped)
	})
}

// sealed writes a SEQUENCE that ends with a checksum over its other content.
func sealed(content func(*cryptobyte.Builder)) ([]byte, error) {
	var body cryptobyte.Builder
	content(&body)
	raw, err := body.Bytes()
	if err != nil {
		return nil, err
	}
	sum := streebog.Sum256(raw)
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(raw)
		b.AddASN1OctetString(sum[:])
	})
	return b.Bytes()
}

// unsealed checks the checksum and the version and returns the rest.
func unsealed(data []byte) (cryptobyte.String, bool) {
	const trailer = 2 + streebog.Size256
	in := cryptobyte.String(data)
	var body cryptobyte.String
	if len(data) > limits.KeyFileBytes || !in.ReadASN1(&body, asn1.SEQUENCE) || !in.Empty() || len(body) < trailer {
		return nil, false
	}
	raw, end := body[:len(body)-trailer], body[len(body)-trailer:]
	sum := streebog.Sum256(raw)
	if end[0] != byte(asn1.OCTET_STRING) || end[1] != streebog.Size256 || !bytes.Equal(end[2:], sum[:]) {
		return nil, false
	}
	var version int
	if !raw.ReadASN1Integer(&version) || version != fileVersion {
		return nil, false
	}
	return raw, true
}

func parseTokenFile(data []byte) (*tokenFile, error) {
	s, ok := unsealed(data)
	if !ok {
		return nil, errTokenFile
	}
	var t tokenFile
	var label, serial, user cryptobyte.String
	var has bool
	if !s.ReadASN1(&label, asn1.UTF8String) || len(label) > labelSize ||
		!s.ReadASN1(&serial, asn1.OCTET_STRING) || len(serial) != serialSize || !t.so.read(&s) ||
		!s.ReadOptionalASN1(&user, &has, asn1.Tag(0).ContextSpecific().Constructed()) || !s.Empty() {
		return nil, errTokenFile
	}
	if has {
		t.user = new(pinRecord)
		if !t.user.read(&user) || !user.Empty() {
			return nil, errTokenFile
		}
	}
	t.label, t.serial = string(label), serial
	return &t, nil
}

func (p *pinRecord) read(s *cryptobyte.String) bool {
	var body, wrapped cryptobyte.String
	var err error
	if !s.ReadASN1(&body, asn1.SEQUENCE) || !body.ReadASN1Integer(&p.tries) || p.tries < 0 {
		return false
	}
	if p.id, err = alg.ReadIdentifier(&body, "algorithm"); err != nil {
		return false
	}
	if !body.ReadASN1(&wrapped, asn1.OCTET_STRING) || !body.Empty() {
		return false
	}
	p.wrapped = wrapped
	return true
}

// An object's file:
//
//	Object ::= SEQUENCE {
//	    version   INTEGER (1),
//	    CHOICE {
//	        plain     [0] IMPLICIT SEQUENCE OF Attribute,
//	        private   [1] IMPLICIT SEQUENCE { algorithm AlgorithmIdentifier, data OCTET STRING } },
//	    checksum  OCTET STRING (SIZE (32)) }
//	Attribute ::= SEQUENCE { type INTEGER, value OCTET STRING }
//
// An object with CKA_PRIVATE is encrypted under the keyring's secret with a
// cipher that authenticates; data is the DER of SEQUENCE OF Attribute.

// marshalObject encrypts where password is not nil.
func marshalObject(a attrs, encrypt func(plain []byte) (alg.Identifier, []byte, error)) ([]byte, error) {
	var list cryptobyte.Builder
	addAttrs(&list, a)
	plain, err := list.Bytes()
	if err != nil {
		return nil, err
	}
	if encrypt == nil {
		return sealed(func(b *cryptobyte.Builder) {
			b.AddASN1Int64(fileVersion)
			b.AddASN1(asn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { b.AddBytes(plain) })
		})
	}
	var whole cryptobyte.Builder
	whole.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(plain) })
	defer clear(plain)
	text, err := whole.Bytes()
	if err != nil {
		return nil, err
	}
	defer clear(text)
	id, data, err := encrypt(text)
	if err != nil {
		return nil, err
	}
	return sealed(func(b *cryptobyte.Builder) {
		b.AddASN1Int64(fileVersion)
		b.AddASN1(asn1.Tag(1).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
			id.Add(b)
			b.AddASN1OctetString(data)
		})
	})
}

func addAttrs(b *cryptobyte.Builder, a attrs) {
	for attr, v := range a {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1Uint64(attr)
			b.AddASN1OctetString(v)
		})
	}
}

// objectFile is a parsed file: attributes, or what they are encrypted to.
type objectFile struct {
	plain attrs
	id    alg.Identifier
	data  []byte // nil for a plain object
}

func parseObjectFile(data []byte) (*objectFile, error) {
	s, ok := unsealed(data)
	if !ok {
		return nil, errObjectFile
	}
	var o objectFile
	var body cryptobyte.String
	switch {
	case s.PeekASN1Tag(asn1.Tag(0).ContextSpecific().Constructed()):
		if !s.ReadASN1(&body, asn1.Tag(0).ContextSpecific().Constructed()) || !s.Empty() {
			return nil, errObjectFile
		}
		var err error
		o.plain, err = parseAttrs(body)
		return &o, err
	case s.ReadASN1(&body, asn1.Tag(1).ContextSpecific().Constructed()) && s.Empty():
	default:
		return nil, errObjectFile
	}
	var err error
	var text cryptobyte.String
	if o.id, err = alg.ReadIdentifier(&body, "algorithm"); err != nil {
		return nil, errObjectFile
	}
	if !body.ReadASN1(&text, asn1.OCTET_STRING) || !body.Empty() {
		return nil, errObjectFile
	}
	o.data = text
	return &o, nil
}

// parseAttrs reads attributes whose values have the form that decode gives.
func parseAttrs(s cryptobyte.String) (attrs, error) {
	a := attrs{}
	for !s.Empty() {
		var one, v cryptobyte.String
		var attr uint64
		if !s.ReadASN1(&one, asn1.SEQUENCE) || !one.ReadASN1Integer(&attr) || !one.ReadASN1(&v, asn1.OCTET_STRING) || !one.Empty() {
			return nil, errObjectFile
		}
		k := kindOf(attr)
		wrong := k == kindUnknown || k == kindBool && len(v) != 1 || k == kindNumber && len(v) != 8
		if _, twice := a[attr]; twice || wrong || len(a) >= limits.TokenAttributes {
			return nil, errObjectFile
		}
		a[attr] = append([]byte{}, v...)
	}
	return a, nil
}
