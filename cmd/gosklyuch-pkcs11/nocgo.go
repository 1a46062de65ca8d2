//go:build !cgo || !unix

package main

import (
	"fmt"
	"os"
)

// main says why this build is no PKCS #11 module.
func main() {
	fmt.Fprintln(os.Stderr, "gosklyuch-pkcs11 is a C library: build it on a Unix system with CGO_ENABLED=1 and -buildmode=c-shared")
	os.Exit(1)
}
