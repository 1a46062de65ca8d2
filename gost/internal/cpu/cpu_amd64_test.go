//go:build amd64 && !purego

package cpu

import "testing"

// Whatever the processor lacks, or the system does not save, is not used with
// what stands on it.
func TestFeatures(t *testing.T) {
	const all7 = ^uint32(0)
	everything := Features{ADX: true, AVX2: true, GFNI: true, VBMI: true, IFMA: true, CLMUL: true}
	noAVX512 := Features{ADX: true, AVX2: true, GFNI: true}
	for name, c := range map[string]struct {
		ebx, ecx, saved uint32
		want            Features
	}{
		"everything":             {all7, all7, stateZMM, everything},
		"nothing":                {0, 0, stateZMM, Features{}},
		"nothing saved":          {all7, all7, 0, Features{ADX: true}},
		"SSE saved":              {all7, all7, 1 << 1, Features{ADX: true}},
		"AVX saved":              {all7, all7, stateYMM, noAVX512},
		"upper halves not saved": {all7, all7, stateZMM &^ (1 << 6), noAVX512},
		"registers not saved":    {all7, all7, stateZMM &^ (1 << 7), noAVX512},
		"masks not saved":        {all7, all7, stateZMM &^ (1 << 5), noAVX512},
		"AVX not saved":          {all7, all7, stateZMM &^ (1 << 2), Features{ADX: true}},
		"no BMI1":                {all7 &^ leaf7BMI1, all7, stateZMM, Features{AVX2: true, GFNI: true, VBMI: true, IFMA: true, CLMUL: true}},
		"no BMI2":                {all7 &^ leaf7BMI2, all7, stateZMM, Features{AVX2: true, GFNI: true}},
		"no ADX":                 {all7 &^ leaf7ADX, all7, stateZMM, Features{AVX2: true, GFNI: true, VBMI: true, IFMA: true, CLMUL: true}},
		"no AVX2":                {all7 &^ leaf7AVX2, all7, stateZMM, Features{ADX: true, GFNI: true}},
		"no F":                   {all7 &^ leaf7F, all7, stateZMM, noAVX512},
		"no DQ":                  {all7 &^ leaf7DQ, all7, stateZMM, noAVX512},
		"no BW":                  {all7 &^ leaf7BW, all7, stateZMM, noAVX512},
		"no VL":                  {all7 &^ leaf7VL, all7, stateZMM, noAVX512},
		"no IFMA":                {all7 &^ leaf7IFMA, all7, stateZMM, Features{ADX: true, AVX2: true, GFNI: true, VBMI: true, CLMUL: true}},
		"no VBMI":                {all7, all7 &^ leaf7VBMI, stateZMM, Features{ADX: true, AVX2: true, GFNI: true, IFMA: true}},
		"no GFNI":                {all7, all7 &^ leaf7GFNI, stateZMM, Features{ADX: true, AVX2: true, VBMI: true, IFMA: true, CLMUL: true}},
		"no VPCLMULQDQ":          {all7, all7 &^ leaf7CLMUL, stateZMM, Features{ADX: true, AVX2: true, GFNI: true, VBMI: true, IFMA: true}},
	} {
		if got := features(c.ebx, c.ecx, c.saved); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
