package alg

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des" //nolint:gosec // read only: what older tools wrote
	"crypto/subtle"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/gost/acpkm"
	"github.com/gosklyuch/gosklyuch/gost/gost28147"
	"github.com/gosklyuch/gosklyuch/gost/kdf"
	"github.com/gosklyuch/gosklyuch/gost/kuznyechik"
	"github.com/gosklyuch/gosklyuch/gost/magma"
	"github.com/gosklyuch/gosklyuch/gost/omac"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// contentCipher encrypts and decrypts what one encryptionScheme of PBES2
// names; the key comes from the password.
type contentCipher struct {
	keySize int
	seal    func(key, plaintext []byte) ([]byte, error)
	open    func(key, ciphertext []byte) ([]byte, error)
	// other is a second way to open what a known producer wrote, nil if there
	// is none; it differs from open beyond otherAbove octets.
	other      func(key, ciphertext []byte) ([]byte, error)
	otherAbove int
}

// newCipher makes the identifier of an encryptionScheme with a fresh initial
// value.
func newCipher(rand io.Reader, name string) (Identifier, error) {
	var o, sbox oid.OID
	size := gost28147.BlockSize
	switch name {
	case "", "gost28147":
		o, sbox = oid.GOST28147, oid.GOST28147ParamZ
	case "kuznyechik":
		o, size = oid.KuznyechikCTRACPKM, ukmKuznyechik
	case "kuznyechik-omac":
		o, size = oid.KuznyechikCTRACPKMOMAC, ukmKuznyechik
	case "magma":
		o, size = oid.MagmaCTRACPKM, ukmMagma
	case "magma-omac":
		o, size = oid.MagmaCTRACPKMOMAC, ukmMagma
	case "aes256":
		o, size = oid.AES256CBC, aes.BlockSize
	default:
		return Identifier{}, fmt.Errorf("alg: unknown cipher %q", name)
	}
	iv := make([]byte, size)
	if _, err := io.ReadFull(rand, iv); err != nil {
		return Identifier{}, fmt.Errorf("alg: initial value: %w", err)
	}
	var b cryptobyte.Builder
	if o == oid.AES256CBC {
		b.AddASN1OctetString(iv)
	} else {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1OctetString(iv)
			if sbox != "" {
				sbox.Add(b)
			}
		})
	}
	params, err := b.Bytes()
	return Identifier{OID: o, Params: params}, err
}

// readCipher turns an encryptionScheme into a cipher.
func readCipher(id Identifier) (contentCipher, error) {
	switch id.OID {
	case oid.GOST28147:
		return readGOST28147(id)
	case oid.KuznyechikCTRACPKM, oid.KuznyechikCTRACPKMOMAC:
		return readACPKM(id, ukmKuznyechik, [2]int{acpkm.SectionSizeKuznyechik, acpkm.SectionSizeKuznyechikEngine}, kuznyechik.NewCipher)
	case oid.MagmaCTRACPKM, oid.MagmaCTRACPKMOMAC:
		return readACPKM(id, ukmMagma, [2]int{acpkm.SectionSizeMagma, acpkm.SectionSizeMagmaEngine}, magma.NewCipher)
	case oid.AES128CBC:
		return readCBC(id, 16, aes.BlockSize, aes.NewCipher)
	case oid.AES192CBC:
		return readCBC(id, 24, aes.BlockSize, aes.NewCipher)
	case oid.AES256CBC:
		return readCBC(id, 32, aes.BlockSize, aes.NewCipher)
	case oid.DESEDE3CBC:
		return readCBC(id, 24, des.BlockSize, des.NewTripleDESCipher)
	}
	return contentCipher{}, &UnknownError{Kind: "cipher", OID: id.OID}
}

// sboxOf returns the S-boxes of a parameter set of GOST 28147-89 (RFC 4357,
// section 11.1; RFC 7836, appendix C).
func sboxOf(o oid.OID) (gost28147.SBox, error) {
	switch o {
	case oid.GOST28147ParamZ:
		return gost28147.SBoxTC26Z(), nil
	case oid.GOST28147ParamA:
		return gost28147.SBoxCryptoProA(), nil
	case oid.GOST28147ParamB:
		return gost28147.SBoxCryptoProB(), nil
	case oid.GOST28147ParamC:
		return gost28147.SBoxCryptoProC(), nil
	case oid.GOST28147ParamD:
		return gost28147.SBoxCryptoProD(), nil
	}
	return gost28147.SBox{}, &UnknownError{Kind: "S-box set", OID: o}
}

