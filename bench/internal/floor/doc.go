// Package floor serves the same turns as a host with everything in one process:
// the host's HTTP front, registry and turn, and behind them the plugins' own
// packages, called through their kinds' interfaces. What a host costs above it is
// what processes, the protocol and their supervision cost.
package floor
