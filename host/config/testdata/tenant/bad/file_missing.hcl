llm {
  api_key = file("nothing")
}
