package pfx

import (
	"bytes"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"hash"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/gost/gost28147"
	"github.com/gosklyuch/gosklyuch/gost/kdf"
	"github.com/gosklyuch/gosklyuch/gost/legacy/gost341194"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// The key bag of CryptoPro CSP, encryption 1.2.840.113549.1.12.1.80. No
// standard describes it. What follows was found out by several free projects
// and confirmed on files that the CSP exported; the parts are those of RFC 4357
// and RFC 7836.
//
//	parameters ::= SEQUENCE { salt OCTET STRING, iterations INTEGER }
//
// The plaintext looks like a PKCS #8 key and has a blob of the CSP inside:
//
//	PrivateKeyInfo ::= SEQUENCE {
//	    version     INTEGER (0),
//	    algorithm   AlgorithmIdentifier,
//	    privateKey  OCTET STRING,      -- header of 16 octets ‖ ExportBlob
//	    attributes  [0] OPTIONAL,
//	    extensions  [1] OPTIONAL }     -- CryptoProKeyPeriod
//	ExportBlob ::= SEQUENCE {
//	    value       SEQUENCE {
//	        ukm         OCTET STRING (SIZE (8)),
//	        cek         SEQUENCE { encKey OCTET STRING, mac OCTET STRING (SIZE (4)) },
//	        parameters  [0] IMPLICIT SEQUENCE {
//	            attributes  BIT STRING,
//	            algorithm   [0] IMPLICIT AlgorithmIdentifier } OPTIONAL },
//	    tail        OCTET STRING }

// blobHeaderSize is the length of the header before ExportBlob: the type
// (PRIVATEKEYBLOB), the version, two zero octets, ALG_ID, "MAG1" and the
// length of the key, numbers little-endian.
const blobHeaderSize = 16

// kekLabel is the label of KDF_GOSTR3411_2012_256 under which the key that
// encrypts a key is derived: that of the examples of RFC 7836, appendix B.
var kekLabel = [4]byte{0x26, 0xbd, 0xb8, 0x78}

// blobKind is what an ALG_ID of the CSP stands for.
type blobKind struct {
	algID    uint32
	key      oid.OID // the algorithm as PKCS #8 names it
	size     int     // octets of the private key
	exchange bool
}

// blobKinds returns the private keys that a blob may hold. The numbers are
// those of the CSP's public header files.
func blobKinds() []blobKind {
	return []blobKind{
		{0xaa46, oid.GOST2012_256, 32, true},  // CALG_DH_GR3410_12_256_SF
		{0xaa42, oid.GOST2012_512, 64, true},  // CALG_DH_GR3410_12_512_SF
		{0xaa24, oid.GOST2001, 32, true},      // CALG_DH_EL_SF
		{0x2e49, oid.GOST2012_256, 32, false}, // CALG_GR3410_12_256
		{0x2e3d, oid.GOST2012_512, 64, false}, // CALG_GR3410_12_512
		{0x2e23, oid.GOST2001, 32, false},     // CALG_GR3410EL
	}
}

// exportBlob is a key as the CSP exports it, still encrypted.
type exportBlob struct {
	kind   blobKind
	params []byte // the GOST key parameters, DER
	ukm    []byte
	encKey []byte
	mac    []byte
	held   bool // the key's attributes forbid export
	period KeyPeriod
}

// cryptoProCost returns the iterations of the encryption, which count up in two
// octets.
func cryptoProCost(id alg.Identifier) (int, error) {
	_, n, err := pbeParams(id)
	if err == nil && n > 0xffff {
		return 0, fmt.Errorf("pfx: %s: %d iterations, more than 65535", id.OID.Name(), n)
	}
	return n, err
}

// openCryptoPro opens a key bag of the CSP and fills k: p8 is a PrivateKeyInfo in
// the form of RFC 9215.
func (d *decoder) openCryptoPro(id alg.Identifier, data []byte, k *keyBag) error {
	key, iv, err := d.cryptoProKey(id)
	if err != nil {
		return err
	}
	defer clear(key)
	plain := make([]byte, len(data))
	defer clear(plain)
	// One key stays below the 1024 octets at which key meshing begins.
	cfb, err := gost28147.NewCFBDecrypter(key, gost28147.SBoxCryptoProA(), iv, true)
	if err != nil {
		return fmt.Errorf("pfx: CryptoPro key bag: %w", err)
	}
	cfb.XORKeyStream(plain, data)
	if !isSequence(plain) {
		return d.refused()
	}
	b, err := parseExportBlob(plain)
	if err != nil {
		return err
	}
	secret, err := b.unwrap(key)
	if err != nil {
		return err
	}
	defer clear(secret)
	k.p8, err = rawPKCS8(alg.Identifier{OID: b.kind.key, Params: b.params}, secret)
	k.held, k.period = b.held, b.period
	return err
}

// refused is the error where decryption did not give what it should: damage if
// the MAC of the file fits the password.
func (d *decoder) refused() error {
	if d.mac == nil {
		return ErrPassword
	}
	return damaged("the MAC fits the password and the encrypted part does not")
}

// cryptoProKey derives the key from the password: GOST R 34.11-94 over the last
// digest (first the password as UTF-16LE), the salt and a counter of two octets.
func (d *decoder) cryptoProKey(id alg.Identifier) (key, iv []byte, err error) {
	n, err := cryptoProCost(id)
	if err != nil {
		return nil, nil, err
	}
	salt, _, err := pbeParams(id)
	if err != nil {
		return nil, nil, err
	}
	if len(salt) < gost28147.BlockSize {
		return nil, nil, damaged("CryptoPro key bag: a salt of %d octets", len(salt))
	}
	key, err = utf16LE(d.password)
	if err != nil {
		return nil, nil, ErrPassword // no file can have been made with it
	}
	h := gost341194.New()
	for i := 1; i <= n; i++ {
		iterate(h, key, salt, i)
		last := key
		key = h.Sum(nil)
		clear(last)
	}
	return key, salt[:gost28147.BlockSize], nil
}

func iterate(h hash.Hash, key, salt []byte, i int) {
	h.Reset()
	h.Write(key)
	h.Write(salt)
	h.Write(binary.BigEndian.AppendUint16(nil, uint16(i))) // bounded by cryptoProCost
}

// utf16LE returns a password as the CSP hashes it: UTF-16 little-endian, no
// octets at the end.
func utf16LE(password []byte) ([]byte, error) {
	if !utf8.Valid(password) {
		return nil, errUTF8
	}
	out := make([]byte, 0, 2*len(password))
	for len(password) > 0 {
		r, n := utf8.DecodeRune(password)
		password = password[n:]
		if hi, lo := utf16.EncodeRune(r); hi != utf8.RuneError {
			out = binary.LittleEndian.AppendUint16(out, uint16(hi))
			r = lo
		}
		out = binary.LittleEndian.AppendUint16(out, uint16(r))
	}
	return out, nil
}

// parseExportBlob reads the plaintext of the bag.
func parseExportBlob(plain []byte) (*exportBlob, error) {
	in := cryptobyte.String(plain)
	var info, blob cryptobyte.String
	var version int
	if !in.ReadASN1(&info, asn1.SEQUENCE) || !in.Empty() || !info.ReadASN1Integer(&version) || version != 0 {
		return nil, damaged("CryptoPro key bag: PrivateKeyInfo")
	}
	if _, err := alg.ReadIdentifier(&info, "privateKeyAlgorithm"); err != nil {
		return nil, damaged("CryptoPro key bag: %v", err)
	}
	if !info.ReadASN1(&blob, asn1.OCTET_STRING) {
		return nil, damaged("CryptoPro key bag: privateKey")
	}
	b := new(exportBlob)
	if err := b.header(blob); err != nil {
		return nil, err
	}
	b.readPeriod(info)
	return b, b.body(blob[blobHeaderSize:])
}

// readPeriod reads the usage period after the key, the Extensions with or
// without a SEQUENCE of their own around them. It is information; a form that is
// not known means none.
func (b *exportBlob) readPeriod(in cryptobyte.String) {
	var attributes, extensions, inner cryptobyte.String
	var has bool
	if !in.ReadOptionalASN1(&attributes, &has, asn1.Tag(0).ContextSpecific().Constructed()) ||
		!in.ReadOptionalASN1(&extensions, &has, asn1.Tag(1).ContextSpecific().Constructed()) || !has {
		return
	}
	p, ok := CryptoProKeyPeriod(extensions, oid.CryptoProKeyValidity)
	if !ok && extensions.ReadASN1(&inner, asn1.SEQUENCE) {
		p, ok = CryptoProKeyPeriod(inner, oid.CryptoProKeyValidity)
	}
	if ok {
		b.period = p
	}
}

// header reads the 16 octets before ExportBlob.
func (b *exportBlob) header(blob []byte) error {
	if len(blob) < blobHeaderSize || blob[0] != 7 || string(blob[8:12]) != "MAG1" {
		return damaged("CryptoPro key bag: the header of the blob")
	}
	id := binary.LittleEndian.Uint32(blob[4:])
	length := int64(binary.LittleEndian.Uint32(blob[12:]))
	for _, k := range blobKinds() {
		if k.algID != id {
			continue
		}
		// The length is in bits by its name and in octets in real files.
		if length != int64(k.size) && length != int64(8*k.size) {
			return damaged("CryptoPro key bag: a key of length %d", length)
		}
		b.kind = k
		return nil
	}
	return fmt.Errorf("pfx: CryptoPro key bag: key algorithm 0x%x is not supported", id)
}

// body reads ExportBlob.
func (b *exportBlob) body(in cryptobyte.String) error {
	var seq, value, cek, ukm, encKey, mac, params, tail cryptobyte.String
	var has bool
	if !in.ReadASN1(&seq, asn1.SEQUENCE) || !in.Empty() ||
		!seq.ReadASN1(&value, asn1.SEQUENCE) || !seq.ReadASN1(&tail, asn1.OCTET_STRING) || !seq.Empty() {
		return damaged("CryptoPro key bag: ExportBlob")
	}
	if !value.ReadASN1(&ukm, asn1.OCTET_STRING) || len(ukm) != gost28147.BlockSize {
		return damaged("CryptoPro key bag: ukm")
	}
	if !value.ReadASN1(&cek, asn1.SEQUENCE) || !cek.ReadASN1(&encKey, asn1.OCTET_STRING) || len(encKey) != b.kind.size {
		return damaged("CryptoPro key bag: encKey")
	}
	if !cek.ReadASN1(&mac, asn1.OCTET_STRING) || len(mac) != gost28147.MACSize || !cek.Empty() {
		return damaged("CryptoPro key bag: mac")
	}
	if !value.ReadOptionalASN1(&params, &has, asn1.Tag(0).ContextSpecific().Constructed()) || !has || !value.Empty() {
		return damaged("CryptoPro key bag: parameters")
	}
	b.ukm, b.encKey, b.mac = ukm, encKey, mac
	return b.parameters(params)
}

// parameters reads the attributes of the key and its curve.
func (b *exportBlob) parameters(in cryptobyte.String) error {
	var bits, id cryptobyte.String
	if !in.ReadASN1(&bits, asn1.BIT_STRING) {
		return damaged("CryptoPro key bag: parameters.attributes")
	}
	octets, _, _, ok := der.BitString(bits)
	if !ok {
		return damaged("CryptoPro key bag: parameters.attributes")
	}
	// Bit 0 is pkaExportable.
	b.held = der.NamedBits(octets)&1 == 0
	if !in.ReadASN1(&id, asn1.Tag(0).ContextSpecific().Constructed()) || !in.Empty() {
		return damaged("CryptoPro key bag: parameters.algorithm")
	}
	var name oid.OID
	if !oid.Read(&id, &name) || id.Empty() {
		return damaged("CryptoPro key bag: parameters.algorithm")
	}
	b.params = bytes.Clone(id)
	return nil
}

// unwrap decrypts the key under the key that the password gave: the CryptoPro
// Key Unwrap of RFC 4357, section 6.4, for keys of GOST R 34.10-2012 with the
// diversification of RFC 7836 instead. A checksum that does not fit is damage,
// for the password gave a structure.
func (b *exportBlob) unwrap(key []byte) ([]byte, error) {
	sbox := gost28147.SBoxCryptoProA()
	kek, err := b.kek(key, sbox)
	if err != nil {
		return nil, fmt.Errorf("pfx: CryptoPro key bag: %w", err)
	}
	defer clear(kek)
	block, err := gost28147.NewCipher(kek, sbox)
	if err != nil {
		return nil, fmt.Errorf("pfx: CryptoPro key bag: %w", err)
	}
	secret := make([]byte, len(b.encKey))
	for i := 0; i < len(secret); i += gost28147.BlockSize {
		block.Decrypt(secret[i:], b.encKey[i:])
	}
	h, err := gost28147.NewMAC(kek, sbox, b.ukm, false)
	if err != nil {
		return nil, fmt.Errorf("pfx: CryptoPro key bag: %w", err)
	}
	h.Write(secret)
	// "compare the result with CEK_MAC. If they are not equal, then it is an
	// error" (RFC 4357, section 6.4).
	if subtle.ConstantTimeCompare(h.Sum(nil), b.mac) != 1 {
		clear(secret)
		return nil, damaged("CryptoPro key bag: the checksum of the key")
	}
	return secret, nil
}

func (b *exportBlob) kek(key []byte, sbox gost28147.SBox) ([]byte, error) {
	if b.kind.key == oid.GOST2001 {
		return diversify(key, b.ukm, sbox)
	}
	kek := kdf.GOSTR3411_2012_256(key, kekLabel[:], b.ukm)
	return kek[:], nil
}

// diversify is the CryptoPro KEK Diversification Algorithm of RFC 4357, section
// 6.5: in eight steps the key is encrypted under itself in CFB mode, with an IV
// from the sums of its words that the bits of the UKM choose.
func diversify(key, ukm []byte, sbox gost28147.SBox) ([]byte, error) {
	k := bytes.Clone(key)
	for i := range ukm {
		// "S[i] = ((a[i,0]*k[i,0] + ... + a[i,7]*k[i,7]) mod 2^32) |
		// (((~a[i,0])*k[i,0] + ... + (~a[i,7])*k[i,7]) mod 2^32)"
		var s [2]uint32
		for j := range 8 {
			chosen := 1 - ukm[i]>>j&1 // the UKM is public
			s[chosen] += binary.LittleEndian.Uint32(k[4*j:])
		}
		iv := binary.LittleEndian.AppendUint32(nil, s[0])
		iv = binary.LittleEndian.AppendUint32(iv, s[1])
		cfb, err := gost28147.NewCFBEncrypter(k, sbox, iv, false)
		if err != nil {
			return nil, err
		}
		next := make([]byte, len(k))
		cfb.XORKeyStream(next, k)
		clear(k)
		k = next
	}
	return k, nil
}

// rawPKCS8 builds the PrivateKeyInfo of a GOST key from its little-endian octets.
func rawPKCS8(id alg.Identifier, secret []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(0)
		id.Add(b)
		b.AddASN1OctetString(secret)
	})
	out, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("pfx: CryptoPro key bag: %w", err)
	}
	return out, nil
}

