//go:build unix && !linux

package process

import (
	"os/exec"
	"time"
)

// AdoptOrphans does nothing on this system, and returns nil.
func AdoptOrphans() error { return nil }

// StopAdopting does nothing on this system.
func StopAdopting() {}

// Exempt starts the command. On this system no command is killed as an orphan.
func Exempt(cmd *exec.Cmd) (release func(), err error) { return func() {}, cmd.Start() }

// SweepOrphans does nothing on this system, and returns 0.
func SweepOrphans() int { return 0 }

func (p *Process) track(start func() error) error { return start() }

func (p *Process) untrack() {}

func (p *Process) killOrphans() {}

func sweepOrphansEvery(time.Duration) {}
