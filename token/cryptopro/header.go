package cryptopro

import (
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/gost/gost28147"
	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/pfx"
)

// The bits of the container's attributes and of a key's.
const (
	attrSoftPassword  = 1 << 0 // kccaSoftPassword: there is a password
	attrPrimaryAbsent = 1 << 2 // kccaPrimaryKeyAbsent
	attrShared        = 1 << 3 // kccaFKCShared: the key is on a token

	keyExportable = 1 << 0 // pkaExportable
	keyExchange   = 1 << 2 // pkaExchange
)

// containerV2 is id-CryptoPro-GostPrivateKeys-V2-Full, the one kind of container
// that is known to open.
const containerV2 oid.OID = "1.2.643.2.2.37.2.1"

// fingerprintSize is how many octets of a public key the header has.
const fingerprintSize = 8

// header is header.key:
//
//	GostKeyContainer ::= SEQUENCE { content GostKeyContainerContent, mac OCTET STRING (SIZE (4)) }
//	GostKeyContainerContent ::= SEQUENCE {
//	    containerAlgorithm    [0] EXPLICIT OBJECT IDENTIFIER OPTIONAL,
//	    containerName         IA5String OPTIONAL,
//	    attributes            BIT STRING,
//	    primaryParameters     GostPrivateKeyParameters,
//	    hmacPassword          [2] IMPLICIT OCTET STRING (SIZE (4)) OPTIONAL,
//	    secondaryEncryptedPrivateKey [3] OPTIONAL,
//	    secondaryParameters   [4] IMPLICIT GostPrivateKeyParameters OPTIONAL,
//	    primaryCertificate    [5] IMPLICIT OCTET STRING OPTIONAL,
//	    secondaryCertificate  [6] IMPLICIT OCTET STRING OPTIONAL,
//	    encryptionContainerName [7], primaryCertificateLink [8], secondaryCertificateLink [9] OPTIONAL,
//	    primaryFP             [10] IMPLICIT OCTET STRING (SIZE (8)),
//	    secondaryFP           [11] IMPLICIT OCTET STRING (SIZE (8)) OPTIONAL,
//	    passwordPolicy        OBJECT IDENTIFIER OPTIONAL,
//	    containerSecurityLevel INTEGER OPTIONAL,
//	    extensions            [12] IMPLICIT SEQUENCE OF Extension OPTIONAL,
//	    secondaryEncryptionContainerName [13] OPTIONAL }
type header struct {
	name        string
	kind        oid.OID // containerAlgorithm
	hasPassword bool
	passwordMAC []byte // nil or 4 octets
	content     []byte // what mac covers
	mac         []byte
	primary     Entry
	secondary   *Entry
}

// keyParams is what opens a key.
type keyParams struct {
	curve  gost3410.Curve
	legacy bool // GOST R 34.10-2001: the password is hashed with GOST R 34.11-94
	sbox   gost28147.SBox
}

// fields are the elements of the header's content by their tag octet. Only
// the tags, which are all different, tell the optional fields apart.
type fields map[asn1.Tag]cryptobyte.String

// Tags of header fields.
const (
	tagKind         = asn1.Tag(0xa0)
	tagName         = asn1.Tag(der.TagIA5String)
	tagPassword     = asn1.Tag(0x82)
	tagSecondParams = asn1.Tag(0xa4)
	tagCert         = asn1.Tag(0x85)
	tagSecondCert   = asn1.Tag(0x86)
	tagFP           = asn1.Tag(0x8a)
	tagSecondFP     = asn1.Tag(0x8b)
	tagExtensions   = asn1.Tag(0xac)
)

func badHeader(format string, args ...any) error {
	return &DamagedError{fileHeader, fmt.Sprintf(format, args...)}
}

// parseHeader reads a copy of header.key.
func parseHeader(data []byte) (*header, error) {
	in := cryptobyte.String(append([]byte(nil), data...))
	var body, element, content cryptobyte.String
	if !in.ReadASN1(&body, asn1.SEQUENCE) || !in.Empty() {
		return nil, badHeader("it is not a SEQUENCE")
	}
	if !body.ReadASN1Element(&element, asn1.SEQUENCE) {
		return nil, badHeader("content")
	}
	h := &header{content: element}
	if !element.ReadASN1(&content, asn1.SEQUENCE) {
		return nil, badHeader("content")
	}
	if err := readOctets(&body, asn1.OCTET_STRING, &h.mac, []int{macSize}); err != nil {
		return nil, badHeader("checksum: %v", err)
	}
	if !body.Empty() {
		return nil, badHeader("data after the checksum")
	}
	f := fields{}
	for !content.Empty() {
		var value cryptobyte.String
		var tag asn1.Tag
		if !content.ReadAnyASN1(&value, &tag) {
			return nil, badHeader("a field is cut off")
		}
		if _, twice := f[tag]; twice {
			return nil, badHeader("two fields with the tag %#02x", uint8(tag))
		}
		f[tag] = value
	}
	return h, h.fill(f)
}

