//go:build cgo

package pkcs11_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ThalesGroup/crypto11"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/testpki"
	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
	"github.com/gosklyuch/gosklyuch/sign"
	"github.com/gosklyuch/gosklyuch/token"
	"github.com/gosklyuch/gosklyuch/token/pkcs11"
	"github.com/gosklyuch/gosklyuch/verify"
)

const (
	userPIN  = "1234"
	soPIN    = "12345678"
	password = "Passw0rd-of-key"
)

// once answers each question once and gives up when it is refused.
func once(pin string) token.PINFunc {
	return func(_ context.Context, p token.Prompt) ([]byte, error) {
		switch {
		case p.Again:
			return nil, &token.PINError{Retries: p.Retries}
		case p.Secret == token.SecretPassword:
			return []byte(password), nil
		case p.Secret == token.SecretSOPIN:
			return []byte(soPIN), nil
		}
		return []byte(pin), nil
	}
}

// newToken initialises a token of a module and returns its URI.
func newToken(t testing.TB, module, label string) string {
	t.Helper()
	u := (&pkcs11.URI{ModulePath: module}).String()
	info, err := pkcs11.InitToken(t.Context(), u, pkcs11.Config{}, pkcs11.InitOptions{Label: label, SOPIN: []byte(soPIN), PIN: []byte(userPIN)})
	if err != nil {
		t.Fatal(err)
	}
	if info.Label != label || !info.Initialized || !info.UserPINSet || info.Serial == "" {
		t.Fatalf("the new token is %+v", info)
	}
	return (&pkcs11.URI{Token: label, ModulePath: module}).String()
}

