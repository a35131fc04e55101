// Command botyard-storage-memory is the storage plugin "memory". It keeps conversations in the
// memory of its process.
package main

import (
	memstore "github.com/botyard/botyard/plugins/storage-memory"
	"github.com/botyard/botyard/sdk"
)

func main() { sdk.Serve(memstore.Plugin()) }
