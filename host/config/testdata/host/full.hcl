listen         = "0.0.0.0:9000"
data_dir       = "state"
secrets_dir    = "/etc/botyard/secrets"
plugin_dirs    = ["plugins", "/opt/botyard/plugins"]
tenant_dirs    = ["tenants"]
allow_env      = ["CLIENT_A_KEY"]
shutdown_grace = 0.5
registry {
  cache_ttl      = 60
  max_cache_size = 10
}
limits {
  concurrent_turns  = 4
  message_bytes     = 1000
  turn_timeout      = 1.5
  conversation_wait = 0
}
plugin "llm" "openai" {
  max_calls     = 8
  isolation     = "tenant"
  start_timeout = 2
  call_timeout  = 60
  env           = ["HTTPS_PROXY"]
  sha256        = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
}
plugin "storage" "postgres" {}
