package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/pki/alg"
)

// ours is this project: its program as a process, the library for what the
// command line does not offer (a key without a password).
type ours struct{}

func (ours) name() string { return "GosKlyuch" }
func (ours) dir() string  { return "gosklyuch" }

// iterations of PBKDF2 in the files that are handed over: what is compared is
// the format, not the cost.
const iterations = "2000"

// exitIndeterminate is what the query answers about a responder whose root
// nobody has declared trusted; what counts is the file that it has written.
const exitIndeterminate = 5

// The subjects of the two signers.
const (
	firstSubject  = "CN=Иванов Иван,SN=Иванов,G=Иван,СНИЛС=112-233-445 95,ИНН=500100732259,C=RU"
	secondSubject = "CN=Петрова Анна,SN=Петрова,G=Анна,СНИЛС=112-233-445 95,ИНН=500100732259,C=RU"
)

// keyFlags choose the algorithm and the parameter set of a new key.
func keyFlags(p paramset) []string {
	return []string{"--alg", "gost2012-" + p.bits(), "--paramset", p.name}
}

// authorityCommands make a root and an issuing authority.
func authorityCommands(p paramset) [][]string {
	return [][]string{
		append([]string{"gosklyuch", "ca", "init", "--dir", "root-ca", "--subject", "CN=Root CA,C=RU"}, keyFlags(p)...),
		append([]string{"gosklyuch", "ca", "init", "--dir", "ca", "--parent", "root-ca", "--subject", "CN=Issuing CA,C=RU"}, keyFlags(p)...),
	}
}

var serveCommand = []string{"gosklyuch", "ca", "serve", "--dir", "ca", "--listen", "127.0.0.1:0", "--json"}

// stampCommands give the authority for time stamps its certificate.
func stampCommands() [][]string {
	return [][]string{
		{"gosklyuch", "request", "create", "--key", "gosklyuch/tsa.p8", "--profile", "tsa", "--subject", "CN=TSA,C=RU", "--format", "der", "-o", "gosklyuch/tsa.csr"},
		{"gosklyuch", "ca", "issue", "gosklyuch/tsa.csr", "--dir", "ca", "--profile", "tsa", "-o", "gosklyuch/tsa.cer"},
	}
}

var serveStamps = []string{
	"gosklyuch", "serve", "tsa", "--listen", "127.0.0.1:0", "--key", "gosklyuch/tsa.p8", "--cert", "gosklyuch/tsa.cer",
	"--chain", "ca/ca.cer", "--policy", "1.2.3.4", "--json",
}

// Files with the addresses of the two services, and how a command line names them.
const (
	ocspAddress = "address"
	tsaAddress  = "tsa-address"

	ocspURL = "http://127.0.0.1:PORT/ocsp"
	tsaURL  = "http://127.0.0.1:PORT/"
)

// startAuthority makes root and issuing authority and lets the second one
// serve, and an authority for time stamps beside it; stop ends both.
func startAuthority(c *call) (stop func(), err error) {
	if err := c.all(authorityCommands(c.set)...); err != nil {
		return nil, err
	}
	if err := (ours{}).plainKey(c, "gosklyuch/tsa.p8"); err != nil {
		return nil, err
	}
	if err := c.all(stampCommands()...); err != nil {
		return nil, err
	}
	stopOCSP, err := serve(c, serveCommand, ocspAddress)
	if err != nil {
		return nil, err
	}
	stopStamps, err := serve(c, serveStamps, tsaAddress)
	if err != nil {
		stopOCSP()
		return nil, err
	}
	return func() { stopStamps(); stopOCSP() }, nil
}

// serve starts a service until stop. Its address stands in a file of the set.
func serve(c *call, args []string, address string) (stop func(), err error) {
	ctx, cancel := context.WithCancel(c.ctx)
	serving := &call{ctx: ctx, tools: c.tools, set: c.set, work: c.work}
	cmd := serving.process(command{args: args})
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		cancel()
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, err
	}
	stop = func() {
		cancel()
		cmd.Wait() //nolint:errcheck // it was told to end
	}
	var said struct{ Listen string }
	if err := json.NewDecoder(out).Decode(&said); err != nil {
		stop()
		return nil, fmt.Errorf("%s does not name its address: %w", strings.Join(args[:3], " "), err)
	}
	return stop, c.write(address, []byte(said.Listen))
}

