package cli

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/gosklyuch/gosklyuch/pki/ca/ceremony"
	"github.com/gosklyuch/gosklyuch/pki/ca/ceremony/second"
)

// opensslCheck asks the program openssl about what a ceremony signed. It says
// whether signatures verify and chains hold; what is wanted of a certificate is
// the second path's to say.
type opensslCheck struct{ dir string }

var _ ceremony.Check = (*opensslCheck)(nil)

// newOpenSSLCheck finds the program and its GOST engine.
func newOpenSSLCheck(ctx context.Context) (*opensslCheck, error) {
	dir, err := os.MkdirTemp("", "gosklyuch-")
	if err != nil {
		return nil, err
	}
	c := &opensslCheck{dir}
	if err := os.WriteFile(filepath.Join(dir, "openssl.cnf"), []byte(opensslConfig), 0o600); err != nil {
		c.close()
		return nil, err
	}
	if out, err := c.run(ctx, "engine", "gost"); err != nil {
		c.close()
		return nil, failedf(text{"--openssl: программа openssl с gost-engine не найдена", "--openssl: the program openssl with gost-engine is not found"}).
			withCause(fmt.Errorf("%w: %s", err, out)).
			withHint(text{"в Debian: apt install openssl libengine-gost-openssl", "in Debian: apt install openssl libengine-gost-openssl"})
	}
	return c, nil
}

func (c *opensslCheck) close() { os.RemoveAll(c.dir) } //nolint:errcheck,gosec // public copies in a temporary folder

// Name implements ceremony.Check.
func (*opensslCheck) Name() string { return "OpenSSL" }

func (c *opensslCheck) run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "openssl", args...) //nolint:gosec // its arguments are ours
	cmd.Env = append(os.Environ(), "OPENSSL_CONF="+filepath.Join(c.dir, "openssl.cnf"))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return strings.TrimSpace(out.String()), err
}

// put writes a file for openssl to read.
func (c *opensslCheck) put(b []byte) (string, error) {
	path := filepath.Join(c.dir, randomName())
	return path, os.WriteFile(path, b, 0o600)
}

func (c *opensslCheck) putPEM(der []byte) (string, error) {
	return c.put(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// answer is openssl's refusal as an error. Some of its commands return success
// and only print what they found.
func answer(out string, err error, want string) error {
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	if !strings.Contains(out, want) {
		return errors.New(out)
	}
	return nil
}

// Certificate implements ceremony.Check. The date is the ceremony's, not this
// computer's.
func (c *opensslCheck) Certificate(ctx context.Context, der, issuer []byte, w second.Want) error {
	if issuer == nil {
		issuer = der
	}
	cert, err := c.putPEM(der)
	if err != nil {
		return err
	}
	above, err := c.putPEM(issuer)
	if err != nil {
		return err
	}
	out, err := c.run(ctx, "verify", "-check_ss_sig", "-partial_chain", "-no-CApath", "-no-CAstore", "-CAfile", above,
		"-attime", fmt.Sprint(w.NotBefore.Unix()), cert)
	return answer(out, err, ": OK")
}

// List implements ceremony.Check.
func (c *opensslCheck) List(ctx context.Context, der, issuer []byte, _ second.WantList) error {
	list, err := c.put(der)
	if err != nil {
		return err
	}
	above, err := c.putPEM(issuer)
	if err != nil {
		return err
	}
	out, err := c.run(ctx, "crl", "-inform", "DER", "-in", list, "-CAfile", above, "-noout")
	return answer(out, err, "verify OK")
}

// Detached implements ceremony.Check.
func (c *opensslCheck) Detached(ctx context.Context, sig, content, cert []byte) error {
	var paths [3]string
	for i, b := range [][]byte{sig, content} {
		var err error
		if paths[i], err = c.put(b); err != nil {
			return err
		}
	}
	var err error
	if paths[2], err = c.putPEM(cert); err != nil {
		return err
	}
	out, err := c.run(ctx, "cms", "-verify", "-binary", "-inform", "DER", "-in", paths[0], "-content", paths[1],
		"-certfile", paths[2], "-nointern", "-noverify", "-out", filepath.Join(c.dir, "content"))
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}
