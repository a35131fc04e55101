# The host, and what every tenant inherits. `make run` serves this; relative paths
# start at this file's folder.

listen      = "127.0.0.1:8080"
data_dir    = "../data"        # what the host and its plugins keep: its key, the conversations
plugin_dirs = ["../bin/plugins"]
tenant_dirs = ["tenants"]      # a file for each tenant; its name is the tenant's id

registry {
  cache_ttl      = 300  # seconds that a bot is kept ready
  max_cache_size = 1000 # bots that are kept ready

  # Tenants that are registered over the API.
  storage {
    backend = "sqlite"
  }
}

defaults {
  llm {
    provider = "ollama"
    model    = "gemma3:1b"
  }

  # A file in data_dir. "memory" would keep nothing; examples/postgres.hcl is for
  # several hosts.
  conversation_storage {
    backend = "sqlite"
  }
}
