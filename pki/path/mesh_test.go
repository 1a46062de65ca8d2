package path_test

import (
	"crypto"
	//lint:ignore SA1019 what is tested
	"crypto/dsa" //nolint:staticcheck // what is tested
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha1"
	"encoding/binary"
	"math/big"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/internal/der"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/pki/oid"
	"github.com/gosklyuch/gosklyuch/pki/path"
)

// mesh makes n authorities of one name whose keys certify each other, and a
// leaf of the first key. ski is their key identifier; nil: none is written.
func mesh(t testing.TB, n, keys int, ski []byte) (*pki.Certificate, *pki.Pool, []crypto.Signer) {
	t.Helper()
	signers := make([]crypto.Signer, keys)
	for i := range signers {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		signers[i] = key
	}
	make1 := func(i int, name string, exts ...[]byte) *pki.Certificate {
		s := newShape(t, "CN=Mesh", name, signers[i%keys].Public())
		s.inner = alg.Identifier{OID: oid.Ed25519}.DER()
		s.outer, s.serial = s.inner, der.Wrap(2, binary.BigEndian.AppendUint32([]byte{1}, uint32(i))) // below 2^32
		with(exts...)(s)
		return parse(t, s.raw(t, signers[(i/keys+i+1)%keys]))
	}
	exts := [][]byte{isCA, signs}
	if ski != nil {
		exts = append(exts, ext(oid.SubjectKeyIdentifier, false, der.Wrap(4, ski)), ext(oid.AuthorityKeyIdentifier, false, der.Wrap(0x30, der.Wrap(0x80, ski))))
	}
	pool := pki.NewPool()
	for i := range n {
		pool.Add(make1(i, "CN=Mesh", exts...))
	}
	if ski != nil {
		return make1(0, "CN=Leaf", exts[3]), pool, signers
	}
	return make1(0, "CN=Leaf"), pool, signers
}

// TestHostileMesh: ten thousand certificates with one name and one key
// identifier that certify each other cost a bounded number of signature checks,
// and the answer is open, whether an anchor is among them or not.
func TestHostileMesh(t *testing.T) {
	for name, ski := range map[string][]byte{"one key identifier": {1, 2, 3, 4}, "no key identifier": nil} {
		t.Run(name, func(t *testing.T) {
			leaf, pool, _ := mesh(t, 10000, 100, ski)
			other := newLine(t, -1, nil)
			for what, o := range map[string]path.Options{
				"no anchor":         {Roots: pki.NewPool(other.root), Intermediates: pool, At: testpki.Now},
				"an expired anchor": {Roots: pki.NewPool(pool.All()[17]), Intermediates: pool, At: testpki.Now.AddDate(50, 0, 0)},
				"with a filter":     {Roots: pki.NewPool(other.root), Intermediates: pool, At: testpki.Now, Avoid: func(*pki.Certificate) bool { return false }},
			} {
				start := time.Now()
				res, err := path.Validate(t.Context(), leaf, o)
				if err == nil {
					t.Fatalf("%s: accepted", what)
				}
				if res.Checked > limits.PathSignatureChecks {
					t.Errorf("%s: %d signature checks", what, res.Checked)
				}
				if r := res.Failures[0].Reason; !r.Indeterminate() && r != path.ReasonExpired {
					t.Errorf("%s: %s", what, r)
				}
				took := time.Since(start)
				t.Logf("%s: %d checks in %v", what, res.Checked, took)
				if took > 20*time.Second { // far above what it needs, far below what no bound would cost
					t.Errorf("%s: %v", what, took)
				}
			}
		})
	}
}

// TestMeshMany: a small mesh has more paths to its anchor than can be counted.
// No more than the bound are examined, and the answer is open.
func TestMeshMany(t *testing.T) {
	leaf, pool, _ := mesh(t, 64, 8, []byte{1})
	o := path.Options{
		Roots: pki.NewPool(pool.All()[9]), Intermediates: pki.NewPool(append(pool.All()[:9], pool.All()[10:]...)...),
		At: testpki.Now, MaxChecks: 4096, ExplicitPolicy: true,
	}
	expect(t, leaf, o, path.ReasonLimit)
	o.ExplicitPolicy = false
	expect(t, leaf, o, "")
}

// dsaAuthority is a certificate of a DSA key, with or without parameters.
func dsaAuthority(t *testing.T, issuer, subject string, key *dsa.PrivateKey, params bool) *shape {
	t.Helper()
	var y cryptobyte.Builder
	y.AddASN1BigInt(key.Y)
	algorithm := der.Wrap(0x30, oid.DSA.DER())
	if params {
		algorithm = der.Wrap(0x30, oid.DSA.DER(), dsaNumbers(key.P, key.Q, key.G))
	}
	s := newShape(t, issuer, subject, testpki.Key(t, "gost2012-256", "cryptopro-a").Public())
	s.spki = info(algorithm, y.BytesOrPanic())
	return s
}

