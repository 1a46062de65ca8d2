package pki

import (
	"crypto"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// CreateCRL writes a version 2 CRL as DER with authorityKeyIdentifier and
// cRLNumber, signed by signer, which must hold the key of issuer. rand feeds
// the signature; nil gives a deterministic one where the key can do that.
func CreateCRL(rand io.Reader, tmpl *CRLTemplate, issuer *Certificate, signer crypto.Signer) ([]byte, error) {
	out, err := createCRL(rand, tmpl, issuer, signer)
	if err != nil {
		return nil, fmt.Errorf("pki: crl: %w", err)
	}
	return out, nil
}

func createCRL(rand io.Reader, tmpl *CRLTemplate, issuer *Certificate, signer crypto.Signer) ([]byte, error) {
	if tmpl == nil || issuer == nil || signer == nil {
		return nil, errors.New("template, issuer and key are required")
	}
	if err := tmpl.check(); err != nil {
		return nil, err
	}
	if issuer.PublicKey == nil || !alg.EqualKeys(issuer.PublicKey, signer.Public()) {
		return nil, errors.New("the signing key is not the key of the issuer's certificate")
	}
	extensions, err := tmpl.extensions(issuer)
	if err != nil {
		return nil, err
	}
	sigAlg := alg.SignatureForKey(signer.Public())
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		sigAlg.Add(b)
		b.AddBytes(issuer.RawSubject)
		der.AddTime(b, tmpl.ThisUpdate)
		der.AddTime(b, tmpl.NextUpdate)
		// "When there are no revoked certificates, the revoked certificates
		// list MUST be absent", RFC 5280, 5.1.2.6.
		if len(tmpl.Entries) > 0 {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { addEntries(b, tmpl.Entries, issuer.Subject) })
		}
		b.AddASN1(ctx0|cons, func(b *cryptobyte.Builder) { addExtensions(b, extensions) })
	})
	return signObject(rand, &b, signer, sigAlg)
}

// check enforces what RFC 5280, section 5 demands of issuers.
func (t *CRLTemplate) check() error {
	switch {
	case !positive(t.Number, true):
		return errors.New("cRLNumber: must not be negative and have at most 20 octets")
	case t.BaseNumber != nil && (!positive(t.BaseNumber, true) || t.BaseNumber.Cmp(t.Number) >= 0):
		// "The CRL number of the complete CRL is less than the CRL number of
		// the delta CRL", RFC 5280, 5.2.4.
		return errors.New("deltaCRLIndicator: the base number must be below the CRL number")
	case t.ThisUpdate.IsZero() || t.NextUpdate.IsZero() || t.NextUpdate.Before(t.ThisUpdate):
		return errors.New("thisUpdate and nextUpdate are required, nextUpdate not before thisUpdate")
	}
	for i := range t.Entries {
		if err := t.checkEntry(i, &t.Entries[i]); err != nil {
			return err
		}
	}
	return nil
}

// checkEntry does the same for the entry with number i.
func (t *CRLTemplate) checkEntry(i int, e *RevokedEntry) error {
	if e.Serial == nil || e.At.IsZero() {
		return fmt.Errorf("entry %d: serial number and revocation date are required", i)
	}
	if e.Reason < ReasonAbsent || e.Reason > ReasonAACompromise || e.Reason == 7 {
		return fmt.Errorf("entry %d: reason %d is not a CRLReason", i, e.Reason)
	}
	// "The removeFromCRL (8) reasonCode value may only appear in delta
	// CRLs", RFC 5280, 5.3.1.
	if e.Reason == ReasonRemoveFromCRL && t.BaseNumber == nil {
		return fmt.Errorf("entry %d: removeFromCRL is for delta CRLs only", i)
	}
	if e.Issuer != nil && (t.IDP == nil || !t.IDP.IndirectCRL) {
		return fmt.Errorf("entry %d: a certificate issuer needs an indirect CRL", i)
	}
	return nil
}

func (t *CRLTemplate) extensions(issuer *Certificate) ([]Extension, error) {
	var l extensionList
	l.put(oid.AuthorityKeyIdentifier, false, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(ctx0, func(b *cryptobyte.Builder) { b.AddBytes(issuer.KeyID()) })
		})
	})
	l.put(oid.CRLNumber, false, func(b *cryptobyte.Builder) { b.AddASN1BigInt(t.Number) })
	if t.BaseNumber != nil {
		l.put(oid.DeltaCRLIndicator, true, func(b *cryptobyte.Builder) { b.AddASN1BigInt(t.BaseNumber) })
	}
	if t.IDP != nil {
		// "The issuing distribution point is a critical CRL extension",
		// RFC 5280, 5.2.5.
		l.put(oid.IssuingDistributionPoint, true, t.IDP.add)
	}
	if len(t.FreshestCRL) > 0 {
		l.put(oid.FreshestCRL, false, func(b *cryptobyte.Builder) { addDistributionPoints(b, t.FreshestCRL) })
	}
	return l.finish(t.ExtraExtensions)
}

