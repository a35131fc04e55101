model = "outer"
llm {
  a     = 1
  model = "a"
  model = "b"
}
llm "x" {
  b = 1
  b = 1
  a = 2
}
