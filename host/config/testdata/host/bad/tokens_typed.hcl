auth {
  mode          = "token"
  gateway_token = 1234567890123456
  admin_token   = "x-$${env:A}-1234567890"
}
