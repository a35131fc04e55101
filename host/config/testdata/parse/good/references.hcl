llm {
  api_key = env("OPENAI_API_KEY")
  other   = file("/etc/botyard/secrets/pg")
  same    = "$${env:OPENAI_API_KEY}"
  part    = "Bearer $${env:X}"
}