// readGOST28147 reads GOST 28147-89 in CFB mode:
//
//	Gost28147-89-Parameters ::= SEQUENCE {
//	    iv                   Gost28147-89-IV, -- OCTET STRING (SIZE (8))
//	    encryptionParamSet   OBJECT IDENTIFIER }
//
// The mode of these parameter sets is CFB with CryptoPro key meshing (RFC 4357,
// sections 2.3 and 11.1); OpenSSL's gost-engine and GnuTLS mesh with TC26-Z too.
func readGOST28147(id Identifier) (contentCipher, error) {
	in := cryptobyte.String(id.Params)
	var body, iv cryptobyte.String
	var set oid.OID
	if !in.ReadASN1(&body, asn1.SEQUENCE) || !in.Empty() ||
		!body.ReadASN1(&iv, asn1.OCTET_STRING) || !oid.Read(&body, &set) || !body.Empty() {
		return contentCipher{}, errors.New("alg: Gost28147-89-Parameters")
	}
	if len(iv) != gost28147.BlockSize {
		return contentCipher{}, fmt.Errorf("alg: Gost28147-89-Parameters.iv has %d octets, want 8", len(iv))
	}
	sbox, err := sboxOf(set)
	if err != nil {
		return contentCipher{}, err
	}
	const meshing = true
	return contentCipher{
		keySize: gost28147.KeySize,
		seal: func(key, in []byte) ([]byte, error) {
			s, err := gost28147.NewCFBEncrypter(key, sbox, iv, meshing)
			return apply(s, err, in)
		},
		open: func(key, in []byte) ([]byte, error) {
			s, err := gost28147.NewCFBDecrypter(key, sbox, iv, meshing)
			return apply(s, err, in)
		},
	}, nil
}

// apply runs a stream over a copy of in.
func apply(s cipher.Stream, err error, in []byte) ([]byte, error) {
	if err != nil {
		return nil, fmt.Errorf("alg: cipher: %w", err)
	}
	out := make([]byte, len(in))
	s.XORKeyStream(out, in)
	return out, nil
}

// The lengths of ukm, RFC 9337, section 7.3.
const (
	ukmKuznyechik = 16
	ukmMagma      = 12
)

// readACPKM reads Kuznyechik or Magma in CTR-ACPKM mode (RFC 9337, section
// 7.3):
//
//	Gost3412-15-Encryption-Parameters ::= SEQUENCE { ukm OCTET STRING }
//
// "The section size is fixed within a specific protocol": the sizes of CMS
// (R 1323565.1.025-2019) come first in sections, for writing and reading; those
// that gost-engine takes for PBES2 second, for reading alone.
func readACPKM(id Identifier, ukmSize int, sections [2]int, newBlock func([]byte) (cipher.Block, error)) (contentCipher, error) {
	in := cryptobyte.String(id.Params)
	var body, ukm cryptobyte.String
	if !in.ReadASN1(&body, asn1.SEQUENCE) || !in.Empty() || !body.ReadASN1(&ukm, asn1.OCTET_STRING) || !body.Empty() {
		return contentCipher{}, errors.New("alg: Gost3412-15-Encryption-Parameters")
	}
	// "ukm MUST be present and MUST contain n octets", RFC 9337, section 7.3.
	if len(ukm) != ukmSize {
		return contentCipher{}, fmt.Errorf("alg: Gost3412-15-Encryption-Parameters.ukm has %d octets, want %d", len(ukm), ukmSize)
	}
	iv, seed := ukm[:ukmSize-8], ukm[ukmSize-8:] // S' = ukm[1..n-8], seed = ukm[n-7..n], section 5.1.1
	withMAC := id.OID == oid.KuznyechikCTRACPKMOMAC || id.OID == oid.MagmaCTRACPKMOMAC
	way := func(section int) (seal, open func(key, in []byte) ([]byte, error)) {
		ctr := func(key, in []byte) ([]byte, error) {
			s, err := acpkm.NewCTRACPKM(newBlock, key, iv, section)
			return apply(s, err, in)
		}
		if !withMAC {
			return ctr, ctr
		}
		m := authenticated{ctr: ctr, newBlock: newBlock, seed: seed}
		return m.seal, m.open
	}
	c := contentCipher{keySize: dkSize, otherAbove: sections[1]}
	c.seal, c.open = way(sections[0])
	_, c.other = way(sections[1])
	return c, nil
}

// authenticated is CTR-ACPKM with OMAC as RFC 9337, section 5.1.1, step 8
// composes them: the MAC of the plaintext follows it and both are encrypted.
type authenticated struct {
	ctr      func(key, in []byte) ([]byte, error)
	newBlock func([]byte) (cipher.Block, error)
	seed     []byte
}

