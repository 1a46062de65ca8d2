package pfx

import (
	"crypto"
	"crypto/des" //nolint:gosec // read only: what older tools wrote
	"crypto/sha1"
	"crypto/subtle"
	"crypto/x509"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
	pkcs12 "software.sslmate.com/src/go-pkcs12"

	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// pbeParams are the parameters of the encryption of PKCS #12 itself:
//
//	pkcs-12PbeParams ::= SEQUENCE { salt OCTET STRING, iterations INTEGER }
func pbeParams(id alg.Identifier) (salt []byte, iterations int, err error) {
	in := cryptobyte.String(id.Params)
	var body, s cryptobyte.String
	var n int64
	if !in.ReadASN1(&body, asn1.SEQUENCE) || !in.Empty() || !body.ReadASN1(&s, asn1.OCTET_STRING) ||
		!body.ReadASN1Integer(&n) || !body.Empty() || n < 1 || len(s) > limits.PBKDF2Salt {
		return nil, 0, damaged("pkcs-12PbeParams")
	}
	if n > limits.PBKDF2Iterations {
		return nil, 0, fmt.Errorf("pfx: pkcs-12PbeParams.iterations is %d, more than %d", n, limits.PBKDF2Iterations)
	}
	return s, int(n), nil
}

// iterationsOf returns what opening data under id costs.
func iterationsOf(id alg.Identifier) (int, error) {
	if id.OID != oid.PBES2 {
		_, n, err := pbeParams(id)
		return n, err
	}
	n, err := alg.PBES2Iterations(id)
	if err != nil {
		return 0, fmt.Errorf("pfx: %w", err)
	}
	return n, nil
}

// decryptPKCS12 opens pbeWithSHAAnd3-KeyTripleDES-CBC and
// pbeWithSHAAnd40BitRC2-CBC (RFC 7292, appendix C), under which older tools
// wrote GOST keys and their certificates too.
func decryptPKCS12(id alg.Identifier, data, password []byte) ([]byte, error) {
	salt, iterations, err := pbeParams(id)
	if err != nil {
		return nil, err
	}
	if len(data) == 0 || len(data)%des.BlockSize != 0 { // RC2 has the same size
		return nil, damaged("the encrypted part is not a whole number of blocks")
	}
	bmp, err := bmpString(password)
	if err != nil {
		return nil, alg.ErrPassword
	}
	defer clear(bmp)
	tries := [][]byte{bmp}
	if len(password) == 0 {
		tries = append(tries, nil)
	}
	for _, p := range tries {
		iv := pkcs12KDF(sha1.New, idIV, p, salt, iterations, des.BlockSize)
		block, err := pkcs12Cipher(id.OID, p, salt, iterations)
		if err != nil {
			return nil, err
		}
		out := decryptCBC(block, iv, data)
		pad := int(out[len(out)-1])
		if pad >= 1 && pad <= des.BlockSize && allEqual(out[len(out)-pad:], byte(pad)) && isSequence(out[:len(out)-pad]) {
			return out[:len(out)-pad], nil
		}
		clear(out)
	}
	return nil, alg.ErrPassword
}

// decrypter is the half of cipher.Block that reading needs.
type decrypter interface{ Decrypt(dst, src []byte) }

// decryptCBC decrypts whole blocks of 8 octets.
func decryptCBC(block decrypter, iv, data []byte) []byte {
	out := make([]byte, len(data))
	for i := 0; i < len(data); i += len(iv) {
		block.Decrypt(out[i:], data[i:])
		subtle.XORBytes(out[i:], out[i:i+len(iv)], iv)
		iv = data[i : i+len(iv)]
	}
	return out
}

// pkcs12Cipher makes the block cipher of a password-based encryption of RFC
// 7292, appendix C: three keys for Triple DES, 40 bits for RC2.
func pkcs12Cipher(o oid.OID, password, salt []byte, iterations int) (decrypter, error) {
	if o == oid.PBEWithSHA1AndRC2_40 {
		key := pkcs12KDF(sha1.New, idKey, password, salt, iterations, 5)
		defer clear(key)
		return newRC2(key, 40), nil
	}
	key := pkcs12KDF(sha1.New, idKey, password, salt, iterations, 24)
	defer clear(key)
	block, err := des.NewTripleDESCipher(key) //nolint:gosec // see the import
	if err != nil {
		return nil, fmt.Errorf("pfx: Triple DES: %w", err)
	}
	return block, nil
}

func allEqual(b []byte, v byte) bool {
	same := 1
	for _, x := range b {
		same &= subtle.ConstantTimeByteEq(x, v)
	}
	return same == 1
}

// decodeForeign opens a file whose encryption only the library reads: RC2 of
// 40 bits around certificates, as Windows wrote for decades.
func decodeForeign(data, password []byte) (*Contents, error) {
	key, leaf, chain, err := pkcs12.DecodeChain(data, string(password))
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword), errors.Is(err, pkcs12.ErrDecryption):
		return nil, ErrPassword
	case err != nil:
		return nil, fmt.Errorf("pfx: %w", err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("pfx: a private key of type %T", key)
	}
	c := &Contents{Key: signer, MAC: MACOther}
	if c.Certificate, err = pki.ParseCertificate(leaf.Raw); err != nil {
		return nil, damaged("certBag: %v", err)
	}
	if !alg.EqualKeys(c.Certificate.PublicKey, signer.Public()) {
		return nil, fmt.Errorf("pfx: %w", alg.ErrKeyMismatch)
	}
	for _, x := range chain {
		other, err := pki.ParseCertificate(x.Raw)
		if err != nil {
			return nil, damaged("certBag: %v", err)
		}
		c.Chain = append(c.Chain, other)
	}
	c.Chain = orderChain(c.Certificate, c.Chain)
	return c, nil
}

// encodeForeign writes a file with an RSA or ECDSA key as other tools expect
// it: AES-256-CBC under PBKDF2 with HMAC-SHA-256, MAC by HMAC-SHA-256.
func encodeForeign(rand io.Reader, c *Contents, password []byte, iterations int) ([]byte, error) {
	leaf, err := c.Certificate.X509()
	if err != nil {
		return nil, fmt.Errorf("pfx: certificate: %w", err)
	}
	var chain []*x509.Certificate
	for _, cert := range c.Chain {
		x, err := cert.X509()
		if err != nil {
			return nil, fmt.Errorf("pfx: chain: %w", err)
		}
		chain = append(chain, x)
	}
	out, err := pkcs12.Modern2023.WithRand(rand).WithIterations(iterations).Encode(c.Key, leaf, chain, string(password))
	if err != nil {
		return nil, fmt.Errorf("pfx: %w", err)
	}
	return out, nil
}
