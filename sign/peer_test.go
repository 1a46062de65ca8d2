package sign_test

import (
	"bytes"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gosklyuch/gosklyuch/cms"
	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// files are an identity and a document on disk, as the peers want them.
type files struct {
	dir                           string
	key, leaf, sub, root, cas, in string
	document                      []byte
}

func (f files) path(name string) string { return filepath.Join(f.dir, name) }

func writeFiles(t *testing.T, id identity) files {
	t.Helper()
	f := files{dir: t.TempDir(), document: content(70_000)}
	put := func(name string, b []byte) string {
		if err := os.WriteFile(f.path(name), b, 0o600); err != nil {
			t.Fatal(err)
		}
		return f.path(name)
	}
	toPEM := func(label string, b []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: b}) }
	p8, err := alg.MarshalPKCS8(id.key)
	if err != nil {
		t.Fatal(err)
	}
	f.key = put("key.pem", toPEM("PRIVATE KEY", p8))
	f.leaf = put("leaf.pem", toPEM("CERTIFICATE", id.leaf.Raw))
	f.sub = put("sub.pem", toPEM("CERTIFICATE", id.sub.Raw))
	f.root = put("root.pem", toPEM("CERTIFICATE", id.root.Raw))
	f.cas = put("cas.pem", slices.Concat(toPEM("CERTIFICATE", id.root.Raw), toPEM("CERTIFICATE", id.sub.Raw)))
	f.in = put("document", f.document)
	return f
}

// paramsets are the twelve parameter sets, with whether certtool knows them.
var paramsets = []struct {
	alg, name string
	certtool  bool
}{
	{"gost2012-256", "cryptopro-a", true},
	{"gost2012-256", "cryptopro-b", false},
	{"gost2012-256", "cryptopro-c", false},
	{"gost2012-256", "cryptopro-xcha", true},
	{"gost2012-256", "cryptopro-xchb", false},
	{"gost2012-256", "tc26-256-a", false},
	{"gost2012-256", "tc26-256-b", true},
	{"gost2012-256", "tc26-256-c", false},
	{"gost2012-256", "tc26-256-d", false},
	{"gost2012-512", "tc26-512-a", true},
	{"gost2012-512", "tc26-512-b", false},
	{"gost2012-512", "tc26-512-c", false},
}

// TestPeersAcceptOurs: what we sign, OpenSSL and certtool accept, and refuse
// when one bit is changed.
func TestPeersAcceptOurs(t *testing.T) {
	peer.NeedOpenSSL(t)
	for _, set := range paramsets {
		id := newIdentity(t, set.alg, set.name)
		f := writeFiles(t, id)
		for _, way := range ways {
			s := id.signer()
			s.Detached, s.Stream = way.detached, way.stream
			signature := signed(t, s, f.document)
			openSSLVerifies(t, f, s.Detached, signature, set.name+" "+way.name)
			if set.certtool && !way.stream {
				certtoolVerifies(t, f, s.Detached, signature, set.name+" "+way.name)
			}
		}
	}
}

