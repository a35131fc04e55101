// Command botyard-storage-postgres is the plugin storage-postgres with profiling: it writes profiles when
// it gets the signals of package profile.
package main

import (
	"github.com/botyard/botyard/bench/internal/profile"
	pgstore "github.com/botyard/botyard/plugins/storage-postgres"
	"github.com/botyard/botyard/sdk"
)

func main() {
	profile.Watch("storage-postgres")
	sdk.Serve(pgstore.Plugin())
}
