package tsp

import (
	"bytes"
	"errors"
	"math/big"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// ParseToken parses exactly one TimeStampToken, a ContentInfo in DER or BER as
// it stands in a signature-time-stamp attribute. The error is an [*Error] of
// [KindMalformed].
func ParseToken(data []byte) (*Token, error) {
	if len(data) > limits.TimeStampSize {
		return nil, malformed("TimeStampToken is longer than %d octets", limits.TimeStampSize)
	}
	var content bytes.Buffer
	signed, err := cms.ReadSigned(bytes.NewReader(data), &content, cms.Limits{})
	if err != nil {
		return nil, &Error{Kind: KindMalformed, Detail: "TimeStampToken", Err: err}
	}
	if signed.Armor != der.ArmorNone {
		return nil, malformed("TimeStampToken is not a ContentInfo in DER or BER")
	}
	if signed.ContentType != oid.TSTInfo {
		return nil, malformed("TimeStampToken: eContentType is %s, not id-ct-TSTInfo", signed.ContentType.Name())
	}
	if signed.Detached {
		return nil, malformed("TimeStampToken: eContent is absent")
	}
	// RFC 3161, section 2.4.2: "The time-stamp token MUST NOT contain any
	// signatures other than the signature of the TSA."
	if len(signed.Signers) != 1 {
		return nil, malformed("TimeStampToken has %d signatures, not one", len(signed.Signers))
	}
	info, err := ParseInfo(content.Bytes())
	if err != nil {
		return nil, err
	}
	return &Token{Raw: bytes.Clone(data), Info: *info, Signed: signed}, nil
}

// ParseInfo parses exactly one DER TSTInfo:
//
//	TSTInfo ::= SEQUENCE  {
//	   version                      INTEGER  { v1(1) },
//	   policy                       TSAPolicyId,
//	   messageImprint               MessageImprint,
//	   serialNumber                 INTEGER,
//	   genTime                      GeneralizedTime,
//	   accuracy                     Accuracy                 OPTIONAL,
//	   ordering                     BOOLEAN             DEFAULT FALSE,
//	   nonce                        INTEGER                  OPTIONAL,
//	   tsa                          [0] GeneralName          OPTIONAL,
//	   extensions                   [1] IMPLICIT Extensions   OPTIONAL  }
//
// The error is an [*Error] of [KindMalformed].
func ParseInfo(data []byte) (*Info, error) {
	in := cryptobyte.String(data)
	var s cryptobyte.String
	if !in.ReadASN1(&s, asn1.SEQUENCE) || !in.Empty() {
		return nil, malformed("TSTInfo is not one DER SEQUENCE")
	}
	info := &Info{Raw: bytes.Clone(data), Serial: new(big.Int)}
	var version int64
	if !s.ReadASN1Integer(&version) || version != 1 {
		return nil, malformed("TSTInfo.version is not v1 (1)")
	}
	if !oid.Read(&s, &info.Policy) {
		return nil, malformed("TSTInfo.policy is not an OBJECT IDENTIFIER")
	}
	var err error
	if info.HashAlgorithm, info.HashedMessage, err = readImprint(&s, "TSTInfo"); err != nil {
		return nil, err
	}
	if !readInteger(&s, info.Serial) {
		return nil, malformed("TSTInfo.serialNumber is not an INTEGER of at most %d octets", limits.SerialBytes)
	}
	if err := info.readTime(&s); err != nil {
		return nil, err
	}
	if err := info.readOptional(&s); err != nil {
		return nil, err
	}
	if !s.Empty() {
		return nil, malformed("TSTInfo: data after extensions")
	}
	return info, nil
}

// readTime consumes genTime: "The syntax is: YYYYMMDDhhmmss[.s...]Z" (RFC
// 3161, section 2.4.2). A trailing zero of the fraction is not DER; real
// authorities write it, so it is recorded and read.
func (info *Info) readTime(s *cryptobyte.String) error {
	var raw cryptobyte.String
	if !s.ReadASN1(&raw, asn1.GeneralizedTime) {
		return malformed("TSTInfo.genTime is not a GeneralizedTime")
	}
	text, ok := strings.CutSuffix(string(raw), "Z")
	whole, fraction, fractional := strings.Cut(text, ".")
	if !ok || len(whole) != len("20060102150405") || fractional && !digits(fraction) {
		return malformed("TSTInfo.genTime is not YYYYMMDDhhmmss[.s...]Z")
	}
	t, err := time.Parse("20060102150405", whole)
	if err != nil {
		return malformed("TSTInfo.genTime is not a time")
	}
	if fractional {
		if strings.HasSuffix(fraction, "0") {
			info.Findings = append(info.Findings, pki.Finding{
				Code: "tsp-gentime-zeros", Field: "TSTInfo.genTime",
				Detail: "the fraction ends in zero", Cite: "RFC 3161, section 2.4.2", Severity: pki.Warn,
			})
		}
		t = t.Add(nanoseconds(fraction))
	}
	info.GenTime = t.UTC()
	return nil
}

func digits(s string) bool {
	return s != "" && len(s) <= 18 && strings.Trim(s, "0123456789") == ""
}

// nanoseconds converts the decimal digits of a fraction; digits beyond the
// ninth are dropped.
func nanoseconds(fraction string) time.Duration {
	padded := (fraction + "000000000")[:9]
	var n time.Duration
	for _, c := range []byte(padded) {
		n = 10*n + time.Duration(c-'0')
	}
	return n
}

func (info *Info) readOptional(s *cryptobyte.String) error {
	if s.PeekASN1Tag(asn1.SEQUENCE) {
		if err := info.readAccuracy(s); err != nil {
			return err
		}
	}
	if s.PeekASN1Tag(asn1.BOOLEAN) && !s.ReadASN1Boolean(&info.Ordering) {
		return malformed("TSTInfo.ordering is not a DER BOOLEAN")
	}
	var err error
	if info.Nonce, err = readNonce(s, "TSTInfo"); err != nil {
		return err
	}
	var tsa cryptobyte.String
	var present bool
	if !s.ReadOptionalASN1(&tsa, &present, explicitTag(0)) {
		return malformed("TSTInfo.tsa is not DER")
	}
	if present {
		info.TSA = bytes.Clone(tsa)
	}
	info.Extensions, err = readExtensions(s, 1, "TSTInfo")
	return err
}

// readAccuracy consumes
//
//	Accuracy ::= SEQUENCE {
//	      seconds        INTEGER              OPTIONAL,
//	      millis     [0] INTEGER  (1..999)    OPTIONAL,
//	      micros     [1] INTEGER  (1..999)    OPTIONAL  }
func (info *Info) readAccuracy(s *cryptobyte.String) error {
	var body cryptobyte.String
	if !s.ReadASN1(&body, asn1.SEQUENCE) {
		return malformed("TSTInfo.accuracy is not DER")
	}
	info.Accuracy.Present = true
	parts := [...]struct {
		tag  asn1.Tag
		unit time.Duration
		max  int64
	}{
		{asn1.INTEGER, time.Second, 1 << 31},
		{asn1.Tag(0).ContextSpecific(), time.Millisecond, 999},
		{asn1.Tag(1).ContextSpecific(), time.Microsecond, 999},
	}
	for _, p := range parts {
		if !body.PeekASN1Tag(p.tag) {
			continue
		}
		var n int64
		if !body.ReadASN1Int64WithTag(&n, p.tag) || n < 0 || n > p.max {
			return malformed("TSTInfo.accuracy: a part is not an INTEGER from 0 to %d", p.max)
		}
		info.Accuracy.Value += time.Duration(n) * p.unit
	}
	if !body.Empty() {
		return malformed("TSTInfo.accuracy: data after micros")
	}
	return nil
}

// explicitTag is the tag of a constructed context-specific element.
func explicitTag(n uint8) asn1.Tag { return asn1.Tag(n).ContextSpecific().Constructed() }

// ParseResponse parses exactly one DER TimeStampResp:
//
//	TimeStampResp ::= SEQUENCE  {
//	   status                  PKIStatusInfo,
//	   timeStampToken          TimeStampToken     OPTIONAL  }
//
// The error is an [*Error] of [KindMalformed]; a rejection is no error here.
func ParseResponse(data []byte) (*Response, error) {
	if len(data) > limits.TimeStampSize {
		return nil, malformed("TimeStampResp is longer than %d octets", limits.TimeStampSize)
	}
	in := cryptobyte.String(data)
	var s, info cryptobyte.String
	if !in.ReadASN1(&s, asn1.SEQUENCE) {
		return nil, malformed("TimeStampResp is not a DER SEQUENCE, or truncated")
	}
	if !in.Empty() {
		return nil, malformed("TimeStampResp: %d octets of trailing data", len(in))
	}
	if !s.ReadASN1(&info, asn1.SEQUENCE) {
		return nil, malformed("TimeStampResp.status is not a SEQUENCE")
	}
	r := &Response{Raw: bytes.Clone(data)}
	if err := r.readStatus(&info); err != nil {
		return nil, err
	}
	granted := r.Status == Granted || r.Status == GrantedWithMods
	// RFC 3161, section 2.4.2: "When the status contains the value zero or
	// one, a TimeStampToken MUST be present. When status contains a value
	// other than zero or one, a TimeStampToken MUST NOT be present."
	if granted == s.Empty() {
		return nil, malformed("TimeStampResp: the status %s and the presence of a token contradict each other", r.Status)
	}
	if !granted {
		return r, nil
	}
	token := s
	var element cryptobyte.String
	if definite := len(s) > 1 && s[1] != 0x80; definite && (!token.ReadASN1Element(&element, asn1.SEQUENCE) || !token.Empty()) {
		return nil, malformed("TimeStampResp.timeStampToken is not one SEQUENCE")
	}
	var err error
	if r.Token, err = ParseToken(s); err != nil {
		return nil, err
	}
	return r, nil
}

// failures are the named bits of PKIFailureInfo (RFC 3161, section 2.4.2).
var failures = [...]struct {
	bit  int
	name string
}{
	{0, "badAlg"},
	{2, "badRequest"},
	{5, "badDataFormat"},
	{14, "timeNotAvailable"},
	{15, "unacceptedPolicy"},
	{16, "unacceptedExtension"},
	{17, "addInfoNotAvailable"},
	{25, "systemFailure"},
}

// readStatus reads the content of
//
//	PKIStatusInfo ::= SEQUENCE {
//	   status        PKIStatus,
//	   statusString  PKIFreeText     OPTIONAL,
//	   failInfo      PKIFailureInfo  OPTIONAL  }
func (r *Response) readStatus(s *cryptobyte.String) error {
	var status int64
	if !s.ReadASN1Integer(&status) || status < 0 || status > int64(RevocationNotification) {
		return malformed("PKIStatusInfo.status is not a PKIStatus")
	}
	r.Status = Status(status)
	var text cryptobyte.String
	var present bool
	if !s.ReadOptionalASN1(&text, &present, asn1.SEQUENCE) {
		return malformed("PKIStatusInfo.statusString is not DER")
	}
	for !text.Empty() {
		var line []byte
		if !text.ReadASN1Bytes(&line, asn1.UTF8String) {
			return malformed("PKIStatusInfo.statusString is not a SEQUENCE of UTF8String")
		}
		r.Text = append(r.Text, strings.ToValidUTF8(string(line), "\uFFFD"))
	}
	if s.Empty() {
		return nil
	}
	bits, err := readBits(s)
	if err != nil {
		return err
	}
	for _, f := range failures {
		if bits(f.bit) {
			r.Failure = append(r.Failure, f.name)
		}
	}
	return nil
}

func readBits(s *cryptobyte.String) (func(int) bool, error) {
	var raw cryptobyte.String
	if !s.ReadASN1(&raw, asn1.BIT_STRING) || len(raw) == 0 || !s.Empty() {
		return nil, &Error{Kind: KindMalformed, Detail: "PKIStatusInfo.failInfo", Err: errors.New("not one BIT STRING")}
	}
	body := raw[1:]
	return func(n int) bool { return n/8 < len(body) && body[n/8]&(0x80>>(n%8)) != 0 }, nil
}
