//go:build amd64 && !purego

package field

func implementations() []string { return []string{"portable", "amd64"} }

// force chooses an implementation and returns the one that was chosen before.
func force(name string) string {
	before := "portable"
	if assembly {
		before = "amd64"
	}
	assembly = name == "amd64"
	return before
}
