package der

import "bytes"

// Kind is what an object is, as far as its outline tells.
type Kind uint8

// The kinds that Sniff tells apart.
const (
	KindUnknown Kind = iota
	KindCertificate
	KindCRL
	KindRequest // PKCS #10
	KindSignedData
	KindEnvelopedData
	KindDigestedData
	KindEncryptedData
	KindContentInfo // another type of CMS
	KindPFX
	KindPKCS8
	KindEncryptedPKCS8
	KindPublicKey
	KindOCSPRequest
	KindOCSPResponse
	KindTimeStampRequest
	KindTimeStampResponse
	KindHTML
	KindPDF
	KindXML
	KindPEM
	KindZIP
)

var kindNames = [...]string{
	KindUnknown:           "something unknown",
	KindCertificate:       "a certificate",
	KindCRL:               "a certificate revocation list",
	KindRequest:           "a certificate request",
	KindSignedData:        "a signed message",
	KindEnvelopedData:     "an encrypted message",
	KindDigestedData:      "a message with a digest",
	KindEncryptedData:     "a message encrypted with a shared key",
	KindContentInfo:       "a cryptographic message of another type",
	KindPFX:               "a PFX key container",
	KindPKCS8:             "a private key",
	KindEncryptedPKCS8:    "an encrypted private key",
	KindPublicKey:         "a public key",
	KindOCSPRequest:       "an OCSP request",
	KindOCSPResponse:      "an OCSP response",
	KindTimeStampRequest:  "a time-stamp request",
	KindTimeStampResponse: "a time-stamp response",
	KindHTML:              "an HTML page",
	KindPDF:               "a PDF document",
	KindXML:               "an XML document",
	KindPEM:               "PEM text",
	KindZIP:               "a ZIP archive",
}

// String returns the English name with its article, to stand after "is".
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[KindUnknown]
}

// Sniff says what data is, from its first octets; they may be cut off anywhere
// after some hundred. It looks at the outline only: that a kind is returned
// does not mean that the object can be parsed.
func Sniff(data []byte) Kind {
	if k := sniffMagic(data); k != KindUnknown {
		return k
	}
	tag, body, _, ok := peek(data)
	if !ok || tag != 0x30 {
		return KindUnknown
	}
	first, inner, rest, ok := peek(body)
	if !ok {
		return KindUnknown
	}
	second, secondBody, third, hasSecond := peek(rest)
	switch first {
	case 0x06:
		return sniffContentInfo(inner, second)
	case 0x0a: // OCSPResponseStatus is the only leading ENUMERATED
		return KindOCSPResponse
	case 0x02:
		return sniffInteger(inner, second, secondBody, third)
	case 0x30:
		if !hasSecond {
			second = 0
		}
		return sniffSequence(inner, second, secondBody, third)
	}
	return KindUnknown
}

// sniffLook is how far sniffMagic looks.
const sniffLook = 1024

func sniffMagic(data []byte) Kind {
	head := bytes.TrimLeft(data[:min(len(data), sniffLook)], "\xef\xbb\xbf \r\n\t")
	switch {
	case hasPrefixFold(head, "%pdf-"):
		return KindPDF
	case hasPrefixFold(head, "-----begin "):
		return KindPEM
	case hasPrefixFold(head, "pk\x03\x04"):
		return KindZIP
	case hasPrefixFold(head, "<!doctype html"), hasHTML(head):
		return KindHTML
	case hasPrefixFold(head, "<?xml"), len(head) > 1 && head[0] == '<' && lower(head[1]) >= 'a' && lower(head[1]) <= 'z':
		return KindXML
	}
	return KindUnknown
}

// lower returns the small form of an ASCII letter.
func lower(b byte) byte {
	if b >= 'A' && b <= 'Z' {
		return b + ('a' - 'A')
	}
	return b
}

// hasPrefixFold says whether b begins with the small ASCII text s in any case.
func hasPrefixFold(b []byte, s string) bool {
	if len(b) < len(s) {
		return false
	}
	for i := range len(s) {
		if lower(b[i]) != s[i] {
			return false
		}
	}
	return true
}

// hasHTML says whether b has the tag that an HTML page begins with.
func hasHTML(b []byte) bool {
	for {
		at := bytes.IndexByte(b, '<')
		if at < 0 {
			return false
		}
		if b = b[at:]; hasPrefixFold(b, "<html") {
			return true
		}
		b = b[1:]
	}
}

// peek returns the first element of b, its content and what follows, cut off
// where b is.
func peek(b []byte) (tag byte, content, rest []byte, ok bool) {
	if len(b) < 2 || b[0]&highNumber == highNumber {
		return 0, nil, nil, false
	}
	at := 1
	n, _, err := readLength(func() (byte, error) {
		if at >= len(b) {
			return 0, ErrEmpty
		}
		at++
		return b[at-1], nil
	}, b[0])
	if err != nil {
		return 0, nil, nil, false
	}
	if n == Indefinite || n > int64(len(b)-at) {
		return b[0], b[at:], nil, true
	}
	return b[0], b[at : at+int(n)], b[at+int(n):], true
}

