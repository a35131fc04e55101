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

// workTenants is the number of tenants with turns, in the parts that do not compare numbers of tenants.
// With several tenants, turns rarely wait for a lock of their tenant.
const workTenants = 8

// subject is what is measured. It is a server that serves turns, or a function that runs turns.
type subject struct {
	name string
	addr string         // address of a server as host:port
	pids map[string]int // process ids of a server, by name
	stop func()         // stops a server; nil for a function

	withChildren map[string]int // ids of processes whose children's CPU counts too, by name
	// turn runs a turn, if the subject is a function. The CPU of this process is then the subject's CPU.
	turn func(ctx context.Context, caller int) error
}

// startHost starts a host, registers tenants, and runs turns until all plugins run. The caller stops the
// host.
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
		sub := &subject{name: report.Host, addr: h.Addr, stop: h.Stop}
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

// startFloor starts the floor and runs a turn of each tenant. The caller stops the floor.
func (b *bench) startFloor(o floor.Options, env ...string) (*subject, error) {
	p, err := startFloor(o, append(env, b.env...)...)
	if err != nil {
		return nil, err
	}
	what := report.Floor
	if o.Joined {
		what = report.FloorJoined
	}
	sub := &subject{name: what, addr: p.Addr, pids: map[string]int{report.Floor: p.PID}, stop: p.Stop}
	if err := sub.warm(b.path); err != nil {
		p.Stop()
		return nil, err
	}
	return sub, nil
}

// warm runs one turn of each tenant, so that bots are built and plugins run. If path is empty, it uses
// load.Path.
func (s *subject) warm(path string) error {
	_, err := load.Closed{Addr: s.addr, Callers: 1, Turns: workTenants, Next: func(_, n int) load.Turn {
		return load.Turn{Tenant: hostproc.TenantID(n), Conversation: "warm", Path: path}
	}}.Run()
	return err
}

// measured is the result of one closed loop.
type measured struct {
	load.Result
	cpu map[string]float64 // microseconds per turn, by process
}

// measure runs the loop, and measures the CPU time that the subject's processes and this process use
// during it.
func (s *subject) measure(ctx context.Context, l load.Closed) (measured, error) {
	l.Addr = s.addr
	run := l.Run
	if s.turn != nil {
		run = func() (load.Result, error) {
			return l.RunFunc(func(caller, _ int) error { return s.turn(ctx, caller) })
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

// usage returns the CPU time that the subject's processes and this process have used since their starts.
func (s *subject) usage() (hostproc.Usage, error) {
	pids := maps.Clone(s.pids)
	if s.turn == nil {
		pids[report.Load] = os.Getpid()
	} else {
		pids = map[string]int{s.name: os.Getpid()}
	}
	u, err := hostproc.UsageOf(pids)
	for name, pid := range s.withChildren {
		if err == nil {
			err = u.AddWithChildren(name, pid)
		}
	}
	return u, err
}

// memory returns the resident memory of the subject's processes.
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
