// Command botyard-storage-memory is the plugin storage-memory with profiling: it writes profiles when it
// gets the signals of package profile.
package main

import (
	"github.com/botyard/botyard/bench/internal/profile"
	memstore "github.com/botyard/botyard/plugins/storage-memory"
	"github.com/botyard/botyard/sdk"
)

func main() {
	profile.Watch("storage-memory")
	sdk.Serve(memstore.Plugin())
}
