//go:build unix && !linux

package process

// awaitExit returns at once. Without waitid, what a plugin started goes on when the plugin
// ends by itself.
func awaitExit(int) {}

// hasEnded returns false: the system cannot tell before the child is reaped.
func hasEnded(int) bool { return false }
