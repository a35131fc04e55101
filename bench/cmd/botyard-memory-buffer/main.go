// Command botyard-memory-buffer is the plugin memory-buffer with profiling: it writes profiles when it
// gets the signals of package profile.
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
