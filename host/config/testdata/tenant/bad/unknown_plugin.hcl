llm {
  provider = "olama"
}
memory {
  type = "summary"
}
