//go:build unix && !linux

package process

// awaitExit returns at once, because this system has no waitid that leaves the child
// unreaped. So the children of a plugin that ends by itself continue to run.
func awaitExit(int) {}

// hasEnded returns false, because this system does not say whether a child has ended before
// the child is reaped.
func hasEnded(int) bool { return false }
