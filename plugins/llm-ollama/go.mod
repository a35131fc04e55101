module github.com/botyard/botyard/plugins/llm-ollama

go 1.26.0

require github.com/botyard/botyard/sdk v0.0.0

replace github.com/botyard/botyard/sdk => ../../sdk
