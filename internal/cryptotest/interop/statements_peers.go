package main

import (
	"errors"
	"fmt"
	"strings"
)

// acceptStatement: openssl ocsp verifies the response and prints the status;
// openssl verify takes the list and says whether the certificate is revoked.
func (p openSSL) acceptStatement(c *call, s *statement, damaged bool) error {
	root := statementDir + "/root.pem"
	if s.isList() {
		return p.acceptList(c, s, root, damaged)
	}
	if s.nonce {
		// It compares the nonce only where it is not asked for a certificate.
		out, err := c.combined("openssl", "ocsp", "-reqin", statementDir+"/request.der", "-respin", s.path(damaged), "-CAfile", root, "-issuer", root)
		if err != nil {
			return err
		}
		if !strings.Contains(out, "Response verify OK") || strings.Contains(strings.ToLower(out), "nonce") {
			return &refusal{"openssl ocsp", errors.New("response or nonce is not verified"), out}
		}
	}
	for _, a := range s.asks {
		args := []string{"openssl", "ocsp", "-respin", s.path(damaged), "-no_nonce", "-CAfile", root}
		if s.digest != "" {
			args = append(args, "-md_gost12_256")
		}
		out, err := c.combined(append(args, "-issuer", root, "-cert", a.file(".pem"))...)
		if err != nil {
			return err
		}
		status, _, _ := strings.Cut(a.says, " ")
		if !strings.Contains(out, "Response verify OK") || !strings.Contains(out, a.file(".pem")+": "+status) || !strings.Contains(out, a.reason()) {
			return &refusal{"openssl ocsp", fmt.Errorf("it does not say %q", a.says), out}
		}
	}
	return nil
}

// acceptList gives OpenSSL a certificate, the authority and the list: the
// verdict depends on the signature of the list and on its entries. A delta list
// is read with the complete one.
func (p openSSL) acceptList(c *call, s *statement, root string, damaged bool) error {
	lists := p.dir() + "/lists.pem"
	var parts []string
	for _, from := range append([]string{s.path(damaged)}, s.paths()...) {
		to := p.dir() + "/" + strings.ReplaceAll(from, "/", "-") + ".pem"
		if _, err := c.run("openssl", "crl", "-inform", "DER", "-in", from, "-out", to); err != nil {
			return err
		}
		parts = append(parts, to)
	}
	if err := c.join(lists, parts...); err != nil {
		return err
	}
	for _, a := range s.asks {
		args := []string{"openssl", "verify", "-crl_check", "-extended_crl"}
		if len(s.with) > 0 {
			args = append(args, "-use_deltas")
		}
		args = append(args, "-CAfile", root, "-CRLfile", lists, a.file(".pem"))
		out, err := c.combined(args...)
		var said *refusal
		switch {
		case err == nil && !a.revoked():
		case err == nil:
			return &refusal{"openssl verify", errors.New("the certificate is not revoked"), out}
		case a.revoked() && errors.As(err, &said) && strings.Contains(said.said, "certificate revoked"):
		default:
			return err
		}
	}
	return nil
}

// paths are the files of the lists that a delta list changes.
func (s *statement) paths() []string {
	out := make([]string, len(s.with))
	for i, name := range s.with {
		out[i] = statementDir + "/" + name
	}
	return out
}

// acceptStatement: certtool verifies lists; ocsptool verifies responses about
// one certificate that it is given, and prints what is in them.
func (gnuTLS) acceptStatement(c *call, s *statement, damaged bool) error {
	root := statementDir + "/root"
	if s.large {
		return errUnoffered
	}
	if s.isList() {
		err := c.verified("Verification output: Verified.", "certtool", "--verify-crl", "--verify-profile", "low", "--inder",
			"--infile", s.path(damaged), "--load-ca-certificate", root+".cer")
		if err != nil || damaged {
			return err
		}
		return gnutlsEntries(c, s)
	}
	for _, a := range s.asks {
		args := []string{"ocsptool", "--verify-response", "--verify-allow-broken", "--load-issuer", root + ".pem", "--load-cert", a.file(".pem"), "--load-response", s.path(damaged)}
		if s.file == "direct.ors" {
			args = append(args, "--load-signer", root+".pem")
		} else {
			args = append(args, "--load-trust", root+".pem")
		}
		if err := c.verified("Verifying OCSP Response: Success", args...); err != nil {
			return err
		}
		status, _, _ := strings.Cut(a.says, " ")
		if err := c.verified("Certificate Status: "+status, "ocsptool", "--response-info", "--load-response", s.path(damaged)); err != nil {
			return err
		}
	}
	return nil
}

// gnutlsEntries looks for the revoked certificates in what certtool prints.
func gnutlsEntries(c *call, s *statement) error {
	out, err := c.run("certtool", "--crl-info", "--inder", "--infile", s.path(false))
	if err != nil {
		return err
	}
	for _, a := range s.asks {
		serial, err := c.run("openssl", "x509", "-in", a.file(".pem"), "-noout", "-serial")
		if err != nil {
			return err
		}
		_, number, _ := strings.Cut(strings.TrimSpace(serial), "=")
		if strings.Contains(out, "Serial Number (hex): "+strings.ToLower(number)) != a.revoked() {
			return &refusal{"certtool --crl-info", fmt.Errorf("it does not say %q", a.says), out}
		}
	}
	return nil
}

// acceptStatement: the helper verifies and answers in the words of asked.
func (bouncyCastle) acceptStatement(c *call, s *statement, damaged bool) error {
	root := statementDir + "/root.cer"
	for _, a := range s.asks {
		args := []string{"ocsp-status", s.path(damaged), a.file(".cer"), root}
		switch {
		case s.isList():
			args[0] = "list-status"
			args = append(args, s.paths()...)
		case s.nonce:
			args = append(args, statementDir+"/request.der")
		}
		said, err := c.answer(args...)
		if err != nil {
			return err
		}
		if said != a.says {
			return &refusal{args[0], fmt.Errorf("it says %q, not %q", said, a.says), said}
		}
	}
	return nil
}

// answer gives a command to the Java helper and returns what it says.
func (c *call) answer(args ...string) (string, error) {
	c.lines = append(c.lines, "Peer "+strings.Join(quoted(args), " "))
	return c.tools.castle.talk(append([]string{c.work}, args...)...)
}
