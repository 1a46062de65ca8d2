package tsp

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"io"
	"math/big"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

const testPolicy oid.OID = "1.2.643.100.1.2.3"

// counter is a SerialSource; fail, if not nil, is its answer.
type counter struct {
	n    int64
	fail error
}

func (c *counter) NextSerial(context.Context) (*big.Int, error) {
	if c.fail != nil {
		return nil, c.fail
	}
	c.n++
	return big.NewInt(c.n), nil
}

// clock is a clock that a test sets.
type clock struct {
	mu  sync.Mutex
	at  time.Time
	err error
}

func (c *clock) now() (time.Time, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at, c.err
}

func (c *clock) set(at time.Time, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.err = at, err
}

// newAuthority makes an authority whose clock stands at stampTime.
func newAuthority(t testing.TB, r recipe, change func(*AuthorityOptions)) (*Authority, *pki.Certificate, *clock) {
	t.Helper()
	if r.kind == "" {
		r.kind = "ecdsa-p256"
	}
	key, cert := r.authority(t)
	at := &clock{at: stampTime}
	o := AuthorityOptions{Certificate: cert, Signer: key, Policies: []oid.OID{testPolicy, "1.2.3"}, Serials: &counter{}, Clock: at.now}
	if change != nil {
		change(&o)
	}
	a, err := NewAuthority(o)
	if err != nil {
		t.Fatal(err)
	}
	return a, cert, at
}

func streebog(id oid.OID) alg.Identifier { return alg.Identifier{OID: id} }

// TestStamp: every kind of key stamps every digest, and the client accepts it.
func TestStamp(t *testing.T) {
	for _, k := range []recipe{
		{kind: "gost2012-256", set: "cryptopro-a"},
		{kind: "gost2012-512", set: "tc26-512-a"},
		{kind: "ecdsa-p256"},
		{kind: "rsa-3072"},
	} {
		a, cert, _ := newAuthority(t, k, func(o *AuthorityOptions) {
			o.Digests = []oid.OID{oid.Streebog256, oid.Streebog512, oid.SHA256}
			o.Accuracy = 1500 * time.Millisecond
		})
		for _, h := range []oid.OID{oid.Streebog256, oid.Streebog512, oid.SHA256} {
			client := &Requester{Send: a.Respond, Policy: "1.2.3"}
			token, err := client.Stamp(t.Context(), streebog(h), hash(t, streebog(h), stamped))
			if err != nil {
				t.Fatalf("%s, %s: %v", k.kind, h.Name(), err)
			}
			i := token.Info
			if i.Policy != "1.2.3" || !i.GenTime.Equal(stampTime) || i.Accuracy.Value != 1500*time.Millisecond || i.Ordering {
				t.Errorf("%s: %+v", k.kind, i)
			}
			out, err := token.Check(CheckOptions{Content: stamped})
			if err != nil || !out.TSA.Equal(cert) {
				t.Errorf("%s: %v", k.kind, err)
			}
			if last := out.Checks[len(out.Checks)-1]; last.ID != CheckName || last.Warning {
				t.Errorf("%s: the name of the authority: %+v", k.kind, last)
			}
			if _, err := token.Check(CheckOptions{Content: []byte("else")}); err == nil {
				t.Errorf("%s: the token stamps anything", k.kind)
			}
		}
	}
}

// requestDER writes a request by hand, because the package writes only good
// ones.
func requestDER(version int64, h alg.Identifier, digest []byte, rest func(*cryptobyte.Builder)) []byte {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(version)
		addImprint(b, h, digest)
		if rest != nil {
			rest(b)
		}
	})
	return b.BytesOrPanic()
}

