//go:build bench

package bench_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/cpu"

	"github.com/gosklyuch/gosklyuch/internal/cryptotest/peer"
)

var (
	seconds  = flag.Float64("seconds", 0.5, "processor time for one measurement of a primitive, of each side")
	only     = flag.String("only", "", "regular expression over the rows' names")
	skipJobs = flag.Bool("primitives", false, "the primitives only, no jobs")
	onlyJobs = flag.Bool("nothing-but-jobs", false, "the jobs only, no primitives")
	into     = flag.String("o", "", "write the tables into this Markdown file, between its markers, and add a line to its history")
)

// row is a line of the table of primitives.
type row struct {
	name            string
	peerOp, peerArg string                         // the operation of testdata/peer.c; empty: no peer
	peerScale       float64                        // what the peer's rate is multiplied by for a stand-in; 0: 1
	octets          int                            // octets that one operation handles: the rate is shown in MB/s
	count           int                            // operations of the peer that one of ours does; 0: 1
	portable, asm   float64                        // least ratio ours / peer of the portable code and of the assembler's; 0: none set
	needs           extension                      // what the assembler's code needs
	ours            func(t *testing.T) (op func()) // prepares and returns one operation
}

// extension is a set of processor instructions that assembler code needs.
type extension int

const (
	noAssembly extension = iota
	vbmi                 // AVX-512 VBMI and GFNI
	adx                  // MULX, ADCX and ADOX
	ifma                 // AVX-512 IFMA
)

// present reports whether the code of this build runs the assembler's code
// here.
func (e extension) present() bool {
	if !assembled {
		return false
	}
	switch e {
	case vbmi:
		return cpu.X86.HasAVX512VBMI && cpu.X86.HasAVX512GFNI
	case adx:
		return cpu.X86.HasADX && cpu.X86.HasBMI2
	case ifma:
		return cpu.X86.HasAVX512IFMA
	}
	return false
}

// target returns the ratio that the running code is to reach, and 0 for none.
func (r row) target() float64 {
	if r.needs.present() && r.asm > 0 {
		return r.asm
	}
	return r.portable
}

// rowSources lists the functions that contribute rows.
var rowSources = []func() []row{signatureRows, batchRows, symmetricRows}

// TestRatios prints the tables of primitives and jobs.
func TestRatios(t *testing.T) {
	peer.NeedOpenSSL(t)
	filter, err := regexp.Compile(*only)
	if err != nil {
		t.Fatal(err)
	}
	buildProgram(t) // first, so that all of the run is of one state of the tree
	rep := newReport(t)
	if !*onlyJobs {
		primitives(t, rep, filter)
	}
	if !*skipJobs {
		runJobs(t, rep, filter)
	}
	if *into != "" && !t.Failed() {
		rep.write(t, *into)
	}
}

func primitives(t *testing.T, rep *report, filter *regexp.Regexp) {
	t.Helper()
	program, conf := compile(t, "peer.c"), peer.ConfigFile(t)
	pure := portableRates(t)
	rep.primitivesHead()
	for _, r := range matching(filter) {
		m := measured{row: r, portableRate: pure[r.name]}
		if r.peerOp != "" {
			m.theirs = runPeer(t, program, conf, r)
		}
		m.ours = measure(r.ours(t), limit()) * float64(max(r.count, 1))
		rep.primitive(m)
	}
}

func matching(filter *regexp.Regexp) (rows []row) {
	for _, source := range rowSources {
		for _, r := range source() {
			if filter.MatchString(r.name) {
				rows = append(rows, r)
			}
		}
	}
	return rows
}

func limit() time.Duration { return time.Duration(*seconds * float64(time.Second)) }

// TestPortable is what TestRatios runs of the same package built with the tag
// purego: it prints the rates of our side alone.
func TestPortable(t *testing.T) {
	if assembled {
		return // its figures are in the table of TestRatios
	}
	filter, err := regexp.Compile(*only)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range matching(filter) {
		fmt.Printf("portable\t%s\t%.1f\n", r.name, measure(r.ours(t), limit())*float64(max(r.count, 1)))
	}
}

// portableRates builds this package with the tag purego and returns the rates
// of its rows.
func portableRates(t *testing.T) map[string]float64 {
	t.Helper()
	rates := make(map[string]float64)
	if !assembled {
		return rates
	}
	program := filepath.Join(t.TempDir(), "portable.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-tags", "bench purego", "-o", program, ".")
	if msg, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the portable variant: %v\n%s", err, msg)
	}
	cmd := exec.CommandContext(t.Context(), program, "-test.run", "TestPortable", "-seconds", fmt.Sprint(*seconds/2), "-only", *only)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the portable variant: %v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		if len(f) != 3 || f[0] != "portable" {
			continue
		}
		if rates[f[1]], err = strconv.ParseFloat(f[2], 64); err != nil {
			t.Fatal(err)
		}
	}
	return rates
}
