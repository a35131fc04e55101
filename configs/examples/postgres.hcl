# Several hosts on one Postgres, which keeps the conversations and the registry of
# tenants both. It takes a database, named by BOTYARD_PG_DSN:
#
#   export BOTYARD_PG_DSN='postgres://postgres@localhost/postgres'
#   bin/botyard serve --config configs/examples/postgres.hcl --listen 127.0.0.1:8081
#
# Every further host is started in the same way with an address of its own; any load
# balancer will do before them. They share data_dir, or at least its host.key, which
# seals the secrets of registered tenants. Relative paths start at this file's folder.

listen      = "127.0.0.1:8080"
data_dir    = "../../data"
plugin_dirs = ["../../bin/plugins"]

auth {
  mode = "none" # loopback only; see docs/security.md for tokens
}

registry {
  storage {
    backend = "postgres"
    dsn     = env("BOTYARD_PG_DSN")
  }
}

defaults {
  llm {
    provider = "echo" # repeats what reached it; offline
  }

  conversation_storage {
    backend = "postgres"
    dsn     = env("BOTYARD_PG_DSN")
  }
}
