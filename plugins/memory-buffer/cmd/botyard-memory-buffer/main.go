// Command botyard-memory-buffer is the memory plugin "buffer", which shows models the newest messages.
package main

import (
	buffer "github.com/botyard/botyard/plugins/memory-buffer"
	"github.com/botyard/botyard/sdk"
)

func main() { sdk.Serve(buffer.Plugin()) }
