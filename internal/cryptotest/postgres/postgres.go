//go:build linux

package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// User is the superuser of every server; there is no password, since only the
// socket's directory leads to it.
const User = "postgres"

// port names the socket's file; each server has a directory of its own.
const port = 5432

// Server is a PostgreSQL server. Its methods fail the test on an error.
type Server struct {
	dir  string // data directory
	sock string // the directory of the socket
	cred *syscall.Credential
	cmd  *exec.Cmd
	log  *lockedBuffer
}

// bin returns the directory of the newest installed server's programs.
func bin() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		if path, err := exec.LookPath("initdb"); err == nil {
			return filepath.Dir(path), nil
		}
		return "", errors.New("PostgreSQL is missing: install the Debian package postgresql")
	}
	slices.SortFunc(found, func(a, b string) int { return version(a) - version(b) })
	return filepath.Dir(found[len(found)-1]), nil
}

func version(path string) int {
	n, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	if err != nil {
		return 0
	}
	return n
}

// Available says why no server can be started, nil if one can.
func Available() error { _, err := bin(); return err }

// Need skips the test where PostgreSQL is not installed, and fails it where
// CI=true.
func Need(tb testing.TB) {
	tb.Helper()
	if _, err := bin(); err != nil {
		if os.Getenv("CI") == "true" {
			tb.Fatal(err)
		}
		tb.Skip(err)
	}
}

// credential returns the user that a server runs as; nil is our own.
func credential() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), NoSetGroups: true}, nil
	}
	return nil, errors.New("there is neither a user postgres nor a user nobody")
}

// newServer makes the directories. They do not lie in t.TempDir, whose parents
// another user may not enter, and whose name may be too long for a socket.
func newServer(tb testing.TB) *Server {
	tb.Helper()
	Need(tb)
	s := &Server{log: new(lockedBuffer)}
	var err error
	if s.cred, err = credential(); err != nil {
		tb.Fatal(err)
	}
	base, err := os.MkdirTemp("", "gkpg") //nolint:usetesting // see above
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		s.stop()
		s.removeSegment()
		if err := os.RemoveAll(base); err != nil {
			tb.Error(err)
		}
	})
	s.dir, s.sock = filepath.Join(base, "data"), filepath.Join(base, "sock")
	for _, dir := range []string{s.sock, s.dir} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			tb.Fatal(err)
		}
		s.own(tb, dir)
	}
	s.own(tb, base)
	return s
}

func (s *Server) own(tb testing.TB, path string) {
	tb.Helper()
	if s.cred == nil {
		return
	}
	if err := os.Chown(path, int(s.cred.Uid), int(s.cred.Gid)); err != nil {
		tb.Fatal(err)
	}
}

// command prepares one of the server's programs.
func (s *Server) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	dir, err := bin()
	if err != nil {
		panic(err) // newServer has looked
	}
	cmd := exec.CommandContext(ctx, filepath.Join(dir, name), args...)
	cmd.Dir = filepath.Dir(s.dir)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.cred, Setpgid: true}
	return cmd
}

