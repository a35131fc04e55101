// Command botyard-memory-buffer is the plugin of that name, made to be profiled.
package main

import (
	"github.com/botyard/botyard/bench/internal/profile"
	buffer "github.com/botyard/botyard/plugins/memory-buffer"
	"github.com/botyard/botyard/sdk"
)

func main() {
	profile.Watch("memory-buffer")
	sdk.Serve(buffer.Plugin())
}
