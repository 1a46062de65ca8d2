//go:build !amd64 || purego

package gost3410

func laneImplementations() []string { return []string{"portable"} }

func forceLanes(name string) string { return name }
