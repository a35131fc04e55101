auth {
  mode          = "token"
  gateway_token = "too-short"
  admin_token   = "has spaces, and is long enough"
}
