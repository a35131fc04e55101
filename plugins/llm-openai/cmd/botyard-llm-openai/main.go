// Command botyard-llm-openai is the LLM plugin "openai", which chats with models on OpenAI's servers and
// on servers with an API like theirs.
package main

import (
	openaillm "github.com/botyard/botyard/plugins/llm-openai"
	"github.com/botyard/botyard/sdk"
)

func main() { sdk.Serve(openaillm.Plugin()) }