func openStore(t testing.TB, uri string, pin token.PINFunc) *pkcs11.Store {
	t.Helper()
	s, err := pkcs11.Open(t.Context(), uri, pkcs11.Config{PIN: pin})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// document signs with a key on the token, whose certificate is there too, and
// has this module's verifier and OpenSSL verify it; a changed one is refused.
func document(t *testing.T, key token.Key, chain *testpki.Chain) {
	t.Helper()
	content := []byte("Договор № 1\n")
	now := func() time.Time { return testpki.Now }
	s := sign.Signer{Key: key, Cert: key.Certificate(), Chain: []*pki.Certificate{chain.Sub.Cert}, Now: now}
	var sig bytes.Buffer
	if err := s.Sign(t.Context(), &sig, bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	policy := verify.DefaultPolicy()
	policy.UnsafeNoRevocation = true // revocation is not what is tested
	v := &verify.Verifier{Roots: pki.NewPool(chain.Root.Cert), Policy: policy, Now: now}
	if _, err := v.Verify(t.Context(), bytes.NewReader(sig.Bytes()), nil); err != nil {
		t.Errorf("our verifier: %v", err)
	}
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var roots bytes.Buffer
	for _, c := range []*pki.Certificate{chain.Root.Cert, chain.Sub.Cert} {
		roots.Write(peer.MustOpenSSL(t, "x509", "-inform", "DER", "-in", write("c.cer", c.Raw)))
	}
	args := []string{
		"cms", "-verify", "-binary", "-inform", "DER", "-CAfile", write("roots.pem", roots.Bytes()),
		"-purpose", "any", "-attime", "1780315200", "-in",
	} // testpki.Now
	if out := peer.MustOpenSSL(t, append(args, write("good.p7s", sig.Bytes()))...); !bytes.Equal(out, content) {
		t.Errorf("OpenSSL gave back %q", out)
	}
	bad := bytes.Replace(sig.Bytes(), content, bytes.Replace(content, []byte("1"), []byte("2"), 1), 1)
	if _, err := v.Verify(t.Context(), bytes.NewReader(bad), nil); err == nil {
		t.Error("our verifier accepts a changed document")
	}
	if r := peer.OpenSSL(t, peer.Run{Args: append(args, write("bad.p7s", bad))}); r.Err == nil {
		t.Error("OpenSSL accepts a changed document")
	}
}

// certify has the test CA issue a certificate for the key and stores it.
func certify(t *testing.T, s *pkcs11.Store, key token.Key, chain *testpki.Chain) *pki.Certificate {
	t.Helper()
	leaf := testpki.IssueKey(t, testpki.Leaf(t, "CN=Иванов Иван,C=RU"), chain.Sub, key)
	if err := s.StoreCertificate(t.Context(), leaf.Cert, ""); err != nil {
		t.Fatal(err)
	}
	return leaf.Cert
}

var specs = []pkcs11.KeySpec{
	{Algorithm: "rsa-2048", Label: "RSA"},
	{Algorithm: "ecdsa-p256", Label: "ECDSA"},
	{Algorithm: "ecdsa-p384", Label: "ECDSA 384"},
	{Algorithm: "gost2012-256", Label: "ГОСТ 256", Placement: pkcs11.Passive, Password: []byte(password)},
	{Algorithm: "gost2012-512", Label: "ГОСТ 512", Placement: pkcs11.Passive, Password: []byte(password)},
}

// roundTrip generates a key, stores its certificate, opens the token again and
// signs a document with what is found there.
func roundTrip(t *testing.T, uri string, spec pkcs11.KeySpec, chain *testpki.Chain) {
	t.Helper()
	first := openStore(t, uri, once(userPIN))
	key, err := first.Generate(context.WithoutCancel(t.Context()), spec)
	if err != nil {
		t.Fatal(err)
	}
	cert := certify(t, first, key, chain)
	named := key.(interface{ URI() *pkcs11.URI }).URI().String() //nolint:forcetypeassert // every key here has one
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again := openStore(t, named, once(userPIN))
	found, err := again.Key(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if found.Certificate() == nil || !found.Certificate().Equal(cert) || found.Label() != spec.Label || !alg.EqualKeys(found.Public(), cert.PublicKey) {
		t.Fatalf("another key was found: %q", found.Label())
	}
	document(t, found, chain)
}

func TestSoftHSM(t *testing.T) {
	module := peer.SoftHSM(t)
	uri := newToken(t, module, "Токен гражданина")
	chain := testpki.NewChain(t)
	for _, spec := range specs {
		t.Run(spec.Label, func(t *testing.T) { roundTrip(t, uri, spec, chain) })
	}
	list, errs := pkcs11.List(t.Context(), module)
	i := slices.IndexFunc(list, func(x *pkcs11.TokenInfo) bool { return x.Label == "Токен гражданина" })
	if len(errs) != 0 || i < 0 || list[i].GOST256 != pkcs11.SupportNone || list[i].RSA != pkcs11.SupportDigest {
		t.Errorf("the list is %+v, %v", list, errs)
	}
	s := openStore(t, uri, once(userPIN))
	before, err := s.Objects(t.Context(), false)
	if err != nil || slices.ContainsFunc(before, func(o pkcs11.Object) bool { return o.Private }) {
		t.Errorf("%+v, %v before the login", before, err)
	}
	objects, err := s.Objects(t.Context(), true)
	count := map[string]int{}
	for _, o := range objects {
		count[o.Type]++
	}
	if err != nil || count["private"] != 3 || count["public"] != 3 || count["cert"] != 5 || count["data"] != 4 {
		t.Errorf("%v, %v", count, err)
	}
	n := 0
	for _, err := range s.Keys(t.Context()) {
		if n++; err != nil {
			t.Error(err)
		}
	}
	if n != len(specs) {
		t.Errorf("%d keys", n)
	}
}

// TestSoftHSMImport stores software keys of every kind and takes them out.
func TestSoftHSMImport(t *testing.T) {
	uri := newToken(t, peer.SoftHSM(t), "import")
	s := openStore(t, uri, once(userPIN))
	ctx := context.WithoutCancel(t.Context())
	for _, name := range []string{"rsa-2048", "ecdsa-p256", "ecdsa-p521", "gost2012-256", "ed25519"} {
		for _, exportable := range []bool{false, true} {
			soft, err := alg.GenerateKey(name, "")
			if err != nil {
				t.Fatal(err)
			}
			key, err := s.Import(ctx, soft, pkcs11.KeySpec{Label: name, Exportable: exportable, Password: []byte(password)})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			out, err := s.Export(ctx, key)
			active := !key.(*pkcs11.Key).Passive() //nolint:forcetypeassert // SoftHSM signs digests
			if active && !exportable {
				if !errors.Is(err, pkcs11.ErrNotExportable) {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			if err != nil || !out.(interface{ Equal(crypto.PrivateKey) bool }).Equal(soft) { //nolint:forcetypeassert // every key has it
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestSoftHSMPINs(t *testing.T) {
	uri := newToken(t, peer.SoftHSM(t), "pins")
	ctx := t.Context()
	login := func(pin string) error {
		s := openStore(t, uri, once(pin))
		_, err := s.Objects(ctx, true)
		return errors.Join(err, s.Close())
	}
	if err := pkcs11.ChangePIN(ctx, uri, pkcs11.Config{}, false, once(userPIN), once("новый-PIN")); err != nil {
		t.Fatal(err)
	}
	if err := login("новый-PIN"); err != nil {
		t.Error(err)
	}
	var refused *token.PINError
	if err := login(userPIN); !errors.As(err, &refused) {
		t.Errorf("the old PIN: %v", err)
	}
	if err := pkcs11.ChangePIN(ctx, uri, pkcs11.Config{}, false, once("wrong"), once("00000")); !errors.As(err, &refused) {
		t.Errorf("changed with a wrong PIN: %v", err)
	}
	if err := pkcs11.UnblockPIN(ctx, uri, pkcs11.Config{}, once(""), once("5678")); err != nil {
		t.Fatal(err)
	}
	if err := login("5678"); err != nil {
		t.Error(err)
	}
	if err := pkcs11.ChangePIN(ctx, uri, pkcs11.Config{}, true, once(""), func(context.Context, token.Prompt) ([]byte, error) { return []byte("87654321"), nil }); err != nil {
		t.Errorf("the security officer's PIN: %v", err)
	}
	if err := pkcs11.UnblockPIN(ctx, uri, pkcs11.Config{}, once(""), once("0000")); !errors.As(err, &refused) {
		t.Errorf("the old PIN of the security officer: %v", err)
	}
}

// TestSoftHSMRefusals: SoftHSM itself never locks a PIN, but it shows the flags
// of a low count; wrong PINs one after the other end with PINError, never with
// a wrong key in use.
func TestSoftHSMRefusals(t *testing.T) {
	uri := newToken(t, peer.SoftHSM(t), "lock")
	var prompts []token.Prompt
	pins := []string{"0000", "0001", "0002", "0003"}
	s := openStore(t, uri, func(_ context.Context, p token.Prompt) ([]byte, error) {
		if prompts = append(prompts, p); len(prompts) > len(pins) {
			return nil, &token.PINError{Retries: p.Retries}
		}
		return []byte(pins[len(prompts)-1]), nil
	})
	var refused *token.PINError
	if _, err := s.Objects(t.Context(), true); !errors.As(err, &refused) {
		t.Fatal(err)
	}
	info, err := s.Info(t.Context())
	if err != nil || !info.UserPIN.CountLow || len(prompts) != len(pins)+1 || prompts[0].Again || !prompts[1].Again {
		t.Errorf("%v: %+v, asked %d times", err, info.UserPIN, len(prompts))
	}
	t.Logf("after %d wrong PINs SoftHSM shows %+v", len(pins), info.UserPIN)
}

// TestPassiveIsStandard: what lies on the token is PKCS #8 that OpenSSL opens.
func TestPassiveIsStandard(t *testing.T) {
	module := peer.SoftHSM(t)
	uri := newToken(t, module, "passive")
	s := openStore(t, uri, once(userPIN))
	key, err := s.Generate(context.WithoutCancel(t.Context()), pkcs11.KeySpec{Algorithm: "gost2012-256", ParamSet: "tc26-256-a", Label: "k", Placement: pkcs11.Passive, Password: []byte(password)})
	if err != nil {
		t.Fatal(err)
	}
	objects, err := s.Objects(t.Context(), true)
	if err != nil || len(objects) != 2 {
		t.Fatal(objects, err)
	}
	if err := s.ChangePassword(t.Context(), key, []byte("Another-1")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key")
	r := peer.PKCS11Tool(t, peer.Run{Args: []string{
		"--module", module, "--token-label", "passive", "--login", "--pin", userPIN, "--read-object", "--type", "data",
		"--application-label", "gosklyuch/" + hex.EncodeToString(key.ID()), "--output-file", file,
	}})
	if r.Err != nil {
		t.Fatal(r.Err, r.All())
	}
	p8 := peer.MustOpenSSL(t, "pkcs8", "-inform", "DER", "-in", file, "-passin", "pass:Another-1", "-outform", "DER")
	soft, err := alg.ParsePKCS8(p8)
	if err != nil || !alg.EqualKeys(soft.Public(), key.Public()) {
		t.Errorf("OpenSSL opened another key: %v", err)
	}
}

// TestPeerKeys: keys that pkcs11-tool made are used, and it uses ours.
func TestPeerKeys(t *testing.T) {
	module := peer.SoftHSM(t)
	uri := newToken(t, module, "peer")
	tool := func(args ...string) string {
		t.Helper()
		r := peer.PKCS11Tool(t, peer.Run{Args: append([]string{"--module", module, "--token-label", "peer", "--login", "--pin", userPIN}, args...)})
		if r.Err != nil {
			t.Fatal(r.Err, r.All())
		}
		return r.All()
	}
	tool("--keypairgen", "--key-type", "rsa:2048", "--id", "01", "--label", "theirs")
	tool("--keypairgen", "--key-type", "EC:prime256v1", "--id", "02", "--label", "theirs ec")
	s := openStore(t, uri, once(userPIN))
	n := 0
	for key, err := range s.Keys(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		sig, err := alg.SignMessage(rand.Reader, key, alg.Identifier{}, []byte("m"))
		if err == nil {
			err = alg.VerifyMessage(key.Public(), alg.SignatureForKey(key.Public()), alg.Identifier{}, []byte("m"), sig)
		}
		if err != nil {
			t.Error(key.Label(), err)
		}
	}
	if n != 2 {
		t.Errorf("%d keys", n)
	}
	if _, err := s.Generate(t.Context(), pkcs11.KeySpec{Algorithm: "rsa-2048", Label: "ours", ID: []byte{3}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	in, out := filepath.Join(t.TempDir(), "m"), filepath.Join(t.TempDir(), "sig")
	if err := os.WriteFile(in, []byte("m"), 0o600); err != nil {
		t.Fatal(err)
	}
	tool("--sign", "--mechanism", "SHA256-RSA-PKCS", "--id", "03", "--input-file", in, "--output-file", out)
	if all := tool("--verify", "--mechanism", "SHA256-RSA-PKCS", "--id", "03", "--input-file", in, "--signature-file", out); !strings.Contains(all, "Signature is valid") {
		t.Error(all)
	}
}

func TestSoftHSMGoroutines(t *testing.T) {
	uri := newToken(t, peer.SoftHSM(t), "many")
	var passwords atomic.Int32
	s := openStore(t, uri, func(ctx context.Context, p token.Prompt) ([]byte, error) {
		if p.Secret == token.SecretPassword {
			passwords.Add(1)
		}
		return once(userPIN)(ctx, p)
	})
	for _, spec := range specs {
		if spec.Algorithm == "ecdsa-p256" || spec.Algorithm == "gost2012-256" {
			if _, err := s.Generate(t.Context(), spec); err != nil {
				t.Fatal(err)
			}
		}
	}
	var keys []token.Key
	for key, err := range s.Keys(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 20 {
				key := keys[i%len(keys)]
				sig, err := alg.SignMessage(rand.Reader, key, alg.Identifier{}, []byte("m"))
				if err == nil {
					err = alg.VerifyMessage(key.Public(), alg.SignatureForKey(key.Public()), alg.Identifier{}, []byte("m"), sig)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := passwords.Load(); n != 1 {
		t.Errorf("the password was asked for %d times", n)
	}
}

// TestSoftHSMGOST is a third-party module with active GOST R 34.10-2012.
func TestSoftHSMGOST(t *testing.T) {
	module := peer.SoftHSMGOST(t)
	uri := newToken(t, module, "Токен с ГОСТ")
	chain := testpki.NewChain(t)
	for _, spec := range []pkcs11.KeySpec{
		{Algorithm: "gost2012-256", ParamSet: "cryptopro-a", Label: "A", Placement: pkcs11.Active},
		{Algorithm: "gost2012-256", Label: "default", Placement: pkcs11.Active},
	} {
		t.Run(spec.Label, func(t *testing.T) { roundTrip(t, uri, spec, chain) })
	}
	s := openStore(t, uri, once(userPIN))
	objects, err := s.Objects(t.Context(), true)
	if err != nil || len(objects) != 6 {
		t.Fatal(len(objects), err)
	}
	// Curves that this module does not have leave nothing behind.
	for _, set := range []string{"tc26-256-a", "cryptopro-b", "cryptopro-c"} {
		if k, err := s.Generate(t.Context(), pkcs11.KeySpec{Algorithm: "gost2012-256", ParamSet: set, Label: set, Placement: pkcs11.Active}); err == nil {
			t.Errorf("%s: got %s", set, alg.KeyName(k.Public()))
		}
	}
	if _, err := s.Generate(t.Context(), pkcs11.KeySpec{Algorithm: "gost2012-512", Label: "512", Placement: pkcs11.Active}); !errors.Is(err, pkcs11.ErrUnsupported) {
		t.Errorf("512 bits: %v", err)
	}
	if after, err := s.Objects(t.Context(), true); err != nil || len(after) != len(objects) {
		t.Errorf("%d objects, %d before: %v", len(after), len(objects), err)
	}
	soft, err := alg.GenerateKey("gost2012-256", "cryptopro-a")
	if err != nil {
		t.Fatal(err)
	}
	imported, err := s.Import(context.WithoutCancel(t.Context()), soft, pkcs11.KeySpec{Label: "imported", Placement: pkcs11.Active, Exportable: true})
	if err != nil || !alg.EqualKeys(imported.Public(), soft.Public()) {
		t.Fatalf("import: %v", err)
	}
	if out, err := s.Export(t.Context(), imported); err != nil || !out.(interface{ Equal(crypto.PrivateKey) bool }).Equal(soft) { //nolint:forcetypeassert // every key has it
		t.Errorf("export: %v", err)
	}
}

// TestCrypto11 shows why crypto11 is not used beside this package
// (docs/decisions/0005-pkcs11-libraries.md): it insists on C_Initialize and
// calls C_Finalize for everybody. Our own side survives both.
func TestCrypto11(t *testing.T) {
	module := peer.SoftHSM(t)
	uri := newToken(t, module, "shared")
	config := &crypto11.Config{Path: module, TokenLabel: "shared", Pin: userPIN}

	s := openStore(t, uri, once(userPIN))
	if _, err := crypto11.Configure(config); err == nil || !strings.Contains(err.Error(), "CKR_CRYPTOKI_ALREADY_INITIALIZED") {
		t.Errorf("crypto11 beside an initialised module: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	other, err := crypto11.Configure(config)
	if err != nil {
		t.Fatal(err)
	}
	s = openStore(t, uri, once(userPIN))
	key, err := s.Generate(t.Context(), pkcs11.KeySpec{Algorithm: "ecdsa-p256", Label: "k"})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Close(); err != nil { // finalises the module under our sessions
		t.Fatal(err)
	}
	if _, err := alg.SignMessage(rand.Reader, key, alg.Identifier{}, []byte("m")); err != nil {
		t.Errorf("after crypto11 was closed: %v", err)
	}
}