// KeyPeriod is the usage period of a private key. A bound that is absent is the
// zero time.
type KeyPeriod struct{ NotBefore, NotAfter time.Time }

// CryptoProKeyPeriod finds the usage period of a key among the CSP's extensions.
// extensions is the content of SEQUENCE OF Extension, in which an extension has
// no criticality; id is [oid.CryptoProKeyValidity] or a neighbour of it. The value
// has the form of PrivateKeyUsagePeriod (RFC 3280, section 4.2.1.4):
//
//	SEQUENCE { notBefore [0] IMPLICIT GeneralizedTime OPTIONAL,
//	           notAfter  [1] IMPLICIT GeneralizedTime OPTIONAL }
//
// It is false if there is none or it cannot be read.
func CryptoProKeyPeriod(extensions []byte, id oid.OID) (KeyPeriod, bool) {
	in := cryptobyte.String(extensions)
	for !in.Empty() {
		var ext, value cryptobyte.String
		var name oid.OID
		if !in.ReadASN1(&ext, asn1.SEQUENCE) || !oid.Read(&ext, &name) {
			return KeyPeriod{}, false
		}
		if name != id {
			continue
		}
		if !ext.ReadASN1(&value, asn1.OCTET_STRING) {
			return KeyPeriod{}, false
		}
		p, ok := parsePeriod(value)
		if !ok {
			return KeyPeriod{}, false
		}
		return p, true
	}
	return KeyPeriod{}, false
}

func parsePeriod(in cryptobyte.String) (p KeyPeriod, ok bool) {
	var body cryptobyte.String
	if !in.ReadASN1(&body, asn1.SEQUENCE) || !in.Empty() {
		return p, false
	}
	for i, out := range []*time.Time{&p.NotBefore, &p.NotAfter} {
		var text cryptobyte.String
		var has bool
		if !body.ReadOptionalASN1(&text, &has, asn1.Tag(i).ContextSpecific()) {
			return p, false
		}
		if !has {
			continue
		}
		if *out, _, ok = der.ParseTime(asn1.GeneralizedTime, text); !ok {
			return p, false
		}
	}
	return p, body.Empty()
}
