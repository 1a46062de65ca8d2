//go:build amd64 && !purego

package gost3410

//go:generate go run -C ../../tools/asm ./curve512 -out ../../gost/gost3410/asm512_amd64.s

// The operations of the fields of 512 bits one by one, for the tests: the
// programs for points contain them. Operands and results are any integers
// below 2^512; 569 means modulo 2^512 - 569, and 111 modulo 2^511 + 111. All
// pointers may be equal.

// mul569ADX sets z = x * y.
//
//go:noescape
func mul569ADX(z, x, y *[8]uint64)

// square569ADX sets z = x * x.
//
//go:noescape
func square569ADX(z, x, y *[8]uint64)

// add569ADX sets z = x + y.
//
//go:noescape
func add569ADX(z, x, y *[8]uint64)

// sub569ADX sets z = x - y.
//
//go:noescape
func sub569ADX(z, x, y *[8]uint64)

// double569ADX sets z = 2 x.
//
//go:noescape
func double569ADX(z, x, y *[8]uint64)

// triple569ADX sets z = 3 x.
//
//go:noescape
func triple569ADX(z, x, y *[8]uint64)

// half569ADX sets z = x / 2.
//
//go:noescape
func half569ADX(z, x, y *[8]uint64)

// condNeg569ADX sets z = -x if the first word of y is 1, and x if it is 0.
//
//go:noescape
func condNeg569ADX(z, x, y *[8]uint64)

// mul111ADX sets z = x * y.
//
//go:noescape
func mul111ADX(z, x, y *[8]uint64)

// square111ADX sets z = x * x.
//
//go:noescape
func square111ADX(z, x, y *[8]uint64)

// add111ADX sets z = x + y.
//
//go:noescape
func add111ADX(z, x, y *[8]uint64)

// sub111ADX sets z = x - y.
//
//go:noescape
func sub111ADX(z, x, y *[8]uint64)

// double111ADX sets z = 2 x.
//
//go:noescape
func double111ADX(z, x, y *[8]uint64)

// triple111ADX sets z = 3 x.
//
//go:noescape
func triple111ADX(z, x, y *[8]uint64)

// half111ADX sets z = x / 2.
//
//go:noescape
func half111ADX(z, x, y *[8]uint64)

// condNeg111ADX sets z = -x if the first word of y is 1, and x if it is 0.
//
//go:noescape
func condNeg111ADX(z, x, y *[8]uint64)
