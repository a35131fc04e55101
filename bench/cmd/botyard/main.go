// Command botyard is the host, made to be profiled.
package main

import (
	"os"

	"github.com/botyard/botyard/bench/internal/profile"
	"github.com/botyard/botyard/host/cli"
)

func main() {
	profile.Watch("host")
	os.Exit(cli.Main())
}
