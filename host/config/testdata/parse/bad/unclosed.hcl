llm {
  provider = "x"
