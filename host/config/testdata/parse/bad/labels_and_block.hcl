plugin "llm" "openai" {}
plugin "llm" {}
