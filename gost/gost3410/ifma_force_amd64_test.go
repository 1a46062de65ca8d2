//go:build amd64 && !purego

package gost3410

import "github.com/gosklyuch/gosklyuch/gost/internal/cpu"

// laneImplementations are the ways in which this processor verifies batches.
func laneImplementations() []string {
	if cpu.X86.IFMA {
		return []string{"portable", "ifma"}
	}
	return []string{"portable"}
}

// forceLanes chooses one and returns the one that was chosen before.
func forceLanes(name string) string {
	before := "portable"
	if useIFMA {
		before = "ifma"
	}
	useIFMA = name == "ifma"
	return before
}
