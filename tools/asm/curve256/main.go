// Program curve256 writes gost/gost3410/asm256_amd64.s: the point operations of
// the curves over fields of 256 bits, with MULX, ADCX and ADOX. go generate
// runs it.
package main

import (
	. "github.com/mmcloughlin/avo/build" //nolint:revive,staticcheck // the form that the library asks for
	"github.com/mmcloughlin/avo/buildtags"

	"github.com/gosklyuch/gosklyuch/tools/asm/point"
)

// The primes, as gost/internal/field has them.
const (
	minus617   = 617  // 2^256 - 617
	plus3225   = 3225 // 2^255 + 3225
	cryptoProC = "9B9F605F5A858107AB1EC85E6B41C8AACF846E86789051D37998F7B9022D759B"
)

func main() {
	Constraint(buildtags.Not("purego").ToConstraint())
	constants()
	a := minus{c: minus617}
	point.Weierstrass("cpA", a)
	point.WeierstrassLoop("cpA", a)
	b := plus{c: plus3225}
	point.Weierstrass("cpB", b)
	point.WeierstrassLoop("cpB", b)
	c := newMontgomery("cpC", cryptoProC)
	point.Weierstrass("cpC", c)
	point.WeierstrassLoop("cpC", c)
	point.Edwards("tcA", a)
	point.EdwardsLoop("tcA", a)
	Generate()
}
