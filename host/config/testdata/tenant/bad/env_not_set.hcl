llm {
  api_key = env("CLIENT_A_KEY")
}
