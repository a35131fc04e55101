// Command botyard is the host with profiling: it writes profiles when it gets the signals of package
// profile.
package main

import (
	"os"

	"github.com/botyard/botyard/bench/internal/profile"
	"github.com/botyard/botyard/host/cli"
	"github.com/botyard/botyard/sdk"
)

func main() {
	sdk.TuneMemory(sdk.HostMemoryShare) // limits memory as the host's own command does
	profile.Watch("host")
	os.Exit(cli.Main())
}
