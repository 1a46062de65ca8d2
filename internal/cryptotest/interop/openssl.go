package main

import (
	_ "embed"
	"fmt"
	"strings"
)

// opensslConfig loads gost-engine by its name, so that OpenSSL looks in its own
// ENGINESDIR, and holds the extensions of the certificates.
//
//go:embed openssl.cnf
var opensslConfig string

// openSSL is OpenSSL with gost-engine.
type openSSL struct{}

func (openSSL) name() string { return "OpenSSL" }
func (openSSL) dir() string  { return "openssl" }

// opensslSets are gost-engine's names of the parameter sets.
var opensslSets = map[string]string{
	"cryptopro-a": "A", "cryptopro-b": "B", "cryptopro-c": "C", "cryptopro-xcha": "XA", "cryptopro-xchb": "XB",
	"tc26-256-a": "TCA", "tc26-256-b": "TCB", "tc26-256-c": "TCC", "tc26-256-d": "TCD",
	"tc26-512-a": "A", "tc26-512-b": "B", "tc26-512-c": "C",
}

func (p openSSL) make(c *call, r row) error {
	m := material{dir: p.dir()}
	key, cert, out := m.file("leaf.key"), m.file("leaf.pem"), m.main(r)
	sign := []string{"openssl", "cms", "-sign", "-binary", "-cades", "-in", "document.txt", "-signer", cert, "-inkey", key, "-outform", "DER", "-out", out}
	switch r {
	case chain:
		return p.makeChain(c, m)
	case request:
		return c.all([]string{"openssl", "req", "-new", "-key", key, "-subj", "/CN=Peer leaf/C=RU", "-outform", "DER", "-out", out})
	case crl:
		return p.makeCRL(c, m, out)
	case p8:
		return nil // the chain needed it
	case p8Encrypted:
		return c.all([]string{
			"openssl", "pkcs8", "-topk8", "-in", key, "-v2", "gost89", "-v2prf", "1.2.643.7.1.1.4.2",
			"-iter", iterations, "-passout", "pass:" + r.password(), "-outform", "DER", "-out", out,
		})
	case pfxASCII, pfxCyrillic:
		return c.all([]string{
			"openssl", "pkcs12", "-export", "-inkey", key, "-in", cert, "-certfile", m.file("sub.pem"),
			"-keypbe", "gost89", "-certpbe", "gost89", "-macalg", "md_gost12_512", "-iter", iterations,
			"-passout", "pass:" + r.password(), "-out", out,
		})
	case cmsAttached:
		return c.all(append(sign, "-nodetach"))
	case cmsDetached:
		return c.all(sign)
	case cmsTwo:
		return c.all(append(sign, "-nodetach", "-signer", m.file("leaf2.pem"), "-inkey", m.file("leaf2.key")))
	case stampResponse:
		return p.makeStamp(c, m, out)
	case cmsT, cmsXL, cmsA:
		return errUnoffered
	default:
		return p.makeOCSP(c, m, out)
	}
}

func (openSSL) makeChain(c *call, m material) error {
	keys := []string{"root.p8", "sub.p8", "leaf.p8", "leaf2.p8", "ocsp.p8", "tsa.p8"}
	for _, k := range keys {
		if _, err := c.run("openssl", "genpkey", "-algorithm", "gost2012_"+c.set.bits(), "-pkeyopt", "paramset:"+opensslSets[c.set.name],
			"-outform", "DER", "-out", m.file(k)); err != nil {
			return err
		}
	}
	if err := c.pem(m.dir, keys...); err != nil {
		return err
	}
	err := c.all([]string{
		"openssl", "req", "-new", "-x509", "-config", "gost.cnf", "-extensions", "root", "-key", m.file("root.key"),
		"-subj", "/CN=Peer root/C=RU", "-days", "365", "-outform", "DER", "-out", m.file("root.cer"),
	})
	if err != nil {
		return err
	}
	for _, s := range []struct{ name, subject, issuer, section string }{
		{"sub", "Peer CA", "root", "sub"},
		{"leaf", "Peer leaf", "sub", "leaf"},
		{"leaf2", "Peer second leaf", "sub", "leaf"},
		{"ocsp", "Peer OCSP", "sub", "ocsp"},
		{"tsa", "Peer TSA", "sub", "tsa_cert"},
	} {
		err := c.all(
			[]string{"openssl", "req", "-new", "-key", m.file(s.name + ".key"), "-subj", "/CN=" + s.subject + "/C=RU", "-out", m.file(s.name + ".req")},
			[]string{
				"openssl", "x509", "-req", "-in", m.file(s.name + ".req"), "-CA", m.file(s.issuer + ".cer"), "-CAkey", m.file(s.issuer + ".key"),
				"-days", "365", "-extfile", "gost.cnf", "-extensions", s.section, "-outform", "DER", "-out", m.file(s.name + ".cer"),
			})
		if err != nil {
			return err
		}
	}
	return c.pem(m.dir, "root.cer", "sub.cer", "leaf.cer", "leaf2.cer", "ocsp.cer", "tsa.cer")
}

