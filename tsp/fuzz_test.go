package tsp

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/gosklyuch/gosklyuch/pki/oid"
)

// sample returns a file of testdata; its README says where it is from. The
// fuzz targets use fixed octets, because keys made anew in each worker would
// make their coverage differ.
func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestSample: the response of testdata is the one to its request, and any bit
// of its token that is changed is noticed, or changes nothing that counts.
func TestSample(t *testing.T) {
	q, err := ParseRequest(sample(t, "openssl.tsq"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := ParseResponse(sample(t, "openssl.tsr"))
	if err != nil {
		t.Fatal(err)
	}
	o := CheckOptions{Content: stamped, Nonce: q.Nonce}
	if _, err := r.Token.Check(o); err != nil {
		t.Fatal(err)
	}
	for i := range r.Token.Raw {
		bad := bytes.Clone(r.Token.Raw)
		bad[i] ^= 1
		token, err := ParseToken(bad)
		if err != nil {
			continue
		}
		if _, err := token.Check(o); err == nil && !bytes.Equal(token.Info.Raw, r.Token.Info.Raw) {
			t.Errorf("octet %d changed: another TSTInfo passed", i)
		}
	}
}

// FuzzParseToken: what parses is checked without a panic, and under the
// authority's certificate no other TSTInfo passes.
func FuzzParseToken(f *testing.F) {
	r, err := ParseResponse(sample(f, "openssl.tsr"))
	if err != nil {
		f.Fatal(err)
	}
	good := r.Token
	tsa := good.Signed.Certificates[0]
	f.Add(good.Raw)
	f.Fuzz(func(t *testing.T, data []byte) {
		token, err := ParseToken(data)
		if err != nil {
			return
		}
		out, err := token.Check(CheckOptions{Content: stamped})
		if err == nil && out.TSA.Equal(tsa) && !bytes.Equal(token.Info.Raw, good.Info.Raw) {
			t.Fatal("a forged token passed")
		}
	})
}

// FuzzParseResponse: a token is there if and only if it was granted.
func FuzzParseResponse(f *testing.F) {
	f.Add(sample(f, "openssl.tsr"))
	f.Add(response(2, []byte{0x30, 4, 12, 2, 'n', 'o', 3, 3, 1, 0x80, 2}, nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ParseResponse(data)
		if err == nil && (r.Token != nil) != (r.Status == Granted || r.Status == GrantedWithMods) {
			t.Fatalf("status %v with token %v", r.Status, r.Token != nil)
		}
	})
}

// FuzzParseInfo: an imprint that was read has the length of its digest.
func FuzzParseInfo(f *testing.F) {
	f.Add(recipe{}.info(f))
	f.Add(recipe{extra: accuracy(3)}.info(f))
	f.Fuzz(func(t *testing.T, data []byte) {
		i, err := ParseInfo(data)
		if err == nil && (i.Serial == nil || i.GenTime.IsZero() && i.GenTime.Location() == nil) {
			t.Fatalf("%+v", i)
		}
	})
}

// FuzzParseRequest: what was parsed keeps its octets.
func FuzzParseRequest(f *testing.F) {
	f.Add([]byte(sampleRequest))
	f.Add(sample(f, "openssl.tsq"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ParseRequest(data)
		if err == nil && string(r.Raw) != string(data) {
			t.Fatal("the request changed")
		}
	})
}

// sampleRequest asks for SHA-256 with certReq; written by hand after RFC 3161,
// section 2.4.1.
const sampleRequest = "\x30\x37\x02\x01\x01\x30\x2f\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x04\x20" +
	"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x01\x01\xff"

func TestParseRequest(t *testing.T) {
	r, err := ParseRequest([]byte(sampleRequest))
	if err != nil || !r.CertReq || r.Nonce != nil || r.Policy != "" || len(r.HashedMessage) != 32 {
		t.Fatalf("%+v, %v", r, err)
	}
	for _, cut := range []int{1, 3, len(sampleRequest) - 1} {
		if _, err := ParseRequest([]byte(sampleRequest[:cut])); err == nil {
			t.Errorf("%d octets parsed", cut)
		}
	}
}

// FuzzAnswer: whatever is asked, the authority answers with a response that its
// client can read, and refuses what cannot be read. Its key does not sign, so
// that no signature makes runs differ.
func FuzzAnswer(f *testing.F) {
	a, _, _ := newAuthority(f, recipe{}, nil)
	a.o.Signer = brokenSigner{a.o.Signer.Public()}
	f.Add([]byte(sampleRequest))
	f.Add(sample(f, "openssl.tsq"))
	f.Add(requestDER(2, streebog(oid.Streebog256), make([]byte, 32), nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		out, err := a.Answer(t.Context(), data)
		if err == nil || out.Status != Rejection || out.Failure == "" {
			t.Fatalf("%+v, %v", out, err)
		}
		r, err := ParseResponse(out.DER)
		if err != nil || len(r.Failure) != 1 || r.Failure[0] != out.Failure {
			t.Fatalf("our own response: %v", err)
		}
		if _, err := ParseRequest(data); (err != nil) != (out.Failure == "badDataFormat" || out.Failure == "badRequest") {
			t.Fatalf("%v, answered with %s", err, out.Failure)
		}
	})
}
