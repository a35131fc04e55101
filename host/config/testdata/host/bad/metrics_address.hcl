metrics {
  listen            = "127.0.0.1:http"
  max_tenant_labels = 0
  tenant_labels     = true
}