// corrupt returns signature with one bit of the first signature value changed.
func corrupt(t *testing.T, signature []byte) []byte {
	t.Helper()
	sd, err := cms.ReadSigned(bytes.NewReader(signature), nil, cms.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	out := bytes.Clone(signature)
	out[bytes.Index(out, sd.Signers[0].Signature)+3] ^= 0x10
	return out
}

func openSSLVerifies(t *testing.T, f files, detached bool, signature []byte, what string) {
	t.Helper()
	verify := func(b []byte) (peer.Result, []byte) {
		sig, out := f.path("sig"), f.path("out")
		if err := os.WriteFile(sig, b, 0o600); err != nil {
			t.Fatal(err)
		}
		_ = os.Remove(out)
		args := []string{"cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", sig, "-CAfile", f.cas, "-out", out}
		if detached {
			args = append(args, "-content", f.in)
		}
		res := peer.OpenSSL(t, peer.Run{Args: args})
		content, _ := os.ReadFile(out)
		return res, content
	}
	if res, got := verify(signature); res.Err != nil || !bytes.Equal(got, f.document) {
		t.Errorf("%s: OpenSSL refuses: %s", what, res.All())
	}
	if res, _ := verify(corrupt(t, signature)); res.Err == nil {
		t.Errorf("%s: OpenSSL accepts a corrupted signature", what)
	}
}

func certtoolVerifies(t *testing.T, f files, detached bool, signature []byte, what string) {
	t.Helper()
	verify := func(b []byte) peer.Result {
		sig := f.path("sig")
		if err := os.WriteFile(sig, b, 0o600); err != nil {
			t.Fatal(err)
		}
		args := []string{"--p7-verify", "--inder", "--infile", sig, "--load-ca-certificate", f.cas, "--verify-profile", "low"}
		if detached {
			args = append(args, "--load-data", f.in)
		}
		return peer.Certtool(t, peer.Run{Args: args})
	}
	if res := verify(signature); res.Err != nil {
		t.Errorf("%s: certtool refuses: %s", what, res.All())
	}
	// With several signers certtool's exit code is that of the last.
	if res := verify(corrupt(t, signature)); res.Err == nil && !strings.Contains(res.All(), "verification failed") {
		t.Errorf("%s: certtool accepts a corrupted signature: %s", what, res.All())
	}
}

// TestPeersAcceptSeveralSigners: two signers of different sizes, and one that
// is countersigned.
func TestPeersAcceptSeveralSigners(t *testing.T) {
	peer.NeedOpenSSL(t)
	first, second := newIdentity(t, "gost2012-256", "tc26-256-b"), newIdentity(t, "gost2012-512", "tc26-512-a")
	f, g := writeFiles(t, first), writeFiles(t, second)
	other, err := os.ReadFile(g.cas)
	if err != nil {
		t.Fatal(err)
	}
	own, err := os.ReadFile(f.cas)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.cas, append(own, other...), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, way := range ways {
		s := first.signer()
		s.Detached, s.Stream = way.detached, way.stream
		one := signed(t, s, f.document)
		var two, countered bytes.Buffer
		if err := second.signer().CoSign(t.Context(), &two, bytes.NewReader(one), reader(documentFor(s, f.document))); err != nil {
			t.Fatal(err)
		}
		if err := second.signer().CounterSign(t.Context(), &countered, bytes.NewReader(one), 0); err != nil {
			t.Fatal(err)
		}
		openSSLVerifies(t, f, s.Detached, two.Bytes(), way.name+" two signers")
		certtoolVerifies(t, f, s.Detached, two.Bytes(), way.name+" two signers")
		openSSLVerifies(t, f, s.Detached, countered.Bytes(), way.name+" countersigned")
	}
}

// TestOursAcceptsOpenSSL: what OpenSSL signs, in all its variants, we accept,
// and refuse when one bit is changed.
func TestOursAcceptsOpenSSL(t *testing.T) {
	peer.NeedOpenSSL(t)
	variants := [][]string{
		{"-nodetach"},
		{},
		{"-cades", "-nodetach"},
		{"-cades"},
		{"-noattr", "-nodetach"},
		{"-noattr"},
		{"-keyid", "-nodetach"},
		{"-stream", "-nodetach"},
		{"-stream", "-nodetach", "-outform", "PEM"},
		{"-nosmimecap", "-outform", "PEM"},
	}
	for _, set := range paramsets {
		f := writeFiles(t, newIdentity(t, set.alg, set.name))
		for i, v := range variants {
			if set.name != "cryptopro-xcha" && set.name != "tc26-512-c" && i != 0 && i != 3 {
				continue // every set in two variants, two sets in all
			}
			out := f.path("sig")
			args := append([]string{
				"cms", "-sign", "-binary", "-in", f.in, "-signer", f.leaf, "-inkey", f.key, "-certfile", f.sub,
				"-outform", "DER", "-out", out,
			}, v...)
			peer.MustOpenSSL(t, args...)
			acceptFile(t, f, out, set.name+" "+strings.Join(v, " "))
		}
	}
}

// acceptFile checks a signature of f.document, and that it fails once corrupted.
func acceptFile(t *testing.T, f files, name, what string) *cms.SignedData {
	t.Helper()
	signature, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	check := func(document []byte) (*cms.SignedData, error) {
		var inside bytes.Buffer
		sd, err := cms.ReadSigned(bytes.NewReader(signature), &inside, cms.Limits{})
		if err != nil {
			return nil, err
		}
		if sd.Detached {
			err = sd.DigestContent(bytes.NewReader(document))
		} else if !bytes.Equal(inside.Bytes(), f.document) {
			t.Errorf("%s: the content differs", what)
		}
		if err != nil {
			return sd, err
		}
		return sd, checkAll(sd)
	}
	sd, err := check(f.document)
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return sd
	}
	if sd.Detached {
		if _, err := check(f.document[1:]); err == nil {
			t.Errorf("%s: another document is accepted", what)
		}
	}
	sd.Signers[0].Signature[7] ^= 1
	if checkAll(sd) == nil {
		t.Errorf("%s: a corrupted signature is accepted", what)
	}
	sd.Signers[0].Signature[7] ^= 1
	return sd
}

