listen = "0.0.0.0:80"
auth {
  mode = "none"
}
plugin "llm" "openai" {
  isolation = "shared"
}
registry {
  cache_ttl = 1
}
allow_env   = ["OPENAI_API_KEY"]
secrets_dir = null
defaults {}
prompt {}
