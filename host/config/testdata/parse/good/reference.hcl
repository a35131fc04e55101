llm {
  provider = "ollama"
  model    = "gemma3:1b"
}
conversation_storage {
  backend = "postgres"
  connection {
    host     = "localhost"
    port     = 5432
    database = "bots_db"
    user     = "postgres"
    password = "password"
  }
  pool_size    = 20
  max_overflow = 10
}
memory {
  type         = "buffer"
  max_messages = 10
}
prompts {
  system = "You are a customer support assistant."
}
