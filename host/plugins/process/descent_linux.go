package process

// maxDescent bounds how many parents of a process are looked at.
const maxDescent = 32

// owns reports whether the process with that id is the plugin's process, or was started by it. The
// parents are asked for, and not the process group, because a process can join the group of another
// plugin. A process whose parent has ended is not the plugin's any more.
func (p *Process) owns(pid int) bool {
	for range maxDescent {
		if pid == p.PID {
			return !p.HasExited()
		}
		q, ok := processOf(pid)
		if !ok || q.parent <= 1 {
			return false
		}
		pid = q.parent
	}
	return false
}
