metrics {
  listen = "0.0.0.0:9464"
}
