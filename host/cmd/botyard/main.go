// Command botyard serves bots for many tenants, and talks to a host that does.
package main

import (
	"os"

	"github.com/botyard/botyard/host/cli"
	"github.com/botyard/botyard/sdk"
)

func main() {
	sdk.TuneGC()
	os.Exit(cli.Main())
}
