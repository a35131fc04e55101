llm {
  first_token_timeout = 600
  token_timeout       = 120
}
