package bounds

// requests are the bounds of the HTTP interface, by host/api.
var requests = []Bound{}
