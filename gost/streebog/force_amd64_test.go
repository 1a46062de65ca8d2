//go:build amd64 && !purego

package streebog

func force(name string) string {
	before := string(chosen)
	chosen = implementation(name)
	return before
}
