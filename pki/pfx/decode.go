package pfx

import (
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/gost/streebog"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// Decode opens a PFX in DER or BER. password is UTF-8 as it was typed, without
// a terminating zero; it is not changed. The error is [ErrPassword],
// [ErrDamaged], [ErrNoKey], an [*UnsupportedError], or says which number in the
// file is beyond a limit; a number of iterations is refused before it is
// computed. A file with several keys gives the first one.
func Decode(data, password []byte) (*Contents, error) {
	if len(data) > limits.KeyFileBytes {
		return nil, fmt.Errorf("pfx: the file has %d octets, more than %d", len(data), limits.KeyFileBytes)
	}
	d := decoder{password: password}
	if err := d.parse(data); err != nil {
		return nil, err
	}
	if d.foreign && !d.cryptoPro {
		return decodeForeign(d.raw, password)
	}
	dialect := MACNone
	if d.mac != nil {
		cost, err := d.mac.cost()
		if err != nil {
			return nil, err
		}
		if err := d.spend(cost); err != nil {
			return nil, err
		}
		macKey, err := d.deriveTogether(streebog.Lanes())
		if err != nil {
			return nil, err
		}
		defer d.wipe(macKey)
		if dialect, err = d.mac.check(d.authSafe, password, macKey); err != nil {
			return nil, err
		}
	}
	for _, s := range d.safes {
		if err := d.safe(s); err != nil {
			return nil, err
		}
	}
	c, err := d.contents()
	if err != nil {
		return nil, err
	}
	c.MAC = dialect
	return c, nil
}

// decoder holds what was read so far.
type decoder struct {
	password []byte
	raw      []byte // the whole file as DER
	authSafe []byte // what the MAC covers
	mac      *macData
	safes    []safe
	foreign  bool // certificates under RC2: as Windows wrote files with RSA and ECDSA keys
	// cryptoPro says that the key is in the CSP's own bag, which the library for
	// foreign files does not know.
	cryptoPro bool
	spent     int // iterations
	count     int // bags

	seen    []alg.Identifier  // the encryption of what is in sight without the password
	derived map[string][]byte // keys of some of them, by their parameters

	keys  []keyBag
	certs []certBag
}

// safe is one element of AuthenticatedSafe: plain SafeContents, or encrypted.
type safe struct {
	content    []byte
	encryption alg.Identifier // zero if plain
}

type keyBag struct {
	p8    []byte // decrypted PrivateKeyInfo
	id    []byte // localKeyId
	label string // friendlyName
	held  bool   // its attributes forbid export

	period KeyPeriod
}

type certBag struct {
	cert  *pki.Certificate
	id    []byte
	label string
}

// spend adds to the iterations of the file and refuses too many.
func (d *decoder) spend(iterations int) error {
	d.spent += iterations
	if d.spent > limits.PFXIterations {
		return fmt.Errorf("pfx: the file asks for more than %d iterations in all", limits.PFXIterations)
	}
	return nil
}

// parse takes the outer structure apart without the password:
//
//	PFX ::= SEQUENCE {
//	    version     INTEGER {v3(3)}(v3,...),
//	    authSafe    ContentInfo,
//	    macData     MacData OPTIONAL }
func (d *decoder) parse(data []byte) error {
	raw, err := der.ToDER(data)
	if err != nil {
		return damaged("%v", err)
	}
	d.raw = raw
	in := cryptobyte.String(raw)
	var body, mac cryptobyte.String
	var version int
	if !in.ReadASN1(&body, asn1.SEQUENCE) || !in.Empty() || !body.ReadASN1Integer(&version) {
		return damaged("it is not a PFX")
	}
	// RFC 7292, section 4: "version ... shall be v3 for this version of this document".
	if version != 3 {
		return damaged("version %d, want 3", version)
	}
	content, err := readContentInfo(&body, "authSafe")
	if err != nil {
		return err
	}
	if content.encryption.OID != "" {
		return damaged("authSafe is not of type data")
	}
	d.authSafe = content.content
	var has bool
	if !body.ReadOptionalASN1(&mac, &has, asn1.SEQUENCE) || !body.Empty() {
		return damaged("macData")
	}
	if has {
		if d.mac, err = parseMAC(mac); err != nil {
			return err
		}
	}
	return d.parseSafes()
}

// parseSafes reads AuthenticatedSafe ::= SEQUENCE OF ContentInfo and looks for
// encryption that this package does not read, before any work is done.
func (d *decoder) parseSafes() error {
	inner, err := der.ToDER(d.authSafe)
	if err != nil {
		return damaged("authSafe: %v", err)
	}
	in := cryptobyte.String(inner)
	var list cryptobyte.String
	if !in.ReadASN1(&list, asn1.SEQUENCE) || !in.Empty() {
		return damaged("authSafe is not a SEQUENCE")
	}
	for !list.Empty() {
		if len(d.safes) >= limits.PFXBags {
			return fmt.Errorf("pfx: more than %d safes", limits.PFXBags)
		}
		s, err := readContentInfo(&list, "AuthenticatedSafe")
		if err != nil {
			return err
		}
		d.safes = append(d.safes, s)
		if err := d.survey(s); err != nil {
			return err
		}
	}
	return nil
}

// survey looks at the encryption of a safe and of the bags that are in sight.
func (d *decoder) survey(s safe) error {
	if s.encryption.OID != "" {
		return d.surveyEncryption(s.encryption)
	}
	return d.eachBag(s.content, 0, func(id oid.OID, value []byte, _ attributes) error {
		if id != oid.PKCS8ShroudedKeyBag {
			return nil
		}
		enc, _, err := alg.ParseEncryptedPKCS8(value)
		if err != nil {
			return damaged("pkcs8ShroudedKeyBag: %v", err)
		}
		return d.surveyEncryption(enc)
	})
}

func (d *decoder) surveyEncryption(id alg.Identifier) error {
	switch id.OID {
	case oid.PBES2, oid.PBEWithSHA1And3DES:
		d.seen = append(d.seen, id)
		n, err := iterationsOf(id)
		if err != nil {
			return err
		}
		return d.spend(n)
	case oid.PBEWithSHA1AndRC2_40:
		d.foreign = true
		n, err := iterationsOf(id)
		if err != nil {
			return err
		}
		return d.spend(n)
	case oid.CryptoProPBE:
		d.cryptoPro = true
		n, err := cryptoProCost(id)
		if err != nil {
			return err
		}
		return d.spend(n)
	}
	return &UnsupportedError{OID: id.OID}
}

// readContentInfo reads a ContentInfo of type data or encryptedData (RFC 7292,
// section 4.1; RFC 5652, sections 4 and 8).
func readContentInfo(s *cryptobyte.String, field string) (safe, error) {
	var body, explicit, content cryptobyte.String
	var kind oid.OID
	if !s.ReadASN1(&body, asn1.SEQUENCE) || !oid.Read(&body, &kind) ||
		!body.ReadASN1(&explicit, asn1.Tag(0).ContextSpecific().Constructed()) || !body.Empty() {
		return safe{}, damaged("%s is not a ContentInfo", field)
	}
	switch kind {
	case oid.Data:
		if !explicit.ReadASN1(&content, asn1.OCTET_STRING) || !explicit.Empty() {
			return safe{}, damaged("%s: data is not an OCTET STRING", field)
		}
		return safe{content: content}, nil
	case oid.EncryptedData:
		return readEncryptedData(explicit, field)
	}
	return safe{}, &UnsupportedError{OID: kind}
}

// readEncryptedData reads
//
//	EncryptedData ::= SEQUENCE { version, encryptedContentInfo, ... }
//	EncryptedContentInfo ::= SEQUENCE {
//	    contentType, contentEncryptionAlgorithm,
//	    encryptedContent [0] IMPLICIT OCTET STRING OPTIONAL }
func readEncryptedData(s cryptobyte.String, field string) (safe, error) {
	var body, info, content cryptobyte.String
	var version int
	var kind oid.OID
	if !s.ReadASN1(&body, asn1.SEQUENCE) || !s.Empty() || !body.ReadASN1Integer(&version) ||
		!body.ReadASN1(&info, asn1.SEQUENCE) || !oid.Read(&info, &kind) || kind != oid.Data {
		return safe{}, damaged("%s: encryptedData", field)
	}
	enc, err := alg.ReadIdentifier(&info, "contentEncryptionAlgorithm")
	if err != nil {
		return safe{}, damaged("%s: %v", field, err)
	}
	primitive := asn1.Tag(0).ContextSpecific()
	if info.PeekASN1Tag(primitive) {
		if !info.ReadASN1(&content, primitive) || !info.Empty() {
			return safe{}, damaged("%s: encryptedContent", field)
		}
		return safe{content: content, encryption: enc}, nil
	}
	// BER in pieces: an implicit tag hides that it is a string.
	var pieces, piece cryptobyte.String
	if !info.ReadASN1(&pieces, primitive.Constructed()) || !info.Empty() {
		return safe{}, damaged("%s: encryptedContent", field)
	}
	for !pieces.Empty() {
		if !pieces.ReadASN1(&piece, asn1.OCTET_STRING) {
			return safe{}, damaged("%s: encryptedContent", field)
		}
		content = append(content, piece...)
	}
	return safe{content: content, encryption: enc}, nil
}

// safe opens one safe and collects its bags.
func (d *decoder) safe(s safe) error {
	content := s.content
	if s.encryption.OID != "" {
		plain, err := d.decrypt(s.encryption, s.content, wholeSafe)
		if err != nil {
			return err
		}
		defer clear(plain)
		// The bags inside were not in sight before; their cost counts as well.
		if err := d.survey(safe{content: plain}); err != nil {
			return err
		}
		content = plain
	}
	return d.eachBag(content, 0, d.bag)
}

// decrypt opens what is encrypted under the password; whole says whether the
// plaintext is what it should be. Where the file has a MAC it has been checked,
// so that a failure is damage; where it has none, the structure inside is the
// only proof, and its absence may be either.
func (d *decoder) decrypt(id alg.Identifier, data []byte, whole func([]byte) bool) ([]byte, error) {
	var plain []byte
	var err error
	switch id.OID {
	case oid.PBEWithSHA1And3DES, oid.PBEWithSHA1AndRC2_40:
		plain, err = decryptPKCS12(id, data, d.password)
	case oid.PBES2:
		if key := d.derived[string(id.Params)]; key != nil {
			plain, err = alg.DecryptPBES2Key(id, data, key, whole)
			break
		}
		plain, err = alg.DecryptPBES2Checked(id, data, d.password, whole)
	default:
		return nil, &UnsupportedError{OID: id.OID}
	}
	if errors.Is(err, alg.ErrPassword) {
		return nil, d.refused()
	}
	if err != nil {
		return nil, fmt.Errorf("pfx: %w", err)
	}
	return plain, nil
}

// wholeSafe says whether b is SafeContents whose certificates can be read. The
// outline alone would not show a wrong key in the middle of a certificate.
func wholeSafe(b []byte) bool {
	var probe decoder
	return probe.eachBag(b, 0, func(id oid.OID, value []byte, a attributes) error {
		if id == oid.CertBag {
			return probe.certBag(value, a)
		}
		return nil
	}) == nil
}

// isSequence says whether b is one SEQUENCE from its first octet to its last.
func isSequence(b []byte) bool {
	out, err := der.ToDER(b)
	if err != nil {
		return false
	}
	in := cryptobyte.String(out)
	return in.SkipASN1(asn1.SEQUENCE) && in.Empty()
}
