package cms_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/gost/gost3410"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// sized is a reader that says it has n octets left, truly or not.
type sized struct {
	io.Reader
	n int
}

func (s sized) Len() int { return s.n }

// TestContentLengths: a document of any length has its digest, whatever the pieces
// in which it arrives and whatever its reader says of its length.
func TestContentLengths(t *testing.T) {
	id := newIdentity(t, "gost2012-256", "cryptopro-a", "CN=S")
	const first, chunk = 8 << 10, 256 << 10
	content := make([]byte, 2*chunk+100)
	for i := range content {
		content[i] = byte(i>>11 ^ i)
	}
	for _, n := range []int{0, 1, 511, 512, first - 1, first, first + 1, 3 * first, chunk - 1, chunk, chunk + 1, 2 * chunk, len(content)} {
		doc := content[:n]
		for name, r := range map[string]io.Reader{
			"bytes":     bytes.NewReader(doc),
			"stream":    struct{ io.Reader }{bytes.NewReader(doc)},
			"halves":    iotest.HalfReader(bytes.NewReader(doc)),
			"with EOF":  iotest.DataErrReader(bytes.NewReader(doc)),
			"too short": sized{bytes.NewReader(doc), n / 2},
			"too long":  sized{bytes.NewReader(doc), 2*n + 10},
			"negative":  sized{bytes.NewReader(doc), -5},
		} {
			m := message{id: id, content: doc, detached: true}
			sd, err := cms.ReadSigned(bytes.NewReader(m.encode(t)), nil, cms.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if err := sd.DigestContent(r); err != nil {
				t.Errorf("%d octets, %s: %v", n, name, err)
			}
			if _, err := sd.CheckSigner(0, id.cert); err != nil {
				t.Errorf("%d octets, %s: %v", n, name, err)
			}
		}
		m := message{id: id, content: doc}
		encoded := m.encode(t)
		for name, r := range map[string]io.Reader{
			"bytes": bytes.NewReader(encoded), "stream": struct{ io.Reader }{bytes.NewReader(encoded)},
			"too short": sized{bytes.NewReader(encoded), n / 2}, "too long": sized{bytes.NewReader(encoded), 2*n + 5000},
		} {
			var out bytes.Buffer
			sd, err := cms.ReadSigned(r, &out, cms.Limits{})
			if err != nil {
				t.Errorf("attached, %d octets, %s: %v", n, name, err)
				continue
			}
			if _, err := sd.CheckSigner(0, id.cert); err != nil || !bytes.Equal(out.Bytes(), doc) {
				t.Errorf("attached, %d octets, %s: %v, %d octets came out", n, name, err, out.Len())
			}
		}
	}
}

// TestOptions: the functions of the caller are used for every certificate and
// every GOST signature, and what they say counts.
func TestOptions(t *testing.T) {
	id := newIdentity(t, "gost2012-256", "cryptopro-a", "CN=S")
	for _, m := range []message{
		{id: id, content: []byte("content")}, {id: id, content: []byte("content"), noAttrs: true},
	} {
		for _, answer := range []bool{true, false} {
			parsed, verified := 0, 0
			o := cms.Options{
				Certificate: func(der []byte) (*pki.Certificate, error) { parsed++; return pki.ParseCertificate(der) },
				VerifyGOST:  func(*gost3410.PublicKey, []byte, []byte) bool { verified++; return answer },
			}
			encoded := m.encode(t)
			if answer { // what would be refused is accepted: nobody else looks
				encoded[len(encoded)-1] ^= 1
			}
			sd, err := o.ReadSigned(bytes.NewReader(encoded), nil)
			if err != nil {
				t.Fatal(err)
			}
			_, err = sd.CheckSigner(0, id.cert)
			if (err == nil) != answer || !answer && !errors.Is(err, alg.ErrSignature) {
				t.Errorf("no attributes %v, answer %v: %v", m.noAttrs, answer, err)
			}
			if parsed != 1 || verified == 0 {
				t.Errorf("no attributes %v: %d certificates parsed, %d signatures verified", m.noAttrs, parsed, verified)
			}
		}
	}
	refused := errors.New("refused")
	m := message{id: id, content: []byte("content")}
	sd, err := cms.Options{Certificate: func([]byte) (*pki.Certificate, error) { return nil, refused }}.ReadSigned(bytes.NewReader(m.encode(t)), nil)
	if err != nil || len(sd.Certificates) != 0 {
		t.Errorf("%v; a certificate that the caller refused", err)
	}
}
