llm {
  provider = "openai"
  model    = "m"
  api_key  = "${GLOBEX_KEY}"
}
