auth {
  mode = "oidc"
}
