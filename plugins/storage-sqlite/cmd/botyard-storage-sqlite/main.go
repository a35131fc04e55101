// Command botyard-storage-sqlite is the storage plugin "sqlite".
package main

import (
	sqlitestore "github.com/botyard/botyard/plugins/storage-sqlite"
	"github.com/botyard/botyard/sdk"
)

func main() { sdk.Serve(sqlitestore.Plugin()) }
