package main

import (
	"context"
	"fmt"
	"maps"
	"os"

	"github.com/botyard/botyard/bench/internal/floor"
	"github.com/botyard/botyard/bench/internal/hostproc"
	"github.com/botyard/botyard/bench/internal/load"
	"github.com/botyard/botyard/bench/internal/procfs"
	"github.com/botyard/botyard/bench/internal/report"
)

// workTenants are those whose turns are measured where tenants are not the point:
// more than one, so that locks of a tenant are not what is measured.
const workTenants = 8

// subject is what turns are measured of: a server, or another way to have turns.
type subject struct {
	what string
	addr string
	pids map[string]int
	stop func()

	families map[string]int                              // processes that count with their children
	turn     func(ctx context.Context, caller int) error // of what is no server; this process's time is its own
}

// startHost starts a host, registers tenants, and has its plugins run.
func (b *bench) startHost(s hostproc.Settings, tenants int, env ...string) (*hostproc.Host, *subject, error) {
	s.Env = append(s.Env, b.env.names()...)
	h, err := b.Start(s, append(env, b.env...)...)
	if err != nil {
		return nil, nil, err
	}
	sub, err := func() (*subject, error) {
		if err := h.Register(0, tenants); err != nil {
			return nil, err
		}
		sub := &subject{what: report.Host, addr: h.Addr, stop: h.Stop}
		if err := sub.warm(b.path); err != nil {
			return nil, err
		}
		sub.pids, err = h.Pids()
		if len(sub.pids) < 3 && err == nil {
			err = fmt.Errorf("plugins do not run: %v", sub.pids)
		}
		return sub, err
	}()
	if err != nil {
		h.Stop()
		return nil, nil, err
	}
	return h, sub, nil
}

func (b *bench) startFloor(o floor.Options, env ...string) (*subject, error) {
	p, err := startFloor(o, append(env, b.env...)...)
	if err != nil {
		return nil, err
	}
	what := report.Floor
	if o.Joined {
		what = report.FloorJoined
	}
	sub := &subject{what: what, addr: p.Addr, pids: map[string]int{report.Floor: p.PID}, stop: p.Stop}
	if err := sub.warm(b.path); err != nil {
		p.Stop()
		return nil, err
	}
	return sub, nil
}

// warm takes one turn of each tenant at the path, empty for the usual one, so that bots are built and plugins run.
func (s *subject) warm(path string) error {
	_, err := load.Closed{Addr: s.addr, Callers: 1, Turns: workTenants, Next: func(_, n int) load.Turn {
		return load.Turn{Tenant: hostproc.TenantID(n), Conversation: "warm", Path: path}
	}}.Run()
	return err
}

// measured is what a loop came to.
type measured struct {
	load.Done
	cpu map[string]float64 // us per turn
}

// measure runs the loop and what it made the processes use.
func (s *subject) measure(ctx context.Context, l load.Closed) (measured, error) {
	l.Addr = s.addr
	run := l.Run
	if s.turn != nil {
		run = func() (load.Done, error) {
			return l.Do(func(caller, _ int) error { return s.turn(ctx, caller) })
		}
	}
	before, err := s.usage()
	if err != nil {
		return measured{}, err
	}
	done, err := run()
	if err != nil {
		return measured{}, err
	}
	after, err := s.usage()
	if err != nil {
		return measured{}, err
	}
	return measured{done, after.Since(before).PerTurn(done.Turns)}, nil
}

// usage is what the processes have used so far, this one too.
func (s *subject) usage() (hostproc.Usage, error) {
	pids := maps.Clone(s.pids)
	if s.turn == nil {
		pids[report.Load] = os.Getpid()
	} else {
		pids = map[string]int{s.what: os.Getpid()}
	}
	u, err := hostproc.UsageOf(pids)
	for name, pid := range s.families {
		if err == nil {
			err = u.AddWithChildren(name, pid)
		}
	}
	return u, err
}

// memory reads what the processes have resident.
func (s *subject) memory(when string) (report.Memory, error) {
	m := report.Memory{When: when, Processes: map[string]procfs.Memory{}}
	for name, pid := range s.pids {
		var err error
		if m.Processes[name], err = procfs.MemoryOf(pid); err != nil {
			return m, err
		}
	}
	return m, nil
}
