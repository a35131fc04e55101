package bounds

// plugins are the bounds of plugin processes, instances, calls and of what is at their
// other end, by host/plugins and by the plugins themselves.
var plugins = []Bound{}
