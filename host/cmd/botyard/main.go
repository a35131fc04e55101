// Command botyard serves bots for many tenants, and talks to a host that does.
package main

import (
	"os"

	"github.com/botyard/botyard/host/cli"
)

func main() { os.Exit(cli.Main()) }
