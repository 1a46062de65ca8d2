package cpu

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A file of assembler is what a package may run, after it has asked for certain
// features.
type file struct {
	// sets are the sets of instructions that those features stand for, CMOV is of
	// every amd64 that Go knows.
	sets string
	// public are patterns of the conditional jumps, as function and label, that do
	// not end a loop that counts down, and of functions with memory at a variable
	// index.
	// Whoever adds one has made sure that it depends on public numbers alone:
	// lengths, positions, counters, pointers that may be nil.
	public []string
}

const (
	adxAVX2 = "BMI BMI2 ADX AVX AVX2 CMOV"
	avx512  = "AVX AVX2 BMI2 AVX512F AVX512BW AVX512DQ AVX512VL"
)

var files = map[string]file{
	"gost/gost3410/asm256_amd64.s": {sets: adxAVX2, public: []string{"tc*ADX done"}}, // whether T is wanted
	"gost/gost3410/asm512_amd64.s": {sets: adxAVX2, public: []string{"tc*ADX done"}},
	// Verification: everything is public.
	"gost/gost3410/ifma_amd64.s":           {sets: avx512 + " AVX512IFMA", public: []string{"ifmaDigits indexes memory"}},
	"gost/internal/field/safegcd_amd64.s":  {sets: "CMOV", public: []string{"gcdAMD64 fg", "gcdAMD64 de", "gcdAMD64 indexes memory"}}, // words of a number
	"gost/internal/cpu/cpu_amd64.s":        {},
	"gost/internal/feistel/blocks_amd64.s": {sets: avx512 + " AVX512VBMI", public: []string{"blockVBMI round", "blocksVBMI round", "countersVBMI rounds"}},
	"gost/kuznyechik/blocks_amd64.s": {sets: avx512 + " AVX512VBMI GFNI", public: []string{
		"blocksVBMI next", "blocksVBMI pair", "blocksVBMI end", "blocksVBMI whole", // bytes that are left
		"blocksVBMI pairs", "blocksVBMI round", "encryptVBMI round", "decryptVBMI round", "countersVBMI round",
	}},
	"gost/mgm/gf_amd64.s": {sets: avx512 + " VPCLMULQDQ", public: []string{
		"products64 whole", "products64 next", "products128 whole", "products128 next", // bytes that are left
	}},
	"gost/streebog/avx2_amd64.s": {sets: "AVX AVX2"},
	"gost/streebog/gfni_amd64.s": {sets: "AVX AVX2 GFNI", public: []string{
		"chainGFNI step", // keys that are nil
		"iterateGFNI step",
	}},
	"gost/streebog/block_amd64.s": {sets: avx512 + " AVX512VBMI GFNI", public: []string{
		"chainVBMI step", // keys that are nil
		"iterate*VBMI step", "*VBMI keyed",
		"*VBMI indexes memory", // round keys
	}},
	// Look-up in tables is not constant time, and says so.
	"gost/streebog/lookup_amd64.s": {public: []string{"compressTables indexes memory"}},
}

// No assembler has more branches and variable addresses than somebody has looked
// at, uses instructions that its package has not asked for, or leaves the upper
// halves of registers in use, which would slow down all code after it.
func TestAssembler(t *testing.T) {
	const root = "../../.."
	seen := make(map[string]bool)
	err := filepath.WalkDir(filepath.Join(root, "gost"), func(path string, _ os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".s" {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		seen[name] = true
		want, ok := files[name]
		if !ok {
			t.Errorf("%s is not known here", name)
			return nil
		}
		checkFile(t, name, path, want)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range files {
		if !seen[name] {
			t.Errorf("%s is not there", name)
		}
	}
}

var (
	function  = regexp.MustCompile(`^TEXT ·?(\w+)`)
	arguments = regexp.MustCompile(`\$[0-9]+-[0-9]+$`)
	indexed   = regexp.MustCompile(`\)\([A-Z0-9]+\*[1248]\)`)
	wide      = regexp.MustCompile(`\b[YZ][0-9]+\b`)
)

// checkFile compares what is in a file with what may be there.
func checkFile(t *testing.T, name, path string, want file) {
	t.Helper()
	var found []string
	for _, f := range parse(t, path) {
		for _, set := range f.sets {
			if !slices.Contains(strings.Fields(want.sets), set) {
				t.Errorf("%s: %s needs %s, which nobody has asked for", name, f.name, set)
			}
		}
		if f.dirty {
			t.Errorf("%s: %s returns without VZEROUPPER", name, f.name)
		}
		for _, x := range f.variable {
			found = append(found, f.name+" "+x)
		}
	}
	used := make(map[string]bool)
	for _, x := range found {
		i := slices.IndexFunc(want.public, func(pattern string) bool {
			ok, err := filepath.Match(pattern, x)
			return ok && err == nil
		})
		if i < 0 {
			t.Errorf("%s: %s: is that public?", name, x)
			continue
		}
		used[want.public[i]] = true
	}
	for _, pattern := range want.public {
		if !used[pattern] {
			t.Errorf("%s: %s is not there any more", name, pattern)
		}
	}
}

// text is one function of a file.
type text struct {
	name     string
	sets     []string // of instructions
	variable []string // labels of conditional jumps, or that memory is indexed
	dirty    bool     // returns with the upper halves of registers in use
}

// parse reads a file.
func parse(t *testing.T, path string) (all []text) {
	t.Helper()
	in, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var f *text
	var sets []string
	var before string
	var upper, inside bool // inside is what assembler alone calls: it has no arguments
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		line := lines.Text()
		if list, ok := strings.CutPrefix(line, "// Requires: "); ok {
			sets = strings.Split(list, ", ")
		}
		if m := function.FindStringSubmatch(line); m != nil {
			all = append(all, text{name: m[1], sets: sets})
			f, sets, before, upper = &all[len(all)-1], nil, "", false
			inside = !arguments.MatchString(line)
			continue
		}
		code, _, _ := strings.Cut(line, "//")
		words := strings.Fields(code)
		if f == nil || len(words) == 0 || strings.HasSuffix(words[0], ":") {
			continue
		}
		op := words[0]
		switch {
		case op == "VZEROUPPER":
			upper = false
		case op == "RET":
			f.dirty = f.dirty || upper && !inside
		case op[0] == 'J' && op != "JMP" && before != "DECQ":
			f.variable = append(f.variable, words[len(words)-1])
		case indexed.MatchString(code) && !strings.HasPrefix(op, "LEA") && !slices.Contains(f.variable, "indexes memory"):
			f.variable = append(f.variable, "indexes memory")
		}
		upper = upper || wide.MatchString(code)
		before = op
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
