//go:build !linux

package process

// owns reports whether the process with that id is the plugin's process.
func (p *Process) owns(pid int) bool { return pid == p.PID && !p.HasExited() }
