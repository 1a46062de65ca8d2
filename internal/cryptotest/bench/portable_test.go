//go:build bench && (!amd64 || purego)

package bench_test

// assembled reports whether this build has assembler code.
const assembled = false
