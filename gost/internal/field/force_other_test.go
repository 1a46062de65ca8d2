//go:build !amd64 || purego

package field

func implementations() []string { return []string{"portable"} }

func force(name string) string { return name }
