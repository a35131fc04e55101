llm {
  provider = 
  model = "x"
}
memory "
}