func (p ours) make(c *call, r row) error {
	m := material{dir: p.dir()}
	out := m.main(r)
	signer := []string{"--key", m.file("leaf.p8"), "--cert", m.file("leaf.cer")}
	sign := append([]string{"gosklyuch", "sign", "document.txt"}, signer...)
	switch r {
	case chain:
		return p.makeChain(c, m)
	case request:
		return c.all([]string{
			"gosklyuch", "request", "create", "--key", "leaf", "--profile", "citizen", "--subject", firstSubject,
			"--format", "der", "--force", "-o", out,
		})
	case crl:
		return c.all([]string{"gosklyuch", "ca", "crl", "--dir", "ca", "-o", out})
	case p8:
		return nil // the chain needed it
	case p8Encrypted:
		return c.all([]string{"gosklyuch", "key", "export", "leaf", "--iterations", iterations, "--p8", out})
	case pfxASCII, pfxCyrillic:
		_, err := c.runCommand(command{
			env:  []string{"GOSKLYUCH_NEW_PASSWORD=" + r.password()},
			args: []string{"gosklyuch", "key", "export", "leaf", "--iterations", iterations, "--pfx", out},
		})
		return err
	case cmsAttached:
		return c.all(append(sign, "--attached", "-o", out))
	case cmsDetached:
		return c.all(append(sign, "-o", out))
	case cmsTwo:
		return c.all(append(sign, "--attached", "-o", m.file("one.p7s")),
			[]string{"gosklyuch", "cosign", "document.txt", m.file("one.p7s"), "--key", m.file("leaf2.p8"), "--cert", m.file("leaf2.cer"), "-o", out})
	case stampResponse:
		return p.stamp(c, out)
	case cmsT:
		return c.runAt(tsaAddress, append(sign, "--chain", m.file("sub.cer"), "--level", "t", "--tsa", tsaURL, "-o", out)...)
	case cmsXL:
		if err := c.all([]string{"gosklyuch", "ca", "crl", "--dir", "root-ca", "-o", m.file("root.crl")}); err != nil {
			return err
		}
		return p.raise(c, m, cmsT, r)
	case cmsA:
		return p.raise(c, m, cmsXL, r)
	default:
		return p.queryOCSP(c, m, out)
	}
}

// stamp asks our own authority, which startAuthority has started.
func (ours) stamp(c *call, out string) error {
	for _, args := range append(stampCommands(), serveStamps) {
		c.lines = append(c.lines, strings.Join(quoted(args), " "))
	}
	return c.runAt(tsaAddress, "gosklyuch", "timestamp", "create", "document.txt", "--tsa", tsaURL, "-o", out)
}

// raise makes the file of a row out of the one of the level below.
func (ours) raise(c *call, m material, from, to row) error {
	return c.runAt(tsaAddress, "gosklyuch", "raise", m.main(from), "document.txt", "--level", levels[to].name, "--tsa", tsaURL,
		"--trust", m.file("root.cer"), "--intermediate", m.file("sub.cer"), "--crl", m.file("root.crl"), "--crl", m.main(crl),
		"--offline", "-o", m.main(to))
}

// makeChain makes two signers with certificates: the first one's key lives in a
// container, the second one's in a file without a password.
func (p ours) makeChain(c *call, m material) error {
	if err := c.copyAll(map[string]string{"root-ca/ca.cer": m.file("root.cer"), "ca/ca.cer": m.file("sub.cer")}); err != nil {
		return err
	}
	if err := p.plainKey(c, m.file("leaf2.p8")); err != nil {
		return err
	}
	first, second := m.file("leaf.csr"), m.file("leaf2.csr")
	issue := func(csr, cer string) []string {
		return []string{"gosklyuch", "ca", "issue", csr, "--dir", "ca", "--profile", "citizen", "-o", cer}
	}
	request := func(key, subject, csr string) []string {
		return []string{"gosklyuch", "request", "create", "--key", key, "--profile", "citizen", "--subject", subject, "--format", "der", "-o", csr}
	}
	// startAuthority has run these.
	for _, args := range append(authorityCommands(c.set), serveCommand) {
		c.lines = append(c.lines, strings.Join(quoted(args), " "))
	}
	err := c.all(
		append([]string{"gosklyuch", "key", "create", "--name", "leaf"}, keyFlags(c.set)...),
		request("leaf", firstSubject, first), issue(first, m.file("leaf.cer")),
		[]string{"gosklyuch", "cert", "install", m.file("leaf.cer"), "--key", "leaf", "--chain", m.file("sub.cer")},
		[]string{"gosklyuch", "key", "export", "leaf", "--iterations", iterations, "--p8", m.file("leaf-open.p8")},
		request(m.file("leaf2.p8"), secondSubject, second), issue(second, m.file("leaf2.cer")))
	if err != nil {
		return err
	}
	if err := p.openKey(c, m.file("leaf-open.p8"), m.file("leaf.p8")); err != nil {
		return err
	}
	return c.pem(m.dir, "root.cer", "sub.cer", "leaf.cer")
}

