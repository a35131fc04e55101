memory {
  type         = "buffer"
  max_messages = 10
}

prompts {
  system = "You are a customer support assistant."
}
