// Package procfs reads the CPU time and the memory of processes from Linux's /proc and CPU clocks.
//
// Files:
//
//   - cpu.go: CPU time of a process, alone and with its children.
//   - own.go: CPU time of this process.
//   - memory.go: resident memory of a process and its descendants.
package procfs
