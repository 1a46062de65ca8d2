package acpkm_test

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"github.com/gosklyuch/gosklyuch/gost/acpkm"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
)

func opensslEnc(t *testing.T, name string, key, iv, msg []byte) []byte {
	t.Helper()
	r := peer.OpenSSL(t, peer.Run{
		Args:  []string{"enc", "-" + name, "-K", hex.EncodeToString(key), "-iv", hex.EncodeToString(iv)},
		Stdin: msg,
	})
	if r.Err != nil {
		t.Fatal(r.All())
	}
	return r.Stdout
}

// engineSections are what gost-engine uses where it is not told otherwise.
var engineSections = map[string]int{
	"kuznyechik": acpkm.SectionSizeKuznyechikEngine, "magma": acpkm.SectionSizeMagmaEngine,
}

func TestOpenSSL(t *testing.T) {
	key := cryptotest.Bytes(1, 32)
	for name, f := range ciphers {
		block := map[string]int{"kuznyechik": 16, "magma": 8}[name]
		section := engineSections[name]
		iv := cryptotest.Bytes(2, block/2)
		for _, n := range append(cryptotest.Lengths(block), section-1, section, section+1, 3*section+5, 100000) {
			msg := cryptotest.Bytes(uint64(n), n)
			got := make([]byte, n)
			newCTR(t, f, key, iv).XORKeyStream(got, msg)
			if want := opensslEnc(t, name+"-ctr", key, iv, msg); !bytes.Equal(got, want) {
				t.Errorf("%s CTR of %d bytes differs from OpenSSL", name, n)
			}
			newACPKM(t, f, key, iv, section).XORKeyStream(got, msg)
			if want := opensslEnc(t, name+"-ctr-acpkm", key, iv, msg); !bytes.Equal(got, want) {
				t.Errorf("%s CTR-ACPKM of %d bytes differs from OpenSSL", name, n)
			}
		}
	}
}

// encryptedData is the ContentInfo of RFC 5652, section 8, as far as needed.
type encryptedData struct {
	ContentType asn1.ObjectIdentifier
	Content     struct {
		Version int
		Info    struct {
			ContentType asn1.ObjectIdentifier
			Algorithm   struct {
				OID        asn1.ObjectIdentifier
				Parameters struct{ UKM []byte }
			}
			Content asn1.RawValue `asn1:"tag:0"`
		}
	} `asn1:"explicit,tag:0"`
}

// The section sizes of CMS: OpenSSL encrypts more than three sections under a
// known key.
func TestSectionSizeCMS(t *testing.T) {
	key := cryptotest.Bytes(1, 32)
	for name, a := range map[string]acpkm.Algorithm{"kuznyechik": acpkm.Kuznyechik(), "magma": acpkm.Magma()} {
		section := map[string]int{"kuznyechik": acpkm.SectionSizeKuznyechik, "magma": acpkm.SectionSizeMagma}[name]
		msg := cryptotest.Bytes(2, 3*section+1000)
		r := peer.OpenSSL(t, peer.Run{
			Args: []string{
				"cms", "-EncryptedData_encrypt", "-binary", "-outform", "DER",
				"-secretkey", hex.EncodeToString(key), "-" + name + "-ctr-acpkm",
			},
			Stdin: msg,
		})
		var e encryptedData
		if rest, err := asn1.Unmarshal(r.Stdout, &e); err != nil || len(rest) > 0 {
			t.Fatalf("%s: %v, %d bytes left\n%s", name, err, len(rest), r.Stderr)
		}
		s, err := a.NewStream(key, e.Content.Info.Algorithm.Parameters.UKM)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(e.Content.Info.Content.Bytes))
		s.XORKeyStream(got, e.Content.Info.Content.Bytes)
		if !bytes.Equal(got, msg) {
			n := 0
			for n < min(len(got), len(msg)) && got[n] == msg[n] {
				n++
			}
			t.Errorf("%s: the first %d bytes of %d agree", name, n, len(msg))
		}
	}
}