func (h *header) fill(f fields) error {
	if err := h.general(f); err != nil {
		return err
	}
	params, ok := f[asn1.SEQUENCE]
	if !ok {
		return badHeader("primaryParameters is missing")
	}
	var err error
	if h.primary, err = parseEntry(params, f[tagFP], "primary"); err != nil {
		return err
	}
	h.primary.readCertificate(f[tagCert])
	if params, ok := f[tagSecondParams]; ok {
		second, err := parseEntry(params, f[tagSecondFP], "secondary")
		if err != nil {
			return err
		}
		second.readCertificate(f[tagSecondCert])
		h.secondary = &second
	}
	h.periods(f[tagExtensions])
	return nil
}

// general reads what concerns the whole container.
func (h *header) general(f fields) error {
	if kind, ok := f[tagKind]; ok && (!oid.Read(&kind, &h.kind) || !kind.Empty()) {
		return badHeader("containerAlgorithm")
	}
	if name, ok := f[tagName]; ok {
		h.name = nameText(byte(tagName), name)
	}
	attributes, err := bitsOf(f, "attributes")
	if err != nil {
		return err
	}
	if attributes&attrShared != 0 {
		return &UnsupportedError{What: "a container whose key is on a token of its own"}
	}
	if attributes&attrPrimaryAbsent != 0 {
		return &UnsupportedError{What: "a container without its first key"}
	}
	h.hasPassword = attributes&attrSoftPassword != 0
	if mac, ok := f[tagPassword]; ok {
		if len(mac) != macSize {
			return badHeader("hmacPassword: %d octets, want %d", len(mac), macSize)
		}
		h.passwordMAC = mac
		for _, x := range mac { // without a password there is none, or four zeros
			h.hasPassword = h.hasPassword || x != 0
		}
	}
	return nil
}

func bitsOf(f fields, name string) (uint32, error) {
	content, ok := f[asn1.BIT_STRING]
	if !ok {
		return 0, badHeader("%s is missing", name)
	}
	octets, _, _, ok := der.BitString(content)
	if !ok {
		return 0, badHeader("%s is not a BIT STRING", name)
	}
	return der.NamedBits(octets), nil
}

// parseEntry reads
//
//	GostPrivateKeyParameters ::= SEQUENCE {
//	    attributes  BIT STRING,
//	    algorithm   [0] IMPLICIT SEQUENCE {
//	        algorithm   OBJECT IDENTIFIER,
//	        parameters  SEQUENCE { curve, digest, cipher OBJECT IDENTIFIER OPTIONAL } } }
func parseEntry(in, fingerprint cryptobyte.String, which string) (Entry, error) {
	var e Entry
	var bits, id, params cryptobyte.String
	var key oid.OID
	if !in.ReadASN1(&bits, asn1.BIT_STRING) {
		return e, badHeader("%sParameters.attributes", which)
	}
	octets, _, _, ok := der.BitString(bits)
	if !ok {
		return e, badHeader("%sParameters.attributes", which)
	}
	named := der.NamedBits(octets)
	e.Exportable, e.Exchange = named&keyExportable != 0, named&keyExchange != 0
	if !in.ReadASN1(&id, asn1.Tag(0).ContextSpecific().Constructed()) || !oid.Read(&id, &key) {
		return e, badHeader("%sParameters.algorithm", which)
	}
	if err := e.setAlgorithm(key); err != nil {
		return e, err
	}
	if !id.ReadASN1(&params, asn1.SEQUENCE) || !id.Empty() {
		return e, badHeader("%sParameters.algorithm.parameters", which)
	}
	if err := e.setParameters(params, which); err != nil {
		return e, err
	}
	if len(fingerprint) != fingerprintSize {
		return e, badHeader("%sFP: %d octets, want %d", which, len(fingerprint), fingerprintSize)
	}
	e.fingerprint = fingerprint
	return e, nil
}

// setAlgorithm names the key as PKCS #8 does, whether the header names the
// signature or the agreement.
func (e *Entry) setAlgorithm(key oid.OID) error {
	switch key {
	case oid.GOST2012_256, oid.AgreementGOST2012_256:
		e.Algorithm.OID = oid.GOST2012_256
	case oid.GOST2012_512, oid.AgreementGOST2012_512:
		e.Algorithm.OID = oid.GOST2012_512
	case oid.GOST2001, oid.GOST2001DH:
		e.Algorithm.OID = oid.GOST2001
		e.params.legacy = true
	default:
		return &UnsupportedError{What: "key algorithm", OID: key}
	}
	return nil
}

