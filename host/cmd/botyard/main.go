// Command botyard serves bots for many tenants, and talks to a host that does.
package main

import (
	"fmt"
	"os"

	"github.com/botyard/botyard/host/cli"
	"github.com/botyard/botyard/host/plugins/process"
	"github.com/botyard/botyard/sdk"
)

func main() {
	if err := sdk.ForbidDumps(); err != nil {
		fmt.Fprintln(os.Stderr, "botyard:", err)
	}
	if err := process.AdoptOrphans(); err != nil {
		fmt.Fprintln(os.Stderr, "botyard:", err)
	}
	sdk.TuneMemory(sdk.HostMemoryShare)
	os.Exit(cli.Main())
}
