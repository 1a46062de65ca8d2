package pfx

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// NotKeyError says that a file was recognised and holds no private key.
type NotKeyError struct{ Kind der.Kind }

// Error names what the file is.
func (e *NotKeyError) Error() string {
	return "pfx: the file is " + e.Kind.String() + ", not a private key"
}

// ReadKeyFile opens any file with a private key, by its content: PFX, PKCS #8
// plain or encrypted, the older RSA and EC forms, as DER, PEM or Base64;
// certificates in the same PEM file become the certificate and the chain.
// password is called at most once, and only if the file is encrypted; the
// result is wiped. Errors are those of [Decode], with [ErrPassword] for
// encrypted PKCS #8 too, and a [*NotKeyError] for another kind of file.
func ReadKeyFile(data []byte, password func() ([]byte, error)) (*Contents, error) {
	if len(data) > limits.KeyFileBytes {
		return nil, fmt.Errorf("pfx: the file has %d octets, more than %d", len(data), limits.KeyFileBytes)
	}
	blocks, err := der.Decode(data)
	if err != nil {
		return nil, fmt.Errorf("pfx: %w", err)
	}
	var f keyFile
	for _, b := range blocks {
		if err := f.add(b, password); err != nil {
			return nil, err
		}
	}
	return f.contents()
}

// keyFile collects the objects of one file.
type keyFile struct {
	pfx   *Contents
	p8    []byte // DER, decrypted
	key   crypto.Signer
	certs []*pki.Certificate
	other der.Kind // the first object that is neither
}

func (f *keyFile) hasKey() bool { return f.pfx != nil || f.p8 != nil || f.key != nil }

func (f *keyFile) add(b der.Block, password func() ([]byte, error)) error {
	kind := der.Sniff(b.Bytes)
	switch b.Type { // forms that only a PEM label tells apart
	case "EC PARAMETERS", "DH PARAMETERS":
		return nil
	case "RSA PRIVATE KEY", "EC PRIVATE KEY":
		return f.addOld(b)
	}
	if kind != der.KindCertificate && f.hasKey() {
		return nil // one key a file: the first
	}
	switch kind {
	case der.KindCertificate:
		cert, err := pki.ParseCertificate(b.Bytes)
		if err != nil {
			return fmt.Errorf("pfx: certificate beside the key: %w", err)
		}
		f.certs = append(f.certs, cert)
	case der.KindPFX:
		// A broken file is not worth asking for a password.
		if err := new(decoder).parse(b.Bytes); err != nil {
			return err
		}
		return withPassword(password, func(pw []byte) error {
			c, err := Decode(b.Bytes, pw)
			f.pfx = c
			return err
		})
	case der.KindPKCS8:
		p8, err := der.ToDER(b.Bytes)
		if err != nil {
			return damaged("%v", err)
		}
		f.p8 = bytes.Clone(p8)
	case der.KindEncryptedPKCS8:
		return f.addEncrypted(b.Bytes, password)
	default:
		if f.other == der.KindUnknown {
			f.other = kind
		}
	}
	return nil
}

// addEncrypted opens an encrypted PKCS #8 key. Besides PBES2 there is one older
// form that programs still offer by name: Triple DES under the key derivation
// of PKCS #12.
func (f *keyFile) addEncrypted(data []byte, password func() ([]byte, error)) error {
	data, err := der.ToDER(data)
	if err != nil {
		return damaged("%v", err)
	}
	id, ciphertext, err := alg.ParseEncryptedPKCS8(data)
	if err != nil {
		return damaged("%v", err)
	}
	decrypt := func(pw []byte) ([]byte, error) { return alg.DecryptPKCS8(data, pw) }
	cost := alg.PBES2Iterations
	if id.OID == oid.PBEWithSHA1And3DES {
		decrypt = func(pw []byte) ([]byte, error) { return decryptPKCS12(id, ciphertext, pw) }
		cost = iterationsOf
	}
	if _, err := cost(id); err != nil {
		return fmt.Errorf("pfx: %w", err) // not worth asking for a password
	}
	return withPassword(password, func(pw []byte) error {
		p8, err := decrypt(pw)
		if errors.Is(err, alg.ErrPassword) {
			return ErrPassword
		}
		if err != nil {
			return fmt.Errorf("pfx: %w", err)
		}
		f.p8 = p8
		return nil
	})
}

