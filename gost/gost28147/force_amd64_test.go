//go:build amd64 && !purego

package gost28147

func force(name string) string {
	before := portable
	if useVBMI {
		before = "vbmi"
	}
	useVBMI = name == "vbmi"
	return before
}
