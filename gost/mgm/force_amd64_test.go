//go:build amd64 && !purego

package mgm

func force(name string) string {
	before := portable
	if useCLMUL {
		before = "clmul"
	}
	useCLMUL = name == "clmul"
	return before
}
