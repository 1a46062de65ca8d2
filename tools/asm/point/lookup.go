package point

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// entries is how many points a row of a table has.
const entries = 32

// Lookup emits the scan of a row of entries of so many octets, a multiple of
// 32 and at most 192: every entry is read and masked.
func Lookup(prefix string, octets int) {
	words := octets / 8
	TEXT(prefix+"LookupAVX2", NOSPLIT,
		fmt.Sprintf("func(t *[%d]uint64, row *[%d]uint64, idx uint64)", words, entries*words))
	Doc(fmt.Sprintf("%sLookupAVX2 sets t to entry idx of the row, reading every entry.", prefix))
	const turns = 8
	row, left := Load(Param("row"), GP64()), GP64()
	s := newScan(row, octets, turns)
	MOVQ(U32(turns), left)
	Label("entries")
	s.some()
	s.at = 0
	// The row may end where a table ends, and a pointer behind that would be
	// the next object's: it lives in this register only.
	ADDQ(U32(octets*entries/turns), row)
	DECQ(left)
	JNZ(LabelRef("entries"))
	s.store(Load(Param("t"), GP64()))
	RET()
}

// scan is a search of a row on its way.
type scan struct {
	row                 reg.Register
	octets, turns       int
	wanted, number, one reg.VecVirtual
	sum                 []reg.VecVirtual
	turn, at            int // of turns; of entries
}

// newScan begins the search for the argument idx, in so many turns.
func newScan(row reg.Register, octets, turns int) *scan {
	s := &scan{row: row, octets: octets, turns: turns, wanted: YMM(), number: YMM(), one: YMM()}
	VPBROADCASTQ(argument("idx"), s.wanted)
	VPXOR(s.number, s.number, s.number)
	VPCMPEQQ(s.one, s.one, s.one)
	VPSRLQ(U8(63), s.one, s.one)
	for range octets / 32 {
		sum := YMM()
		VPXOR(sum, sum, sum)
		s.sum = append(s.sum, sum)
	}
	return s
}

// some emits one turn: the entries are spread over the turns evenly.
func (s *scan) some() {
	from := s.turn * entries / s.turns
	s.turn++
	for range s.turn*entries/s.turns - from {
		mask := YMM()
		VPCMPEQQ(s.wanted, s.number, mask)
		VPADDQ(s.one, s.number, s.number)
		for i, sum := range s.sum {
			masked := YMM()
			VPAND(Mem{Base: s.row, Disp: s.octets*s.at + 32*i}, mask, masked)
			VPOR(masked, sum, sum)
		}
		s.at++
	}
}

// store ends the search: the entry goes to t.
func (s *scan) store(t reg.Register) {
	for i, sum := range s.sum {
		VMOVDQU(sum, Mem{Base: t, Disp: 32 * i})
	}
	VZEROUPPER()
}
