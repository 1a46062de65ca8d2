package cms_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

func (id identity) request(t testing.TB, content []byte) cms.SignerRequest {
	t.Helper()
	return cms.SignerRequest{
		Key: id.key, Certificate: id.cert, SigningTime: time.Now(),
		Digest: digest(t, alg.HashForKey(id.cert.PublicKey), content),
	}
}

func mustBuild(t testing.TB, q cms.SignerRequest) *cms.SignerInfo {
	t.Helper()
	si, err := cms.BuildSigner(rand.Reader, q)
	if err != nil {
		t.Fatal(err)
	}
	return si
}

// TestVersions holds the rules of RFC 5652, section 5.1.
func TestVersions(t *testing.T) {
	id := newIdentity(t, "gost2012-256", "", "CN=S")
	content := []byte("content")
	plain := mustBuild(t, id.request(t, content))
	q := id.request(t, content)
	q.UseKeyIdentifier = true
	byKey := mustBuild(t, q)
	q = id.request(t, content)
	q.ContentType = oid.TSTInfo
	token := mustBuild(t, q)
	ocsp := der.Wrap(0xa1, oidDER(oid.RevocationInfoOCSP), der.Wrap(0x30, []byte{0x0a, 1, 1}))
	tests := []struct {
		name    string
		m       cms.Message
		si      *cms.SignerInfo
		version int
	}{
		{"plain", cms.Message{}, plain, 1},
		{"key identifier", cms.Message{}, byKey, 3},
		{"other content", cms.Message{ContentType: oid.TSTInfo}, token, 3},
		{"attribute certificate v1", cms.Message{Certificates: [][]byte{{0xa1, 0}}}, plain, 3},
		{"attribute certificate v2", cms.Message{Certificates: [][]byte{{0xa2, 0}}}, plain, 4},
		{"other certificate", cms.Message{Certificates: [][]byte{{0xa3, 0}}}, plain, 5},
		{"OCSP response", cms.Message{Revocations: [][]byte{ocsp}}, plain, 5},
	}
	for _, tt := range tests {
		var detached, attached, stream bytes.Buffer
		finish := func(cms.Digests) ([]*cms.SignerInfo, error) { return []*cms.SignerInfo{tt.si}, nil }
		err := errors.Join(
			cms.WriteDetached(&detached, tt.m, []*cms.SignerInfo{tt.si}),
			cms.WriteAttached(&attached, tt.m, bytes.NewReader(content), int64(len(content)), []*cms.SignerInfo{tt.si}, finish),
			cms.WriteStream(&stream, tt.m, bytes.NewReader(content), []*cms.SignerInfo{tt.si}, finish))
		if err != nil {
			t.Fatal(err)
		}
		for _, out := range []*bytes.Buffer{&detached, &attached, &stream} {
			sd, err := cms.ReadSigned(out, nil, cms.Limits{})
			if err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			if sd.Detached {
				err = sd.DigestContent(bytes.NewReader(content))
			}
			if _, err2 := sd.CheckSigner(0, id.cert); err != nil || err2 != nil || sd.Version != tt.version {
				t.Errorf("%s: version %d, %v, %v", tt.name, sd.Version, err, err2)
			}
			if w, err := sd.CheckSigner(0, id.cert); len(warnings(w)) != 0 {
				t.Errorf("%s: warnings %v, %v", tt.name, warnings(w), err)
			}
		}
	}
}

func TestTemplateHasTheSize(t *testing.T) {
	for _, k := range []string{"gost2012-256", "gost2012-512", "rsa-2048", "ed25519", "ecdsa-p256"} {
		id := newIdentity(t, k, "", "CN=S")
		q := id.request(t, []byte("content"))
		template, fixed, err := cms.SignerTemplate(q)
		if err != nil || fixed == (k == "ecdsa-p256") {
			t.Fatalf("%s: fixed %v, %v", k, fixed, err)
		}
		if si := mustBuild(t, q); fixed && len(si.Raw) != len(template.Raw) {
			t.Errorf("%s: %d octets, template %d", k, len(si.Raw), len(template.Raw))
		}
	}
}

