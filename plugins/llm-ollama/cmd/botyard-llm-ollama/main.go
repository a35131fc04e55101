// Command botyard-llm-ollama is the LLM plugin "ollama", which chats with models on an Ollama server.
package main

import (
	ollama "github.com/botyard/botyard/plugins/llm-ollama"
	"github.com/botyard/botyard/sdk"
)

func main() { sdk.Serve(ollama.Plugin()) }