// TestRefusals: one bad request a row, each with its bit of failInfo.
func TestRefusals(t *testing.T) {
	good := streebog(oid.Streebog256)
	sum := make([]byte, 32)
	extension := func(critical bool) func(*cryptobyte.Builder) {
		return func(b *cryptobyte.Builder) {
			b.AddASN1(explicitTag(0), func(b *cryptobyte.Builder) {
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
					oid.OID("1.2.3.4").Add(b)
					if critical {
						b.AddASN1Boolean(true)
					}
					b.AddASN1OctetString([]byte{5, 0})
				})
			})
		}
	}
	policy := func(p oid.OID) func(*cryptobyte.Builder) { return func(b *cryptobyte.Builder) { p.Add(b) } }
	serials := &counter{}
	a, _, at := newAuthority(t, recipe{}, func(o *AuthorityOptions) { o.Serials = serials })
	for _, c := range []struct {
		name, want string
		der        []byte
		before     func()
	}{
		{"good", "", requestDER(1, good, sum, nil), nil},
		{"good with NULL", "", requestDER(1, alg.NULL(oid.Streebog256), sum, nil), nil},
		{"good with a policy", "", requestDER(1, good, sum, policy("1.2.3")), nil},
		{"no octets", "badDataFormat", nil, nil},
		{"text", "badDataFormat", []byte("GET / HTTP/1.1"), nil},
		{"truncated", "badDataFormat", requestDER(1, good, sum, nil)[:20], nil},
		{"trailing octet", "badDataFormat", append(requestDER(1, good, sum, nil), 0), nil},
		{"digest too short", "badDataFormat", requestDER(1, good, sum[:20], nil), nil},
		{"version 2", "badRequest", requestDER(2, good, sum, nil), nil},
		{"SHA-256", "badAlg", requestDER(1, streebog(oid.SHA256), sum, nil), nil},
		{"SHA-1", "badAlg", requestDER(1, streebog(oid.SHA1), sum[:20], nil), nil},
		{"unknown digest", "badAlg", requestDER(1, streebog("1.2.3.4.5"), sum, nil), nil},
		{"digest with parameters", "badAlg", requestDER(1, alg.Identifier{OID: oid.Streebog256, Params: []byte{2, 1, 1}}, sum, nil), nil},
		{"foreign policy", "unacceptedPolicy", requestDER(1, good, sum, policy("1.2.4")), nil},
		{"extension", "unacceptedExtension", requestDER(1, good, sum, extension(false)), nil},
		{"critical extension", "unacceptedExtension", requestDER(1, good, sum, extension(true)), nil},
		{"clock set back", "timeNotAvailable", requestDER(1, good, sum, nil), func() { at.set(stampTime.Add(-time.Minute), nil) }},
		{"clock never set", "timeNotAvailable", requestDER(1, good, sum, nil), func() { at.set(time.Unix(0, 0), nil) }},
		{"clock that fails", "timeNotAvailable", requestDER(1, good, sum, nil), func() { at.set(stampTime, errors.New("no GPS")) }},
		{"certificate ended", "systemFailure", requestDER(1, good, sum, nil), func() { at.set(stampTime.AddDate(2, 0, 0), nil) }},
		{"no serial number", "systemFailure", requestDER(1, good, sum, nil), func() {
			at.set(stampTime.AddDate(0, 1, 0), nil)
			serials.fail = errors.New("disk full")
		}},
	} {
		if c.before != nil {
			c.before()
			a.last = stampTime
		}
		out, err := a.Answer(t.Context(), c.der)
		if out.Failure != c.want || (err == nil) != (c.want == "") || (out.Serial != nil) != (c.want == "") {
			t.Errorf("%s: %q, want %q (%v)", c.name, out.Failure, c.want, err)
		}
		r, err := ParseResponse(out.DER)
		if err != nil || r.Status != out.Status {
			t.Fatalf("%s: our own response: %v", c.name, err)
		}
		if c.want != "" && (!slices.Equal(r.Failure, []string{c.want}) || len(r.Text) != 1) {
			t.Errorf("%s: response says %q %q", c.name, r.Failure, r.Text)
		}
	}
}

