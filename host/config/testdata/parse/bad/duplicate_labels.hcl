plugin "llm" "openai" {}
plugin "llm" "ollama" {}
plugin "llm" "openai" {}
