//go:build !amd64 || purego

package magma

func force(name string) string { return name }
