listn = "127.0.0.1:8080"
zzz   = 1
registry {
  cache_tll = 300
}
plugin "llm" "openai" {
  max_cals = 2
}
plugin "lm" "openai" {}
defaults {
  llmm {}
  prompts {
    sytem = "x"
  }
}
