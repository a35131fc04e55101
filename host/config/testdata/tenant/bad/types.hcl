llm {
  provider    = "ollama"
  model       = ""
  temperature = 3
  num_ctx     = 1.5
  stop        = ["a", "a", 1, "b", "c"]
  keep_alive  = true
  mode        = "slow"
  stream      = "yes"
  options     = { "A" = 1 }
  tag         = "x1"
}
memory {
  max_messages = "10"
}
