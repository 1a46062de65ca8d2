// Command gosklyuch issues keys and certificates, signs and verifies documents
// with the Russian national algorithms. See README.md.
package main

import (
	"os"

	"github.com/gosklyuch/gosklyuch/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:]))
}