// pbes2 is the PBES2 AlgorithmIdentifier of RFC 8018, appendix A.4, with the
// PRF left open.
type pbes2 struct {
	OID    asn1.ObjectIdentifier
	Params struct {
		KDF struct {
			OID    asn1.ObjectIdentifier
			Params struct {
				Salt       []byte
				Iterations int
				PRF        struct {
					OID    asn1.ObjectIdentifier
					Params asn1.RawValue `asn1:"optional"`
				}
			}
		}
		Scheme struct {
			OID    asn1.ObjectIdentifier
			Params struct{ UKM []byte }
		}
	}
}

// pfx is the PFX of RFC 7292, section 4, as far as needed.
type pfx struct {
	Version  int
	AuthSafe struct {
		OID     asn1.ObjectIdentifier
		Content []byte `asn1:"explicit,tag:0"`
	}
	MAC asn1.RawValue `asn1:"optional"`
}

// encryptedSafe is a ContentInfo with EncryptedData under a password.
type encryptedSafe struct {
	OID     asn1.ObjectIdentifier
	Content struct {
		Version int
		Info    struct {
			ContentType asn1.ObjectIdentifier
			Algorithm   pbes2
			Content     asn1.RawValue `asn1:"tag:0"`
		}
	} `asn1:"explicit,tag:0"`
}

// bigCertificate makes OpenSSL write a certificate of at least n bytes.
func bigCertificate(t *testing.T, n int) string {
	t.Helper()
	dir := t.TempDir()
	config, cert := filepath.Join(dir, "req.cnf"), filepath.Join(dir, "cert.pem")
	text := "[req]\ndistinguished_name=dn\nx509_extensions=ext\nprompt=no\n[dn]\nCN=big\n[ext]\n1.2.3.4=DER:" +
		hex.EncodeToString(cryptotest.Bytes(3, n)) + "\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	peer.MustOpenSSL(t, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
		"-keyout", os.DevNull, "-config", config, "-out", cert)
	return cert
}

// The section sizes of PBES2 in gost-engine: OpenSSL encrypts a certificate of
// more than three of our sections under a password.
func TestSectionSizePBES2(t *testing.T) {
	for name, a := range map[string]acpkm.Algorithm{"kuznyechik": acpkm.Kuznyechik(), "magma": acpkm.Magma()} {
		cert := bigCertificate(t, 3*a.SectionSize()+1000)
		out := filepath.Join(t.TempDir(), "out.p12")
		peer.MustOpenSSL(t, "pkcs12", "-export", "-nokeys", "-nomac", "-in", cert,
			"-certpbe", name+"-ctr-acpkm", "-passout", "pass:password", "-out", out)
		got := openPFX(t, a.WithSectionSize(engineSections[name]), out, "password")
		want, err := os.ReadFile(cert)
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode(want)
		if !bytes.Contains(got, block.Bytes[:len(block.Bytes)-1]) {
			t.Errorf("%s: the certificate is not in what was decrypted", name)
		}
	}
}

// openPFX decrypts the first safe of a PFX.
func openPFX(t *testing.T, a acpkm.Algorithm, path, password string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var p pfx
	if _, err := asn1.Unmarshal(data, &p); err != nil {
		t.Fatal(err)
	}
	var safes []encryptedSafe
	if _, err := asn1.Unmarshal(p.AuthSafe.Content, &safes); err != nil || len(safes) == 0 {
		t.Fatalf("%d safes, %v", len(safes), err)
	}
	info := safes[0].Content.Info
	k := info.Algorithm.Params.KDF.Params
	if prf := k.PRF.OID.String(); prf != "1.2.840.113549.2.9" {
		t.Fatalf("PRF %s, want hmacWithSHA256", prf)
	}
	key, err := pbkdf2.Key(sha256.New, password, k.Salt, k.Iterations, a.KeySize())
	if err != nil {
		t.Fatal(err)
	}
	s, err := a.NewStream(key, info.Algorithm.Params.Scheme.Params.UKM)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]byte, len(info.Content.Bytes))
	s.XORKeyStream(out, info.Content.Bytes)
	return out
}
