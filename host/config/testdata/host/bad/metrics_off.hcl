metrics {
  enabled = false
  listen  = "127.0.0.1:9464"
}
