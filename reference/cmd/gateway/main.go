// Command gateway is the reference gateway; see "gateway --help".
package main

import (
	"context"
	"os"

	"github.com/drainproof/drainproof/reference/cli"
)

func main() {
	os.Exit(cli.Main(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}