// add appends the SEQUENCE; Raw is not used.
func (p *IssuingDistributionPoint) add(b *cryptobyte.Builder) {
	only := 0
	for _, f := range []bool{p.OnlyUserCerts, p.OnlyCACerts, p.OnlyAttributeCerts} {
		if f {
			only++
		}
	}
	if only > 1 {
		b.SetError(errors.New("at most one of the only… fields may be set (RFC 5280, 5.2.5)"))
		return
	}
	flag := func(b *cryptobyte.Builder, tag asn1.Tag, set bool) {
		if set {
			b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddUint8(0xff) })
		}
	}
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		switch {
		case len(p.FullName) > 0:
			addDistributionPointName(b, p.FullName)
		case len(p.RelativeName) > 0:
			b.AddASN1(ctx0|cons, func(b *cryptobyte.Builder) {
				b.AddASN1(ctx1|cons, func(b *cryptobyte.Builder) { b.AddBytes(p.RelativeName) })
			})
		}
		flag(b, ctx1, p.OnlyUserCerts)
		flag(b, ctx2, p.OnlyCACerts)
		if p.OnlySomeReasons != 0 {
			var bits cryptobyte.Builder
			der.AddBitString(&bits, uint32(p.OnlySomeReasons))
			encoded := cryptobyte.String(bits.BytesOrPanic()) // a BIT STRING of two octets at most
			var content cryptobyte.String
			encoded.ReadASN1(&content, asn1.BIT_STRING)
			b.AddASN1(ctx3, func(b *cryptobyte.Builder) { b.AddBytes(content) })
		}
		flag(b, ctx4, p.IndirectCRL)
		flag(b, ctx5, p.OnlyAttributeCerts)
	})
}

// addEntries appends the entries.
func addEntries(b *cryptobyte.Builder, entries []RevokedEntry, own Name) {
	current := own
	var entry []byte
	for i := range entries {
		var err error
		if entry, err = appendEntry(entry[:0], &entries[i], own, &current); err != nil {
			b.SetError(fmt.Errorf("entry %d: %w", i, err))
			return
		}
		b.AddBytes(entry)
	}
}

// appendEntry appends an entry to dst. certificateIssuer is written where it is not
// the issuer in force, current, since it is sticky (RFC 5280, 5.3.3).
func appendEntry(dst []byte, e *RevokedEntry, own Name, current *Name) ([]byte, error) {
	issuer := own
	if e.Issuer != nil {
		issuer = *e.Issuer
	}
	changed := !issuer.Equal(*current)
	*current = issuer
	if !changed {
		if dst, ok := e.appendShort(dst); ok {
			return dst, nil
		}
	}
	return e.appendLong(dst, issuer, changed)
}

// appendLong appends any entry.
func (e *RevokedEntry) appendLong(dst []byte, issuer Name, changed bool) ([]byte, error) {
	extensions, err := e.extensions(issuer, changed)
	if err != nil {
		return nil, err
	}
	b := cryptobyte.NewBuilder(dst)
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1BigInt(e.Serial)
		der.AddTime(b, e.At)
		if len(extensions) > 0 {
			addExtensions(b, extensions)
		}
	})
	return b.Bytes()
}

// appendShort appends an entry such as nearly all are: a serial number of an
// honest size, UTCTime, and at most a reason. A list may have a million of
// them, and a Builder costs several times as much. It reports false for others.
func (e *RevokedEntry) appendShort(dst []byte) ([]byte, bool) {
	at := e.At.UTC()
	if y := at.Year(); y < 1950 || y >= 2050 || !e.InvalidityDate.IsZero() || e.Serial.Sign() < 0 || e.Serial.BitLen() > 8*20 {
		return dst, false
	}
	start := len(dst)
	n := e.Serial.BitLen()/8 + 1 // with room for the sign
	dst = append(dst, byte(asn1.SEQUENCE), 0, byte(asn1.INTEGER), byte(n))
	var serial [21]byte
	dst = append(dst, e.Serial.FillBytes(serial[:])[len(serial)-n:]...)
	dst = append(dst, byte(asn1.UTCTime), 13)
	dst = at.AppendFormat(dst, "060102150405Z")
	if e.Reason > ReasonUnspecified { // as in extensions
		dst = append(dst, byte(asn1.SEQUENCE), 12, byte(asn1.SEQUENCE), 10, byte(asn1.OBJECT_IDENTIFIER), 3, 0x55, 0x1d, 0x15, // id-ce-cRLReasons
			byte(asn1.OCTET_STRING), 3, byte(asn1.ENUM), 1, byte(e.Reason))
	}
	dst[start+1] = byte(len(dst) - start - 2) // 52 at most
	return dst, true
}

func (e *RevokedEntry) extensions(issuer Name, changed bool) ([]Extension, error) {
	var l extensionList
	// "the reason code CRL entry extension SHOULD be absent instead of using
	// the unspecified (0) reasonCode value", RFC 5280, 5.3.1.
	if e.Reason > ReasonUnspecified {
		l.put(oid.ReasonCode, false, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.ENUM, func(b *cryptobyte.Builder) { b.AddUint8(uint8(e.Reason)) }) // 1 to 10
		})
	}
	if !e.InvalidityDate.IsZero() {
		l.put(oid.InvalidityDate, false, func(b *cryptobyte.Builder) { der.AddGeneralizedTime(b, e.InvalidityDate) })
	}
	if changed {
		l.put(oid.CertificateIssuer, true, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				GeneralName{Kind: DirectoryName, Name: &issuer}.add(b)
			})
		})
	}
	return l.list, l.err
}
