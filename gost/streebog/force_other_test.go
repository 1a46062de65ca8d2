//go:build !amd64 || purego

package streebog

func force(name string) string { return name }