// TestNewAuthority: what would make every token worthless is refused at start.
func TestNewAuthority(t *testing.T) {
	other, err := alg.GenerateKey("ecdsa-p256", "")
	if err != nil {
		t.Fatal(err)
	}
	usage := func(critical bool, list ...oid.OID) recipe {
		return recipe{certificate: func(c *pki.CertificateTemplate) { c.ExtKeyUsage, c.ExtKeyUsageCritical = list, critical }}
	}
	for _, c := range []struct {
		name   string
		r      recipe
		change func(*AuthorityOptions)
	}{
		{"another key", recipe{}, func(o *AuthorityOptions) { o.Signer = other }},
		{"no key", recipe{}, func(o *AuthorityOptions) { o.Signer = nil }},
		{"no serials", recipe{}, func(o *AuthorityOptions) { o.Serials = nil }},
		{"no policy", recipe{}, func(o *AuthorityOptions) { o.Policies = nil }},
		{"policy that is none", recipe{}, func(o *AuthorityOptions) { o.Policies = []oid.OID{"9.9"} }},
		{"weak digest", recipe{}, func(o *AuthorityOptions) { o.Digests = []oid.OID{oid.SHA1} }},
		{"unknown digest", recipe{}, func(o *AuthorityOptions) { o.Digests = []oid.OID{"1.2.3"} }},
		{"accuracy below a microsecond", recipe{}, func(o *AuthorityOptions) { o.Accuracy = 1 }},
		{"negative accuracy", recipe{}, func(o *AuthorityOptions) { o.Accuracy = -time.Second }},
		{"usage not critical", usage(false, oid.EKUTimeStamping), nil},
		{"usage not alone", usage(true, oid.EKUTimeStamping, oid.EKUOCSPSigning), nil},
		{"no usage", usage(true), nil},
		{"certificate ended", recipe{certificate: func(c *pki.CertificateTemplate) { c.NotAfter = stampTime.AddDate(0, 0, -1) }}, nil},
		{"certificate of the future", recipe{certificate: func(c *pki.CertificateTemplate) { c.NotBefore = stampTime.AddDate(0, 0, 1) }}, nil},
		{"key period ended", recipe{certificate: func(c *pki.CertificateTemplate) {
			c.PrivateKeyNotBefore, c.PrivateKeyNotAfter = stampTime.AddDate(0, -2, 0), stampTime.AddDate(0, -1, 0)
		}}, nil},
	} {
		c.r.kind = "ecdsa-p256"
		key, cert := c.r.authority(t)
		at := &clock{at: stampTime}
		o := AuthorityOptions{Certificate: cert, Signer: key, Policies: []oid.OID{testPolicy}, Serials: &counter{}, Clock: at.now}
		if c.change != nil {
			c.change(&o)
		}
		if a, err := NewAuthority(o); err == nil {
			t.Errorf("%s: accepted (%v)", c.name, a != nil)
		}
	}
}

// TestOrdering: at a clock that stands still, tokens of many callers still have
// times and numbers that are all different and in one order.
func TestOrdering(t *testing.T) {
	a, _, _ := newAuthority(t, recipe{}, func(o *AuthorityOptions) { o.Ordering, o.Parallel = true, true })
	var mu sync.Mutex
	var all []Info
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			client := &Requester{Send: a.Respond}
			token, err := client.Stamp(t.Context(), streebog(oid.Streebog256), make([]byte, 32))
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, token.Info)
		})
	}
	wg.Wait()
	slices.SortFunc(all, func(x, y Info) int { return x.Serial.Cmp(y.Serial) })
	for i := 1; i < len(all); i++ {
		if !all[i].Ordering || !all[i].GenTime.After(all[i-1].GenTime) || all[i].Serial.Cmp(all[i-1].Serial) <= 0 {
			t.Errorf("token %d: %v after %v", i, all[i].GenTime, all[i-1].GenTime)
		}
	}
}

