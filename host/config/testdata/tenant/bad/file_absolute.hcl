llm {
  api_key = file("/etc/passwd")
}
