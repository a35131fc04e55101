plugin "llm" {
  openai = {}
}
plugin "llm" "openai" {}
