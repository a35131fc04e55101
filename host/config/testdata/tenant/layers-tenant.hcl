llm {
  keys = [{ name = "a", value = file("openai") }, { name = "b", value = "literal" }]
  headers = {
    two = null
    own = "mine"
  }
}
memory {
  type  = "vector"
  top_k = 3
}
prompts {
  variables = { company = "ACME" }
}
limits {
  concurrent_turns = 2
}