func TestOursAcceptsOpenSSLSeveral(t *testing.T) {
	peer.NeedOpenSSL(t)
	f, g := writeFiles(t, newIdentity(t, "gost2012-256", "cryptopro-a")), writeFiles(t, newIdentity(t, "gost2012-512", "tc26-512-a"))
	h := writeFiles(t, newIdentity(t, "gost2012-256", "tc26-256-a"))
	for _, v := range [][]string{{"-nodetach"}, {}} {
		out, again := f.path("two"), f.path("resigned")
		peer.MustOpenSSL(t, append([]string{
			"cms", "-sign", "-binary", "-in", f.in, "-outform", "DER", "-out", out,
			"-signer", f.leaf, "-inkey", f.key, "-signer", g.leaf, "-inkey", g.key,
		}, v...)...)
		if sd := acceptFile(t, f, out, "two signers"); len(sd.Signers) != 2 {
			t.Errorf("%d signers", len(sd.Signers))
		}
		// OpenSSL adds a signer only by a digest that is there already.
		peer.MustOpenSSL(t, append([]string{
			"cms", "-sign", "-binary", "-in", f.in, "-outform", "DER", "-out", out,
			"-signer", f.leaf, "-inkey", f.key,
		}, v...)...)
		peer.MustOpenSSL(t, append([]string{
			"cms", "-resign", "-inform", "DER", "-in", out, "-outform", "DER", "-out", again,
			"-signer", h.leaf, "-inkey", h.key,
		}, v...)...)
		if sd := acceptFile(t, f, again, "resigned"); len(sd.Signers) != 2 {
			t.Errorf("resigned: %d signers", len(sd.Signers))
		}
	}
}

// TestOursAcceptsCerttool: what certtool signs we accept, for the sets that it knows.
func TestOursAcceptsCerttool(t *testing.T) {
	peer.NeedCerttool(t)
	for _, set := range paramsets {
		if !set.certtool {
			continue
		}
		f := writeFiles(t, newIdentity(t, set.alg, set.name))
		for _, mode := range [][]string{{"--p7-sign"}, {"--p7-detached-sign"}, {"--p7-detached-sign", "--p7-time"}} {
			out := f.path("sig")
			args := append(mode, "--load-certificate", f.leaf, "--load-privkey", f.key, "--infile", f.in, "--outfile", out, "--outder")
			if res := peer.Certtool(t, peer.Run{Args: args}); res.Err != nil {
				t.Fatalf("%s: certtool: %s", set.name, res.All())
			}
			acceptFile(t, f, out, "certtool "+set.name+" "+strings.Join(mode, " "))
		}
	}
}
