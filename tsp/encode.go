package tsp

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki"
)

// encode writes the DER of a TSTInfo without extensions; see [ParseInfo].
func (info *Info) encode() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		info.Policy.Add(b)
		addImprint(b, info.HashAlgorithm, info.HashedMessage)
		b.AddASN1BigInt(info.Serial)
		b.AddASN1(asn1.GeneralizedTime, func(b *cryptobyte.Builder) { b.AddBytes([]byte(genTimeText(info.GenTime))) })
		if info.Accuracy.Present {
			addAccuracy(b, info.Accuracy.Value)
		}
		if info.Ordering { // DEFAULT FALSE: X.690, section 11.5
			b.AddASN1Boolean(true)
		}
		if info.Nonce != nil {
			b.AddASN1BigInt(info.Nonce)
		}
		if info.TSA != nil {
			b.AddASN1(explicitTag(0), func(b *cryptobyte.Builder) { b.AddBytes(info.TSA) })
		}
	})
	out, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("tsp: TSTInfo: %w", err)
	}
	return out, nil
}

// genTimeText: "The fractional-seconds elements, if present, MUST omit all
// trailing 0's" (RFC 3161, section 2.4.2). Nothing below a microsecond is
// written.
func genTimeText(t time.Time) string {
	s := t.UTC().Format("20060102150405.000000")
	return strings.TrimRight(strings.TrimRight(s, "0"), ".") + "Z"
}

// addAccuracy writes an Accuracy: a part that is zero is left out, because
// "millis and micros" have the range 1 to 999.
func addAccuracy(b *cryptobyte.Builder, d time.Duration) {
	micros := d.Microseconds()
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		if s := micros / 1_000_000; s > 0 {
			b.AddASN1Int64(s)
		}
		if ms := micros / 1000 % 1000; ms > 0 {
			b.AddASN1Int64WithTag(ms, asn1.Tag(0).ContextSpecific())
		}
		if us := micros % 1000; us > 0 {
			b.AddASN1Int64WithTag(us, asn1.Tag(1).ContextSpecific())
		}
	})
}

// directoryName is the GeneralName of a distinguished name.
func directoryName(n pki.Name) ([]byte, error) {
	raw, err := n.DER()
	if err != nil {
		return nil, err
	}
	return der.Wrap(0xa4, raw), nil // [4], explicit because Name is a CHOICE
}

// A failure is a bit of PKIFailureInfo (RFC 3161, section 2.4.2).
type failure int

const (
	failBadAlg              failure = 0
	failBadRequest          failure = 2
	failBadDataFormat       failure = 5
	failTimeNotAvailable    failure = 14
	failUnacceptedPolicy    failure = 15
	failUnacceptedExtension failure = 16
	failSystemFailure       failure = 25
)

func (f failure) name() string {
	for _, known := range failures {
		if known.bit == int(f) {
			return known.name
		}
	}
	return fmt.Sprintf("PKIFailureInfo(%d)", int(f))
}

// rejected is a response without a token: the status rejection, one bit of
// failInfo and a text.
func rejected(f failure, text string) Answered {
	value := make([]byte, 2+f/8) // unused bits, then the named bit list
	value[0] = byte(7 - f%8)     // without trailing zero bits (X.690, section 11.2.2)
	value[1+f/8] = 0x80 >> (f % 8)
	info := der.Wrap(byte(asn1.SEQUENCE),
		[]byte{2, 1, byte(Rejection)},
		der.Wrap(byte(asn1.SEQUENCE), der.Wrap(byte(asn1.UTF8String), []byte(text))),
		der.Wrap(byte(asn1.BIT_STRING), value))
	return Answered{DER: der.Wrap(byte(asn1.SEQUENCE), info), Status: Rejection, Failure: f.name()}
}

// grant is the response with a token.
func grant(token []byte) []byte {
	return der.Wrap(byte(asn1.SEQUENCE), der.Wrap(byte(asn1.SEQUENCE), []byte{2, 1, byte(Granted)}), token)
}
