listen = env("ADDRESS")
auth {
  gateway_token = "sixteen-bytes-do"
  admin_token   = file("nowhere")
}