// plainKey makes a key with the library: the command line keeps none without a
// password.
func (ours) plainKey(c *call, to string) error {
	key, err := alg.GenerateKey("gost2012-"+c.set.bits(), c.set.name)
	if err != nil {
		return err
	}
	der, err := alg.MarshalPKCS8(key)
	if err != nil {
		return err
	}
	return c.write(to, der)
}

// openKey takes the password off an exported key with the library.
func (ours) openKey(c *call, from, to string) error {
	b, err := c.read(from)
	if err != nil {
		return err
	}
	plain, err := alg.DecryptPKCS8(b, []byte(asciiPassword))
	if err != nil {
		return err
	}
	return c.write(to, plain)
}

func (ours) queryOCSP(c *call, m material, out string) error {
	return c.runAt(ocspAddress, "gosklyuch", "ocsp", "query", m.file("leaf.cer"), "--issuer", m.file("sub.cer"), "--url", ocspURL, "-o", out)
}

// runAt runs a command against one of our services: its address replaces the
// one in args, which stands in the notes.
func (c *call) runAt(address string, args ...string) error {
	to, err := c.read(address)
	if err != nil {
		return err
	}
	k := command{show: strings.Join(quoted(args), " ")}
	for _, a := range args {
		k.args = append(k.args, strings.Replace(a, "127.0.0.1:PORT", string(to), 1))
	}
	if address == ocspAddress {
		k.also = exitIndeterminate
	}
	_, err = c.runCommand(k)
	return err
}

// copyAll copies files within the set's folder.
func (c *call) copyAll(names map[string]string) error {
	for from, to := range names {
		b, err := c.read(from)
		if err == nil {
			err = c.write(to, b)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p ours) accept(c *call, r row, m material) error {
	file, cert := m.main(r), m.file("leaf.cer")
	trust := []string{"--trust", m.file("root.cer"), "--intermediate", m.file("sub.cer"), "--revocation", "none", "--offline"}
	switch r {
	case chain:
		return c.all(append([]string{"gosklyuch", "cert", "verify", file}, trust...))
	case request:
		return c.all([]string{"gosklyuch", "request", "verify", file})
	case crl:
		return c.all([]string{"gosklyuch", "crl", "verify", file, "--issuer", m.file("sub.cer")})
	case p8, p8Encrypted, pfxASCII, pfxCyrillic:
		k := command{args: []string{"gosklyuch", "key", "check", file, "--cert", cert}}
		if r == pfxCyrillic {
			k.env = []string{"GOSKLYUCH_PASSWORD=" + r.password()}
		}
		_, err := c.runCommand(k)
		return err
	case cmsAttached, cmsDetached, cmsTwo, cmsT, cmsXL, cmsA:
		return p.verify(c, r, file, trust)
	case stampResponse:
		return c.all(append([]string{"gosklyuch", "timestamp", "verify", file, "document.txt"}, trust...))
	default:
		return c.all([]string{"gosklyuch", "ocsp", "verify", file, "--cert", cert, "--issuer", m.file("sub.cer"), "--trust", m.file("root.cer")})
	}
}

func (ours) verify(c *call, r row, file string, trust []string) error {
	args := []string{"gosklyuch", "verify", file}
	if r.detached() {
		args = []string{"gosklyuch", "verify", "document.txt", file}
	}
	out, err := c.run(append(append(args, trust...), "--json")...)
	if err != nil {
		return err
	}
	var report struct {
		Signatures []struct{ Status, Level string }
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		return err
	}
	if len(report.Signatures) != signers(r) {
		return fmt.Errorf("%s: %d signatures seen, not %d", file, len(report.Signatures), signers(r))
	}
	if want, got := levels[r].name, report.Signatures[0].Level; want != "" && got != want {
		return fmt.Errorf("%s: level %s, not %s", file, got, want)
	}
	return nil
}
