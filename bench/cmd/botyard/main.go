// Command botyard is the host, made to be profiled.
package main

import (
	"os"

	"github.com/botyard/botyard/bench/internal/profile"
	"github.com/botyard/botyard/host/cli"
	"github.com/botyard/botyard/sdk"
)

func main() {
	sdk.TuneMemory(sdk.HostMemoryShare) // as the host has it
	profile.Watch("host")
	os.Exit(cli.Main())
}
