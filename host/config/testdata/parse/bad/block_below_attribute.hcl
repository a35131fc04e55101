plugin = {}
plugin "llm" "openai" {}
