package bounds

// configuration are the bounds of documents, their keys and their checks, by host/config.
var configuration = []Bound{}
