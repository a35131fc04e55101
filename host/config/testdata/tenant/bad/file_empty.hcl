llm {
  api_key = file("empty")
}
