llm {
  modle       = "x"
  colour      = "blue"
  temperature = null
}
conversation_storage {
  connection {
    hots = "x"
  }
}
propmts {}
prompts {
  variables = { "a-b" = "x" }
}
