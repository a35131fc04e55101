llm {
  provder = "openai"
}
memory {
  tipe = "vector"
}
