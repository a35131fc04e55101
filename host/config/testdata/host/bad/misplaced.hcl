llm {
  provider = "ollama"
}
limits {
  concurrent_turns = 10
}
defaults {
  listen = "0.0.0.0:80"
  memory {
    type = 7
  }
}
