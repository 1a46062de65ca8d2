package casock_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gosklyuch/gosklyuch/internal/casock"
	"github.com/gosklyuch/gosklyuch/internal/limits"
	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// TestSlowClients: clients that are silent, or write without an end of line,
// take no more places than there are; the next is turned away at once, finds a
// place when one leaves, and none of them keeps the server from stopping.
func TestSlowClients(t *testing.T) {
	s := serve(t)
	var held []net.Conn
	for n := range limits.SocketConnections {
		conn := must(net.Dial("unix", s.path))(t)
		held = append(held, conn)
		if n%2 == 0 {
			must(conn.Write([]byte(`{"v":1,"op":`)))(t)
		}
	}
	turned := must(net.Dial("unix", s.path))(t)
	must(0, turned.SetDeadline(time.Now().Add(20*time.Second)))(t)
	if b, err := bufio.NewReader(turned).ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("one too many got %q, %v", b, err)
	}
	for _, conn := range held[:2] {
		must(0, conn.Close())(t)
	}
	for ok, end := false, time.Now().Add(time.Minute); !ok; {
		if time.Now().After(end) {
			t.Fatal("no place became free")
		}
		c, err := casock.Dial(t.Context(), s.path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.CRL(t.Context(), "")
		ok = err == nil
		_ = c.Close()
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	for _, conn := range held[2:] {
		_ = conn.Close()
	}
}

// TestHostileServer: whatever stands at the other end of the socket, the client
// ends with an error and is of no use from then on.
func TestHostileServer(t *testing.T) {
	for name, answer := range map[string]string{
		"silence": "", "no JSON": "hello\n", "no end": `{"v":1`, "two": "{\"v\":1}{}\n", "version": "{\"v\":2}\n", "no version": "{}\n",
		"unknown member": "{\"v\":1,\"x\":1}\n", "nothing": "{\"v\":1}\n", "null": "null\n", "array": "[]\n",
		"unknown error": `{"v":1,"error":{"code":"strange","message":"m"}}` + "\n",
		"no journal":    `{"v":1,"journal":{}}` + "\n",
		"empty proof":   `{"v":1,"journal":{"proof":{}}}` + "\n",
		"bad record":    `{"v":1,"journal":{"records":[{}]}}` + "\n",
		"deep":          `{"v":1,"entries":` + strings.Repeat("[", 20000) + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "s")
			l := must(net.Listen("unix", path))(t)
			defer l.Close()
			go func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					_, _ = bufio.NewReader(conn).ReadString('\n')
					_, _ = fmt.Fprint(conn, answer)
					_ = conn.Close()
				}
			}()
			for what, ask := range map[string]func(c *casock.Client) error{
				"crl":   func(c *casock.Client) error { _, err := c.CRL(t.Context(), ""); return err },
				"hold":  func(c *casock.Client) error { _, err := c.Hold(t.Context(), ca.Revocation{}); return err },
				"prove": func(c *casock.Client) error { _, err := c.Prove(t.Context(), "main", 1); return err },
				"sign":  func(c *casock.Client) error { _, err := c.SignHeads(t.Context(), ""); return err },
			} {
				c := must(casock.Dial(t.Context(), path))(t)
				if err := ask(c); err == nil {
					t.Errorf("%s: no error", what)
				}
				_ = c.Close()
			}
		})
	}
}

// TestEndlessLine: a line that goes on beyond its bound is refused before it
// ends.
func TestEndlessLine(t *testing.T) {
	s := serve(t)
	conn := must(net.Dial("unix", s.path))(t)
	defer conn.Close()
	must(0, conn.SetDeadline(time.Now().Add(20*time.Second)))(t)
	go func() { _, _ = conn.Write([]byte(strings.Repeat("a", limits.SocketRequest+8192))) }() // no line feed
	b, err := bufio.NewReader(conn).ReadBytes('\n')
	if err != nil || !strings.Contains(string(b), `"code"`) {
		t.Errorf("%q, %v", b, err)
	}
}

// TestServerVersion: an answer of another version is refused, even if it reads
// as one of this.
func TestServerVersion(t *testing.T) {
	for version, good := range map[int]bool{0: false, 1: true, 2: false} {
		path := filepath.Join(t.TempDir(), "s")
		l := must(net.Listen("unix", path))(t)
		go func() {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = bufio.NewReader(conn).ReadString('\n')
			_, _ = fmt.Fprintf(conn, `{"v":%d,"journal":{"heads":{}}}`+"\n", version)
			_ = conn.Close()
		}()
		c := must(casock.Dial(t.Context(), path))(t)
		_, err := c.JournalHeads(t.Context())
		if (err == nil) != good || !good && !errors.Is(err, casock.ErrProtocol) {
			t.Errorf("version %d: %v", version, err)
		}
		_ = c.Close()
		_ = l.Close()
	}
}
