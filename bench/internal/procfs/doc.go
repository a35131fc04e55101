// Package procfs reads what a process used, from Linux's /proc.
package procfs
