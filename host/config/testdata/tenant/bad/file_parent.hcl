llm {
  api_key = file("../client-b/openai")
}
