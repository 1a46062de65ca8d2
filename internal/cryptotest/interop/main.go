// Command interop writes the interoperability matrix: which files that this
// project makes are accepted by OpenSSL with gost-engine, by GnuTLS and by
// Bouncy Castle, which of theirs are accepted here, on every parameter set, and
// whether a corrupted file is refused by both sides.
//
//	go run ./internal/cryptotest/interop -o docs/interoperability.md
//	go run ./internal/cryptotest/interop -check docs/interoperability.md
//
// It ends with exit code 1 when a cell fails that is expected to work, when a
// declared gap has closed, or when -check finds another table in the file.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// options are the flags.
type options struct {
	output, check, program, jars, sets string
	jobs                               int
	spare                              []gap // cells not to run, besides the declared gaps
}

func main() {
	var o options
	flag.StringVar(&o.output, "o", "", "write the table to this file (- is standard output)")
	flag.StringVar(&o.check, "check", "", "compare the table with this file instead")
	flag.StringVar(&o.program, "program", "bin/gosklyuch", "the built program")
	flag.StringVar(&o.jars, "jars", "/usr/share/java", "folder with bcprov.jar, bcpkix.jar and bcutil.jar")
	flag.StringVar(&o.sets, "sets", "", "only these parameter sets, separated by commas (to try something out)")
	flag.IntVar(&o.jobs, "jobs", runtime.NumCPU(), "processes that compute at the same time")
	flag.Parse()
	if flag.NArg() > 0 || (o.output == "") == (o.check == "") || o.jobs < 1 {
		fmt.Fprintln(os.Stderr, "interop: either -o FILE or -check FILE is needed")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := write(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		stop()
		os.Exit(1)
	}
}

// write runs the matrix and writes or compares the table.
func write(ctx context.Context, o options) error {
	sets, err := chosen(o.sets)
	if err != nil {
		return err
	}
	m, ver, err := runMatrix(ctx, o, sets)
	if err != nil {
		return err
	}
	page := m.page(ver)
	if o.check != "" {
		err = compare(o.check, page)
	} else {
		err = save(o.output, page)
	}
	return errors.Join(err, m.failures(), m.statementFailures())
}

// chosen returns the sets of a list of names; all of them for an empty list.
func chosen(names string) ([]paramset, error) {
	if names == "" {
		return paramsets, nil
	}
	var out []paramset
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(paramsets, func(p paramset) bool { return p.name == name })
		if i < 0 {
			return nil, fmt.Errorf("-sets: there is no set %q", name)
		}
		out = append(out, paramsets[i])
	}
	return out, nil
}

// runMatrix fills a matrix for some sets in a temporary folder.
func runMatrix(ctx context.Context, o options, sets []paramset) (*matrix, string, error) {
	program, err := filepath.Abs(o.program)
	if err != nil {
		return nil, "", err
	}
	if _, err := os.Stat(program); err != nil {
		return nil, "", fmt.Errorf("the program is not built, run make build: %w", err)
	}
	dir, err := os.MkdirTemp("", "interop")
	if err != nil {
		return nil, "", err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	bc, err := startCastle(ctx, dir, o.jars)
	if err != nil {
		return nil, "", err
	}
	defer bc.close() //nolint:errcheck // it has answered everything
	t := &tools{dir: dir, program: program, castle: bc, slots: make(chan struct{}, o.jobs)}
	m := newMatrix(t, sets, openSSL{}, bouncyCastle{}, gnuTLS{})
	m.gaps = append(slices.Clone(o.spare), m.gaps...)
	if err := errors.Join(m.run(ctx), m.runStatements(ctx)); err != nil {
		return nil, "", err
	}
	return m, versions(ctx, bc), nil
}

func save(file, page string) error {
	if file == "-" {
		_, err := os.Stdout.WriteString(page)
		return err
	}
	return os.WriteFile(file, []byte(page), 0o644)
}

// compare reports the first line in which the file differs from the page. The
// line with the versions may differ: an update of a peer that changes no cell
// is no failure.
func compare(file, page string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	have, want := strings.Split(string(b), "\n"), strings.Split(page, "\n")
	for i := range max(len(have), len(want)) {
		h, w := lineAt(have, i), lineAt(want, i)
		switch {
		case h == w:
		case strings.HasPrefix(h, versionsWord) && strings.HasPrefix(w, versionsWord):
			fmt.Fprintf(os.Stderr, "interop: note: the versions are others than in %s:\n  there: %s\n  here:  %s\n", file, h, w)
		default:
			return fmt.Errorf("%s, line %d differs from this run (write it with -o to see all):\n  there: %s\n  here:  %s", file, i+1, h, w)
		}
	}
	return nil
}

func lineAt(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(end of the file)"
}
