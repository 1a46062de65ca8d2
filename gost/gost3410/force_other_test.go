//go:build !amd64 || purego

package gost3410

func implementations() []string { return []string{"portable"} }

func force(name string) string { return name }
