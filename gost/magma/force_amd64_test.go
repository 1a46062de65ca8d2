//go:build amd64 && !purego

package magma

func force(name string) string {
	before := portable
	if useVBMI {
		before = "vbmi"
	}
	useVBMI = name == "vbmi"
	return before
}
