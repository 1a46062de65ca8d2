package ocsp

import (
	"math/big"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
)

func TestResponderStatus(t *testing.T) {
	p := newTestPKI(t, "ecdsa-p256", "")
	foreign := issue(t, nil, newKey(t, "ecdsa-p256", ""), "Other CA", 9)
	stranger := issue(t, &foreign, newKey(t, "ecdsa-p256", ""), "Stranger", 3)
	req := func(r *Request, err error) []byte {
		if err != nil {
			t.Fatal(err)
		}
		return r.Raw
	}
	mine, err := NewCertID(p.leaf.cert, p.ca.cert, SHA1())
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := NewCertID(stranger.cert, foreign.cert, SHA1())
	if err != nil {
		t.Fatal(err)
	}
	odd := mine
	odd.Hash = alg.Identifier{OID: "1.2.3.4"}
	longNonce := &Request{IDs: []CertID{mine}, nonceValue: nonceValue(make([]byte, 33))}
	longNonce.Extensions = nonceExtension(longNonce.nonceValue)
	emptyNonce := &Request{IDs: []CertID{mine}, nonceValue: nonceValue(nil)}
	emptyNonce.Extensions = nonceExtension(emptyNonce.nonceValue)
	marshal := func(r *Request) []byte {
		der, err := r.marshal()
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	ok := req(NewRequest(nil, p.leaf.cert, p.ca.cert, SHA1(), true))
	late := p.responder(good())
	late.Now = func() time.Time { return p.delegate.cert.NotAfter.Add(time.Second) }
	noSigner := p.responder(good())
	noSigner.Signer = nil
	cases := []struct {
		name string
		r    *Responder
		req  []byte
		want ResponseStatus
	}{
		{"good", p.responder(good()), ok, Successful},
		{"streebog", p.responder(good()), req(NewRequest(nil, p.leaf.cert, p.ca.cert, Streebog256(), false)), Successful},
		{"batch with a stranger", p.responder(good()), req(NewBatchRequest([]CertID{mine, theirs}, nil)), Successful},
		{"another issuer", p.responder(good()), req(NewBatchRequest([]CertID{theirs}, nil)), Unauthorized},
		{"unknown digest", p.responder(good()), req(NewBatchRequest([]CertID{odd}, nil)), Unauthorized},
		{"nonce of 33 octets", p.responder(good()), marshal(longNonce), MalformedRequest},
		{"nonce of 0 octets", p.responder(good()), marshal(emptyNonce), MalformedRequest},
		{"nothing", p.responder(good()), nil, MalformedRequest},
		{"trailing octet", p.responder(good()), append(ok[:len(ok):len(ok)], 0), MalformedRequest},
		{"truncated", p.responder(good()), ok[:len(ok)-1], MalformedRequest},
		{"a response", p.responder(good()), CreateErrorResponse(TryLater), MalformedRequest},
		{"broken ledger", p.responder(broken{}), ok, TryLater},
		{"no signer", noSigner, ok, InternalError},
		{"expired responder", late, ok, InternalError},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			out, err := c.r.Answer(t.Context(), c.req)
			if out.Status != c.want || (err == nil) != (c.want == Successful) {
				t.Fatalf("%v, %v; want %v", out.Status, err, c.want)
			}
			parsed, perr := ParseResponse(out.DER)
			if perr != nil || parsed.Status != c.want {
				t.Fatalf("the response reads as %v, %v", parsed, perr)
			}
			if c.want != Successful {
				_, err := parsed.Check(p.options())
				wantKind(t, err, KindErrorStatus)
			}
		})
	}
}

