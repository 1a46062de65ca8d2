package xmldsig

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"fmt"
	"io"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// SignEnveloped signs the whole document and returns it with the signature as
// the last child of the document element: exclusive canonicalization, the
// enveloped-signature transform, the certificate of the signer and those of
// chain in KeyInfo. The key must be one of GOST R 34.10-2012 and belong to the
// certificate. All other octets of the document stay as they are.
func SignEnveloped(rand io.Reader, document []byte, key crypto.Signer, cert *pki.Certificate, chain ...*pki.Certificate) ([]byte, error) {
	d, err := Parse(document)
	if err != nil {
		return nil, err
	}
	if d.end < 0 {
		return nil, bad(d.root.name(), "the document element has no end tag")
	}
	if cert == nil || !alg.EqualKeys(key.Public(), cert.PublicKey) {
		return nil, bad("certificate", "is not that of the key")
	}
	signature, digest, ok := urisForKey(key.Public())
	if !ok {
		return nil, &UnsupportedError{"signature algorithm", alg.KeyName(key.Public())}
	}
	work := len(document) + 1
	octets, err := method{exclusive: true}.canonicalDocument(d, nil, &work)
	if err != nil {
		return nil, err
	}
	h, err := alg.NewHash(alg.HashForKey(key.Public()))
	if err != nil {
		return nil, fmt.Errorf("xmldsig: %w", err)
	}
	if _, err := h.Write(octets); err != nil {
		return nil, fmt.Errorf("xmldsig: %w", err)
	}
	// Under exclusive canonicalization SignedInfo has this form wherever it stands.
	info := `<ds:CanonicalizationMethod Algorithm="` + methodExclusive + `"></ds:CanonicalizationMethod>` +
		`<ds:SignatureMethod Algorithm="` + signature + `"></ds:SignatureMethod>` +
		`<ds:Reference URI=""><ds:Transforms>` +
		`<ds:Transform Algorithm="` + transformEnveloped + `"></ds:Transform>` +
		`<ds:Transform Algorithm="` + methodExclusive + `"></ds:Transform>` +
		`</ds:Transforms><ds:DigestMethod Algorithm="` + digest + `"></ds:DigestMethod>` +
		`<ds:DigestValue>` + base64.StdEncoding.EncodeToString(h.Sum(nil)) + `</ds:DigestValue></ds:Reference></ds:SignedInfo>`
	value, err := alg.SignMessage(rand, key, alg.HashForKey(key.Public()), []byte(`<ds:SignedInfo xmlns:ds="`+Namespace+`">`+info))
	if err != nil {
		return nil, fmt.Errorf("xmldsig: %w", err)
	}
	var out bytes.Buffer
	out.Write(document[:d.end])
	out.WriteString(`<ds:Signature xmlns:ds="` + Namespace + `"><ds:SignedInfo>` + info +
		`<ds:SignatureValue>` + base64.StdEncoding.EncodeToString(value) + `</ds:SignatureValue><ds:KeyInfo><ds:X509Data>`)
	for _, c := range append([]*pki.Certificate{cert}, chain...) {
		out.WriteString(`<ds:X509Certificate>` + base64.StdEncoding.EncodeToString(c.Raw) + `</ds:X509Certificate>`)
	}
	out.WriteString(`</ds:X509Data></ds:KeyInfo></ds:Signature>`)
	out.Write(document[d.end:])
	return out.Bytes(), nil
}
