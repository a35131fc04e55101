llm {
  api_key = file(".")
}
