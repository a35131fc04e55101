package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Mode is a way to stop a server.
type Mode int

const (
	Fast      Mode = iota // a clean stop: closes connections and writes everything
	Immediate             // without writing anything; the next start recovers
	Kill                  // SIGKILL to the server and all its children, like a crash of the machine
)

// Stop stops the server and waits until it has ended. The data stays.
func (c *Cluster) Stop(mode Mode) error {
	if c.foreign != "" {
		return ErrForeign
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server == nil {
		return nil
	}
	p := c.server
	c.server = nil
	switch mode {
	case Immediate:
		return p.signal(syscall.SIGQUIT)
	case Kill:
		pid := p.cmd.Process.Pid
		offspring := children(pid)
		err := p.signal(syscall.SIGKILL)
		for _, child := range offspring {
			_ = syscall.Kill(child, syscall.SIGKILL) // ended already, or ends now
		}
		// The children have no parent now, and hold the shared memory until they end.
		return errors.Join(err, eventually(context.Background(), "the server's children to end", func() (bool, error) {
			for _, child := range offspring {
				if syscall.Kill(child, 0) == nil {
					return false, nil
				}
			}
			return true, nil
		}))
	default:
		return p.signal(syscall.SIGINT)
	}
}

// StartAgain starts the server after Stop, at the same addresses, and waits until it
// serves.
func (c *Cluster) StartAgain(ctx context.Context) error {
	if c.foreign != "" {
		return ErrForeign
	}
	return c.start(ctx)
}

func (c *Cluster) start(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server != nil && !c.server.ended() {
		return nil
	}
	// A killed server left it. With it the new server could seem to be ready too early.
	pidFile := filepath.Join(c.data, "postmaster.pid")
	if old, err := os.ReadFile(pidFile); err == nil {
		removeSharedMemory(old)
		if err := os.Remove(pidFile); err != nil {
			return err
		}
	}
	cmd := exec.Command(filepath.Join(c.bin, "postgres"), "-D", c.data)
	cmd.Env, cmd.Dir = userEnv(), "/"
	p, err := launch(cmd, c.as, filepath.Join(c.home, "log"))
	if err != nil {
		return err
	}
	c.server = p
	err = eventually(ctx, "the server to be ready", func() (bool, error) {
		if p.ended() {
			return false, fmt.Errorf("the server ended: %v; its log ends with:\n%s", p.err, c.Log())
		}
		text, _ := os.ReadFile(pidFile) // not there yet
		lines := strings.Split(string(text), "\n")
		if len(lines) < 8 {
			return false, nil
		}
		state := strings.TrimSpace(lines[7])
		return state == "ready" || state == "standby", nil
	})
	if err != nil {
		c.server = nil
		return errors.Join(err, p.signal(syscall.SIGQUIT))
	}
	return nil
}

// Close stops the cluster without a clean shutdown and removes all of it, with its poolers and
// standbys. On an existing server it only drops the databases that were made.
func (c *Cluster) Close() error {
	var errs []error
	c.mu.Lock()
	closers := c.closers
	c.closers = nil
	c.mu.Unlock()
	for i := len(closers) - 1; i >= 0; i-- {
		errs = append(errs, closers[i]())
	}
	if c.foreign != "" {
		return errors.Join(append(errs, c.dropDatabases())...)
	}
	errs = append(errs, c.Stop(Immediate))
	if left, err := os.ReadFile(filepath.Join(c.data, "postmaster.pid")); err == nil {
		removeSharedMemory(left)
	}
	return errors.Join(append(errs, os.RemoveAll(c.data), os.RemoveAll(c.home))...)
}

// closeLater registers f to be called at the start of Close.
func (c *Cluster) closeLater(f func() error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closers = append(c.closers, f)
}
