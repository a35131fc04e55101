// Command botyard-llm-echo is the LLM plugin "echo", a stand-in for an LLM provider.
package main

import (
	echo "github.com/botyard/botyard/plugins/llm-echo"
	"github.com/botyard/botyard/sdk"
)

func main() { sdk.Serve(echo.Plugin()) }
