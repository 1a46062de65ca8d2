//go:build bench

package bench_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// Markers of the parts of the Markdown file that -o rewrites: the tables between
// the first two are replaced, and the history gets a line before the third.
const (
	tablesBegin = "<!-- bench: begin -->\n"
	tablesEnd   = "<!-- bench: end -->\n"
	historyEnd  = "<!-- bench: history -->\n"
)

// measured is a row with its figures: operations of the peer's kind a second.
type measured struct {
	row
	ours, theirs, portableRate float64
}

// report prints the tables and collects them for the Markdown file.
type report struct {
	day        string
	commit     string
	started    string // the head of the tables: machine, versions, commit, load
	primitives strings.Builder
	jobs       strings.Builder
	history    map[string]string // key rows by name: the ratio
}

func newReport(t *testing.T) *report {
	t.Helper()
	now := time.Now().UTC()
	r := &report{history: make(map[string]string), day: now.Format(time.DateOnly), commit: commit(t)}
	load := "unknown"
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		load = strings.Fields(string(b))[0]
	}
	have := "portable code"
	if assembled {
		have = fmt.Sprintf("assembler: AVX-512 VBMI %s, ADX %s, IFMA %s", yes(vbmi), yes(adx), yes(ifma))
	}
	r.started = fmt.Sprintf("%s, commit %s, %s (%d processors, load %s at the start), %s, %s with gost-engine; %s",
		now.Format("2006-01-02 15:04 UTC"), r.commit, model(), runtime.NumCPU(), load, runtime.Version(), line(t, "openssl", "version", "-v"), have)
	fmt.Println(r.started)
	return r
}

func commit(t *testing.T) string {
	t.Helper()
	id := line(t, "git", "rev-parse", "--short", "HEAD")
	if line(t, "git", "status", "--porcelain", "--untracked-files=no") != "" {
		id += " with changes"
	}
	return id
}

