package main

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// gnuTLS is certtool and ocsptool.
type gnuTLS struct{}

func (gnuTLS) name() string { return "GnuTLS" }
func (gnuTLS) dir() string  { return "gnutls" }

// gnutlsCurve is GnuTLS's name of a parameter set.
func gnutlsCurve(p paramset) string {
	if rest, ok := strings.CutPrefix(p.name, "tc26-"); ok {
		return "TC26-" + strings.ToUpper(rest)
	}
	letter := strings.TrimPrefix(p.name, "cryptopro-")
	if kind, ok := strings.CutPrefix(letter, "xch"); ok {
		return "CryptoPro-Xch" + strings.ToUpper(kind)
	}
	return "CryptoPro-" + strings.ToUpper(letter)
}

// Templates of certtool.
var gnutlsTemplates = map[string]string{
	"root.tmpl": "cn = \"Peer root\"\ncountry = RU\nca\ncert_signing_key\ncrl_signing_key\nserial = 1\nexpiration_days = 365\n",
	"sub.tmpl":  "cn = \"Peer CA\"\ncountry = RU\nca\npath_len = 0\ncert_signing_key\ncrl_signing_key\nserial = 2\nexpiration_days = 364\n",
	"leaf.tmpl": "cn = \"Peer leaf\"\ncountry = RU\nsigning_key\nnon_repudiation\nserial = 3\nexpiration_days = 363\n",
	"crl.tmpl":  "crl_next_update = 30\ncrl_number = 1\n",
}

func (p gnuTLS) make(c *call, r row) error {
	m := material{dir: p.dir()}
	key, cert, out := m.file("leaf.key"), m.file("leaf.pem"), m.main(r)
	authority := []string{"--load-ca-certificate", m.file("sub.pem"), "--load-ca-privkey", m.file("sub.key")}
	switch r {
	case chain:
		return p.makeChain(c, m)
	case request:
		return c.all([]string{"certtool", "--generate-request", "--load-privkey", key, "--template", m.file("leaf.tmpl"), "--outder", "--outfile", out})
	case crl:
		return c.all(append([]string{"certtool", "--generate-crl", "--template", m.file("crl.tmpl"), "--outder", "--outfile", out}, authority...))
	case p8:
		return nil // the chain needed it
	case p8Encrypted:
		return c.all([]string{
			"certtool", "--to-p8", "--load-privkey", key, "--pkcs-cipher", "gost28147-tc26z",
			"--password", r.password(), "--outder", "--outfile", out,
		})
	case pfxASCII, pfxCyrillic:
		return c.all([]string{
			"certtool", "--to-p12", "--load-privkey", key, "--load-certificate", cert, "--p12-name", "peer",
			"--pkcs-cipher", "gost28147-tc26z", "--hash", "streebog-512", "--password", r.password(), "--outder", "--outfile", out,
		})
	case cmsAttached:
		return c.all([]string{"certtool", "--p7-sign", "--load-privkey", key, "--load-certificate", cert, "--infile", "document.txt", "--outder", "--outfile", out})
	case cmsDetached:
		return c.all([]string{"certtool", "--p7-detached-sign", "--load-privkey", key, "--load-certificate", cert, "--infile", "document.txt", "--outder", "--outfile", out})
	default:
		return errUnoffered
	}
}

func (gnuTLS) makeChain(c *call, m material) error {
	for name, text := range gnutlsTemplates {
		if err := c.write(m.file(name), []byte(text)); err != nil {
			return err
		}
	}
	for _, name := range []string{"root", "sub", "leaf"} {
		if _, err := c.run("certtool", "--generate-privkey", "--key-type", "gost12-"+c.set.bits(), "--curve", gnutlsCurve(c.set), "--outfile", m.file(name+".key")); err != nil {
			return err
		}
	}
	certificate := func(name, issuer string) []string {
		return []string{
			"certtool", "--generate-certificate", "--load-privkey", m.file(name + ".key"), "--template", m.file(name + ".tmpl"),
			"--load-ca-certificate", m.file(issuer + ".pem"), "--load-ca-privkey", m.file(issuer + ".key"), "--outfile", m.file(name + ".pem"),
		}
	}
	err := c.all(
		[]string{"certtool", "--generate-self-signed", "--load-privkey", m.file("root.key"), "--template", m.file("root.tmpl"), "--outfile", m.file("root.pem")},
		certificate("sub", "root"), certificate("leaf", "sub"))
	if err != nil {
		return err
	}
	return c.fromPEM(m.dir, map[string]string{"root.pem": "root.cer", "sub.pem": "sub.cer", "leaf.pem": "leaf.cer", "leaf.key": "leaf.p8"})
}

