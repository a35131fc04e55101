package process

import (
	"context"
	"os"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc/connectivity"
)

// kill sends SIGKILL to the process and its process group. It does not wait for their end.
// ExitStatus shows the reason of the first call.
func (p *Process) kill(reason string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reaped {
		return
	}
	if p.killReason == "" {
		p.killReason = reason
	}
	if p.PID != 0 {
		p.killGroupLocked()
	}
}

// killGroupLocked sends SIGKILL to the process group. It must not be called after the
// process was reaped, because the system may then use the group's id for another process.
// Locked: mu is held.
func (p *Process) killGroupLocked() {
	if err := syscall.Kill(-p.PID, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
		p.Log.Error("killing the process", "pid", p.PID, "error", err)
	}
}

// wasKilled reports whether the host killed the process.
func (p *Process) wasKilled() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.killReason != ""
}

// reap waits for the end of the process, kills the processes that it left behind, and then
// waits for the end of its output. readers are the goroutines that read the output.
func (p *Process) reap(readers *sync.WaitGroup) {
	awaitExit(p.PID)
	p.mu.Lock()
	// A child of the plugin that continued to run would hold the plugin's pipes, sockets
	// and locks.
	p.killGroupLocked()
	p.mu.Unlock()
	p.killOrphans()
	_ = p.cmd.Wait() // the error is not needed, because ProcessState has the exit status
	p.untrack()
	p.mu.Lock()
	p.reaped = true
	p.mu.Unlock()
	close(p.exited)

	// A process that left the process group may still hold the writing ends of the pipes.
	closing := time.AfterFunc(p.timing.OutputGrace, func() {
		_ = p.stdout.Close()
		_ = p.stderr.Close()
	})
	readers.Wait()
	closing.Stop()
	_ = p.stdout.Close() // the readers have read these pipes to the end
	_ = p.stderr.Close()
	_ = p.lifeline.Close()
	close(p.outputEnd)
}

// cleanUp waits for the end of the process, closes its connections and removes its folder.
// The process has ended when cleanUp calls Kill of go-plugin's client, so that Kill cannot
// hang.
func (p *Process) cleanUp() {
	<-p.outputEnd
	p.client.Kill()
	p.mu.Lock()
	p.hostEnded = true
	host := p.Host
	p.mu.Unlock()
	if host != nil {
		host.Close()
	}
	p.mu.Lock()
	conns := p.conns
	p.mu.Unlock()
	for _, conn := range conns {
		_ = conn.Close() // an error says that go-plugin has closed conn already
	}
	for _, l := range p.passedOn {
		l.end()
	}
	p.tasks.Wait() // the tasks end because their connection is closed
	p.mu.Lock()
	p.dirRemoved = true
	p.mu.Unlock()
	if err := os.RemoveAll(p.Dir); err != nil {
		p.Log.Warn("removing the process's folder", "dir", p.Dir, "error", err)
	}
	p.dropSecrets()
	close(p.gone)
}

// restoreDir creates the process's folder again if it was deleted while the process runs.
func (p *Process) restoreDir() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dirRemoved {
		return
	}
	if err := p.runtime.restoreDir(p.Dir); err != nil {
		p.Log.Warn("the process's folder cannot be made again", "dir", p.Dir, "error", err)
	}
}

// Stop asks the process to end, by ending its standard input. It kills the process after the
// grace period Timing.StopGrace or when ctx ends. It returns after the process's folder and
// connections are removed.
func (p *Process) Stop(ctx context.Context) {
	p.mu.Lock()
	p.stopping = true
	p.mu.Unlock()
	_ = p.lifeline.Close() // an error says that it is closed already
	grace := time.NewTimer(p.timing.StopGrace)
	defer grace.Stop()
	select {
	case <-p.exited:
	case <-grace.C:
		p.kill("it did not end when it was asked to")
		p.Log.Warn("the process did not end when it was asked to, and was killed", "grace", p.timing.StopGrace)
	case <-ctx.Done():
		p.kill("there was no time left to let it end by itself")
	}
	<-p.gone
}

// EndsSoon waits for the end of the process, for at most Timing.ExitNotice, and reports
// whether the process has ended. A caller uses it when a connection may have broken, because
// the connection breaks shortly before the host learns of the end. If the connection has
// broken, EndsSoon waits for Timing.BrokenNotice more: the process has ended, or the probe
// that EndsSoon requests will find that it cannot be used.
func (p *Process) EndsSoon() bool {
	if p.endsWithin(p.timing.ExitNotice) {
		return true
	}
	if p.Conn == nil || p.Conn.GetState() == connectivity.Ready {
		return false
	}
	p.RequestProbe()
	return p.endsWithin(p.timing.BrokenNotice)
}

// endsWithin waits for the end of the process, for at most the duration d, and reports
// whether the process has ended.
func (p *Process) endsWithin(d time.Duration) bool {
	limit := time.NewTimer(d)
	defer limit.Stop()
	select {
	case <-p.exited:
		return true
	case <-limit.C:
		return false
	}
}

// ExitStatus describes, for messages, how the process ended.
func (p *Process) ExitStatus() string {
	if !p.HasExited() {
		return "still running"
	}
	p.mu.Lock()
	reason := p.killReason
	p.mu.Unlock()
	text := "status unknown"
	if p.cmd.ProcessState != nil {
		text = p.cmd.ProcessState.String()
	}
	if reason != "" {
		text += "; killed because " + reason
	}
	return text
}

// ExitReport returns ExitStatus and the last line of the process's output. It waits until
// the output is read to its end, so the process must have ended or be about to end.
func (p *Process) ExitReport() string {
	<-p.outputEnd
	text := p.ExitStatus()
	if line := p.output.lastLine(); line != "" {
		text += "; it said: " + line
	}
	return text
}
