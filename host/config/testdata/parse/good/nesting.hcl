# Labels are levels, and blocks with other labels share what they have in common.
plugin "llm" "openai" {
  max_calls = 256
}
plugin "llm" "ollama" {
  isolation = "tenant"
  env       = ["OLLAMA_HOST", "HOME"]
}
plugin "storage" "postgres" {}
limits = {}
object = { a = 1, "b.c" = [1, "two", [3.5], { d = null }], true : "word" }
models "gpt-4.1" {
  weight = 2
}
list = [
  1,
  2, # trailing comma
]
