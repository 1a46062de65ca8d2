package gost3410

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// audited are the files of assembler that see secrets, with what decides about
// their jumps, all of it public: the counters n of doublings, those of
// look-ups, limbs and batches, and whether T is wanted. safegcd has addresses
// with an index: the number of a limb, or how many there are.
var audited = []struct {
	file, jumps, indexes string
	least                int // jumps, for the test looks at something
}{
	{"asm256_amd64.s", `^(DECQ n\+16\(FP\)|DECQ CX|CMPQ withT\+(24|32)\(FP\), \$0x00)$`, `^$`, 10},
	{"asm512_amd64.s", `^(DECQ n\+16\(FP\)|DECQ CX|CMPQ withT\+(24|32)\(FP\), \$0x00)$`, `^$`, 8},
	{"../internal/field/safegcd_amd64.s", `^(CMPQ BX, 72\(SI\)|DECQ \(SP\))$`, `\((DI|SI)\)\(BX\*8\)|(136|208)\(DI\)\(AX\*8\)`, 3},
}

// constantTime are the instructions whose time does not depend on their
// operands; of those with a count of bits only the forms with a constant.
var constantTime = regexp.MustCompile(`^(ADC|ADD|ADCX|ADOX|AND|ANDN|BTS|CMOVQ(CS|EQ|MI|NE|PL)|CMP|DEC|IMUL|IMUL3|INC|LEA|MOV|MULX|NEG|NOT|OR|RCR|SAR|SBB|SHL|SHR|SUB|TEST|XOR)[LQ]?$` +
	`|^V(MOVDQU|PADDQ|PAND|PBROADCASTQ|PCMPEQQ|POR|PSRLQ|PXOR|ZEROUPPER)$|^(CALL|RET)$`)

var (
	shifted = regexp.MustCompile(`^(RCR|SAR|SHL|SHR|VPSRL)Q? `)
	indexed = regexp.MustCompile(`\)\([A-Z0-9]+\*`)
	spaces  = regexp.MustCompile(`\s+`)
)

// TestAssemblerBranchesOnPublicNumbersOnly reads the assembler that computes
// with keys and nonces: jumps depend on counters, addresses are constant, and
// no instruction takes a time that depends on its operands. R14 is Go's.
func TestAssemblerBranchesOnPublicNumbersOnly(t *testing.T) {
	for _, a := range audited {
		text, err := os.ReadFile(a.file)
		if err != nil {
			t.Fatal(err)
		}
		decides, indexes := regexp.MustCompile(a.jumps), regexp.MustCompile(a.indexes)
		jumps, before := 0, ""
		for number, line := range strings.Split(string(text), "\n") {
			if !strings.HasPrefix(line, "\t") || strings.HasPrefix(line, "\t//") {
				continue // a label, a name, data
			}
			line = spaces.ReplaceAllString(strings.TrimSpace(line), " ")
			report := func(what string) { t.Errorf("%s:%d: %s: %s; %s", a.file, number+1, what, before, line) }
			name, operands, _ := strings.Cut(line, " ")
			switch {
			case strings.HasPrefix(name, "J"):
				jumps++
				if !decides.MatchString(before) {
					report("a jump")
				}
			case !constantTime.MatchString(name):
				report("another instruction")
			case shifted.MatchString(line) && !strings.HasPrefix(operands, "$"):
				report("a shift by a variable")
			case indexed.MatchString(operands) && name != "LEAQ" && !indexes.MatchString(operands):
				report("an address with an index")
			case strings.Contains(operands, "R14"):
				report("R14")
			}
			before = line
		}
		if jumps < a.least {
			t.Errorf("%s: %d jumps were seen", a.file, jumps)
		}
	}
}
