llm {
  model = "a"
}
llm {
  model = "b"
}
