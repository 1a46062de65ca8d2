//go:build !amd64 || purego

package gost28147

func force(name string) string { return name }
