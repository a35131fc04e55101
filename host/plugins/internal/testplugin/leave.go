package main

import (
	"os"
	"os/exec"
	"syscall"
)

// leave starts a process that outlives the plugin. way says how the process separates from
// the plugin. The process writes its id to the file at path.
func leave(way, path string) error {
	script := "echo $$ > " + path + ".part; mv " + path + ".part " + path + "; exec sleep 300 </dev/null >/dev/null 2>&1"
	if way == "forks" {
		script = "echo $$ > " + path + "; : forks-for-ever; while :; do (sleep 0.01; : forks-for-ever) & sleep 0.005; done"
	}
	cmd := exec.Command("/bin/sh", "-c", script)
	cmd.Env = append(os.Environ(), "PATH=/usr/bin:/bin")
	switch way {
	case "child":
	case "session", "forks":
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	case "daemon": // the parent of the process ends at once
		cmd = exec.Command("/bin/sh", "-c", "PATH=/usr/bin:/bin setsid /bin/sh -c '"+script+"' </dev/null >/dev/null 2>&1 &")
		cmd.Env = append(os.Environ(), "PATH=/usr/bin:/bin")
	case "bare": // the process has a session of its own and an empty environment
		cmd = exec.Command("/bin/sh", "-c", "PATH=/usr/bin:/bin setsid env -i PATH=/usr/bin:/bin /bin/sh -c '"+script+"' </dev/null >/dev/null 2>&1")
		cmd.Env = append(os.Environ(), "PATH=/usr/bin:/bin")
	}
	if way == "hidden" { // the process is in the host's process group and has an empty environment
		cmd = exec.Command("/bin/sh", "-c", "PATH=/usr/bin:/bin env -i PATH=/usr/bin:/bin /bin/sh -c '"+script+"' </dev/null >/dev/null 2>&1 &")
		group, err := syscall.Getpgid(os.Getppid())
		if err != nil {
			return err
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: group}
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }()
	return nil
}
