llm {
  provider = "openai"
  api_key  = "${env:OPENAI_API_KEY}"
}