func dsaNumbers(list ...*big.Int) []byte {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, n := range list {
			b.AddASN1BigInt(n)
		}
	})
	return b.BytesOrPanic()
}

// signDSA signs a shape with DSA and SHA-1.
func signDSA(t *testing.T, s *shape, key *dsa.PrivateKey) *pki.Certificate {
	t.Helper()
	s.inner = der.Wrap(0x30, oid.DSAWithSHA1.DER())
	s.outer = s.inner
	tbs := der.Wrap(0x30, s.version, s.serial, s.inner, s.issuer, s.validity, s.subject, s.spki, der.Wrap(0xa3, der.Wrap(0x30, s.exts...)))
	sum := sha1.Sum(tbs)
	r, v, err := dsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, der.Wrap(0x30, tbs, s.outer, der.Wrap(3, []byte{0}, dsaNumbers(r, v))))
}

// TestDSA: parameters come from the issuer (RFC 5280, section 6.1.4 (d) to
// (f)), and DSA is unknown where it is not allowed.
func TestDSA(t *testing.T) {
	var upper, lower, stranger dsa.PrivateKey
	if err := dsa.GenerateParameters(&upper.Parameters, rand.Reader, dsa.L1024N160); err != nil {
		t.Fatal(err)
	}
	lower.Parameters, stranger.Parameters = upper.Parameters, upper.Parameters
	for _, k := range []*dsa.PrivateKey{&upper, &lower, &stranger} {
		if err := dsa.GenerateKey(k, rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	top := dsaAuthority(t, "CN=Top", "CN=Top", &upper, true)
	with(isCA, signs)(top)
	sub := dsaAuthority(t, "CN=Top", "CN=Sub", &lower, false)
	with(isCA, signs)(sub)
	root, inheriting := signDSA(t, top, &upper), signDSA(t, sub, &upper)
	leafShape := func() *shape {
		s := newShape(t, "CN=Sub", "CN=Leaf", testpki.Key(t, "gost2012-256", "cryptopro-a").Public())
		with(digital)(s)
		return s
	}
	leaf, forged := signDSA(t, leafShape(), &lower), signDSA(t, leafShape(), &stranger)
	o := path.Options{
		Roots: pki.NewPool(root), Intermediates: pki.NewPool(inheriting), At: testpki.Now, AllowDSA: true,
		Withdrawn: func(string) bool { return false },
	}
	expect(t, leaf, o, "")
	res, err := path.Validate(t.Context(), leaf, o)
	if err != nil || res.Checked != 2 {
		t.Errorf("%v, %d checks", err, res.Checked)
	}
	for _, c := range res.Chain[1:] {
		if _, ok := c.PublicKey.(*dsa.PublicKey); !ok || c.PublicKeyError != nil {
			t.Errorf("%s: the chain has no key", c.Subject)
		}
	}
	expect(t, forged, o, path.ReasonSignature)
	withdrawn := o
	withdrawn.Withdrawn = nil // SHA-1
	expect(t, leaf, withdrawn, path.ReasonLegacyAlgorithm)
	refused := o
	refused.AllowDSA = false
	expect(t, leaf, refused, path.ReasonAlgorithm)
	if inheriting.PublicKey != nil {
		t.Error("a key without parameters was put into the caller's certificate")
	}
	// Below an anchor that has no parameters itself there are none.
	bare := o
	bare.Roots = pki.NewPool(inheriting)
	expect(t, leaf, bare, path.ReasonMalformed)
}

// BenchmarkChain is a chain of three certificates, and beside it the two
// signature checks without anything else: the ratio says what the rest costs.
func BenchmarkChain(b *testing.B) {
	c := testpki.NewChain(b)
	o := path.Options{Roots: pki.NewPool(c.Root.Cert), Intermediates: pki.NewPool(c.Sub.Cert), At: testpki.Now}
	var whole, bare time.Duration
	for b.Loop() {
		start := time.Now()
		if _, err := path.Validate(b.Context(), c.Leaf.Cert, o); err != nil {
			b.Fatal(err)
		}
		middle := time.Now()
		for _, pair := range [][2]*pki.Certificate{{c.Leaf.Cert, c.Sub.Cert}, {c.Sub.Cert, c.Root.Cert}} {
			if err := pair[0].CheckSignatureFrom(pair[1]); err != nil {
				b.Fatal(err)
			}
		}
		whole, bare = whole+middle.Sub(start), bare+time.Since(middle)
	}
	b.ReportMetric(float64(whole)/float64(bare), "x-bare")
}
