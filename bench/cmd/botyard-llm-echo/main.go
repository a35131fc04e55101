// Command botyard-llm-echo is the plugin llm-echo with profiling: it writes profiles when it gets the
// signals of package profile.
package main

import (
	"github.com/botyard/botyard/bench/internal/profile"
	echo "github.com/botyard/botyard/plugins/llm-echo"
	"github.com/botyard/botyard/sdk"
)

func main() {
	profile.Watch("llm-echo")
	sdk.Serve(echo.Plugin())
}
