auth {
  mode      = "token"
  admin_tok = "sixteen-bytes-do"
}
tls {
  cert_file = file("cert.pem")
}
