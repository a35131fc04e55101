package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/botyard/botyard/bench/internal/floor"
	"github.com/botyard/botyard/bench/internal/hostproc"
	"github.com/botyard/botyard/bench/internal/load"
	"github.com/botyard/botyard/bench/internal/profile"
	"github.com/botyard/botyard/bench/internal/report"
)

// profile profiles the host, the plugins and the floor, each with 64 callers. It builds the programs in
// bench/cmd, which have profiling, so it needs the sources and the go command.
func (b *bench) profile(ctx context.Context, dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if b.Binaries, err = buildProfiled(ctx, filepath.Join(dir, "bin")); err != nil {
		return err
	}
	for _, tokens := range []int{1, 64} {
		out := filepath.Join(dir, fmt.Sprintf("%d-token", tokens))
		if err := os.RemoveAll(out); err != nil {
			return err
		}
		if err := os.MkdirAll(out, 0o700); err != nil {
			return err
		}
		if err := b.profileTurns(ctx, tokens, out); err != nil {
			return err
		}
	}
	return nil
}

// profileTurns profiles a host on the storage that the flag --profile-storage names. If this storage is
// memory, it profiles the floor too, because the floor links the plugin storage-memory.
func (b *bench) profileTurns(ctx context.Context, tokens int, out string) (err error) {
	env := profile.Env + "=" + out
	s := hostproc.Settings{Tokens: tokens, Env: []string{profile.Env}, Storage: hostproc.Storage{Backend: b.storage}}
	s.Storage.Registry = b.storage != memory
	if b.storage == "postgres" {
		d, err := b.startPostgres(ctx)
		if d == nil {
			return err
		}
		defer func() { err = errors.Join(err, d.Close()) }()
		s.Storage.DSN = d.DSN("")
	}
	_, host, err := b.startHost(s, workTenants, env)
	if err != nil {
		return err
	}
	defer host.stop()
	subjects := []*subject{host}
	if b.storage == memory {
		f, err := b.startFloor(floor.Options{Tokens: tokens, MaxMessages: hostproc.MaxMessages, Joined: tokens > 1}, env)
		if err != nil {
			return err
		}
		defer f.stop()
		subjects = append(subjects, f)
	}
	for _, s := range subjects {
		if err := b.profileLoad(ctx, s, tokens, out); err != nil {
			return err
		}
	}
	return nil
}

// memory is the name of the default storage.
const memory = "memory"

// profileLoad profiles the processes of a subject during one closed loop. The processes write their
// profiles to dir.
func (b *bench) profileLoad(ctx context.Context, s *subject, tokens int, dir string) error {
	b.logf("profiling the %s, %d tokens", s.name, tokens)
	const callers = 64
	l := load.Closed{Callers: callers, Next: steady(load.Turn{Stream: tokens > 1}), For: b.scale.warm}
	if _, err := s.measure(ctx, l); err != nil {
		return err
	}
	signal := func(sig syscall.Signal) error {
		for _, pid := range s.pids {
			if err := syscall.Kill(pid, sig); err != nil {
				return err
			}
		}
		return nil
	}
	if err := signal(profile.Begin); err != nil {
		return err
	}
	l.For = 3 * b.scale.each
	m, err := s.measure(ctx, l)
	if err != nil {
		return err
	}
	if err := signal(profile.End); err != nil {
		return err
	}
	b.report.Turns = append(b.report.Turns, report.Turns{
		What: s.name, Tokens: tokens, Callers: callers, PerSecond: m.PerSecond(), CPU: m.cpu,
	})
	for name := range s.pids {
		c, err := profile.Read(dir, name)
		if err != nil {
			return err
		}
		n := float64(m.Turns)
		b.report.Profiles = append(b.report.Profiles, report.Profile{
			Process: fmt.Sprintf("%s, %d tokens", name, tokens), Turns: m.Turns,
			Allocs: float64(c.Allocs) / n, Bytes: float64(c.Bytes) / n, GCs: c.GCs,
		})
	}
	return nil
}

// buildProfiled builds the programs in bench/cmd, which have profiling, and writes them to dir.
func buildProfiled(ctx context.Context, dir string) (hostproc.Binaries, error) {
	out := hostproc.Binaries{Host: filepath.Join(dir, "botyard"), Plugins: filepath.Join(dir, "plugins")}
	names := map[string]string{out.Host: "botyard"}
	for _, plugin := range []string{"llm-echo", "memory-buffer", "storage-memory", "storage-sqlite", "storage-postgres"} {
		name := "botyard-" + plugin
		names[filepath.Join(out.Plugins, name)] = name
	}
	for path, name := range names {
		build := exec.CommandContext(ctx, "go", "build", "-o", path, "github.com/botyard/botyard/bench/cmd/"+name)
		if b, err := build.CombinedOutput(); err != nil {
			return out, fmt.Errorf("building %s: %w\n%s", name, err, b)
		}
	}
	return out, nil
}
