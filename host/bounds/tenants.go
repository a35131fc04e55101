package bounds

// tenants are the bounds of what is kept for tenants, by host/registry, host/ledger and
// host/archive.
var tenants = []Bound{}