func (s *Server) run(tb testing.TB, name string, args ...string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if out, err := s.command(ctx, name, args...).CombinedOutput(); err != nil {
		tb.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// Start makes a server and starts it. settings are lines of postgresql.conf
// ("fsync = off").
func Start(tb testing.TB, settings ...string) *Server {
	tb.Helper()
	s := newServer(tb)
	s.run(tb, "initdb", "-D", s.dir, "-U", User, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
	s.configure(tb, "postgresql.conf", append([]string{
		"listen_addresses = ''", "shared_buffers = 32MB", "max_connections = 60", "autovacuum_naptime = 10s",
	}, settings...)...)
	s.Up(tb)
	return s
}

func (s *Server) configure(tb testing.TB, file string, lines ...string) {
	tb.Helper()
	f, err := os.OpenFile(filepath.Join(s.dir, file), os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		tb.Fatal(err)
	}
	_, err = f.WriteString("\n" + strings.Join(lines, "\n") + "\n")
	if err := errors.Join(err, f.Close()); err != nil {
		tb.Fatal(err)
	}
}

// Standby makes a copy of s that follows it under a name.
func (s *Server) Standby(tb testing.TB, name string) *Server {
	tb.Helper()
	r := newServer(tb)
	r.run(tb, "pg_basebackup", "-D", r.dir, "-R", "-h", s.sock, "-p", strconv.Itoa(port), "-U", User, "-c", "fast", "--no-sync", "-X", "stream")
	// pg_basebackup -R writes into the file that goes before postgresql.conf.
	r.configure(tb, "postgresql.auto.conf", fmt.Sprintf("primary_conninfo = 'host=%s port=%d user=%s application_name=%s'", s.sock, port, User, name))
	r.Up(tb)
	return r
}

// Up starts the server and waits until it answers.
func (s *Server) Up(tb testing.TB) {
	tb.Helper()
	s.cmd = s.command(context.Background(), "postgres", "-D", s.dir, "-k", s.sock, "-p", strconv.Itoa(port))
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	for range 600 {
		if s.command(context.Background(), "pg_isready", "-q", "-h", s.sock, "-p", strconv.Itoa(port)).Run() == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	tb.Fatalf("the server does not start:\n%s", s.Log())
}

// Kill ends all processes of the server with SIGKILL, as a loss of power does.
func (s *Server) Kill() {
	if s.cmd == nil || s.cmd.Process == nil {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGSTOP) // it must not clean up after its children
	for _, pid := range childrenOf(s.cmd.Process.Pid) {
		_ = syscall.Kill(pid, syscall.SIGKILL) // one that has ended by itself is as good
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait() // "signal: killed"
	s.cmd = nil
}

// stop ends the server at once, as PostgreSQL's "immediate shutdown" does.
func (s *Server) stop() {
	if s.cmd == nil || s.cmd.Process == nil {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGQUIT)
	hard := time.AfterFunc(10*time.Second, func() { _ = s.cmd.Process.Kill() })
	defer hard.Stop()
	_ = s.cmd.Wait() // its exit code says nothing after this
}

// removeSegment removes the segment of shared memory that a killed server
// leaves behind: the seventh line of postmaster.pid has its key and number.
func (s *Server) removeSegment() {
	text, err := os.ReadFile(filepath.Join(s.dir, "postmaster.pid"))
	if err != nil {
		return // it went in order
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) < 7 {
		return
	}
	fields := strings.Fields(lines[6])
	if len(fields) != 2 {
		return
	}
	if id, err := strconv.Atoi(fields[1]); err == nil {
		_, _ = unix.SysvShmCtl(id, unix.IPC_RMID, nil)
	}
}

// childrenOf reads the kernel's list of children.
func childrenOf(pid int) []int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return nil
	}
	var out []int
	for _, f := range strings.Fields(string(text)) {
		if n, err := strconv.Atoi(f); err == nil {
			out = append(out, n)
		}
	}
	return out
}

// Promote makes a standby the primary.
func (s *Server) Promote(tb testing.TB) {
	tb.Helper()
	s.run(tb, "pg_ctl", "promote", "-D", s.dir, "-w", "-t", "30")
}

// SQL runs statements and returns what they print, without headers.
func (s *Server) SQL(tb testing.TB, db, text string) string {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cmd := s.command(ctx, "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", s.sock, "-p", strconv.Itoa(port), "-U", User, "-d", db)
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.CombinedOutput()
	if err != nil {
		tb.Fatalf("psql: %v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// Database makes an empty database and returns its address.
func (s *Server) Database(tb testing.TB, name string) string {
	tb.Helper()
	s.SQL(tb, "postgres", `CREATE DATABASE "`+name+`"`)
	return Address(name, s)
}

// Address returns the address of a database on several servers, of which the
// one that takes writes is to be found.
func Address(db string, servers ...*Server) string {
	var hosts, ports []string
	for _, s := range servers {
		hosts, ports = append(hosts, s.sock), append(ports, strconv.Itoa(port))
	}
	return fmt.Sprintf("host=%s port=%s user=%s dbname=%s sslmode=disable target_session_attrs=read-write",
		strings.Join(hosts, ","), strings.Join(ports, ","), User, db)
}

// URI returns the address of a database for a user as a URI without a password.
func (s *Server) URI(db, name string) string {
	return fmt.Sprintf("postgres:///%s?host=%s&port=%d&user=%s&sslmode=disable", db, s.sock, port, name)
}

// AskPassword makes the server ask a user for the password.
func (s *Server) AskPassword(tb testing.TB, name string) {
	tb.Helper()
	path := filepath.Join(s.dir, "pg_hba.conf")
	old, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path, append([]byte("local all "+name+" scram-sha-256\n"), old...), 0o600); err != nil {
		tb.Fatal(err)
	}
	s.SQL(tb, "postgres", "SELECT pg_reload_conf()")
}

// Socket returns the directory of the server's socket.
func (s *Server) Socket() string { return s.sock }

// Log returns what the server has written.
func (s *Server) Log() string { return s.log.String() }

// lockedBuffer takes the output of a process that runs.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
