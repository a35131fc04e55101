// Command botyard-llm-anthropic is the LLM plugin "anthropic", which chats with models by Anthropic's Messages API.
package main

import (
	anthropic "github.com/botyard/botyard/plugins/llm-anthropic"
	"github.com/botyard/botyard/sdk"
)

func main() { sdk.Serve(anthropic.Plugin()) }
