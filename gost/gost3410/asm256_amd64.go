//go:build amd64 && !purego

package gost3410

// The operations of the fields of 256 bits one by one, for the tests: the
// programs for points contain them. Operands and results are any integers
// below 2^256 modulo 2^256 - 617 and 2^255 + 3225, and below the prime of
// CryptoPro-C. All pointers may be equal.

// mul617ADX sets z = x * y.
//
//go:noescape
func mul617ADX(z, x, y *[4]uint64)

// square617ADX sets z = x * x.
//
//go:noescape
func square617ADX(z, x, y *[4]uint64)

// add617ADX sets z = x + y.
//
//go:noescape
func add617ADX(z, x, y *[4]uint64)

// sub617ADX sets z = x - y.
//
//go:noescape
func sub617ADX(z, x, y *[4]uint64)

// double617ADX sets z = 2 x.
//
//go:noescape
func double617ADX(z, x, y *[4]uint64)

// triple617ADX sets z = 3 x.
//
//go:noescape
func triple617ADX(z, x, y *[4]uint64)

// half617ADX sets z = x / 2.
//
//go:noescape
func half617ADX(z, x, y *[4]uint64)

// condNeg617ADX sets z = -x if the first word of y is 1, and x if it is 0.
//
//go:noescape
func condNeg617ADX(z, x, y *[4]uint64)

// mul3225ADX sets z = x * y.
//
//go:noescape
func mul3225ADX(z, x, y *[4]uint64)

// square3225ADX sets z = x * x.
//
//go:noescape
func square3225ADX(z, x, y *[4]uint64)

// add3225ADX sets z = x + y.
//
//go:noescape
func add3225ADX(z, x, y *[4]uint64)

// sub3225ADX sets z = x - y.
//
//go:noescape
func sub3225ADX(z, x, y *[4]uint64)

// double3225ADX sets z = 2 x.
//
//go:noescape
func double3225ADX(z, x, y *[4]uint64)

// triple3225ADX sets z = 3 x.
//
//go:noescape
func triple3225ADX(z, x, y *[4]uint64)

// half3225ADX sets z = x / 2.
//
//go:noescape
func half3225ADX(z, x, y *[4]uint64)

// condNeg3225ADX sets z = -x if the first word of y is 1, and x if it is 0.
//
//go:noescape
func condNeg3225ADX(z, x, y *[4]uint64)

// mulCADX sets z = x * y / 2^256.
//
//go:noescape
func mulCADX(z, x, y *[4]uint64)

// squareCADX sets z = x * x / 2^256.
//
//go:noescape
func squareCADX(z, x, y *[4]uint64)

// addCADX sets z = x + y.
//
//go:noescape
func addCADX(z, x, y *[4]uint64)

// subCADX sets z = x - y.
//
//go:noescape
func subCADX(z, x, y *[4]uint64)

// doubleCADX sets z = 2 x.
//
//go:noescape
func doubleCADX(z, x, y *[4]uint64)

// tripleCADX sets z = 3 x.
//
//go:noescape
func tripleCADX(z, x, y *[4]uint64)

// halfCADX sets z = x / 2.
//
//go:noescape
func halfCADX(z, x, y *[4]uint64)

// condNegCADX sets z = -x if the first word of y is 1, and x if it is 0.
//
//go:noescape
func condNegCADX(z, x, y *[4]uint64)