func (e *Entry) setParameters(in cryptobyte.String, which string) error {
	var curve, digest, cipher oid.OID
	if !oid.Read(&in, &curve) {
		return badHeader("%sParameters: the curve", which)
	}
	if !in.Empty() && !oid.Read(&in, &digest) {
		return badHeader("%sParameters: the digest", which)
	}
	if !in.Empty() && !oid.Read(&in, &cipher) || !in.Empty() {
		return badHeader("%sParameters: the cipher", which)
	}
	var ok bool
	if e.params.curve, ok = gost3410.CurveByName(curve.Name()); !ok {
		return &UnsupportedError{What: "curve", OID: curve}
	}
	size := 32
	if e.Algorithm.OID == oid.GOST2012_512 {
		size = 64
	}
	if e.params.curve.Size() != size {
		return badHeader("%sParameters: the curve %s does not fit the algorithm", which, curve.Name())
	}
	if e.params.sbox, ok = sboxOf(cipher, e.params.legacy); !ok {
		return &UnsupportedError{What: "cipher", OID: cipher}
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		curve.Add(b)
		if digest != "" {
			digest.Add(b)
		}
	})
	var err error
	if e.Algorithm.Params, err = b.Bytes(); err != nil {
		return badHeader("%sParameters: %v", which, err)
	}
	return nil
}

// sboxOf returns the substitution of the cipher that the header names, or that
// of the algorithm's generation.
func sboxOf(o oid.OID, legacy bool) (gost28147.SBox, bool) {
	switch {
	case o == oid.GOST28147ParamZ, o == "" && !legacy:
		return gost28147.SBoxTC26Z(), true
	case o == oid.GOST28147ParamA, o == "":
		return gost28147.SBoxCryptoProA(), true
	case o == oid.GOST28147ParamB:
		return gost28147.SBoxCryptoProB(), true
	case o == oid.GOST28147ParamC:
		return gost28147.SBoxCryptoProC(), true
	case o == oid.GOST28147ParamD:
		return gost28147.SBoxCryptoProD(), true
	}
	return gost28147.SBox{}, false
}

// readCertificate reads the certificate, whose absence does not hinder the key.
func (e *Entry) readCertificate(in cryptobyte.String) {
	for len(in) > 0 {
		var raw cryptobyte.String
		if !in.ReadASN1Element(&raw, asn1.SEQUENCE) {
			e.CertificateErr = errors.New("cryptopro: header.key: the certificate is cut off")
			return
		}
		cert, err := pki.ParseCertificate(raw)
		switch {
		case err != nil:
			e.CertificateErr = fmt.Errorf("cryptopro: header.key: %w", err)
			return
		case e.Certificate == nil:
			e.Certificate = cert
		case len(e.Chain) < limits.AuthorityChain:
			e.Chain = append(e.Chain, cert)
		}
	}
}

// periods reads the usage periods of the keys: the extension .10 is that of a
// key for exchange, .9 that of a key for signatures alone. Where only one is
// there it stands for both.
func (h *header) periods(extensions cryptobyte.String) {
	exchange, ok1 := pfx.CryptoProKeyPeriod(extensions, oid.CryptoProKeyValidity)
	signature, ok2 := pfx.CryptoProKeyPeriod(extensions, signatureValidity)
	if !ok1 {
		exchange = signature
	}
	if !ok2 {
		signature = exchange
	}
	for _, e := range []*Entry{&h.primary, h.secondary} {
		switch {
		case e == nil:
		case e.Exchange:
			e.NotBefore, e.NotAfter = exchange.NotBefore, exchange.NotAfter
		default:
			e.NotBefore, e.NotAfter = signature.NotBefore, signature.NotAfter
		}
	}
}

// signatureValidity is the neighbour of [oid.CryptoProKeyValidity] for a key that
// only signs.
const signatureValidity oid.OID = "1.2.643.2.2.37.3.9"

// equalCertificate checks the certificate against the key.
func (e *Entry) equalCertificate() {
	if e.Certificate == nil || e.CertificateErr != nil {
		return
	}
	if e.Certificate.PublicKey == nil || !alg.EqualKeys(e.Certificate.PublicKey, e.Key.Public()) {
		e.Certificate, e.Chain = nil, nil
		e.CertificateErr = fmt.Errorf("cryptopro: header.key: the certificate: %w", alg.ErrKeyMismatch)
	}
}
