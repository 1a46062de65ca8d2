package gost3410

import "testing"

// EachImplementation runs f once for each way to compute that this processor
// has. Tests that use it do not run in parallel with others.
func EachImplementation(t *testing.T, f func(t *testing.T)) {
	for _, name := range implementations() {
		t.Run(name, func(t *testing.T) {
			defer force(force(name))
			f(t)
		})
	}
}
