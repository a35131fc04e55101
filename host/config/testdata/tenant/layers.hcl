allow_env   = ["CLIENT_A_KEY"]
secrets_dir = "../secrets"
defaults {
  llm {
    provider = "openai"
    model    = "gpt-4.1"
    base_url = "https://llm.internal/v1"
    api_key  = env("OPENAI_API_KEY")
    headers  = { one = "1", two = "2" }
    models   = { "gpt-4.1" = 1, "gpt-5" = 2 }
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
  memory {
    max_messages = 5
  }
  prompts {
    system    = "You work for {{company}}."
    variables = { company = "nobody" }
  }
}
