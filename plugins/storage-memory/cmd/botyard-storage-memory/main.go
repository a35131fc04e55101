// Command botyard-storage-memory is the plugin that keeps conversations in its
// process.
package main

import (
	memstore "github.com/botyard/botyard/plugins/storage-memory"
	"github.com/botyard/botyard/sdk"
)

func main() { sdk.Serve(memstore.Plugin()) }
