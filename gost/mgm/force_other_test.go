//go:build !amd64 || purego

package mgm

func force(name string) string { return name }
