package cli

import (
	"crypto"
	"crypto/rand"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gosklyuch/gosklyuch/pki"
	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// A scriptPKI writes a small PKI with keys that need no password, so that a
// script costs no key derivation.
type scriptPKI struct {
	ts     *testscript.TestScript
	now    time.Time
	serial int64
}

// An entity is a key with its certificate.
type entity struct {
	key  crypto.Signer
	cert *pki.Certificate
}

// scriptMakePKI is the command pki: it writes NAME.key (PKCS #8 in PEM) and
// NAME.cer for root, ca (below it), user, second (below ca), other (another
// root), and for what must not sign: expired, future, period (its
// privateKeyUsagePeriod is over), crlonly (no digitalSignature); broken (keyCertSign without being
// a CA); chain.pem with
// user and ca; the lists root.crl, ca.crl (empty), revoked.crl (user), hold.crl
// (user) and stale.crl.
func scriptMakePKI(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: pki")
	}
	p := &scriptPKI{ts: ts, now: time.Now().Truncate(time.Second)}
	day := 24 * time.Hour
	user := func(t *pki.CertificateTemplate) {
		t.KeyUsage = pki.KeyUsageDigitalSignature | pki.KeyUsageContentCommitment
	}
	authority := func(t *pki.CertificateTemplate) {
		t.BasicConstraints, t.IsCA, t.MaxPathLen, t.KeyUsage = true, true, -1, pki.KeyUsageCertSign|pki.KeyUsageCRLSign
	}
	root := p.issue("root", nil, authority)
	ca := p.issue("ca", root, authority)
	p.issue("other", nil, authority)
	u := p.issue("user", ca, user)
	p.issue("second", ca, user)
	p.issue("crlonly", ca, func(t *pki.CertificateTemplate) { t.KeyUsage = pki.KeyUsageCRLSign })
	p.issue("broken", ca, func(t *pki.CertificateTemplate) { t.KeyUsage = pki.KeyUsageCertSign })
	p.issue("expired", ca, user, func(t *pki.CertificateTemplate) { t.NotBefore, t.NotAfter = p.now.Add(-9*day), p.now.Add(-day) })
	p.issue("future", ca, user, func(t *pki.CertificateTemplate) { t.NotBefore = p.now.Add(day) })
	p.issue("period", ca, user, func(t *pki.CertificateTemplate) {
		t.PrivateKeyNotBefore, t.PrivateKeyNotAfter = p.now.Add(-9*day), p.now.Add(-day)
	})
	p.list("root.crl", root, day)
	p.list("ca.crl", ca, day)
	p.list("revoked.crl", ca, day, pki.RevokedEntry{Serial: u.cert.SerialNumber, At: p.now.Add(-2 * time.Hour), Reason: pki.ReasonKeyCompromise})
	p.list("hold.crl", ca, day, pki.RevokedEntry{Serial: u.cert.SerialNumber, At: p.now.Add(-2 * time.Hour), Reason: pki.ReasonCertificateHold})
	p.list("stale.crl", ca, -day)
	p.write("chain.pem", slices.Concat(pemBlock("CERTIFICATE", u.cert.Raw), pemBlock("CERTIFICATE", ca.cert.Raw)))
}

func pemBlock(label string, b []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: b})
}

func (p *scriptPKI) write(name string, b []byte) {
	p.ts.Check(os.WriteFile(p.ts.MkAbs(name), b, 0o600))
}

// issue makes a key and its certificate below an issuer; nil is self-signed.
func (p *scriptPKI) issue(name string, by *entity, set ...func(*pki.CertificateTemplate)) *entity {
	key, err := alg.GenerateKey("gost2012-256", "cryptopro-a")
	p.ts.Check(err)
	dn, err := pki.ParseDN("CN=Test " + name + ",C=RU")
	p.ts.Check(err)
	p.serial++
	t := &pki.CertificateTemplate{
		SerialNumber: big.NewInt(0x1000 + p.serial), Subject: dn, NotBefore: p.now.Add(-10 * 24 * time.Hour), NotAfter: p.now.AddDate(1, 0, 0),
	}
	for _, f := range set {
		f(t)
	}
	parent, signer := (*pki.Certificate)(nil), key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	raw, err := pki.CreateCertificate(rand.Reader, t, parent, key.Public(), signer)
	p.ts.Check(err)
	cert, err := pki.ParseCertificate(raw)
	p.ts.Check(err)
	p8, err := alg.MarshalPKCS8(key)
	p.ts.Check(err)
	p.write(name+".cer", raw)
	p.write(name+".key", pemBlock("PRIVATE KEY", p8))
	return &entity{key, cert}
}

// list signs a revocation list that runs out after validity.
func (p *scriptPKI) list(name string, by *entity, validity time.Duration, entries ...pki.RevokedEntry) {
	p.serial++
	t := &pki.CRLTemplate{Number: big.NewInt(p.serial), ThisUpdate: p.now.Add(-time.Hour - validity.Abs()), NextUpdate: p.now.Add(validity), Entries: entries}
	if validity > 0 {
		t.ThisUpdate = p.now.Add(-time.Hour)
	}
	raw, err := pki.CreateCRL(rand.Reader, t, by.cert, by.key)
	p.ts.Check(err)
	p.write(name, raw)
}

// scriptArmor is the command armor FORM FROM TO.
func scriptArmor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: armor pem:LABEL|base64|twice|crlf|utf16|bom FROM TO")
	}
	b := []byte(ts.ReadFile(args[1]))
	form, label, _ := strings.Cut(args[0], ":")
	switch form {
	case "pem":
		b = pemBlock(label, b)
	case "base64":
		b = []byte(base64.StdEncoding.EncodeToString(b))
	case "twice":
		b = []byte(base64.StdEncoding.EncodeToString([]byte(base64.StdEncoding.EncodeToString(b))))
	case "crlf":
		b = []byte(strings.ReplaceAll(string(b), "\n", "\r\n"))
	case "bom":
		b = append([]byte("\xef\xbb\xbf"), b...)
	case "utf16":
		out := []byte{0xff, 0xfe}
		for _, u := range utf16.Encode([]rune(string(b))) {
			out = append(out, byte(u), byte(u>>8))
		}
		b = out
	default:
		ts.Fatalf("unknown form %q", form)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), b, 0o600))
}

// scriptFill is the command fill N BYTE-HEX… TO: the octets, N times.
func scriptFill(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: fill N HEX TO")
	}
	n, ok := new(big.Int).SetString(args[0], 10)
	unit, ok2 := new(big.Int).SetString("01"+args[1], 16)
	if !ok || !ok2 {
		ts.Fatalf("usage: fill N HEX TO")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(strings.Repeat(string(unit.Bytes()[1:]), int(n.Int64()))), 0o600))
}

// scriptFreePort is the command freeport VAR.
func scriptFreePort(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: freeport VAR")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv(args[0], l.Addr().String())
	ts.Check(l.Close())
}

// scriptAwait is the command await FILE: it waits until the file exists.
func scriptAwait(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: [!] await FILE")
	}
	path := filepath.Clean(ts.MkAbs(args[0]))
	for range 600 {
		if _, err := os.Lstat(path); (err == nil) != neg {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	ts.Fatalf("%s: waited in vain", args[0])
}