// TestResponderRemembers: what a responder remembers of its issuer is not taken for
// another digest, another issuer or a part of it, in whatever order they are asked.
func TestResponderRemembers(t *testing.T) {
	p := newTestPKI(t, "ecdsa-p256", "")
	foreign := issue(t, nil, newKey(t, "ecdsa-p256", ""), "Other CA", 9)
	id := func(issuer *pki.Certificate, h alg.Identifier) CertID {
		id, err := NewCertID(&pki.Certificate{RawIssuer: issuer.RawSubject, SerialNumber: big.NewInt(5)}, issuer, h)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	sha1, streebog := id(p.ca.cert, SHA1()), id(p.ca.cert, Streebog256())
	otherSHA1, otherStreebog := id(foreign.cert, SHA1()), id(foreign.cert, Streebog256())
	with := func(id CertID, change func(*CertID)) CertID { id.Raw = nil; change(&id); return id }
	signature := with(streebog, func(c *CertID) { c.Hash = alg.Identifier{OID: oid.GOST2012_256WithStreebog256} })
	cases := []struct {
		name         string
		id           CertID
		mine, theirs bool
	}{
		{"SHA-1", sha1, true, false},
		{"Streebog", streebog, true, false},
		{"by the name of a signature", signature, true, false},
		{"another issuer", otherSHA1, false, true},
		{"another issuer, Streebog", otherStreebog, false, true},
		{"another key", with(sha1, func(c *CertID) { c.IssuerKeyHash = otherSHA1.IssuerKeyHash }), false, false},
		{"another name", with(sha1, func(c *CertID) { c.IssuerNameHash = otherSHA1.IssuerNameHash }), false, false},
		{"another digest's values", with(sha1, func(c *CertID) { c.Hash = Streebog256() }), false, false},
		{"another digest's name", with(streebog, func(c *CertID) { c.Hash = SHA1() }), false, false},
		{"swapped", with(sha1, func(c *CertID) { c.IssuerNameHash, c.IssuerKeyHash = c.IssuerKeyHash, c.IssuerNameHash }), false, false},
		{"cut off", with(sha1, func(c *CertID) { c.IssuerKeyHash = c.IssuerKeyHash[:19] }), false, false},
		{"nothing", with(sha1, func(c *CertID) { c.IssuerNameHash, c.IssuerKeyHash = []byte{}, []byte{} }), false, false},
	}
	r := p.responder(good())
	own := r.Issuer
	for round := range 4 {
		for i := range cases {
			c := cases[i]
			if round%2 == 1 {
				c = cases[len(cases)-1-i]
			}
			req, err := NewBatchRequest([]CertID{c.id}, nil)
			if err != nil {
				t.Fatal(err)
			}
			// The same responder for either issuer.
			for issuer, want := range map[*pki.Certificate]bool{own: c.mine, foreign.cert: c.theirs} {
				r.Issuer = issuer
				out, err := r.Answer(t.Context(), req.Raw)
				if issuer == own && (out.Status == Successful) != want || issuer != own && out.Status != Unauthorized && !want {
					t.Errorf("round %d, %s, by %s: %v, %v", round, c.name, issuer.Subject, out.Status, err)
				}
			}
		}
	}
}

func TestBatch(t *testing.T) {
	p := newTestPKI(t, "gost2012-256", "cryptopro-a")
	var ids []CertID
	for n := range int64(5) {
		id, err := NewCertID(p.leaf.cert, p.ca.cert, SHA1())
		if err != nil {
			t.Fatal(err)
		}
		id.Serial = big.NewInt(n)
		ids = append(ids, id)
	}
	req, err := NewBatchRequest(ids, []byte{1})
	if err != nil {
		t.Fatal(err)
	}
	resp := respond(t, p.responder(ledger{3: {Status: Good, Reason: NoReason}, 4: {Status: Revoked, RevokedAt: testTime, Reason: 6}}), req)
	want := []CertStatus{Unknown, Unknown, Unknown, Good, Revoked}
	for i, s := range resp.Singles {
		if s.Status != want[i] || s.ID.Serial.Int64() != int64(i) {
			t.Errorf("answer %d: %v for %v", i, s.Status, s.ID.Serial)
		}
	}
	if len(resp.Singles) != len(want) || string(resp.Nonce) != "\x01" {
		t.Errorf("%d answers, nonce %x", len(resp.Singles), resp.Nonce)
	}
	if _, err := NewBatchRequest(make([]CertID, 129), nil); err == nil {
		t.Error("a request for 129 certificates was made")
	}
}
