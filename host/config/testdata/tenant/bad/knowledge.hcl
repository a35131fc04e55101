knowledge_base {
  enabled = true
}