// line is what a command prints, where it can be run.
func line(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

func yes(e extension) string {
	if e.present() {
		return "yes"
	}
	return "no"
}

// model is the name of the processor.
func model() string {
	b, _ := os.ReadFile("/proc/cpuinfo") // elsewhere the architecture must do
	for line := range strings.Lines(string(b)) {
		if name, ok := strings.CutPrefix(line, "model name\t: "); ok {
			return strings.TrimSpace(name)
		}
	}
	return runtime.GOARCH
}

func (r *report) primitivesHead() {
	fmt.Printf("\n%-38s %13s %13s %7s %13s %7s  %s\n", "primitive", "ours", "gost-engine", "ratio", "portable Go", "ratio", "targets: portable, assembler")
}

func (r *report) primitive(m measured) {
	verdict := ""
	if want := m.target(); want > 0 && m.theirs > 0 {
		verdict = judge(m.ours/m.theirs, want)
	}
	cells := []string{
		m.name, m.show(m.ours), m.show(m.theirs), quotient(m.ours, m.theirs), m.show(m.portableRate), quotient(m.portableRate, m.theirs),
		targetText(m.portable), targetText(m.asm), verdict,
	}
	fmt.Printf("%-38s %13s %13s %7s %13s %7s  %5s %5s %s\n", cells[0], cells[1], cells[2], cells[3], cells[4], cells[5], cells[6], cells[7], cells[8])
	markdown(&r.primitives, cells...)
	r.history[m.name] = cells[3]
}

// show renders a rate.
func (r row) show(rate float64) string {
	switch {
	case rate == 0:
		return "–"
	case r.octets > 0:
		return fmt.Sprintf("%.0f MB/s", rate*float64(r.octets)/1e6)
	}
	return fmt.Sprintf("%.0f /s", rate)
}

func (r *report) jobsHead() {
	fmt.Printf("\n%-52s %16s %16s %7s %7s %7s  %s\n", "job", "ours", "peer", "ratio", "in CPU", "target", "peer")
}

func (r *report) job(j job, ours, theirs jobTime) {
	rate := func(d time.Duration) string {
		if d == 0 {
			return "–"
		}
		if j.unit == "ms" {
			return fmt.Sprintf("%.1f ms", d.Seconds()*1e3)
		}
		if perSecond := j.units / d.Seconds(); perSecond < 10 {
			return fmt.Sprintf("%.2f %s/s", perSecond, j.unit)
		}
		return fmt.Sprintf("%.0f %s/s", j.units/d.Seconds(), j.unit)
	}
	ratio := quotient(theirs.wall.Seconds(), ours.wall.Seconds())
	verdict := ""
	if j.target > 0 && theirs.wall > 0 {
		verdict = judge(theirs.wall.Seconds()/ours.wall.Seconds(), j.target)
	}
	target := targetText(j.target)
	if j.most > 0 {
		target, verdict = fmt.Sprintf("≤ %d ms", j.most.Milliseconds()), judge(float64(j.most), float64(ours.wall))
	}
	cells := []string{
		j.name, rate(ours.wall), rate(theirs.wall), ratio, quotient(theirs.cpu.Seconds(), ours.cpu.Seconds()),
		target, j.peer, verdict,
	}
	fmt.Printf("%-52s %16s %16s %7s %7s %7s  %s %s\n", cells[0], cells[1], cells[2], cells[3], cells[4], cells[5], cells[6], cells[7])
	markdown(&r.jobs, cells...)
	r.history[j.name] = ratio
}

func markdown(w *strings.Builder, cells ...string) {
	fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
}

func quotient(a, b float64) string {
	if a == 0 || b == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", a/b)
}

func targetText(f float64) string {
	if f == 0 {
		return "–"
	}
	return fmt.Sprintf("%.4g", f)
}

func judge(ratio, want float64) string {
	if ratio < want {
		return "below"
	}
	return "ok"
}

// historyColumns are the rows whose ratios are kept over time; the head of the
// table in the file names them in this order.
var historyColumns = []string{
	"cryptopro-a sign", "cryptopro-a verify", "tc26-512-a sign", "tc26-512-a verify", "Streebog-256, 8 KiB",
	"Kuznyechik CTR", "Magma CTR", nameSignLong, nameSignMany, nameVerifyBatch + ": root, signer", namePFX, nameStart,
}

// write puts the tables into the file. A file without the markers is left as it
// is and fails the run.
func (r *report) write(t *testing.T, name string) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := bytes.Index(text, []byte(tablesBegin)), bytes.Index(text, []byte(tablesEnd))
	if begin < 0 || end < begin || !bytes.Contains(text[end:], []byte(historyEnd)) {
		t.Fatalf("%s lacks the markers %q, %q, %q", name, tablesBegin, tablesEnd, historyEnd)
	}
	rest := text[end:]
	at := bytes.Index(rest, []byte(historyEnd))
	out := slices.Concat(text[:begin+len(tablesBegin)], []byte(r.tables()), rest[:at], []byte(r.historyLine()), rest[at:])
	if err := os.WriteFile(name, out, 0o644); err != nil {
		t.Fatal(err)
	}
}

// tables is the text between the markers.
func (r *report) tables() string {
	var out strings.Builder
	fmt.Fprintf(&out, "\n%s.\n", r.started)
	if r.primitives.Len() > 0 {
		out.WriteString("\n| primitive | ours | gost-engine | ratio | portable Go | its ratio | target, portable | target, assembler | |\n|---|---|---|---|---|---|---|---|---|\n")
		out.WriteString(r.primitives.String())
	}
	if r.jobs.Len() > 0 {
		out.WriteString("\n| job | ours | peer | ratio, by the clock | ratio, processor time | target | peer | |\n|---|---|---|---|---|---|---|---|\n")
		out.WriteString(r.jobs.String())
	}
	out.WriteString("\n")
	return out.String()
}

// historyLine is this run's line of the table over time.
func (r *report) historyLine() string {
	cells := []string{r.day, r.commit}
	for _, c := range historyColumns {
		ratio, ok := r.history[c]
		if !ok {
			ratio = "–"
		}
		cells = append(cells, ratio)
	}
	var line strings.Builder
	markdown(&line, cells...)
	return line.String()
}
