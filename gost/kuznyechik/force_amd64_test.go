//go:build amd64 && !purego

package kuznyechik

func force(name string) string {
	before := portable
	if useVBMI {
		before = "vbmi"
	}
	useVBMI = name == "vbmi"
	return before
}