// sniffContentInfo tells CMS content types (RFC 5652, section 3) apart.
func sniffContentInfo(contentType []byte, second byte) Kind {
	pkcs7 := []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07} // 1.2.840.113549.1.7
	if second != 0xa0 {
		return KindUnknown
	}
	if len(contentType) == len(pkcs7)+1 && bytes.HasPrefix(contentType, pkcs7) {
		switch contentType[len(pkcs7)] {
		case 2:
			return KindSignedData
		case 3:
			return KindEnvelopedData
		case 5:
			return KindDigestedData
		case 6:
			return KindEncryptedData
		}
	}
	return KindContentInfo
}

// sniffInteger tells apart what begins with a version.
func sniffInteger(version []byte, second byte, body, rest []byte) Kind {
	if second != 0x30 || len(version) != 1 {
		return KindUnknown
	}
	inner, _, _, _ := peek(body)
	third, _, _, _ := peek(rest)
	switch {
	case version[0] == 3 && inner == 0x06:
		return KindPFX // RFC 7292, section 4
	case version[0] == 1 && inner == 0x30:
		return KindTimeStampRequest // RFC 3161, section 2.4.1
	case inner == 0x06 && (third == 0x04 || len(rest) == 0):
		return KindPKCS8 // RFC 5958, section 2
	}
	return KindUnknown
}

// sniffSequence tells apart what begins with a SEQUENCE: the signed objects of
// X.509, an encrypted key, a public key, an OCSP request, a time-stamp response.
func sniffSequence(inner []byte, second byte, secondBody, rest []byte) Kind {
	tag, value, after, ok := peek(inner)
	if !ok {
		return KindUnknown
	}
	next, nextBody, afterNext, _ := peek(after)
	switch {
	case tag == 0x06 && second == 0x04:
		return KindEncryptedPKCS8 // RFC 5958, section 3
	case tag == 0x06 && second == 0x03:
		return KindPublicKey // RFC 5280, section 4.1
	case tag == 0xa0 && next == 0x02:
		return KindCertificate // version [0], serialNumber: RFC 5280, section 4.1
	case tag == 0x02 && len(after) == 0, tag == 0x02 && (next == 0x30 || next == 0x03) && isContentInfo(secondBody):
		return KindTimeStampResponse // PKIStatusInfo: RFC 3161, section 2.4.2
	case tag == 0x02 && next == 0x30:
		return sniffTBS(value, nextBody, afterNext)
	case (tag == 0xa1 || tag == 0xa2) && next == 0x18:
		return KindOCSPResponse // a bare BasicOCSPResponse: RFC 6960, section 4.2.1
	case tag == 0x30:
		return sniffUnversioned(value, next, second)
	case tag == 0xa0, tag == 0xa1:
		return KindOCSPRequest
	}
	return KindUnknown
}

// isContentInfo says whether body begins like the content of a ContentInfo.
func isContentInfo(body []byte) bool {
	tag, _, rest, ok := peek(body)
	next, _, _, _ := peek(rest)
	return ok && tag == 0x06 && next == 0xa0
}

// sniffTBS tells apart what begins with an INTEGER and a SEQUENCE: a request,
// whose version is followed by the subject, from a CRL and a version 1
// certificate, where signature and issuer follow.
func sniffTBS(first, secondBody, rest []byte) Kind {
	switch inner, _, _, _ := peek(secondBody); {
	case inner == 0x31 && len(first) == 1 && first[0] == 0:
		return KindRequest // RFC 2986, section 4.1
	case inner == 0x06:
		return sniffAfterIssuer(rest)
	}
	return KindUnknown
}

// sniffAfterIssuer looks at what follows an issuer name.
func sniffAfterIssuer(issuerAndRest []byte) Kind {
	_, _, rest, _ := peek(issuerAndRest)
	switch tag, _, _, _ := peek(rest); tag {
	case 0x17, 0x18:
		return KindCRL // RFC 5280, section 5.1
	case 0x30:
		return KindCertificate
	}
	return KindUnknown
}

// sniffUnversioned tells a version 1 CRL, whose first field is the algorithm,
// from an OCSP request, whose first field is requestList.
func sniffUnversioned(first []byte, next, second byte) Kind {
	inner, _, _, _ := peek(first)
	switch {
	case inner == 0x06 && next == 0x30 && second == 0x30:
		return KindCRL
	case inner == 0x30:
		return KindOCSPRequest // RFC 6960, section 4.1.1
	}
	return KindUnknown
}