// TestGenTimeText: DER has no trailing zeros.
func TestGenTimeText(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                      "20260602120000Z",
		250 * time.Millisecond: "20260602120000.25Z",
		10 * time.Microsecond:  "20260602120000.00001Z",
		10 * time.Second:       "20260602120010Z",
	} {
		if got := genTimeText(stampTime.Add(d)); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

// TestCertReq: certificates are in the token if and only if they were asked
// for.
func TestCertReq(t *testing.T) {
	a, cert, _ := newAuthority(t, recipe{}, nil)
	out, err := a.Answer(t.Context(), requestDER(1, streebog(oid.Streebog256), make([]byte, 32), nil))
	if err != nil {
		t.Fatal(err)
	}
	r, err := ParseResponse(out.DER)
	if err != nil || len(r.Token.Signed.Certificates) != 0 {
		t.Fatalf("%v, %d certificates", err, len(r.Token.Signed.Certificates))
	}
	req := &Request{HashAlgorithm: streebog(oid.Streebog256), HashedMessage: make([]byte, 32)}
	_, err = r.Check(req)
	wantKind(t, err, KindNoCertificate)
	_, err = r.Check(req, cert)
	wantKind(t, err, 0)
	req.CertReq = true
	_, err = r.Check(req, cert)
	wantKind(t, err, KindNoCertificate)
}

// TestDishonestAuthority: what a client must not take, one a row.
func TestDishonestAuthority(t *testing.T) {
	a, _, _ := newAuthority(t, recipe{}, func(o *AuthorityOptions) {
		o.Digests = []oid.OID{oid.Streebog256, oid.SHA256}
	})
	h := streebog(oid.Streebog256)
	digest := hash(t, h, stamped)
	ask := func(change func(*Request)) func(context.Context, []byte) ([]byte, error) {
		return func(ctx context.Context, der []byte) ([]byte, error) {
			req, err := ParseRequest(der)
			if err != nil {
				return nil, err
			}
			change(req)
			if der, err = req.encode(); err != nil {
				return nil, err
			}
			return a.Respond(ctx, der)
		}
	}
	var recorded []byte
	for _, c := range []struct {
		name string
		send func(context.Context, []byte) ([]byte, error)
		want ErrorKind
	}{
		{"honest", ask(func(*Request) {}), 0},
		{"another document", ask(func(r *Request) { r.HashedMessage[0] ^= 1 }), KindImprint},
		{"another digest of the same length", ask(func(r *Request) { r.HashAlgorithm = streebog(oid.SHA256) }), KindImprint},
		{"another nonce", ask(func(r *Request) { r.Nonce = big.NewInt(1) }), KindNonce},
		{"no nonce", ask(func(r *Request) { r.Nonce = nil }), KindNonce},
		{"another policy", ask(func(r *Request) { r.Policy = "1.2.3" }), KindPolicy},
		{"no certificate", ask(func(r *Request) { r.CertReq = false }), KindNoCertificate},
		{"a rejection", func(context.Context, []byte) ([]byte, error) { return rejected(failBadAlg, "no").DER, nil }, KindStatus},
		{"an old response", func(ctx context.Context, der []byte) ([]byte, error) {
			if recorded == nil {
				var err error
				if recorded, err = a.Respond(ctx, requestDER(1, h, digest, func(b *cryptobyte.Builder) {
					b.AddASN1Int64(5)
					b.AddASN1Boolean(true)
				})); err != nil {
					return nil, err
				}
			}
			return recorded, nil
		}, KindNonce},
		{"one bit of the signature", func(ctx context.Context, der []byte) ([]byte, error) {
			out, err := a.Respond(ctx, der)
			return flip(t, out), err
		}, KindSignature},
		{"a page", func(context.Context, []byte) ([]byte, error) { return []byte("<html>"), nil }, KindMalformed},
		{"its own request", func(_ context.Context, der []byte) ([]byte, error) { return der, nil }, KindMalformed},
	} {
		client := &Requester{Send: c.send, Policy: testPolicy}
		token, err := client.Stamp(t.Context(), h, bytes.Clone(digest))
		if (token == nil) != (c.want != 0) {
			t.Errorf("%s: token %v", c.name, token != nil)
		}
		t.Run(c.name, func(t *testing.T) { wantKind(t, err, c.want) })
	}
}

// TestNewRequest: a request that is written is read back the same.
func TestNewRequest(t *testing.T) {
	h := streebog(oid.Streebog512)
	r, err := NewRequest(nil, h, make([]byte, 64), testPolicy)
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseRequest(r.Raw)
	if err != nil {
		t.Fatal(err)
	}
	if back.Nonce.Cmp(r.Nonce) != 0 || !back.CertReq || back.Policy != testPolicy || back.HashAlgorithm.OID != h.OID || back.HashAlgorithm.Params != nil {
		t.Errorf("%+v", back)
	}
	if _, err := NewRequest(nil, h, make([]byte, 32), ""); err == nil {
		t.Error("a digest of another length was accepted")
	}
	if _, err := NewRequest(nil, streebog("1.2.3"), make([]byte, 32), ""); err == nil {
		t.Error("an unknown digest was accepted")
	}
	if _, err := NewRequest(bytes.NewReader(nil), h, make([]byte, 64), ""); err == nil {
		t.Error("a nonce was made without randomness")
	}
}

// brokenSigner cannot sign: a token that was pulled out.
type brokenSigner struct{ public crypto.PublicKey }

func (b brokenSigner) Public() crypto.PublicKey { return b.public }

func (b brokenSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("no card in the reader")
}

// TestSignerFails: the failure is answered, not hidden, and not called the
// client's.
func TestSignerFails(t *testing.T) {
	a, _, _ := newAuthority(t, recipe{}, nil)
	a.o.Signer = brokenSigner{a.o.Signer.Public()}
	out, err := a.Answer(t.Context(), requestDER(1, streebog(oid.Streebog256), make([]byte, 32), nil))
	if err == nil || out.Failure != "systemFailure" || errors.As(err, new(*Error)) {
		t.Errorf("%+v, %v", out.Failure, err)
	}
	if _, err := a.Respond(t.Context(), requestDER(1, streebog(oid.Streebog256), make([]byte, 32), nil)); err == nil {
		t.Error("the failure was hidden")
	}
}
