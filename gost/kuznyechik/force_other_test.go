//go:build !amd64 || purego

package kuznyechik

func force(name string) string { return name }
