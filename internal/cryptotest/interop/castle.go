package main

import (
	"bufio"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

//go:embed java/*.java
var javaSources embed.FS

// castle is the Java helper: one process that answers line by line.
type castle struct {
	mu      sync.Mutex
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	version string
}

// startCastle compiles the helper into a folder and starts it. jars is the
// folder with bcprov.jar, bcpkix.jar and bcutil.jar.
func startCastle(ctx context.Context, dir, jars string) (*castle, error) {
	path, err := compileHelper(ctx, dir, jars)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "java", "-Dfile.encoding=UTF-8", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", path, "Peer")
	cmd.Stderr = os.Stderr
	b := &castle{cmd: cmd}
	if b.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	b.out = bufio.NewReader(out)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	b.version, err = b.talk(dir, "version")
	if err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

// compileHelper writes the sources, compiles them and returns the class path.
func compileHelper(ctx context.Context, dir, jars string) (string, error) {
	var path, sources []string
	for _, jar := range []string{"bcprov.jar", "bcpkix.jar", "bcutil.jar"} {
		file := filepath.Join(jars, jar)
		if _, err := os.Stat(file); err != nil {
			return "", fmt.Errorf("a jar of Bouncy Castle is missing (Debian packages libbcprov-java, libbcpkix-java, libbcutil-java): %w", err)
		}
		path = append(path, file)
	}
	if err := os.CopyFS(dir, javaSources); err != nil {
		return "", err
	}
	sources, err := fs.Glob(javaSources, "java/*.java")
	if err != nil {
		return "", err
	}
	classes := filepath.Join(dir, "classes")
	args := append([]string{"-nowarn", "-encoding", "UTF-8", "-cp", strings.Join(path, ":"), "-d", classes}, sources...)
	javac := exec.CommandContext(ctx, "javac", args...)
	javac.Dir = dir
	if out, err := javac.CombinedOutput(); err != nil {
		return "", fmt.Errorf("javac: %w: %s", err, out)
	}
	return strings.Join(append(path, classes), ":"), nil
}

// ask gives one command, whose file names are relative to work, and returns
// what the helper refused.
func (b *castle) ask(work string, args ...string) error {
	_, err := b.talk(append([]string{work}, args...)...)
	return err
}

func (b *castle) talk(fields ...string) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, err := fmt.Fprintln(b.in, strings.Join(fields, "\t")); err != nil {
		return "", fmt.Errorf("the Java helper has ended: %w", err)
	}
	line, err := b.out.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("the Java helper has ended: %w", err)
	}
	line = strings.TrimSuffix(line, "\n")
	if text, ok := strings.CutPrefix(line, "ok "); ok {
		return text, nil
	}
	return "", fmt.Errorf("the Java helper, %s: %s", fields[1], line)
}

func (b *castle) close() error {
	return errors.Join(b.in.Close(), b.cmd.Wait())
}

// bouncyCastle is the party behind the helper.
type bouncyCastle struct{}

func (bouncyCastle) name() string { return "Bouncy Castle" }
func (bouncyCastle) dir() string  { return "bc" }

func (p bouncyCastle) make(c *call, r row) error {
	m := material{dir: p.dir()}
	key, cert, out := m.file("leaf.p8"), m.file("leaf.cer"), m.main(r)
	switch r {
	case chain:
		return c.ask("make-chain", c.set.oid, p.dir())
	case request:
		return c.ask("make-request", key, out)
	case crl:
		return c.ask("make-crl", m.file("sub.cer"), m.file("sub.p8"), out)
	case p8:
		return c.ask("read-key", key, cert) // make-chain has written it
	case p8Encrypted:
		return c.ask("encrypt-key", key, out, r.password())
	case pfxASCII, pfxCyrillic:
		return c.ask("make-pfx", key, cert, m.file("sub.cer"), out, r.password())
	case cmsAttached, cmsDetached:
		return c.ask("sign", form(r), "document.txt", out, key, cert)
	case cmsTwo:
		return c.ask("sign", form(r), "document.txt", out, key, cert, m.file("leaf2.p8"), m.file("leaf2.cer"))
	case stampResponse:
		query := m.file("stamp.tsq")
		if err := c.ask("request-stamp", "document.txt", query); err != nil {
			return err
		}
		return c.ask("answer-stamp", query, m.file("tsa.cer"), m.file("tsa.p8"), out)
	case cmsT:
		bes := m.file("bes.p7s")
		if err := c.ask("sign", "cades", "document.txt", bes, key, cert); err != nil {
			return err
		}
		return c.ask("add-stamp", bes, m.file("tsa.cer"), m.file("tsa.p8"), out)
	case cmsXL, cmsA:
		return errUnoffered
	default:
		return c.ask("make-ocsp", cert, m.file("sub.cer"), m.file("ocsp.cer"), m.file("ocsp.p8"), out)
	}
}

func (bouncyCastle) accept(c *call, r row, m material) error {
	file, cert, sub := m.main(r), m.file("leaf.cer"), m.file("sub.cer")
	switch r {
	case chain:
		return c.ask("verify-chain", m.file("root.cer"), sub, file)
	case request:
		return c.ask("verify-request", file)
	case crl:
		return c.ask("verify-crl", file, sub)
	case p8:
		return c.ask("read-key", file, cert)
	case p8Encrypted:
		return c.ask("read-key", file, cert, r.password())
	case pfxASCII, pfxCyrillic:
		return c.ask("read-pfx", file, cert, r.password())
	case cmsAttached, cmsDetached, cmsTwo, cmsT, cmsXL, cmsA:
		err := c.ask("verify-message", form(r), file, "document.txt", m.file("root.cer"), sub, fmt.Sprint(signers(r)))
		if n := levels[r].stamps; n > 0 && err == nil {
			err = c.ask("verify-stamps", file, "document.txt", fmt.Sprint(n), m.file("root.cer"), sub)
		}
		return err
	case stampResponse:
		return c.ask("verify-stamp", file, "document.txt", m.file("root.cer"), sub)
	default:
		return c.ask("verify-ocsp", file, cert, sub)
	}
}

// form says where the document of a message is.
func form(r row) string {
	if r.detached() {
		return "detached"
	}
	return "attached"
}

// signers is how many signatures a message has.
func signers(r row) int {
	if r == cmsTwo {
		return 2
	}
	return 1
}
