// Command botyard-storage-postgres is the storage plugin "postgres".
package main

import (
	pgstore "github.com/botyard/botyard/plugins/storage-postgres"
	"github.com/botyard/botyard/sdk"
)

func main() { sdk.Serve(pgstore.Plugin()) }