// addOld reads the forms before PKCS #8 (RFC 8017, appendix A.1.2; RFC 5915).
func (f *keyFile) addOld(b der.Block) error {
	if f.hasKey() {
		return nil
	}
	if b.Headers["DEK-Info"] != "" {
		return errors.New("pfx: the key is encrypted in the form of RFC 1421, which is not supported; convert it to PKCS #8")
	}
	if b.Type == "RSA PRIVATE KEY" {
		key, err := x509.ParsePKCS1PrivateKey(b.Bytes)
		if err != nil {
			return damaged("%v", err)
		}
		f.key = key
		return nil
	}
	key, err := x509.ParseECPrivateKey(b.Bytes)
	if err != nil {
		return damaged("%v", err)
	}
	f.key = key
	return nil
}

// EncodePEM writes key, certificate and chain as PEM blocks in this order: the
// form that web servers and OpenSSL read. The key is encrypted PKCS #8 (RFC
// 9337), or plain where password is nil. [ReadKeyFile] reads it back.
func EncodePEM(rand io.Reader, c *Contents, password []byte, o alg.PBES2) ([]byte, error) {
	if c.Key == nil {
		return nil, ErrNoKey
	}
	if isHeld(c.Key) {
		return nil, ErrNotExportable
	}
	p8, err := alg.MarshalPKCS8(c.Key)
	if err != nil {
		return nil, fmt.Errorf("pfx: %w", err)
	}
	defer clear(p8)
	label, data := "PRIVATE KEY", p8
	if password != nil {
		label = "ENCRYPTED PRIVATE KEY"
		if data, err = alg.EncryptPKCS8(rand, p8, password, o); err != nil {
			return nil, fmt.Errorf("pfx: %w", err)
		}
	}
	out := pem.EncodeToMemory(&pem.Block{Type: label, Bytes: data})
	certs := c.Chain
	if c.Certificate != nil {
		certs = append([]*pki.Certificate{c.Certificate}, certs...)
	}
	for _, cert := range certs {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})...)
	}
	return out, nil
}

// withPassword asks for the password, uses it and wipes it.
func withPassword(ask func() ([]byte, error), use func([]byte) error) error {
	pw, err := ask()
	if err != nil {
		return err
	}
	defer clear(pw)
	return use(pw)
}

// contents joins the key with the certificates of the file.
func (f *keyFile) contents() (*Contents, error) {
	defer clear(f.p8)
	if f.pfx != nil {
		return f.pfx, nil
	}
	if !f.hasKey() {
		switch {
		case len(f.certs) > 0:
			return nil, &NotKeyError{Kind: der.KindCertificate}
		case f.other != der.KindUnknown:
			return nil, &NotKeyError{Kind: f.other}
		}
		return nil, ErrNoKey
	}
	c := &Contents{Key: f.key, MAC: MACNone}
	if f.key == nil {
		key, err := alg.ParsePKCS8(f.p8)
		if err != nil {
			return nil, fmt.Errorf("pfx: %w", err)
		}
		c.Key = key
	}
	var others []*pki.Certificate
	for _, cert := range f.certs {
		if c.Certificate == nil && cert.PublicKey != nil && alg.EqualKeys(cert.PublicKey, c.Key.Public()) {
			c.Certificate = cert
			continue
		}
		others = append(others, cert)
	}
	c.Chain = orderChain(c.Certificate, others)
	return c, nil
}