// keys derives K(1) for encryption and K(2) for the MAC.
func (a authenticated) keys(dk []byte) (enc, mac []byte, err error) {
	k, err := kdf.Tree(dk, []byte("kdf tree"), a.seed, 1, 2*dkSize)
	if err != nil {
		return nil, nil, fmt.Errorf("alg: KDF_TREE: %w", err)
	}
	return k[:dkSize], k[dkSize:], nil
}

func (a authenticated) tag(key, message []byte) ([]byte, error) {
	b, err := a.newBlock(key)
	if err != nil {
		return nil, fmt.Errorf("alg: cipher: %w", err)
	}
	h, err := omac.New(b, b.BlockSize())
	if err != nil {
		return nil, fmt.Errorf("alg: OMAC: %w", err)
	}
	h.Write(message)
	return h.Sum(nil), nil
}

func (a authenticated) seal(dk, plaintext []byte) ([]byte, error) {
	enc, mac, err := a.keys(dk)
	if err != nil {
		return nil, err
	}
	defer clear(enc)
	defer clear(mac)
	tag, err := a.tag(mac, plaintext)
	if err != nil {
		return nil, err
	}
	text := make([]byte, 0, len(plaintext)+len(tag))
	text = append(append(text, plaintext...), tag...)
	defer clear(text)
	return a.ctr(enc, text)
}

func (a authenticated) open(dk, ciphertext []byte) ([]byte, error) {
	enc, mac, err := a.keys(dk)
	if err != nil {
		return nil, err
	}
	defer clear(enc)
	defer clear(mac)
	text, err := a.ctr(enc, ciphertext)
	if err != nil {
		return nil, err
	}
	want, err := a.tag(mac, nil)
	if err != nil {
		return nil, err
	}
	n := len(text) - len(want)
	if n < 0 {
		return nil, errors.New("alg: the encrypted data is shorter than its MAC")
	}
	if want, err = a.tag(mac, text[:n]); err != nil {
		return nil, err
	}
	// RFC 9337, section 5.1.2: "If the sizes or values do not match, the
	// message is distorted."
	if subtle.ConstantTimeCompare(want, text[n:]) != 1 {
		clear(text)
		return nil, ErrPassword
	}
	return text[:n], nil
}

// readCBC reads a cipher in CBC mode with the padding of RFC 8018, section
// 6.1.1; its parameter is the initial value (appendix B.2).
func readCBC(id Identifier, keySize, blockSize int, newBlock func([]byte) (cipher.Block, error)) (contentCipher, error) {
	in := cryptobyte.String(id.Params)
	var iv cryptobyte.String
	if !in.ReadASN1(&iv, asn1.OCTET_STRING) || !in.Empty() || len(iv) != blockSize {
		return contentCipher{}, fmt.Errorf("alg: the initial value of %s is not an OCTET STRING of %d octets", id.OID.Name(), blockSize)
	}
	return contentCipher{
		keySize: keySize,
		seal: func(key, in []byte) ([]byte, error) {
			b, err := newBlock(key)
			if err != nil {
				return nil, fmt.Errorf("alg: cipher: %w", err)
			}
			pad := blockSize - len(in)%blockSize
			out := make([]byte, len(in)+pad)
			copy(out, in)
			for i := len(in); i < len(out); i++ {
				out[i] = byte(pad)
			}
			cipher.NewCBCEncrypter(b, iv).CryptBlocks(out, out)
			return out, nil
		},
		open: func(key, in []byte) ([]byte, error) {
			b, err := newBlock(key)
			if err != nil {
				return nil, fmt.Errorf("alg: cipher: %w", err)
			}
			if len(in) == 0 || len(in)%blockSize != 0 {
				return nil, errors.New("alg: the encrypted data is not a whole number of blocks")
			}
			out := make([]byte, len(in))
			cipher.NewCBCDecrypter(b, iv).CryptBlocks(out, in)
			return unpad(out, blockSize)
		},
	}, nil
}

// unpad removes the padding. The data is a file on disk that is opened once,
// so its time is no oracle; it is constant all the same.
func unpad(b []byte, blockSize int) ([]byte, error) {
	pad := int(b[len(b)-1])
	good := subtle.ConstantTimeLessOrEq(1, pad) & subtle.ConstantTimeLessOrEq(pad, blockSize)
	for i := 1; i <= blockSize; i++ {
		in := subtle.ConstantTimeLessOrEq(i, pad)
		same := subtle.ConstantTimeByteEq(b[len(b)-i], byte(pad))
		good &= same | (in ^ 1)
	}
	if good != 1 {
		clear(b)
		return nil, ErrPassword
	}
	return b[:len(b)-pad], nil
}
