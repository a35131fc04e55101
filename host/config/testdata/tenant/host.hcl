secrets_dir = "../secrets"
allow_env   = ["CLIENT_A_KEY"]
limits {
  concurrent_turns = 8
}
defaults {
  llm {
    provider = "openai"
    model    = "gpt-4.1"
    base_url = "https://llm.internal/v1"
    api_key  = env("OPENAI_API_KEY")
  }
  conversation_storage {
    backend = "postgres"
    connection {
      host     = "localhost"
      database = "bots_db"
      password = file("../secrets/client-b/openai")
    }
    pool_size = 20
  }
}
