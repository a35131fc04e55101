// Command botyard runs the host, which serves bots for many tenants. Some of its subcommands send
// requests to a running host.
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