func TestWriteAttachedRefuses(t *testing.T) {
	id := newIdentity(t, "gost2012-256", "", "CN=S")
	q := id.request(t, []byte("content"))
	si := mustBuild(t, q)
	q.SigningTime = time.Time{}
	shorter := mustBuild(t, q)
	signers := []*cms.SignerInfo{si}
	give := func(list ...*cms.SignerInfo) cms.FinishFunc {
		return func(cms.Digests) ([]*cms.SignerInfo, error) { return list, nil }
	}
	refused := errors.New("refused")
	tests := []struct {
		name   string
		length int64
		finish cms.FinishFunc
		want   error
	}{
		{"shorter than announced", 8, give(si), cms.ErrContentChanged},
		{"longer than announced", 6, give(si), cms.ErrContentChanged},
		{"shorter, not hashed", 8, nil, cms.ErrContentChanged},
		{"longer, not hashed", 6, nil, cms.ErrContentChanged},
		{"signer of another size", 7, give(shorter), nil},
		{"no signer", 7, give(), nil},
		{"signing fails", 7, func(cms.Digests) ([]*cms.SignerInfo, error) { return nil, refused }, refused},
	}
	for _, tt := range tests {
		var out bytes.Buffer
		err := cms.WriteAttached(&out, cms.Message{}, strings.NewReader("content"), tt.length, signers, tt.finish)
		if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	var out bytes.Buffer
	if err := cms.WriteAttached(&out, cms.Message{}, strings.NewReader("content"), 7, signers, nil); err != nil {
		t.Error(err)
	}
}

func TestBuildRefuses(t *testing.T) {
	id := newIdentity(t, "gost2012-256", "", "CN=S")
	for name, change := range map[string]func(*cms.SignerRequest){
		"attributes asked for and forbidden": func(q *cms.SignerRequest) { q.NoSignedAttributes = true },
		"digest of the wrong length": func(q *cms.SignerRequest) {
			q.NoSignedAttributes, q.SigningTime, q.Digest = true, time.Time{}, q.Digest[1:]
		},
		"too many attributes": func(q *cms.SignerRequest) { q.Attributes = make([]cms.Attribute, 300) },
		"year 10000":          func(q *cms.SignerRequest) { q.SigningTime = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		q := id.request(t, nil)
		change(&q)
		for i := range q.Attributes {
			q.Attributes[i].Type = oid.AttrMimeType
		}
		if _, err := cms.BuildSigner(rand.Reader, q); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestAddUnsigned: adding evidence changes nothing that is signed.
func TestAddUnsigned(t *testing.T) {
	id := newIdentity(t, "gost2012-256", "", "CN=S")
	si := mustBuild(t, id.request(t, []byte("content")))
	before, err := der.Elements(si.Raw)
	if err != nil {
		t.Fatal(err)
	}
	token := der.Wrap(0x30, oidDER(oid.SignedData), der.Wrap(0xa0, []byte{5, 0}))
	for n := 1; n <= 3; n++ {
		if si, err = si.AddUnsigned(oid.AttrSignatureTimeStamp, token); err != nil {
			t.Fatal(err)
		}
		after, err := der.Elements(si.Raw)
		if err != nil || len(after) != len(before)+1 {
			t.Fatalf("%d fields, %v", len(after), err)
		}
		for i := range before {
			if !bytes.Equal(before[i], after[i]) {
				t.Errorf("field %d changed", i)
			}
		}
		if got := si.TimeStamps(); len(got) != n || !bytes.Equal(got[0], token) {
			t.Errorf("%d time stamps", len(got))
		}
	}
}

func TestMessageWritesCertificatesOnce(t *testing.T) {
	a, b := newIdentity(t, "gost2012-256", "", "CN=A"), newIdentity(t, "gost2012-256", "", "CN=B")
	var m cms.Message
	m.AddCertificates(a.cert, b.cert, a.cert)
	var out bytes.Buffer
	if err := cms.WriteDetached(&out, m, []*cms.SignerInfo{mustBuild(t, a.request(t, nil))}); err != nil {
		t.Fatal(err)
	}
	sd, err := cms.ReadSigned(&out, nil, cms.Limits{})
	if err != nil || len(sd.Certificates) != 2 {
		t.Errorf("%d certificates, %v", len(sd.Certificates), err)
	}
}

// TestDigestContentOfAttached: an attached message and another document
// beside it.
func TestDigestContentOfAttached(t *testing.T) {
	id := newIdentity(t, "gost2012-256", "", "CN=S")
	sd, _, err := check(t, message{id: id, content: []byte("content")}.encode(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := sd.DigestContent(strings.NewReader("content")); err != nil {
		t.Error(err)
	}
	var mismatch *cms.DigestMismatchError
	if err := sd.DigestContent(strings.NewReader("another")); !errors.As(err, &mismatch) {
		t.Fatalf("another document: %v", err)
	}
	inside, _ := sd.ContentDigest(alg.Identifier{OID: oid.Streebog256})
	if !bytes.Equal(mismatch.Signed, inside) || bytes.Equal(mismatch.Computed, inside) {
		t.Error("the error does not have both digests")
	}
	if _, err := sd.CheckSigner(0, id.cert); err != nil {
		t.Errorf("the message was changed by the comparison: %v", err)
	}
}