func (p gnuTLS) accept(c *call, r row, m material) error {
	file := m.main(r)
	switch r {
	case chain:
		return p.verifyChain(c, m, file)
	case request:
		return c.verified("Self signature: verified", "certtool", "--crq-info", "--inder", "--infile", file)
	case crl:
		return c.verified("Verification output: Verified.", "certtool", "--verify-crl", "--verify-profile", "low", "--inder", "--infile", file, "--load-ca-certificate", m.file("sub.cer"))
	case p8:
		return p.matches(c, m, "--inder", "--load-privkey", file)
	case p8Encrypted:
		return p.matches(c, m, "--inder", "--load-privkey", file, "--password", r.password())
	case pfxASCII, pfxCyrillic:
		return p.openPFX(c, r, m, file)
	case stampResponse:
		return errUnoffered
	case cmsAttached, cmsDetached, cmsTwo, cmsT, cmsXL, cmsA:
		return p.verifyMessage(c, r, m, file)
	default:
		return c.verified("Verifying OCSP Response: Success", "ocsptool", "--verify-response", "--verify-allow-broken",
			"--load-issuer", m.file("sub.pem"), "--load-signer", m.file("sub.pem"), "--load-cert", m.file("leaf.pem"), "--load-response", file)
	}
}

func (p gnuTLS) verifyChain(c *call, m material, file string) error {
	leaf, err := c.read(file)
	if err != nil {
		return err
	}
	given, all := p.dir()+"/given.pem", p.dir()+"/chain.pem"
	if err := c.write(given, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf})); err != nil {
		return err
	}
	if err := c.join(all, given, m.file("sub.pem")); err != nil {
		return err
	}
	return c.verified("Chain verification output: Verified.",
		"certtool", "--verify", "--verify-profile", "low", "--load-ca-certificate", m.file("root.pem"), "--infile", all)
}

// matches compares the public key of a private key with the certificate's.
func (p gnuTLS) matches(c *call, m material, key ...string) error {
	public, certified := p.dir()+"/public.der", p.dir()+"/certified.der"
	err := c.all(
		append(append([]string{"certtool", "--pubkey-info"}, key...), "--outder", "--outfile", public),
		[]string{"certtool", "--pubkey-info", "--load-certificate", m.file("leaf.pem"), "--outder", "--outfile", certified})
	if err != nil {
		return err
	}
	a, err := c.read(public)
	if err != nil {
		return err
	}
	b, err := c.read(certified)
	if err != nil {
		return err
	}
	if len(a) == 0 || !bytes.Equal(a, b) {
		return errors.New("certtool: the public key is not the certificate's")
	}
	return nil
}

// openPFX takes certificate and key out of a PFX.
func (p gnuTLS) openPFX(c *call, r row, m material, file string) error {
	out, err := c.combined("certtool", "--p12-info", "--inder", "--infile", file, "--password", r.password())
	if err != nil {
		return err
	}
	cert, err := c.read(m.file("leaf.cer"))
	if err != nil {
		return err
	}
	var key *pem.Block
	certified := false
	for rest := []byte(out); ; {
		var b *pem.Block
		if b, rest = pem.Decode(rest); b == nil {
			break
		}
		if strings.HasSuffix(b.Type, "PRIVATE KEY") {
			key = b // as it lies in the file: still encrypted
		}
		certified = certified || b.Type == "CERTIFICATE" && bytes.Equal(b.Bytes, cert)
	}
	if key == nil || !certified {
		return &refusal{"certtool --p12-info", errors.New("key or certificate is missing"), out}
	}
	opened := p.dir() + "/opened.key"
	if err := c.write(opened, pem.EncodeToMemory(key)); err != nil {
		return err
	}
	return p.matches(c, m, "--load-privkey", opened, "--password", r.password())
}

func (p gnuTLS) verifyMessage(c *call, r row, m material, file string) error {
	authorities := p.dir() + "/authorities.pem"
	if err := c.join(authorities, m.file("root.pem"), m.file("sub.pem")); err != nil {
		return err
	}
	args := []string{"certtool", "--p7-verify", "--verify-profile", "low", "--inder", "--infile", file, "--load-ca-certificate", authorities}
	if r.detached() {
		args = append(args, "--load-data", "document.txt")
	}
	said, err := c.combined(args...)
	if err != nil {
		return err
	}
	if n := strings.Count(said, "Signature status: ok"); n != signers(r) {
		return &refusal{"certtool --p7-verify", fmt.Errorf("%d good signatures, not %d", n, signers(r)), said}
	}
	return nil
}
