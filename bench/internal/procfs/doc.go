// Package procfs reads what processes use, from Linux's /proc and the CPU clocks.
//
// Files:
//
//   - cpu.go: CPU time of a process, and with its children.
//   - own.go: CPU time of this process.
//   - memory.go: resident memory of a process and its descendants.
package procfs