func (openSSL) makeCRL(c *call, m material, out string) error {
	if err := c.write(m.file("index.txt"), nil); err != nil {
		return err
	}
	if err := c.write(m.file("crlnumber"), []byte("01\n")); err != nil {
		return err
	}
	return c.all(
		[]string{"openssl", "ca", "-gencrl", "-config", "gost.cnf", "-cert", m.file("sub.pem"), "-keyfile", m.file("sub.key"), "-out", m.file("crl.pem")},
		[]string{"openssl", "crl", "-in", m.file("crl.pem"), "-outform", "DER", "-out", out})
}

// makeOCSP answers with a delegated responder from an index of certificates.
func (openSSL) makeOCSP(c *call, m material, out string) error {
	serial, err := c.run("openssl", "x509", "-in", m.file("leaf.cer"), "-noout", "-serial")
	if err != nil {
		return err
	}
	_, number, _ := strings.Cut(strings.TrimSpace(serial), "=")
	index := fmt.Sprintf("V\t491231235959Z\t\t%s\tunknown\t/CN=Peer leaf/C=RU\n", number)
	if err := c.write(m.file("ocsp-index.txt"), []byte(index)); err != nil {
		return err
	}
	return c.all([]string{
		"openssl", "ocsp", "-index", m.file("ocsp-index.txt"), "-CA", m.file("sub.pem"), "-ndays", "1", "-no_nonce",
		"-rsigner", m.file("ocsp.pem"), "-rkey", m.file("ocsp.key"), "-issuer", m.file("sub.pem"), "-cert", m.file("leaf.pem"), "-respout", out,
	})
}

// makeStamp asks and answers; the authority's rules are in openssl.cnf.
func (openSSL) makeStamp(c *call, m material, out string) error {
	if err := c.write(m.file("tsa-serial"), []byte("01\n")); err != nil {
		return err
	}
	query := m.file("stamp.tsq")
	return c.all(
		[]string{"openssl", "ts", "-query", "-data", "document.txt", "-md_gost12_256", "-cert", "-out", query},
		[]string{
			"openssl", "ts", "-reply", "-queryfile", query, "-signer", m.file("tsa.pem"), "-inkey", m.file("tsa.key"),
			"-md_gost12_" + c.set.bits(), "-out", out,
		})
}

func (p openSSL) accept(c *call, r row, m material) error {
	file, root, sub := m.main(r), m.file("root.pem"), m.file("sub.pem")
	switch r {
	case chain:
		return c.all([]string{"openssl", "verify", "-x509_strict", "-CAfile", root, "-untrusted", sub, file})
	case request:
		// The exit code is 0 for a wrong signature too.
		return c.verified("verify OK", "openssl", "req", "-verify", "-noout", "-inform", "DER", "-in", file)
	case crl:
		return c.all([]string{"openssl", "verify", "-crl_check", "-CAfile", root, "-untrusted", sub, "-CRLfile", file, m.file("leaf.cer")})
	case p8, p8Encrypted:
		return p.matches(c, m, "openssl", "pkey", "-in", file, "-passin", "pass:"+r.password(), "-pubout")
	case pfxASCII, pfxCyrillic:
		opened := p.dir() + "/opened.pem"
		if _, err := c.run("openssl", "pkcs12", "-in", file, "-passin", "pass:"+r.password(), "-nodes", "-out", opened); err != nil {
			return err
		}
		return p.matches(c, m, "openssl", "pkey", "-in", opened, "-pubout")
	case cmsAttached, cmsDetached, cmsTwo, cmsT, cmsXL, cmsA:
		return p.verify(c, r, m, root, sub)
	case stampResponse:
		return c.all([]string{"openssl", "ts", "-verify", "-data", "document.txt", "-in", file, "-CAfile", root, "-untrusted", sub})
	default:
		return c.all([]string{"openssl", "ocsp", "-respin", file, "-no_nonce", "-issuer", sub, "-cert", m.file("leaf.pem"), "-CAfile", root, "-verify_other", sub})
	}
}

// matches compares the public key that a command prints with the certificate's.
func (openSSL) matches(c *call, m material, args ...string) error {
	key, err := c.run(args...)
	if err != nil {
		return err
	}
	certified, err := c.run("openssl", "x509", "-in", m.file("leaf.pem"), "-pubkey", "-noout")
	if err != nil {
		return err
	}
	if key != certified {
		return fmt.Errorf("%s: the public key is not the certificate's", strings.Join(args, " "))
	}
	return nil
}

func (p openSSL) verify(c *call, r row, m material, root, sub string) error {
	authorities := p.dir() + "/authorities.pem"
	if err := c.join(authorities, root, sub); err != nil {
		return err
	}
	content := p.dir() + "/content.txt"
	args := []string{"openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", m.main(r), "-CAfile", authorities, "-out", content}
	if r.detached() {
		args = append(args, "-content", "document.txt")
	}
	if _, err := c.run(args...); err != nil {
		return err
	}
	return c.sameDocument(content)
}

// sameDocument compares what a reader took out of a message with what was signed.
func (c *call) sameDocument(name string) error {
	b, err := c.read(name)
	if err != nil {
		return err
	}
	if string(b) != document {
		return fmt.Errorf("%s: not the document that was signed", name)
	}
	return nil
}
