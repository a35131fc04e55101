conversations {
  owner = "everybody"
  users = []
}
