//go:build unix && !linux

package plugins

import "time"

// AdoptOrphans does nothing on this system.
func AdoptOrphans() error { return nil }

func (p *process) bear(start func() error) error { return start() }

func (p *process) bury() {}

func (p *process) killRest() {}

func sweepNow(time.Duration) {}
