package process

import (
	"context"
	"os"
	"sync"
	"syscall"
	"time"
)

// kill ends the process, and all of its process group, now. It does not wait. The first
// reason is kept for messages.
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

// killGroupLocked signals the process group. The process must not be reaped: afterwards
// its number may be another's. Locked: mu is held.
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

// reap waits for the end of the process, kills what it left behind, and then waits for
// the end of its output. readers are the goroutines that read the output.
func (p *Process) reap(readers *sync.WaitGroup) {
	awaitExit(p.PID)
	p.mu.Lock()
	// The plugin's children would keep its pipes, sockets and locks.
	p.killGroupLocked()
	p.mu.Unlock()
	p.killOrphans()
	_ = p.cmd.Wait() // how the process ended is in ProcessState
	p.untrack()
	p.mu.Lock()
	p.reaped = true
	p.mu.Unlock()
	close(p.exited)

	// A process that left the process group may still hold the other ends of the pipes.
	closing := time.AfterFunc(p.timing.OutputGrace, func() {
		_ = p.stdout.Close()
		_ = p.stderr.Close()
	})
	readers.Wait()
	closing.Stop()
	_ = p.stdout.Close() // pipes that were read to their end
	_ = p.stderr.Close()
	_ = p.lifeline.Close()
	close(p.outputEnd)
}

// cleanUp waits for the end of the process and removes what is left of it. go-plugin's
// Kill is safe then: nothing that it waits for can hang any more.
func (p *Process) cleanUp() {
	<-p.outputEnd
	p.client.Kill()
	p.mu.Lock()
	conns := p.conns
	p.mu.Unlock()
	for _, conn := range conns {
		_ = conn.Close() // closed by go-plugin, unless it gave the connection up before
	}
	for _, l := range p.passedOn {
		l.end()
	}
	p.tasks.Wait() // they ended with the connection
	p.mu.Lock()
	p.dirRemoved = true
	p.mu.Unlock()
	if err := os.RemoveAll(p.Dir); err != nil {
		p.Log.Warn("removing the process's folder", "dir", p.Dir, "error", err)
	}
	p.dropSecrets()
	close(p.gone)
}

// restoreDir makes the process's folder again if somebody removed it.
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

// Stop asks the process to end, and kills it when its grace is over or ctx ends. It
// returns when nothing of the process is left.
func (p *Process) Stop(ctx context.Context) {
	p.mu.Lock()
	p.stopping = true
	p.mu.Unlock()
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		p.client.Kill()
	}()
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
	<-asked
	<-p.gone
}

// EndsSoon waits a moment and reports whether the process has ended. A connection breaks
// a moment before the end of the process is known.
func (p *Process) EndsSoon() bool {
	notice := time.NewTimer(p.timing.ExitNotice)
	defer notice.Stop()
	select {
	case <-p.exited:
		return true
	case <-notice.C:
		return false
	}
}

// ExitStatus describes how the process ended, for messages.
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

// ExitReport is ExitStatus with the last line of the output. It waits until the output of
// the process is read, so the process must have ended or be about to end.
func (p *Process) ExitReport() string {
	<-p.outputEnd
	text := p.ExitStatus()
	if line := p.output.lastLine(); line != "" {
		text += "; it said: " + line
	}
	return text
}
