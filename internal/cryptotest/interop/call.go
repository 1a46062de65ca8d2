package main

import (
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// document is what the messages sign.
const document = "Договор № 1. Contract No. 1.\r\n"

// tools is what the calls of all sets share.
type tools struct {
	dir     string        // temporary folder of the run
	program string        // the built program of this project
	slots   chan struct{} // bounds how many processes compute at a time
	castle  *castle
}

// A call runs processes in the folder of one set and notes their command lines.
type call struct {
	ctx   context.Context
	tools *tools
	set   paramset
	work  string // working folder; every file name is relative to it
	lines []string
}

// recorded returns a call of the same set with an empty note.
func (c *call) recorded() *call {
	return &call{ctx: c.ctx, tools: c.tools, set: c.set, work: c.work}
}

// A command is one process to run.
type command struct {
	env      []string // besides what every process gets
	args     []string // the first one is the program
	show     string   // how the line stands in the notes; made from env and args if empty
	combined bool     // standard error belongs to the answer
	also     int      // an exit code that is good too
}

// run runs a program and returns its standard output. An error carries what
// the program said.
func (c *call) run(args ...string) (string, error) { return c.runCommand(command{args: args}) }

// combined returns standard output and standard error together.
func (c *call) combined(args ...string) (string, error) {
	return c.runCommand(command{args: args, combined: true})
}

func (c *call) runCommand(k command) (string, error) {
	if k.show == "" {
		k.show = strings.Join(quoted(append(slices.Clone(k.env), k.args...)), " ")
	}
	c.lines = append(c.lines, k.show)
	c.tools.slots <- struct{}{}
	defer func() { <-c.tools.slots }()
	cmd := c.process(k)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if k.combined {
		cmd.Stderr = &out
	}
	if err := cmd.Run(); err != nil && (k.also == 0 || cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != k.also) {
		return "", &refusal{k.show, err, errs.String() + out.String()}
	}
	return out.String(), nil
}

// verified runs a command that must succeed and say so.
func (c *call) verified(word string, args ...string) error {
	out, err := c.combined(args...)
	if err != nil {
		return err
	}
	if !strings.Contains(out, word) {
		return &refusal{strings.Join(quoted(args), " "), fmt.Errorf("%q is missing", word), out}
	}
	return nil
}

// A refusal is a command that failed, or did not say what it must.
type refusal struct {
	command string
	err     error
	said    string // everything, for the gaps to look into
}

func (r *refusal) Error() string { return fmt.Sprintf("%s: %v: %s", r.command, r.err, brief(r.said)) }

// process prepares a command with the environment that all of them get.
func (c *call) process(k command) *exec.Cmd {
	program := k.args[0]
	if program == "gosklyuch" {
		program = c.tools.program
	}
	cmd := exec.CommandContext(c.ctx, program, k.args[1:]...)
	cmd.Dir = c.work
	cmd.Env = append(append(os.Environ(),
		"LC_ALL=C.UTF-8", "OPENSSL_CONF=gost.cnf",
		"GOSKLYUCH_HOME="+filepath.Join(c.work, "home"),
		"GOSKLYUCH_PASSWORD="+asciiPassword, "GOSKLYUCH_NEW_PASSWORD="+asciiPassword,
		"GOSKLYUCH_PARENT_PASSWORD="+asciiPassword), k.env...)
	return cmd
}

// all runs commands one after the other.
func (c *call) all(commands ...[]string) error {
	for _, args := range commands {
		if _, err := c.run(args...); err != nil {
			return err
		}
	}
	return nil
}

// ask gives a command to the Java helper.
func (c *call) ask(args ...string) error {
	c.lines = append(c.lines, "Peer "+strings.Join(quoted(args), " "))
	return c.tools.castle.ask(c.work, args...)
}

func (c *call) read(name string) ([]byte, error) { return os.ReadFile(filepath.Join(c.work, name)) }
func (c *call) write(name string, b []byte) error {
	return os.WriteFile(filepath.Join(c.work, name), b, 0o600)
}

// pem writes a PEM copy beside a DER file, for tools that read only PEM:
// x.cer becomes x.pem, x.p8 becomes x.key.
func (c *call) pem(dir string, names ...string) error {
	for _, name := range names {
		der, err := c.read(dir + "/" + name)
		if err != nil {
			return err
		}
		label, to := "CERTIFICATE", strings.TrimSuffix(name, ".cer")+".pem"
		if strings.HasSuffix(name, ".p8") {
			label, to = "PRIVATE KEY", strings.TrimSuffix(name, ".p8")+".key"
		}
		if err := c.write(dir+"/"+to, pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der})); err != nil {
			return err
		}
	}
	return nil
}

// fromPEM writes DER copies of PEM files of a folder.
func (c *call) fromPEM(dir string, names map[string]string) error {
	for from, to := range names {
		b, err := c.read(dir + "/" + from)
		if err != nil {
			return err
		}
		block, _ := pem.Decode(b)
		if block == nil {
			return fmt.Errorf("%s/%s: no PEM", dir, from)
		}
		if err := c.write(dir+"/"+to, block.Bytes); err != nil {
			return err
		}
	}
	return nil
}

// join writes the files one after the other into a new one.
func (c *call) join(to string, from ...string) error {
	var all []byte
	for _, name := range from {
		b, err := c.read(name)
		if err != nil {
			return err
		}
		all = append(all, b...)
	}
	return c.write(to, all)
}

// quoted puts arguments with special characters into quotes as a shell needs.
func quoted(args []string) []string {
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = a
		if a == "" || strings.ContainsAny(a, " ;&|<>()$*?'\"\\") {
			out[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	return out
}

// brief is the beginning of what a tool said, on one line.
func brief(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 400 {
		s = strings.ToValidUTF8(s[:400], "") + "…"
	}
	return s
}
