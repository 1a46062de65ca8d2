package ca

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"fmt"
	"slices"
	"strings"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// RequestError says why a request is refused.
type RequestError struct {
	Field  string // "signature", "subject.SNILS", "publicKey", "keyUsage" …
	Detail string
	Err    error // the cause where there is one
}

// Error names the field.
func (e *RequestError) Error() string {
	s := "ca: the request is refused: " + e.Field + ": " + e.Detail
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *RequestError) Unwrap() error { return e.Err }

func refuse(field, format string, args ...any) error {
	return &RequestError{Field: field, Detail: fmt.Sprintf(format, args...)}
}

// checkRequest checks all that can be said of a request without the ledger,
// except its signature.
func (i *Issuer) checkRequest(p Profile, csr *pki.CertificateRequest) error {
	if f, bad := pki.FirstError(csr.Findings); bad {
		return refuse(f.Field, "%s (%s)", f.Detail, f.Cite)
	}
	if err := checkKey(csr); err != nil {
		return err
	}
	if !p.takesKey(csr.PublicKey, i.cert.PublicKey) {
		return refuse("publicKey", "%s is outside the profile %s", alg.KeyName(csr.PublicKey), p.Name)
	}
	if alg.EqualKeys(csr.PublicKey, i.cert.PublicKey) {
		return refuse("publicKey", "it is the authority's own key")
	}
	if err := checkSubject(p, csr.Subject); err != nil {
		return err
	}
	return checkExtensions(p, csr)
}

// possession judges the verification of a request's signature.
//
// RFC 2986, section 3: the signature proves that the applicant holds the private
// key of the key that is to be certified.
func possession(err error) error {
	if err != nil {
		return &RequestError{Field: "signature", Detail: "proof of possession fails", Err: err}
	}
	return nil
}

// checkKey refuses keys that must not be certified.
func checkKey(csr *pki.CertificateRequest) error {
	pub := csr.PublicKey
	switch {
	case pub == nil:
		return &RequestError{Field: "publicKey", Detail: "unknown or broken", Err: csr.PublicKeyError}
	case alg.IsTestKey(pub):
		// RFC 9215, section 4.2: test parameter sets "MUST NOT be used outside
		// of testing scenarios".
		return refuse("publicKey", "%s is a parameter set for testing", alg.KeyName(pub))
	case alg.IsLegacy(pub):
		return refuse("publicKey", "%s is withdrawn", alg.KeyName(pub))
	}
	return checkWeak(pub)
}

// takesKey reports whether a profile certifies a kind of key. Where it names
// none, a subscriber of an authority with a GOST key has one too: the form of
// the qualified certificate (FSB order No. 795) has key and signature of GOST
// R 34.10-2012.
func (p Profile) takesKey(key, authority crypto.PublicKey) bool {
	gost := func(k crypto.PublicKey) bool { return strings.HasPrefix(keyAlgorithm(k), "gost2012-") }
	if p.Keys != nil {
		return slices.Contains(p.Keys, keyAlgorithm(key))
	}
	return !p.Subscriber || !gost(authority) || gost(key)
}

// keyAlgorithm names a key as keyAlgorithms does.
func keyAlgorithm(pub crypto.PublicKey) string {
	if _, ok := pub.(*rsa.PublicKey); ok {
		return "rsa"
	}
	name, _, _ := strings.Cut(alg.KeyName(pub), " ")
	return name
}

// checkWeak refuses RSA and ECDSA keys below the strength of the rest.
func checkWeak(pub crypto.PublicKey) error {
	switch k := pub.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() < 2048 || k.N.BitLen() > 8192 {
			return refuse("publicKey", "an RSA key of %d bits; 2048 to 8192 are accepted", k.N.BitLen())
		}
		if k.E < 65537 || k.E%2 == 0 {
			return refuse("publicKey", "the RSA exponent %d; odd ones from 65537 are accepted", k.E)
		}
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P224() {
			return refuse("publicKey", "the curve P-224 is too short")
		}
	}
	return nil
}

// checkNumber checks the numbers that have check digits.
func checkNumber(a pki.Attribute) error {
	switch a.Type {
	case oid.SNILS:
		return pki.CheckSNILS(a.Value)
	case oid.INN:
		return pki.CheckINN(a.Value)
	case oid.INNLE:
		return pki.CheckINNLE(a.Value)
	case oid.OGRN:
		return pki.CheckOGRN(a.Value)
	case oid.OGRNIP:
		return pki.CheckOGRNIP(a.Value)
	}
	return nil
}

// checkExtensions refuses every requested extension that the profile does not
// give anyway or allow: a request cannot widen what its profile says.
func checkExtensions(p Profile, csr *pki.CertificateRequest) error {
	want := csr.Requested()
	if f, bad := pki.FirstError(want.Findings); bad {
		return refuse(f.Field, "%s (%s)", f.Detail, f.Cite)
	}
	for _, e := range csr.Extensions {
		if err := checkExtension(p, csr, want, e); err != nil {
			return err
		}
	}
	return nil
}

func checkExtension(p Profile, csr *pki.CertificateRequest, want *pki.Certificate, e pki.Extension) error {
	outside := func(what string) error { return refuse(e.ID.Name(), "%s is outside the profile %s", what, p.Name) }
	switch e.ID {
	case oid.BasicConstraints:
		if want.IsCA && !p.CA {
			return outside("cA TRUE")
		}
		if want.IsCA && (want.MaxPathLen < 0 || want.MaxPathLen > p.MaxPathLen) {
			return outside("the path length")
		}
	case oid.KeyUsage:
		if want.KeyUsage&^p.KeyUsage != 0 {
			return outside("a requested usage")
		}
	case oid.ExtKeyUsage:
		if other, found := firstOutside(want.ExtKeyUsage, p.ExtKeyUsage); found {
			return outside(other.Name())
		}
	case oid.CertificatePolicies:
		if other, found := firstOutside(want.Policies, p.Policies); found {
			return outside(other.Name())
		}
	case oid.SubjectSignTool, oid.IdentificationKind:
		// Whether the kind is the right one is the authority's to say: see
		// Prepare.
		if !p.Subscriber {
			return outside("the extension")
		}
		if detail := wrongCharacters(want.SubjectSignTool); detail != "" {
			return refuse(e.ID.Name(), "%s", detail)
		}
	case oid.SubjectKeyIdentifier:
		if id, err := alg.KeyIdentifier(csr.RawSubjectPublicKeyInfo); err != nil || !bytes.Equal(id, want.SubjectKeyID) {
			return refuse(e.ID.Name(), "it is not that of the key")
		}
	case oid.SubjectAltName:
		return checkAltNames(p, want.SubjectAltNames)
	default:
		return outside("the extension")
	}
	return nil
}

func firstOutside(want, allowed []oid.OID) (oid.OID, bool) {
	for _, o := range want {
		if !slices.Contains(allowed, o) {
			return o, true
		}
	}
	return "", false
}
