// Command botyard-storage-sqlite is the plugin storage-sqlite with profiling: it writes profiles when it
// gets the signals of package profile.
package main

import (
	"github.com/botyard/botyard/bench/internal/profile"
	sqlitestore "github.com/botyard/botyard/plugins/storage-sqlite"
	"github.com/botyard/botyard/sdk"
)

func main() {
	profile.Watch("storage-sqlite")
	sdk.Serve(sqlitestore.Plugin())
}
